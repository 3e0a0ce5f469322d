//! `tune --proof`: the people of several days prove thresholds together, each once.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use detector::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use traffic::sim::{self, Mix, SimRequest};

use crate::support::{Folder, model};
use crate::tune::{LOOSE, kidoban};

const DAYS: usize = 3;

/// Three days in logs of their own and in one, with labels and a model that was trained on nothing.
/// Nobody asks within an hour of midnight, so that each log has whole visits; half of the second
/// day's people come again on the third.
fn days(test: &str) -> Folder {
    let folder = Folder::new(test);
    let shop = Arc::new(sim::Site::new(3));
    let quiet_us = 3_600 * 1_000_000;
    let mut all: Vec<SimRequest> = Vec::new();
    let mut labels: Vec<u8> = Vec::new();
    for number in 0..DAYS {
        // Every other day: a gate forgets a client after a day of silence.
        let start = Timestamp::from_micros(
            model::DAY.as_micros() + 2 * number as i64 * model::DAY_US as i64,
        );
        // The third day's visitors are the second's again: the same seed.
        let seed = 5 + number.min(1) as u64;
        let people = if number == 2 { 120 } else { 240 };
        let mut day = sim::simulate(&shop, seed, start, &Mix::of(people, 20), model::DAY_US);
        let (from, to) =
            (start.as_micros() + quiet_us, start.as_micros() + model::DAY_US as i64 - quiet_us);
        let fits = |request: &SimRequest| {
            request.at.as_micros() > from && request.completed_at().as_micros() < to
        };
        day.retain(fits);
        let mut log = Vec::new();
        sim::write_json(&day, &mut log).unwrap();
        folder.write(&format!("day{number}.log"), &log);
        all.extend(day);
    }
    let mut log = Vec::new();
    sim::write_json(&all, &mut log).unwrap();
    folder.write("all.log", log);
    sim::write_labels(&sim::labels(&all), &mut labels).unwrap();
    folder.write("labels.csv", labels);
    let mut file = model::file("lively", model::lively());
    file.resolution_us = 1_000;
    model::write(&folder, &file);
    folder
}

fn tune(folder: &Path, logs: &[&str], more: &[&str]) -> Value {
    let arguments: Vec<&str> =
        [&["tune", "--model", "lively.json", "--json"], logs, &LOOSE[..], more].concat();
    let ended = crate::support::command::kidoban(folder, &arguments);
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.text());
    ended.json()
}

/// Scores, states and numbers of people, and no texts.
fn proven(json: &Value) -> Vec<[Value; 5]> {
    let rung = |rung: &Value| ["state", "score", "n", "k", "at_most"].map(|key| rung[key].clone());
    json["ladder"].as_array().unwrap().iter().map(rung).collect()
}

#[test]
fn days_in_any_order_and_grouping_prove_what_all_logs_at_once_prove() {
    for labels in [&["--labels", "labels.csv"][..], &[]] {
        let folder = days(if labels.is_empty() { "proof-weak" } else { "proof-labels" });
        let at_once = tune(&folder.0, &["all.log"], labels);
        let orders: [&[&[&str]]; 4] = [
            &[&["day0.log"], &["day1.log"], &["day2.log"]],
            &[&["day2.log"], &["day0.log"], &["day1.log"]],
            &[&["day1.log", "day0.log"], &["day2.log"]],
            &[&["day0.log"], &["day2.log", "day1.log"], &["day0.log"]],
        ];
        // Weak rules see what each log shows of a client, and of two logs together more.
        let orders = if labels.is_empty() { &orders[..2] } else { &orders[..] };
        let (mut files, mut found) = (Vec::new(), Vec::new());
        for (number, order) in orders.iter().enumerate() {
            let name = format!("proof{number}.json");
            let proof = [labels, &["--proof", &name]].concat();
            let told: Vec<_> = order.iter().map(|logs| tune(&folder.0, logs, &proof)).collect();
            let last = told.last().unwrap();
            if !labels.is_empty() {
                assert_eq!(proven(last), proven(&at_once), "{order:?}");
                assert_eq!(last["people"]["by_why"], at_once["people"]["by_why"]);
            }
            found.push(proven(last));
            files.push(std::fs::read(folder.path(&name)).unwrap());
        }
        assert!(found.iter().all(|one| *one == found[0]), "{labels:?} {found:?}");
        // The same file, but for what a log of several days covers of the days between.
        assert_eq!(files[0], files[1], "{labels:?}");
    }
}

