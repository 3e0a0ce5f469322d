//! `train --promote-to`: promoted through the gates, refused otherwise, and nothing changed where a
//! run fails.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use traffic::sim::{self, Mix};

use crate::support::{Folder, command, model, root};

const DAYS: [&str; 3] = ["access.log.2.gz", "access.log.1", "access.log"];

/// A toy shop's last days, newest last; other people and other bots each day. The oldest log is
/// compressed.
fn shop(test: &str, days: usize) -> Folder {
    let folder = Folder::new(test);
    let mut labels = String::from("client,label,why\n");
    for (number, name) in DAYS.into_iter().take(days).enumerate() {
        labels += &write_day(&folder, number, name);
    }
    folder.write("labels.csv", labels);
    folder
}

/// Writes one day's log and returns the lines of its labels.
fn write_day(folder: &Folder, number: usize, name: &str) -> String {
    let start = model::DAY.plus_secs(number as u64 * 86_400);
    let shop = Arc::new(sim::Site::new(3));
    let day = sim::simulate(&shop, 50 + number as u64, start, &Mix::of(150, 60), model::DAY_US);
    let mut log = Vec::new();
    sim::write_json(&day, &mut log).unwrap();
    if name.ends_with(".gz") {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&log).unwrap();
        log = gzip.finish().unwrap();
    }
    folder.write(name, log);
    let mut labels = Vec::new();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    let text = String::from_utf8(labels).unwrap();
    text.lines().skip(1).map(|line| format!("{line}\n")).collect()
}

/// Quick to train, on labels of the simulator.
const QUICK: [&str; 11] = [
    "train",
    "access.log*",
    "--promote-to",
    "current.json",
    "--labels",
    "labels.csv",
    "--algorithm",
    "logistic",
    "--no-compare",
    "--json",
    "--no-attack",
];

fn retrain(folder: &Folder, more: &[&str], code: i32) -> command::Ended {
    command::kidoban(&folder.0, &[&QUICK[..], more].concat()).assert(code)
}

fn journal(folder: &Folder) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path("current.journal.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn gate<'v>(line: &'v Value, name: &str) -> &'v Value {
    let gates = line["judged"]["gates"].as_array().unwrap();
    gates.iter().find(|gate| gate["name"] == name).unwrap()
}

fn read(folder: &Folder) -> Vec<u8> {
    std::fs::read(folder.path("current.json")).unwrap()
}

