//! From logs to a model, its figures and a replay: the numbers that commands print, and that they
//! agree.

use crate::cli::{among_logs, assert_golden, labelled_day};
use std::sync::Arc;

use detector::model::File;
use detector::{ClientKey, Mode, Request};
use serde_json::Value;
use traffic::log::{OutcomeLine, RequestLine};
use traffic::sim::{self, Mix, Population};

use crate::support::command::kidoban;
use crate::support::event_log::{outcome_line, request_line};
use crate::support::{Folder, model, real_logs};

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
                "--no-compare",
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
        let id = format!("{number:013}");
        RequestLine {
            user_agent: Some(asked.user_agent.into()),
            ..request_line(&event, &verdict, "enforce", (asked.method, asked.target.as_str()), &id)
        }
        .write_to(&mut log);
        if let Some(token) = observed.token {
            let (at, status) = (asked.completed_at(), asked.status);
            let (agent, target) = (token.agent(), token.target());
            let mark = detector.conclude(token, at, status).unwrap();
            let (bytes, duration_us) = (u64::from(asked.bytes), u64::from(asked.took_us));
            OutcomeLine {
                bytes,
                duration_us,
                ..outcome_line(client, mark, status, (agent, target), &id)
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
    assert_eq!((&json[0]["format"], &json[0]["resolution_us"]), (&"JSON".into(), &1_000.into()));
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
