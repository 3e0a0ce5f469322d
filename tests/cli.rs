//! What the commands print and how they end. Golden output lies in `tests/data/cli/*.stdout`; after
//! a change that is meant, `KIDOBAN_BLESS=1 cargo test --release --test all cli` writes it anew,
//! and the diff shows what became of it.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use detector::model::File;
use detector::{ClientKey, Mode, Request, Score};
use serde_json::Value;
use traffic::log::{OutcomeLine, RequestLine};
use traffic::sim::{self, Mix, Population, SimRequest};

use crate::support::command::{Ended, command, kidoban};
use crate::support::{Folder, data, model, real_logs, root};

/// Runs the command among the fixture logs.
fn among_logs(arguments: &[&str]) -> Ended {
    kidoban(&data("logs"), arguments)
}

fn assert_golden(name: &str, stdout: &str) {
    let path = data("cli").join(format!("{name}.stdout"));
    if std::env::var_os("KIDOBAN_BLESS").is_some() {
        std::fs::write(&path, stdout).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == stdout,
        "{name} prints\n{stdout}\nand not\n{golden}\n(see the top of tests/cli.rs)"
    );
}

const SUBCOMMANDS: [&str; 17] = [
    "demo",
    "run",
    "inspect",
    "train",
    "evaluate",
    "tune",
    "replay",
    "explain",
    "diff",
    "label",
    "forgive",
    "simulate",
    "drift",
    "bench",
    "check",
    "completions",
    "man",
];

#[test]
fn help_is_as_agreed_and_shows_an_example() {
    assert_golden("help", &kidoban(root(), &["--help"]).assert(0).stdout);
    for name in SUBCOMMANDS {
        let help = kidoban(root(), &[name, "--help"]).assert(0).stdout;
        assert!(
            help.contains(&format!("Example:\n  kidoban {name}")),
            "{name} shows no example: {help}"
        );
        assert_golden(&format!("help-{name}"), &help);
    }
}

#[test]
fn every_subcommand_has_a_golden_help() {
    let command = <kidoban::args::Args as clap::CommandFactory>::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(names, SUBCOMMANDS);
}

#[test]
fn what_a_log_is_is_said_for_each_format() {
    for (name, format) in [
        ("combined", "combined"),
        ("common", "common"),
        ("vhost", "vhost combined"),
        ("nginx-msec", "nginx JSON"),
        ("nginx-iso8601", "nginx JSON"),
        ("elb", "AWS classic ELB"),
        ("events", "kidoban event log"),
        ("private", "combined"),
        ("unreadable", "combined"),
        ("empty", "combined"),
    ] {
        let log = format!("{name}.log");
        let ended = among_logs(&["inspect", &log]);
        // An empty one is no proof of anything.
        let is_fit =
            !ended.stdout.contains("`kidoban train` will refuse this log") && name != "empty";
        let ended = ended.assert(i32::from(!is_fit));
        assert!(ended.stdout.contains(&format!("format      {format} (")), "{}", ended.stdout);
        assert_golden(&format!("inspect-{name}"), &ended.stdout);
    }
}

#[test]
fn several_logs_are_told_apart_in_text_and_json() {
    // The nginx logs hold one torn line of three: not fit to learn from, so the answer is no.
    let ended = among_logs(&["inspect", "nginx-*.log", "elb.log"]).assert(1);
    assert_golden("inspect-several", &ended.stdout);
    let json = among_logs(&["inspect", "nginx-*.log", "elb.log", "--json"]).assert(1);
    assert_golden("inspect-json", &json.stdout);
    let json = json.json();
    let logs: Vec<&str> =
        json.as_array().unwrap().iter().map(|log| log["log"].as_str().unwrap()).collect();
    assert_eq!(logs, ["nginx-iso8601.log", "nginx-msec.log", "elb.log"]);
}