#[test]
fn the_first_model_and_a_later_one_that_is_as_good_are_promoted_and_the_last_good_ones_kept() {
    let folder = shop("rolling-promoted", 2);
    let line = retrain(&folder, &["--on-promotion", "touch told"], 0).json();
    assert_eq!((&line["decision"], &line["on_promotion"]), (&"promoted".into(), &true.into()));
    assert!(folder.path("told").exists());
    assert!(line["judged"]["challenger"]["people"].as_u64().unwrap() >= 20, "{line}");
    assert!(line["judged"]["champion"].is_null());
    let first = read(&folder);
    // The same logs again: nothing new to learn.
    let again = retrain(&folder, &[], 1).json();
    assert!(again["words"].as_str().unwrap().contains("it has learnt up to"), "{again}");
    assert_eq!(read(&folder), first);

    // A day later; the glob finds the new file. A copy of it under another name counts once.
    let labels = std::fs::read_to_string(folder.path("labels.csv")).unwrap();
    folder.write("labels.csv", labels + &write_day(&folder, 2, DAYS[2]));
    std::fs::copy(folder.path("access.log"), folder.path("access.log.copy")).unwrap();
    let line = retrain(&folder, &[], 0).json();
    assert_eq!(line["decision"], "promoted", "{line}");
    for name in ["readiness", "people_beside", "stopping", "poison", "limit_budget"] {
        assert_eq!(gate(&line, name)["is_passed"], true, "{line}");
    }
    assert_eq!(line["logs"].as_array().unwrap().len(), 3, "{line}");
    let champion = &line["judged"]["champion"];
    assert_ne!(champion["model_sha256"], line["judged"]["challenger"]["model_sha256"]);
    assert_ne!(read(&folder), first);
    // Both are kept, whole, and the journal has a line for each run.
    let kept: Vec<Vec<u8>> = std::fs::read_dir(folder.path("current.good"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(kept.len() == 2 && kept.contains(&first) && kept.contains(&read(&folder)));
    let decisions: Vec<Value> =
        journal(&folder).into_iter().map(|line| line["decision"].clone()).collect();
    assert_eq!(decisions, ["promoted", "kept", "promoted"]);
    detector::Model::parse(&read(&folder)).unwrap();
}

#[test]
fn a_challenger_that_was_taught_that_bots_are_people_is_refused() {
    let folder = shop("rolling-poisoned", 2);
    retrain(&folder, &[], 0);
    let good = read(&folder);
    let labels = std::fs::read_to_string(folder.path("labels.csv")).unwrap();
    let labels = labels + &write_day(&folder, 2, DAYS[2]);
    // The second day's labels lie: people are bad, and bots are people.
    let lies: String = labels
        .lines()
        .map(|line| match line {
            line if line.contains(",human") => line.replacen(",human", ",bad", 1) + "\n",
            line => line.replacen(",bad", ",human", 1) + "\n",
        })
        .collect();
    folder.write("labels.csv", lies);
    let line = retrain(&folder, &[], 1).json();
    assert_eq!(line["decision"], "kept");
    assert_eq!(gate(&line, "poison")["is_passed"], false, "{line}");
    assert!(
        line["words"].as_str().unwrap().contains("bots that pass for people may have taught it"),
        "{line}"
    );
    assert_eq!(read(&folder), good, "the last good model stays");
}

#[test]
fn a_challenger_that_refuses_people_is_refused() {
    let folder = shop("rolling-hurts", 2);
    retrain(&folder, &[], 0);
    let good = read(&folder);
    let labels = std::fs::read_to_string(folder.path("labels.csv")).unwrap();
    folder.write("labels.csv", labels + &write_day(&folder, 2, DAYS[2]));
    // The rule that is enforced is the configuration's: so low a limit refuses people.
    let policy = "[policy]\nlimit_score = 0.0001\nlimit_pages_per_min = 1\nlimit_burst_pages = 1\n";
    folder.write("kidoban.toml", format!("model = \"current.json\"\n{policy}"));
    let line = retrain(&folder, &["-c", "kidoban.toml"], 1).json();
    assert_eq!(gate(&line, "limit_budget")["is_passed"], false, "{line}");
    assert!(line["words"].as_str().unwrap().contains("new people would be refused"), "{line}");
    assert_eq!(read(&folder), good);
}

#[test]
fn a_run_that_fails_changes_nothing_and_says_why() {
    let folder = shop("rolling-failed", 2);
    retrain(&folder, &[], 0);
    let good = read(&folder);
    let labels = std::fs::read_to_string(folder.path("labels.csv")).unwrap();
    folder.write("labels.csv", labels + &write_day(&folder, 2, DAYS[2]));
    let failed = |folder: &Folder, more: &[&str], expect: &str| {
        let said = retrain(folder, more, 2).stderr;
        assert!(said.contains(expect) && said.contains("nothing was changed"), "{said}");
        assert_eq!(read(folder), good);
        let line = journal(folder).pop().unwrap();
        assert_eq!(line["decision"], "failed");
        assert!(line["words"].as_str().unwrap().contains(expect), "{line}");
        let left = std::fs::read_dir(&folder.0).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
    };
    // A log that is none.
    folder.write("access.log.bad", "no log\n".repeat(500));
    failed(&folder, &[], "access.log.bad");
    std::fs::remove_file(folder.path("access.log.bad")).unwrap();
    // No traffic before the part to judge on.
    failed(&folder, &["--judge-on", "30d"], "no request to learn from");
    // Nobody to learn from.
    let before = std::fs::read(folder.path("labels.csv")).unwrap();
    folder.write("labels.csv", "client,label,why\n192.0.2.1,bad,\n");
    failed(&folder, &[], "no");
    folder.write("labels.csv", before);
    // No room for the new model: its folder is a file.
    std::fs::rename(folder.path("current.good"), folder.path("good")).unwrap();
    folder.write("current.good", "");
    failed(&folder, &[], "current.good");
    // A model in force that is none is not replaced in silence.
    folder.write("current.json", "{}");
    let said = retrain(&folder, &[], 2).stderr;
    assert!(said.contains("the model in force is refused"), "{said}");
    assert_eq!(read(&folder), b"{}");
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < Duration::from_secs(120), "waited two minutes for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start(folder: &Path, every: &str) -> Child {
    command::command(folder)
        .args(QUICK)
        .args(["--every", every])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn it_runs_again_and_again_alone_and_a_signal_ends_it_between_runs() {
    let folder = shop("rolling-every", 2);
    let mut running = start(&folder.0, "1s");
    wait_for("two runs", || journal(&folder).len() >= 2);
    // Two never run.
    let said = retrain(&folder, &[], 2).stderr;
    assert!(said.contains("another run is at work on current.json"), "{said}");
    let signal = std::process::Command::new("kill")
        .args(["-TERM", &running.id().to_string()])
        .status()
        .unwrap();
    assert!(signal.success() && running.wait().unwrap().success());
    let lines = journal(&folder);
    assert_eq!(
        (&lines[0]["decision"], &lines[1]["decision"]),
        (&"promoted".into(), &"kept".into())
    );
    // The lock went with the process.
    retrain(&folder, &[], 1);
}

#[test]
fn the_unit_for_systemd_runs() {
    let folder = shop("rolling-unit", 2);
    std::fs::create_dir(folder.path("models")).unwrap();
    folder.write("kidoban.toml", "model = \"models/current.json\"\n");
    let unit = std::fs::read_to_string(root().join("docs/deploy/kidoban-retrain.service")).unwrap();
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/kidoban "));
    let start = start.unwrap().replace("/var/log/nginx/", "").replace("/etc/kidoban/", "");
    let arguments = shlex::split(&start).unwrap();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let quick = ["--labels", "labels.csv", "--algorithm", "logistic", "--no-compare"];
    let said = command::kidoban(&folder.0, &[&arguments[..], &quick].concat()).assert(0).stdout;
    assert!(said.starts_with("Promoted: it is the first."), "{said}");
    assert!(said.contains("A gate reads it on SIGHUP."), "{said}");
    assert!(folder.path("models/current.json").is_file());
    assert!(folder.path("models/current.journal.jsonl").is_file());
}
