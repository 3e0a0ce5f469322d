//! `kidoban evaluate`: what its figures stand on is said with them.

use detector::model::ScoreRule;

use crate::cli::labelled_day;
use crate::support::command::kidoban;
use crate::support::{Folder, model};

#[test]
fn of_the_log_that_trained_the_model_it_says_so_first() {
    let folder = labelled_day("flattered");
    let train =
        ["train", "access.log", "--labels", "labels.csv", "-o", "shop.json", "--no-compare"];
    kidoban(&folder.0, &train).assert(0);
    let evaluate =
        ["evaluate", "--model", "shop.json", "--labels", "labels.csv", "access.log", "--json"];
    assert_eq!(kidoban(&folder.0, &evaluate).assert(0).json()["in_sample"], true);
    let text = kidoban(&folder.0, &evaluate[..6]).assert(0).stdout;
    assert!(text.starts_with("This log trained the model: every figure flatters it."), "{text}");
    // One line more is another log, of the same clients.
    let log = std::fs::read_to_string(folder.path("access.log")).unwrap();
    folder.write("longer.log", format!("{log}{}\n", log.lines().last().unwrap()));
    let longer = [
        "evaluate",
        "--model",
        "shop.json",
        "--labels",
        "labels.csv",
        "longer.log",
        "--report",
        "longer.html",
    ];
    let json = kidoban(&folder.0, &[&longer[..], &["--json"]].concat()).assert(0).json();
    assert_eq!(json["in_sample"], false);
    assert!(
        json["may_have_trained"]["human"].as_u64().unwrap() > 100,
        "{}",
        json["may_have_trained"]
    );
    let said = kidoban(&folder.0, &longer).assert(0).stdout;
    assert!(said.contains("when the model's training ended: if this log was part of it"), "{said}");
    let words = json["words"].as_str().unwrap();
    assert!(
        words.contains("you would stop") && said.starts_with(words),
        "{words} first, in {said}"
    );
    assert!(
        std::fs::read_to_string(folder.path("longer.html"))
            .unwrap()
            .contains("if this log was part of it")
    );
    kidoban(&folder.0, &[&evaluate[..6], &["--report", "same.html"]].concat()).assert(0);
    assert!(
        std::fs::read_to_string(folder.path("same.html"))
            .unwrap()
            .contains("This log trained the model")
    );
}

#[test]
fn a_share_of_people_that_is_less_than_one_of_them_is_not_spoken_of() {
    let folder = labelled_day("few-people");
    let mut file = model::file("m", model::lively());
    file.resolution_us = 1_000;
    model::write(&folder, &file);
    let evaluate = ["evaluate", "--model", "m.json", "--labels", "labels.csv", "access.log"];
    let json = kidoban(&folder.0, &[&evaluate[..], &["--json"]].concat()).assert(0).json();
    let people = json["with_none_hurt"]["people"].as_u64().unwrap();
    assert!(
        (100..1_000).contains(&people),
        "{people}: enough for one in a hundred, too few for one in a thousand"
    );
    assert!(
        json["tpr_at_fpr"]["0.001"].is_null() && json["tpr_at_fpr_ci"]["0.001"].is_null(),
        "{}",
        json["tpr_at_fpr"]
    );
    assert!(json["tpr_at_fpr"]["0.01"].is_number());
    let [low, high] = [0, 1].map(|end| json["with_none_hurt"]["tpr_ci"][end].as_f64().unwrap());
    assert!(
        low < high && json["with_none_hurt"]["tpr"].as_f64().unwrap() <= high,
        "{}",
        json["with_none_hurt"]
    );
    let said = kidoban(&folder.0, &evaluate).assert(0).stdout;
    let reached = "of people reach is reached by";
    assert!(
        said.contains(&format!("1.0 % {reached}")) && !said.contains(&format!("0.1 % {reached}")),
        "{said}"
    );
    assert!(
        said.contains(&format!("a threshold above all {people} people is reached by")),
        "{said}"
    );
    assert!(
        said.starts_with(json["words"].as_str().unwrap()),
        "{said}: first the verdict in one sentence"
    );
}

/// Somebody who takes 400 pages in eight seconds, beside a calm person, under a model that finds
/// nobody: only the guard refuses anything.
#[test]
fn whom_the_guard_stops_is_not_said_to_be_stopped_at_the_threshold() {
    let folder = Folder::new("guard-stopped");
    let line = |client: &str, ms: u64, page: u64| {
        let at = model::DAY.plus_secs(ms / 1_000).as_micros() / 1_000_000;
        format!(
            "{{\"time\":\"{at}.{:03}\",\"remote_addr\":\"{client}\",\"request_method\":\"GET\",\
             \"request_uri\":\"/product/{page}\",\"status\":200,\"http_user_agent\":\"x\"}}\n",
            ms % 1_000
        )
    };
    let hasty = (0..400).map(|page| line("192.0.2.1", page * 20, page * 7 % 401));
    let calm = (0..8).map(|page| line("192.0.2.2", 10_000 + page * 20_000, page % 3));
    folder.write("access.log", hasty.chain(calm).collect::<String>());
    folder.write("labels.csv", "client,label,why\n192.0.2.1,bad,hasty\n192.0.2.2,human,\n");
    let mut file = model::file("mute", model::constant(-5.0));
    file.thresholds.limit.margin = Some(2.0);
    file.thresholds.score_rule = ScoreRule::CARRIED;
    model::write(&folder, &file);
    let evaluate = [
        "evaluate",
        "--model",
        "mute.json",
        "--labels",
        "labels.csv",
        "access.log",
        "--report",
        "report.html",
        "--json",
    ];
    let json = kidoban(&folder.0, &evaluate).assert(0).json();
    let refusals = &json["refusals"];
    assert_eq!(refusals["by_reason"], serde_json::json!({"score": 0, "guard": 1, "cohort": 0}));
    assert_eq!(refusals["clients"], 1);
    let words = json["words"].as_str().unwrap();
    assert!(words.contains("(0 for their score, 1 by the guard)"), "{words}");
    // Of so few people no share is spoken of, and one is not "1 people".
    let said = kidoban(&folder.0, &evaluate[..6]).assert(0).stdout;
    assert!(said.contains("a threshold above the one person is reached by"), "{said}");
    assert!(!said.contains("caught") && !said.contains("1 people"), "{said}");
    // A carried model judges from its third step on, and the report says so.
    let report = std::fs::read_to_string(folder.path("report.html")).unwrap();
    assert!(report.contains("5 page requests or more, of which one is in step 3 of a visit"));
    assert!(report.contains("robots found") && !report.contains("caught"), "in the report");
}
