//! What a command answers: in words, as JSON, and by its exit code.

use std::sync::Arc;

use serde_json::Value;
use traffic::sim::{self, Mix};

use crate::support::command::kidoban;
use crate::support::{Folder, model};

/// Half a day of a small shop, and a judge that limits and blocks there.
fn shop(test: &str, more: &str) -> Folder {
    let folder = Folder::new(test);
    model::write(&folder, &model::file("lively", model::lively()));
    let site = Arc::new(sim::Site::with_size(3, 300, 6));
    let day = sim::simulate(&site, 3, model::DAY, &Mix::of(60, 30), model::DAY_US / 2);
    let mut log = Vec::new();
    sim::write_combined(&day, &mut log).unwrap();
    folder.write("access.log", log);
    let policy = format!("limit_score = 0.3\nblock_score = 0.7\n{more}");
    folder.write(
        "kidoban.toml",
        format!("upstream = \"http://127.0.0.1:1\"\nmodel = \"lively.json\"\n[policy]\n{policy}"),
    );
    folder
}

const REPLAY: [&str; 4] = ["replay", "access.log", "-c", "kidoban.toml"];

#[test]
fn one_client_is_told_in_words_and_nobody_is_not_all_well() {
    let folder = shop("answers-client", "");
    let replay = |more: &[&str]| kidoban(&folder.0, &[&REPLAY[..], more].concat());
    let first = replay(&["--json", "--top", "1"]).assert(0).json()["stopped"][0].clone();
    let (who, requests) = (first["client"].as_str().unwrap(), first["requests"].as_u64().unwrap());
    let said = replay(&["--client", who]).assert(0).stdout;
    let head = format!("{who}: of its {} requests ", analysis::format::count(requests));
    assert!(
        said.starts_with(&head) && said.contains(" would have been blocked"),
        "a sentence first: {said}"
    );
    assert!(said.contains("  because: "), "and why: {said}");
    assert_eq!(
        said.lines().filter(|line| line.starts_with("2026-")).count() as u64,
        requests,
        "one line a request"
    );
    let json = replay(&["--client", who, "--json"]).assert(0).json();
    for key in ["client", "requests", "limited", "blocked"] {
        assert_eq!(json[key], first[key], "of this client alone: {key}");
    }
    assert_eq!(json["timeline"].as_array().unwrap().len() as u64, requests);

    let said = replay(&["--client", "9.9.9.9"]).assert(1).stdout;
    assert!(said.starts_with("9.9.9.9 is not in access.log"), "{said}");
    let said = replay(&["--client", "9.9.9.9", "--json"]).assert(1).json();
    assert_eq!((&said["asked"], &said["is_in_logs"]), (&"9.9.9.9".into(), &false.into()));
    let lines = replay(&["--client", "9.9.9.9", "--json-lines"]).assert(1);
    assert!(
        lines.stdout.is_empty() && lines.stderr.starts_with("9.9.9.9 is not in access.log"),
        "{}",
        lines.stderr
    );
}

#[test]
fn a_share_is_said_in_per_cent_wherever_it_is_said() {
    let folder = shop("answers-shares", "");
    let lines = kidoban(&folder.0, &[&REPLAY[..], &["--json-lines"]].concat()).assert(0).stdout;
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<&str> = rows
        .iter()
        .flat_map(|row| row["because"].as_array().unwrap())
        .map(|said| said.as_str().unwrap())
        .collect();
    let shares: Vec<&&str> = said.iter().filter(|said| said.starts_with("share ")).collect();
    assert!(!shares.is_empty() && shares.iter().all(|said| said.contains(" % (+")), "{said:?}");
}

#[test]
fn a_log_without_a_request_is_no_proof() {
    let folder = Folder::new("answers-nothing");
    folder.write("a.toml", "upstream = \"http://127.0.0.1:1\"\n");
    folder.write("empty.log", "");
    let said = |arguments: &[&str]| kidoban(&folder.0, arguments).assert(1).stdout;
    for arguments in [&["replay", "empty.log"][..], &["diff", "a.toml", "a.toml", "empty.log"]] {
        let told = said(arguments);
        assert!(told.starts_with("No request was read from empty.log"), "{arguments:?}: {told}");
        let json: Value = serde_json::from_str(&said(&[arguments, &["--json"]].concat())).unwrap();
        assert_eq!(json["requests"], 0);
    }
    assert_eq!(said(&["replay", "empty.log", "--json-lines"]), "");
    said(&["inspect", "empty.log", "--json"]);
}

#[test]
fn who_is_limited_and_then_blocked_is_one_client() {
    let folder = shop("answers-once", "limit_burst_pages = 1\nlimit_pages_per_min = 1\n");
    let said = kidoban(&folder.0, &REPLAY).assert(0).stdout;
    let json = kidoban(&folder.0, &[&REPLAY[..], &["--json", "--top", "100000"]].concat())
        .assert(0)
        .json();
    let number = |key: &str| json[key].as_u64().unwrap();
    let rows = json["stopped"].as_array().unwrap();
    let only_limited = rows.iter().filter(|row| row["blocked"] == 0).count();
    assert_eq!(rows.len() as u64, number("clients_stopped"));
    assert!(
        number("clients_limited") + number("clients_blocked") > number("clients_stopped"),
        "some are both: {said}"
    );
    let sentence = format!(
        "{} clients would have been stopped: {} blocked, {only_limited} only limited.",
        rows.len(),
        number("clients_blocked")
    );
    assert!(said.lines().next().unwrap().ends_with(&sentence), "{sentence} {said}");
}
