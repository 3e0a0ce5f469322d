//! Whose verdict changes between two configurations or models.

use std::collections::BTreeMap;
use std::sync::Arc;

use detector::{Action, ClientKey};
use kidoban::input::Logs;
use traffic::replay::replay;
use traffic::sim::{self, Mix};

use crate::support::command::kidoban;
use crate::support::{Folder, model};

const HEAD: &str = "upstream = \"http://127.0.0.1:1\"\n";

fn shop(test: &str) -> Folder {
    let folder = Folder::new(test);
    let site = Arc::new(sim::Site::with_size(9, 300, 6));
    let day = sim::simulate(&site, 9, model::DAY, &Mix::of(150, 40), model::DAY_US / 2);
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(&day, &mut log).unwrap();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    folder.write("access.log", log);
    folder.write("labels.csv", labels);
    model::write(&folder, &model::file("lively", model::lively()));
    model::write(&folder, &model::file("tree", model::small_tree()));
    let policy = |limit: f32, block: f32| {
        format!("[policy]\nlimit_score = {limit}\nblock_score = {block}\n")
    };
    folder.write("mild.toml", format!("{HEAD}model = \"lively.json\"\n{}", policy(0.6, 0.95)));
    folder.write("strict.toml", format!("{HEAD}model = \"lively.json\"\n{}", policy(0.2, 0.6)));
    folder.write("tree.toml", format!("{HEAD}model = \"tree.json\"\n{}", policy(0.5, 0.8)));
    folder
}

/// Actions of every request by these thresholds, replayed alone.
fn actions(folder: &Folder, limit: f32, block: f32) -> Vec<(ClientKey, Action)> {
    let judge = model::judge(model::parse(&model::file("lively", model::lively())), limit, block);
    let (detector, mut actions) = (model::detector(1_000_000, judge), Vec::new());
    let logs = Logs::find(&[folder.path("access.log").display().to_string()]).unwrap();
    replay(logs.open().unwrap(), &detector, None, |event, verdict, _, _| {
        actions.push((event.client, verdict.action))
    })
    .unwrap();
    actions
}

#[test]
fn what_changes_is_counted_as_two_replays_would() {
    let folder = shop("diff-counts");
    let diff = kidoban(
        &folder.0,
        &[
            "diff",
            "mild.toml",
            "strict.toml",
            "access.log",
            "--labels",
            "labels.csv",
            "--json",
            "--top",
            "100000",
        ],
    );
    let json = diff.assert(1).json();
    // The margins of the two matrices are what each replay alone says.
    for (side, config) in [("before", "mild.toml"), ("after", "strict.toml")] {
        let replay =
            kidoban(&folder.0, &["replay", "access.log", "-c", config, "--json"]).assert(0).json();
        assert_eq!(json["requests"], replay["requests"]);
        assert_eq!(json["clients"], replay["clients"]);
        for action in Action::ALL {
            let cells = json["by_request"].as_array().unwrap();
            let cells = cells.iter().filter(|cell| cell[side] == action.as_str());
            let sum: u64 = cells.map(|cell| cell["number"].as_u64().unwrap()).sum();
            let prefix = format!("{}/", action.as_str());
            let alone = replay["actions"]
                .as_object()
                .unwrap()
                .iter()
                .filter(|(name, _)| name.starts_with(&prefix));
            assert_eq!(
                sum,
                alone.map(|(_, number)| number.as_u64().unwrap()).sum::<u64>(),
                "{action:?} {side}"
            );
        }
    }
    let changed = json["requests_changed"].as_u64().unwrap();
    assert!(changed > 500, "{changed} changes prove too little");
    let sum = |list: &str, keys: [&str; 2]| -> u64 {
        let rows = json[list].as_array().unwrap().iter();
        rows.map(|row| keys.iter().map(|key| row[key].as_u64().unwrap_or(0)).sum::<u64>()).sum()
    };
    assert_eq!(sum("paths", ["harder", "softer"]), changed);
    assert_eq!(sum("changed", ["harder", "softer"]), changed);
    assert_eq!(sum("reasons", ["requests", ""]), changed);
    let people = json["affected"]
        .as_array()
        .unwrap()
        .iter()
        .find(|kind| kind["who"] == "labelled human")
        .unwrap();
    assert_eq!(people["clients"], 150);
}

