//! What the commands print and how they end. Golden output lies in `tests/data/cli/*.stdout`; after
//! a change that is meant, `KIDOBAN_BLESS=1 cargo test --release --test all cli` writes it anew,
//! and the diff shows what became of it.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use traffic::sim::{self, Mix, SimRequest};

use crate::support::command::{Ended, command, kidoban};
use crate::support::{Folder, data, model, root};

/// Runs the command among the fixture logs.
pub fn among_logs(arguments: &[&str]) -> Ended {
    kidoban(&data("logs"), arguments)
}

pub fn assert_golden(name: &str, stdout: &str) {
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

const SUBCOMMANDS: [&str; 18] = [
    "demo",
    "run",
    "decide",
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
        &["too few clients that could be people", "2 others asked for fewer than 5 pages"],
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

/// A simulated day small enough to train on in a test.
pub fn day() -> Vec<SimRequest> {
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