#[test]
fn a_second_day_adds_its_new_people_and_the_same_log_again_adds_nobody() {
    let folder = days("proof-twice");
    let labels = ["--labels", "labels.csv", "--proof", "proof.json"];
    let first = tune(&folder.0, &["day1.log"], &labels);
    let people = |json: &Value, key: &str| json["proof"][key].as_u64().unwrap();
    assert_eq!((people(&first, "before"), people(&first, "new")), (0, people(&first, "together")));
    assert_ne!(first["ladder"][1]["state"], "proven", "too few: {}", first["proof"]);
    let second = tune(&folder.0, &["day0.log"], &labels);
    assert_eq!(people(&second, "before"), people(&first, "together"));
    assert!(people(&second, "new") > 0);
    assert_eq!(second["ladder"][1]["state"], "proven", "{}", second["proof"]);

    let before = std::fs::read(folder.path("proof.json")).unwrap();
    let text = std::fs::read(folder.path("day0.log")).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&text).unwrap();
    folder.write("other.log.1.gz", gzip.finish().unwrap());
    for again in [&["day0.log"][..], &["other.log.1.gz"], &["day0.log", "other.log.1.gz"]] {
        let again = tune(&folder.0, again, &labels);
        assert_eq!((people(&again, "new"), people(&again, "withdrawn")), (0, 0));
        assert_eq!(proven(&again), proven(&second));
        assert_eq!(std::fs::read(folder.path("proof.json")).unwrap(), before);
    }
    // What people read.
    let said = kidoban(
        &folder.0,
        &[&["tune", "--model", "lively.json", "day0.log"], &labels[..]].concat(),
        1,
    );
    let expect = format!(
        "People who prove the thresholds: {} from before, 0 new, {0} together.",
        people(&second, "together")
    );
    assert!(said.stdout.contains(&expect), "{}", said.stdout);
    assert!(
        said.stdout.contains("more are missing to a proven block threshold"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_proof_of_something_else_is_refused_with_what_to_do_and_stays_as_it_was() {
    let folder = days("proof-refused");
    let labels = ["--labels", "labels.csv", "--proof", "proof.json"];
    tune(&folder.0, &["day0.log"], &labels);
    let before = std::fs::read(folder.path("proof.json")).unwrap();
    let mut other = model::file("other", model::constant(1.0));
    other.resolution_us = 1_000;
    model::write(&folder, &other);
    let refused = |arguments: &[&str], expect: &str| {
        let said = kidoban(&folder.0, &[&["tune"], arguments].concat(), 2).stderr;
        assert!(said.contains("proof.json: ") && said.contains(expect), "{said}");
    };
    let of_other = [&["--model", "other.json", "day1.log"], &labels[..]].concat();
    refused(&of_other, "name a new file for this model");
    let weak = ["--model", "lively.json", "day1.log", "--proof", "proof.json"];
    refused(&weak, "people are known by a labels file");
    folder.write("k.toml", "model = \"lively.json\"\n[policy]\nmin_pages = 9\n");
    refused(&[&["-c", "k.toml", "day1.log"], &labels[..]].concat(), "set min_pages = 5");
    assert_eq!(std::fs::read(folder.path("proof.json")).unwrap(), before);

    let mut changed = before.clone();
    let at = changed.len() / 2;
    changed[at] ^= 1;
    for broken in [&changed[..], &before[..before.len() - 9], b"", b"{}"] {
        folder.write("proof.json", broken);
        let given = [&["--model", "lively.json", "day1.log"], &labels[..]].concat();
        refused(&given, "this is no proof as tune leaves it");
        assert_eq!(std::fs::read(folder.path("proof.json")).unwrap(), broken);
    }
}

#[test]
fn a_person_who_turns_out_to_be_a_bot_no_longer_counts() {
    let folder = days("proof-withdrawn");
    let labels = ["--labels", "labels.csv", "--proof", "proof.json"];
    let first = tune(&folder.0, &["day0.log"], &labels);
    let text = std::fs::read_to_string(folder.path("labels.csv")).unwrap();
    let mut left = 20;
    let corrected: String = text
        .lines()
        .map(|line| match line.contains(",human") && left > 0 {
            true => {
                left -= 1;
                line.replacen(",human", ",bad", 1) + "\n"
            }
            false => format!("{line}\n"),
        })
        .collect();
    folder.write("labels.csv", corrected);
    let second = tune(&folder.0, &["day1.log"], &labels);
    let withdrawn = second["proof"]["withdrawn"].as_u64().unwrap();
    assert!((1..=20).contains(&withdrawn), "{}", second["proof"]);
    let people = |json: &Value, key: &str| json["proof"][key].as_u64().unwrap();
    assert_eq!(
        people(&second, "together"),
        people(&first, "together") - withdrawn + people(&second, "new")
    );
}