#[test]
fn clients_change_as_when_each_is_judged_alone() {
    let folder = shop("diff-alone");
    let json = kidoban(
        &folder.0,
        &["diff", "mild.toml", "strict.toml", "access.log", "--json", "--top", "100000"],
    )
    .assert(1)
    .json();
    let mut changed: BTreeMap<String, u64> = BTreeMap::new();
    for (before, after) in actions(&folder, 0.6, 0.95).into_iter().zip(actions(&folder, 0.2, 0.6)) {
        if before.1 != after.1 {
            *changed.entry(before.0.to_string()).or_default() += 1;
        }
    }
    let told = json["changed"].as_array().unwrap().iter().map(|row| {
        let number = row["harder"].as_u64().unwrap() + row["softer"].as_u64().unwrap();
        (row["client"].as_str().unwrap().to_owned(), number)
    });
    let told: BTreeMap<String, u64> = told.collect();
    assert!(changed.len() >= 20, "{} clients prove too little", changed.len());
    assert_eq!(told, changed);
}

#[test]
fn nothing_changes_between_the_same_and_the_answer_is_yes() {
    let folder = shop("diff-same");
    let same =
        kidoban(&folder.0, &["diff", "mild.toml", "mild.toml", "access.log"]).assert(0).stdout;
    assert!(same.starts_with("Nothing changes: "), "{same}");
    let models =
        kidoban(&folder.0, &["diff", "lively.json", "tree.json", "access.log"]).assert(0).stdout;
    assert!(
        models.contains("lively") && models.contains("tree"),
        "no thresholds, so nobody is stopped by either: {models}"
    );
    let wrong =
        kidoban(&folder.0, &["diff", "mild.toml", "labels.csv", "access.log"]).assert(2).stderr;
    assert!(
        wrong.contains("labels.csv: expected a configuration (.toml) or a model (.json)"),
        "{wrong}"
    );
    let wrong = kidoban(
        &folder.0,
        &["diff", "mild.toml", "strict.toml", "access.log", "--outcome", "buyer"],
    )
    .assert(2)
    .stderr;
    assert!(wrong.contains("there is no `=`"), "{wrong}");
}

#[test]
fn any_number_of_threads_says_the_same_and_buyers_and_good_robots_are_named() {
    let folder = shop("diff-threads");
    // A buyer who shops too fast, and a crawler that says who it is.
    let mut log = String::new();
    for number in 0..120 {
        let time = format!("16/Nov/2026:10:{:02}:{:02} +0000", number / 60, number % 60);
        log.push_str(&format!(
            "192.0.2.1 - - [{time}] \"GET /p/{number} HTTP/1.1\" 404 5 \"-\" \"Firefox\"\n"
        ));
        log.push_str(&format!(
            "192.0.2.2 - - [{time}] \"GET /p/{number} HTTP/1.1\" 404 5 \"-\" \"Googlebot/2.1\"\n"
        ));
    }
    log.push_str(
        "192.0.2.1 - - [16/Nov/2026:10:02:30 +0000] \"POST /checkout/complete HTTP/1.1\" 200 5 \
            \"-\" \"Firefox\"\n",
    );
    log.push_str(
        "192.0.2.3 - - [16/Nov/2026:10:02:30 +0000] \"POST /checkout/complete HTTP/1.1\" 200 5 \
            \"-\" \"Firefox\"\n",
    );
    folder.write("buyers.log", log);
    let outcome = "buyer=POST /checkout/complete 2xx";
    let diff = [
        "diff",
        "mild.toml",
        "tree.toml",
        "access.log",
        "buyers.log",
        "--outcome",
        outcome,
        "--labels",
        "labels.csv",
    ];
    let json = |jobs: &str| {
        kidoban(&folder.0, &[&diff[..], &["--json", "--jobs", jobs]].concat()).assert(1)
    };
    let one = json("1");
    for jobs in ["2", "3"] {
        assert!(json(jobs).stdout == one.stdout, "{jobs} jobs say something else");
    }
    let one = one.json();
    let kind = |who: &str| {
        one["affected"].as_array().unwrap().iter().find(|kind| kind["who"] == who).unwrap().clone()
    };
    assert!(kind("buyer")["clients"].as_u64().unwrap() >= 2, "{}", kind("buyer"));
    assert!(kind("buyer")["stopped_before"].as_u64().unwrap() >= 1, "{}", kind("buyer"));
    assert!(kind("good robots by user agent")["clients"].as_u64().unwrap() >= 1);
    // The same pattern from a configuration.
    let tree = std::fs::read_to_string(folder.path("tree.toml")).unwrap();
    folder.write(
        "named.toml",
        format!("{tree}[outcomes]\nbuyer = \"POST /checkout/complete 2xx\"\n"),
    );
    let named = [
        "diff",
        "mild.toml",
        "named.toml",
        "access.log",
        "buyers.log",
        "--labels",
        "labels.csv",
        "--json",
    ];
    assert_eq!(kidoban(&folder.0, &named).assert(1).json()["affected"], one["affected"]);
    let said = kidoban(&folder.0, &diff).assert(1).stdout;
    assert!(
        said.contains("buyer, ")
            && said.contains("then block")
            && said.contains("before")
            && said.contains("tree"),
        "{said}"
    );
}