#[test]
fn compressed_logs_and_standard_input_are_read_as_they_are() {
    let folder = Folder::new("compressed");
    let plain = std::fs::read(data("logs/combined.log")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&plain).unwrap();
    folder.write("combined.log.gz", gz.finish().unwrap());
    folder.write("combined.log.zst", zstd::encode_all(&plain[..], 3).unwrap());
    folder.write("combined.log", &plain);
    let inspected = |ended: Ended| {
        let mut log = ended.assert(1).json()[0].take();
        log.as_object_mut().unwrap().remove("log");
        log
    };
    let expect = inspected(kidoban(&folder.0, &["inspect", "--json", "combined.log"]));
    for name in ["combined.log.gz", "combined.log.zst"] {
        assert_eq!(inspected(kidoban(&folder.0, &["inspect", "--json", name])), expect, "{name}");
    }
    for name in ["combined.log", "combined.log.gz"] {
        let output = command(&folder.0)
            .args(["inspect", "--json", "-"])
            .stdin(std::fs::File::open(folder.path(name)).unwrap())
            .output();
        assert_eq!(inspected(output.unwrap().into()), expect, "{name} on standard input");
    }
}

#[test]
fn a_gzip_cut_short_is_an_error_with_its_line() {
    let folder = Folder::new("cut-short");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..5_000 {
        gz.write_all(&std::fs::read(data("logs/common.log")).unwrap()).unwrap();
    }
    let whole = gz.finish().unwrap();
    folder.write("access.log.gz", &whole[..whole.len() - 20]);
    let ended = kidoban(&folder.0, &["inspect", "access.log.gz"]).assert(2);
    assert!(ended.stderr.contains("access.log.gz:"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_right() {
    let check = |arguments: &[&str], expect: &str| {
        let ended = among_logs(arguments).assert(2);
        assert!(ended.stdout.is_empty(), "{arguments:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(expect), "{arguments:?}: {}", ended.stderr);
    };
    check(&[], "Usage: kidoban <COMMAND>");
    check(&["watch"], "unrecognized subcommand 'watch'");
    check(&["inspect"], "<LOG>...");
    check(&["inspect", "combined.log", "--jsn"], "tip: a similar argument exists: '--json'");
    check(&["train", "combined.log"], "--output <MODEL>");
    check(&["train", "-o", "m.json"], "<LOG>...");
    check(
        &["train", "combined.log", "-o", "m.json", "--limit-budget", "5"],
        "must be above 0 and below 100%",
    );
    check(
        &["train", "combined.log", "-o", "m.json", "--algorithm", "magic"],
        "possible values: boosted, logistic, adaboost",
    );
    check(&["evaluate", "combined.log"], "--model <FILE>");
    check(&["run", "--mode", "sometimes"], "possible values: shadow, enforce");
    check(&["check"], "--config <FILE>");
    check(&["demo", "--seconds", "1"], "is not in 10..=3600");
}

#[test]
fn what_cannot_be_read_ends_with_2_and_says_what_to_do() {
    let check = |arguments: &[&str], expect: &[&str]| {
        let ended = among_logs(arguments).assert(2);
        assert!(ended.stdout.is_empty(), "{arguments:?}: {}", ended.stdout);
        assert!(ended.stderr.starts_with("kidoban: "), "{arguments:?}: {}", ended.stderr);
        for expect in expect {
            assert!(
                ended.stderr.contains(expect),
                "{arguments:?} says nothing of {expect:?}: {}",
                ended.stderr
            );
        }
    };
    check(
        &["inspect", "missing.log"],
        &["missing.log: no such log; give a path, a glob in quotes, or -"],
    );
    check(&["inspect", "missing-*.log"], &["missing-*.log: no such log"]);
    check(&["inspect", "."], &[".: is a folder; name the files in it, such as './*.log'"]);
    // What cannot be written is said before anything is read.
    check(
        &["train", "missing.log", "-o", "nowhere/m.json"],
        &["nowhere/m.json: cannot be written"],
    );
    check(
        &["train", "missing.log", "-o", "m.json", "--labels-out", "nowhere/l.csv"],
        &["nowhere/l.csv: cannot be written"],
    );
    check(&["inspect", "not-a-log.txt"], &["not-a-log.txt:1: no known log format", "Dear diary"]);
    check(&["replay", "missing.log"], &["missing.log: no such log"]);
    check(
        &["replay", "combined.log", "--model", "missing.json"],
        &["missing.json: cannot be read"],
    );
    check(
        &["replay", "combined.log", "--model", "labels.csv"],
        &["labels.csv: the model is refused", "copy it again"],
    );
    check(
        &["check", "-c", "missing.toml"],
        &["missing.toml: cannot read the configuration", "Check the path"],
    );
    check(&["check", "--model", "common.log"], &["common.log: the model is refused"]);
    check(
        &["train", "common.log", "--labels", "missing.csv", "-o", "m.json"],
        &["missing.csv: cannot be read"],
    );
    let labels = ["train", "common.log", "--labels", "bad-labels.csv", "-o", "m.json"];
    check(
        &labels,
        &["bad-labels.csv:3: expected human, bad, good_bot or unknown, found \"robot\""],
    );
    check(
        &["train", "common.log", "--labels", "labels.csv", "-o", "m.json"],
        &["people and bots are both needed"],
    );
    check(&["run", "--listen", "127.0.0.1:0"], &["--upstream: no upstream", "pass --upstream URL"]);
    let unarmed =
        ["run", "--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--mode", "enforce"];
    check(
        &unarmed,
        &["(built in): this model is not armed. Failed: ", "kidoban train --base", "--mode shadow"],
    );
    check(
        &["run", "--upstream", "shop"],
        &["--upstream: upstream \"shop\"", "Write the shop's address"],
    );
    assert!(!data("logs/m.json").exists(), "nothing was learnt, so nothing is written");
}

#[test]
fn nothing_is_learnt_from_a_log_of_which_too_much_cannot_be_read() {
    let folder = Folder::new("unreadable");
    let log = data("logs/unreadable.log").display().to_string();
    let said = kidoban(&folder.0, &["train", &log, "-o", "m.json"]).assert(2).stderr;
    assert!(
        said.contains("3 of 5 lines cannot be read (60.0 %, at most 5 % are passed over)"),
        "{said}"
    );
    for line in [2, 3, 4] {
        assert!(
            said.contains(&format!("unreadable.log:{line}: ")),
            "line {line} is not shown: {said}"
        );
    }
    assert!(said.contains("kidoban inspect"), "no way out: {said}");
    assert!(!folder.path("m.json").exists());
}

#[test]
fn a_log_without_a_readable_line_is_no_log_and_says_why() {
    let folder = Folder::new("torn");
    let torn = std::fs::read_to_string(data("logs/common.log")).unwrap();
    let torn = torn.lines().next().unwrap().replace("20/Feb", "31/Feb");
    folder.write("torn.log", format!("{torn}\n{torn}\n"));
    let ended = kidoban(&folder.0, &["inspect", "torn.log"]).assert(2);
    assert!(
        ended.stderr.contains("torn.log:1: ") && ended.stderr.contains("a day that exists"),
        "{}",
        ended.stderr
    );
}

/// A simulated day small enough to train on in a test.
fn day() -> Vec<SimRequest> {
    sim::simulate(&Arc::new(sim::Site::new(2)), 8, model::DAY, &Mix::of(150, 42), model::DAY_US)
}

/// A folder with `access.log` and `labels.csv`.
pub fn labelled_day(test: &str) -> Folder {
    let (folder, day) = (Folder::new(test), day());
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(&day, &mut log).unwrap();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    folder.write("access.log", log);
    folder.write("labels.csv", labels);
    folder
}

#[test]
fn the_same_logs_train_the_same_bytes() {
    let folder = labelled_day("twice");
    for algorithm in ["boosted", "logistic", "adaboost"] {
        let mut trained = Vec::new();
        for name in ["first", "second"] {
            std::fs::create_dir_all(folder.path(name)).unwrap();
            let output = format!("{name}/{algorithm}.json");
            let arguments = [
                "train",
                "access.log",
                "--labels",
                "labels.csv",
                "--algorithm",
                algorithm,
                "-o",
                &output,
            ];
            let said = kidoban(&folder.0, &arguments).assert(0).stdout;
            assert!(
                said.contains(&format!(
                    "Wrote {output}. Next: kidoban replay LOG --model {output}"
                )),
                "{said}"
            );
            let [state, thresholds, figures] = ["Collecting: ", "\nThresholds:", "95 % interval"]
                .map(|part| said.find(part).unwrap_or_else(|| panic!("{said}")));
            assert!(state == 0 && thresholds < figures, "the verdict comes first: {said}");
            trained.push(std::fs::read(folder.path(&output)).unwrap());
        }
        assert!(trained[0] == trained[1], "{algorithm} differs from run to run");
        detector::Model::parse(&trained[0]).unwrap();
    }
    let site = ["train", "--site", ".", "--name", "boosted", "-o", "site.json", "--json"];
    let card = kidoban(&folder.0, &site).assert(0).json();
    assert_eq!(card["card"]["clients"]["human"], 150);
    assert!(card["card"]["metrics"]["compare/logistic/auc"]["value"].as_f64().unwrap() > 0.5);
    assert!(card["state"].as_str().unwrap().starts_with("Collecting: "), "{}", card["state"]);
}

#[test]
fn trained_evaluated_and_replayed_it_prints_what_the_contract_says() {
    let folder = labelled_day("contract");
    let train = ["train", "access.log", "--labels", "labels.csv", "-o", "shop.json", "--json"];
    let trained = kidoban(&folder.0, &train).assert(0).json();
    for key in ["model", "limit", "block", "card"] {
        assert!(!trained[key].is_null(), "train --json has no {key}: {trained}");
    }
    assert_eq!(trained["card"]["clients"]["bad"], 42);
    assert_eq!(trained["card"]["data"], serde_json::json!(["access.log"]), "names, not folders");

    let evaluate =
        ["evaluate", "--model", "shop.json", "--labels", "labels.csv", "access.log", "--json"];
    let evaluated = kidoban(&folder.0, &evaluate).assert(0).json();
    assert_contract(&evaluated);
    assert_eq!(
        evaluated["clients"],
        serde_json::json!({"human": 150, "bad": 42, "good_bot": 0, "unknown": 0})
    );
    assert!(evaluated["auc"].as_f64().unwrap() > 0.95, "{evaluated}");
    assert!(evaluated["by_class"]["scraper"]["n"].as_u64().unwrap() >= 5, "{evaluated}");
    let text = kidoban(&folder.0, &evaluate[..6]).assert(0).stdout;
    assert!(text.contains("AUC ") && text.contains("requests until detected"), "{text}");

    let replay = kidoban(&folder.0, &["replay", "access.log", "--model", "shop.json", "--json"])
        .assert(0)
        .json();
    for key in [
        "model",
        "lines",
        "requests",
        "clients",
        "clients_limited",
        "clients_blocked",
        "actions",
        "stopped",
    ] {
        assert!(!replay[key].is_null(), "replay --json has no {key}: {replay}");
    }
    assert!(replay["clients_limited"].as_u64().unwrap() >= 20, "{replay}");
    let stopped = &replay["stopped"][0];
    let who = stopped["client"].as_str().unwrap();
    assert!(!stopped["because"].as_array().unwrap().is_empty(), "{stopped}");
    let one =
        kidoban(&folder.0, &["replay", "access.log", "--model", "shop.json", "--client", who])
            .assert(0)
            .stdout;
    let lines = one.lines().filter(|line| line.starts_with("2026-")).count() as u64;
    assert_eq!(lines, stopped["requests"].as_u64().unwrap(), "one line a request");

    let checked = kidoban(&folder.0, &["check", "--model", "shop.json", "--json"]).assert(0).json();
    assert_eq!(checked["sound"], true);
    assert_eq!(checked["model"], "shop");
    assert_eq!(checked["sha256"].as_str().unwrap().len(), 64);
}

/// `evaluate --json`, key by key as DESIGN.md has it.
fn assert_contract(evaluated: &Value) {
    let number = |value: &Value, what: &str| assert!(value.is_number(), "{what} is {value}");
    let pair = |value: &Value, what: &str| {
        assert!(
            value
                .as_array()
                .is_some_and(|pair| pair.len() == 2 && pair.iter().all(Value::is_number)),
            "{what}"
        );
    };
    assert!(evaluated["model"].is_string());
    for label in ["human", "bad", "good_bot", "unknown"] {
        number(&evaluated["clients"][label], label);
    }
    assert!(evaluated["not_judged"].is_object());
    number(&evaluated["auc"], "auc");
    pair(&evaluated["auc_ci"], "auc_ci");
    for fpr in ["0.001", "0.01"] {
        assert!(
            evaluated["tpr_at_fpr"].as_object().unwrap().contains_key(fpr),
            "tpr_at_fpr has no {fpr}"
        );
    }
    let at = &evaluated["at_threshold"];
    assert!(at.as_object().unwrap().contains_key("block"));
    for key in ["tpr", "fpr"] {
        number(&at["limit"][key], key);
    }
    pair(&at["limit"]["fpr_ci"], "fpr_ci");
    for key in ["median", "p90"] {
        number(&evaluated["requests_to_detect"][key], key);
    }
    for (why, class) in evaluated["by_class"].as_object().unwrap() {
        number(&class["n"], why);
        assert!(
            ["auc", "tpr"].iter().all(|key| class.as_object().unwrap().contains_key(*key)),
            "{why}: {class}"
        );
    }
    let baselines = evaluated["baselines"].as_object().unwrap();
    assert!(!baselines.is_empty());
    for (name, baseline) in baselines {
        for key in ["tpr", "fpr"] {
            number(&baseline[key], name);
        }
        assert!(
            baseline.as_object().unwrap().contains_key("requests_to_detect"),
            "{name}: {baseline}"
        );
    }
}

#[test]
fn a_replayed_event_log_prints_as_agreed() {
    assert_golden("replay-events", &among_logs(&["replay", "events.log"]).assert(0).stdout);
    let one = among_logs(&["replay", "events.log", "--client", "192.0.2.7"]).assert(0).stdout;
    assert_golden("replay-events-client", &one);
    let json = among_logs(&["replay", "events.log", "--json"]).assert(0).json();
    assert_eq!((&json["recorded"], &json["recorded_identical"]), (&3.into(), &3.into()));
}

/// An event log as a gate would have written it.
fn event_log(file: &File) -> Vec<u8> {
    let detector = model::detector(1_000, model::judge(model::parse(file), 0.4, 0.8));
    let mix = Mix::new().with(Population::Shopper, 5).with(Population::BruteForcer, 3);
    let site = Arc::new(sim::Site::new(2));
    let mut log = Vec::new();
    for (number, asked) in
        sim::simulate(&site, 8, model::DAY, &mix, model::DAY_US).iter().enumerate()
    {
        let client = ClientKey::from_ip(asked.client);
        let request = Request {
            client,
            at: asked.at,
            method: asked.method,
            target: &asked.target,
            fetch_dest: None,
            agent: Some(asked.user_agent.as_bytes()),
            recorded: None,
            is_proxys: false,
        };
        let event = detector.event(&request);
        let observed = detector.observe(&event, Mode::Enforce);
        let verdict = observed.verdict;
        let (client_text, id) = (client.to_string(), format!("{number:013}"));
        RequestLine {
            at: verdict.at,
            seq: verdict.seq,
            client: (&client_text).into(),
            method: asked.method.into(),
            url: (&asked.target).into(),
            key: event.url,
            class: event.prior(),
            agent: Some(event.agent),
            id: (&id).into(),
            mode: "enforce".into(),
            action: verdict.action.as_str().into(),
            reason: verdict.reason.as_str().into(),
            score: verdict.score.map(Score::value),
            user_agent: Some(asked.user_agent.into()),
            referer: None,
        }
        .write_to(&mut log);
        if let Some(token) = observed.token {
            let (at, status) = (asked.completed_at(), asked.status);
            let (agent, write) = (token.agent(), token.write());
            let mark = detector.conclude(token, at, status).unwrap();
            let (bytes, duration_us) = (u64::from(asked.bytes), u64::from(asked.took_us));
            let (client, id) = ((&client_text).into(), (&id).into());
            OutcomeLine {
                at: mark.at,
                seq: mark.seq,
                client,
                status,
                agent,
                write,
                bytes,
                duration_us,
                id,
            }
            .write_to(&mut log);
        }
    }
    log
}

#[test]
fn a_replay_says_no_when_a_recorded_verdict_is_not_repeated() {
    let folder = Folder::new("repeated");
    let file = model::file("lively", model::lively());
    let path = model::write(&folder, &file);
    let log = event_log(&file);
    folder.write("events.log", &log);
    let config =
        "upstream = \"http://127.0.0.1:1\"\n[policy]\nlimit_score = 0.4\nblock_score = 0.8\n";
    folder.write("kidoban.toml", format!("model = {path:?}\n{config}"));
    let replay = ["replay", "-c", "kidoban.toml", "events.log", "--json"];
    let json = kidoban(&folder.0, &replay).assert(0).json();
    assert!(json["recorded"].as_u64().unwrap() > 300, "{json}");
    assert_eq!(json["recorded"], json["recorded_identical"]);
    assert!(json["clients_blocked"].as_u64().unwrap() >= 1, "{json}");

    // One verdict that was never taken.
    let text = String::from_utf8(log).unwrap();
    let told = text.replacen("\"action\":\"block\"", "\"action\":\"allow\"", 1);
    assert_ne!(told, text);
    folder.write("events.log", told);
    let json = kidoban(&folder.0, &replay).assert(1).json();
    let number = |key: &str| json[key].as_u64().unwrap();
    assert_eq!(number("recorded"), number("recorded_identical") + 1);
    assert!(
        kidoban(&folder.0, &replay[..4])
            .assert(1)
            .stdout
            .contains("recorded verdicts were repeated")
    );
}

#[test]
fn away_from_a_terminal_nothing_is_coloured_or_redrawn() {
    let folder = labelled_day("plain");
    let logs = data("logs");
    let cases: [(&Path, &[&str]); 8] = [
        (&logs, &["--help"]),
        (&logs, &["wrong"]),
        (&logs, &["inspect", "combined.log"]),
        (&logs, &["inspect", "missing.log"]),
        (&logs, &["replay", "events.log"]),
        (&logs, &["train", "unreadable.log", "-o", "m.json"]),
        (&folder.0, &["train", "access.log", "--labels", "labels.csv", "-o", "m.json"]),
        (&folder.0, &["evaluate", "--model", "m.json", "--labels", "labels.csv", "access.log"]),
    ];
    for (folder, arguments) in cases {
        let Ended { stdout, stderr, .. } = kidoban(folder, arguments);
        assert!(
            !(stdout.clone() + &stderr).contains(['\x1b', '\r']),
            "{arguments:?}: {stdout}{stderr}"
        );
    }
}

#[test]
fn what_a_log_says_cannot_command_a_terminal() {
    let folder = Folder::new("terminal");
    let line =
        r#"192.0.2.7 - - [20/Feb/2026:05:00:41 +0000] "GET /\x1b[2J HTTP/1.1" 200 1 "-" "x""#;
    let evil = line.replace("\\x1b", "\x1b");
    folder.write(
        "evil.log",
        format!("{evil}\n{evil}\n{}\n", evil.replace(" 200 ", " \x1b]0;owned\x07 ")),
    );
    for arguments in
        [&["inspect", "evil.log"][..], &["replay", "evil.log", "--client", "192.0.2.7"]]
    {
        let Ended { stdout, stderr, .. } = kidoban(&folder.0, arguments);
        assert!(
            !(stdout.clone() + &stderr).contains(['\x1b', '\x07']),
            "{arguments:?}: {stdout:?}{stderr:?}"
        );
    }
}

#[test]
// A log that is sound, so that the answer is 0 also where it is written before anybody leaves.
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = command(&data("logs"))
        .args(["inspect", "--json", "vhost.log"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_model_of_a_real_site_tells_its_people_from_its_robots() {
    let Some((log, labels)) = real_logs("airisdata") else { return };
    let folder = Folder::new("airisdata");
    let (log, labels) = (log.display().to_string(), labels.display().to_string());
    let trained =
        kidoban(&folder.0, &["train", &log, "--labels", &labels, "-o", "m.json", "--json"])
            .assert(0)
            .json();
    let held_out = &trained["card"]["metrics"]["held_out/auc"];
    println!("held out by client and time: {held_out}");
    assert!(held_out["value"].as_f64().unwrap() >= 0.90, "{held_out}");
    let evaluate = ["evaluate", "--model", "m.json", "--labels", &labels, &log, "--json"];
    let evaluated = kidoban(&folder.0, &evaluate).assert(0).json();
    assert_contract(&evaluated);
    assert!(evaluated["auc"].as_f64().unwrap() >= 0.90, "{}", evaluated["auc"]);
}

#[test]
fn simulated_shops_are_written_read_and_trained_on() {
    let folder = Folder::new("simulate");
    let simulate = |seed: &str, name: &str| {
        let people = ["--hours", "12", "--people", "250"];
        let ended = kidoban(
            &folder.0,
            &[&["simulate", "--shop", "outlet", "--seed", seed, "-o", name], &people[..]].concat(),
        );
        assert!(ended.assert(0).stdout.contains(&format!("kidoban train --site {name}")));
        std::fs::read(folder.path(name).join("access.log")).unwrap()
    };
    let log = simulate("1", "outlet");
    assert!(log == simulate("1", "again") && log != simulate("2", "other"), "a seed is a day");
    let inspected =
        kidoban(&folder.0, &["inspect", "outlet/access.log", "--json"]).assert(0).json();
    assert_eq!(
        (&inspected[0]["format"], &inspected[0]["refused"]),
        (&"combined".into(), &0.into())
    );
    assert_eq!(inspected[0]["resolution_us"], 1_000_000);
    let sites = [
        "train",
        "--site",
        "outlet",
        "--site",
        "other",
        "--algorithm",
        "logistic",
        "-o",
        "m.json",
        "--json",
    ];
    let trained = kidoban(&folder.0, &sites).assert(0).json();
    let auc = trained["card"]["metrics"]["left_out/outlet/auc"]["value"].as_f64().unwrap();
    assert!(auc > 0.7, "one outlet teaches the other: {auc}");
    let labels = std::fs::read_to_string(folder.path("outlet").join("labels.csv")).unwrap();
    assert!(
        labels.contains(",bad,trickling_scraper") && labels.contains(",human,returning_shopper")
    );

    let all =
        kidoban(&folder.0, &["simulate", "-o", "all", "--hours", "1", "--people", "24", "--json"])
            .assert(0)
            .json();
    assert_eq!(all.as_array().unwrap().len(), sim::SHOPS.len());
    let json = kidoban(&folder.0, &["inspect", "all/spa/access.log", "--json"]).assert(0).json();
    assert_eq!(
        (&json[0]["format"], &json[0]["resolution_us"]),
        (&"nginx JSON".into(), &1_000.into())
    );
    let of_all = ["simulate", "--shop", "benchmark", "-o", "benchmark", "--people", "20"];
    let said = kidoban(&folder.0, &of_all).assert(0).stdout;
    assert!(
        said.contains("kidoban evaluate --model shop.json --labels benchmark/labels.csv"),
        "{said}"
    );
    let labels = std::fs::read_to_string(folder.path("benchmark").join("labels.csv")).unwrap();
    for population in Population::OF_THE_BENCHMARK {
        let row = format!(",{},{}\n", population.truth().label(), population.name());
        assert!(labels.contains(&row), "{population}");
    }
    let unknown = kidoban(&folder.0, &["simulate", "--shop", "nowhere", "-o", "x"]).assert(2);
    assert!(
        unknown.stderr.contains("boutique")
            && unknown.stderr.contains("benchmark")
            && !folder.path("x").exists(),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_shipped_model_is_adapted_and_its_rows_can_be_taken_elsewhere() {
    let folder = labelled_day("adapted");
    let arguments =
        ["train", "access.log", "--labels", "labels.csv", "--no-compare", "-o", "own.json"];
    kidoban(&folder.0, &arguments).assert(0);
    let again = [&arguments[..5], &["--base", "own.json", "-o", "again.json"]].concat();
    let said = kidoban(&folder.0, &again).assert(2).stderr;
    assert!(said.contains("the base was trained on this very log"), "{said}");
    folder.write("base.json", kidoban::input::SHIPPED_MODEL);
    let adapt =
        [&arguments[..5], &["--base", "base.json", "--rows", "rows.csv", "-o", "shop.json"]]
            .concat();
    let said = kidoban(&folder.0, &adapt).assert(0).stdout;
    assert!(
        said.contains("On clients of this site that the adapted models did not see: base AUC 0."),
        "{said}"
    );
    let checked = kidoban(&folder.0, &["check", "--model", "shop.json", "--json"]).assert(0).json();
    assert_eq!(checked["armed"], true);
    let rows = std::fs::read_to_string(folder.path("rows.csv")).unwrap();
    let columns = 6 + detector::features::COUNT;
    assert!(
        rows.starts_with("label,weight,client,site,fold,margin,gap_cv,")
            && rows.lines().count() > 500
    );
    assert!(rows.lines().all(|line| line.split(',').count() == columns));
}

/// The README's first command, at a third of its length: it answers no when a person was hurt, a
/// bot missed, a connection failed or a verdict not repeated.
#[test]
fn the_demo_hurts_nobody_stops_every_bot_and_repeats_every_verdict() {
    let demo = kidoban(root(), &["demo", "--seconds", "20", "--json"]).assert(0).json();
    let clients = demo["clients"].as_array().unwrap();
    let bots = clients.iter().filter(|client| client["is_bad"] == true);
    assert_eq!((clients.len(), bots.count()), (28, 8));
    assert!(demo["recorded"].as_u64().unwrap() > 300, "{demo}");
}
