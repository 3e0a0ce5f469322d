//! Reports show the figures of `--json`.

use crate::report::{KEY, assert_only_ours, done, read};
use std::sync::Arc;

use analysis::format;
use analysis::report::Names;
use serde_json::Value;
use traffic::sim::{self, Mix};

use crate::support::command::kidoban;
use crate::support::{Folder, model};

#[test]
fn a_report_shows_the_figures_of_json() {
    let folder = Folder::new("report-figures");
    let shop = Arc::new(sim::Site::with_size(1, 200, 4));
    let day = sim::simulate(&shop, 1, model::DAY, &Mix::of(120, 30), model::DAY_US);
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(&day, &mut log).unwrap();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    folder.write("access.log", log);
    folder.write("labels.csv", labels);
    folder.write("key", KEY);
    let report = ["--pseudonym-key", "key", "--json", "--report"];
    let train =
        ["train", "access.log", "--labels", "labels.csv", "-o", "shop.json", "--no-compare"];
    let json = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
    let trained = json(done(&folder, &[&train[..], &report, &["train.html"]].concat()));
    let evaluate = ["evaluate", "--model", "shop.json", "--labels", "labels.csv", "access.log"];
    let evaluated = json(done(&folder, &[&evaluate[..], &report, &["evaluate.html"]].concat()));
    let names = Names::hidden(KEY.as_bytes());

    let page = read(&folder, "train.html");
    assert_only_ours(&page, "train", 500);
    let auc = &trained["card"]["metrics"]["calibration/auc"];
    for figure in ["value", "low", "high"] {
        assert!(page.contains(&format!("{:.3}", auc[figure].as_f64().unwrap())), "{figure}");
    }
    let held_out = &trained["held_out"];
    assert_listed(&held_out["people_highest"], &names, &page);
    assert_listed(&held_out["bots_lowest"], &names, &page);
    assert!(
        page.contains("kidoban train access.log --labels labels.csv -o shop.json"),
        "the command"
    );
    assert!(page.contains(trained["card"]["data_sha256"].as_str().unwrap()));

    let page = read(&folder, "evaluate.html");
    assert_only_ours(&page, "evaluate", 500);
    let refusals = &evaluated["refusals"];
    let heading = page.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap().to_owned();
    assert!(heading.contains(&format!("{} clients", refusals["clients"])), "{heading} {refusals}");
    for rung in evaluated["ladder"].as_array().unwrap() {
        let score = analysis::format::score(rung["threshold"].as_f64().unwrap());
        let share = analysis::format::percent(rung["request_share"].as_f64().unwrap());
        assert!(page.contains(&score) && page.contains(&share), "{rung}");
    }
    assert!(
        evaluated["top"].as_array().unwrap().len() == 20
            && evaluated["borderline"].as_array().unwrap().len() == 20
    );
    assert_listed(&evaluated["top"], &names, &page);
    assert_listed(&evaluated["borderline"], &names, &page);
    assert_eq!(evaluated["logs"][0]["refused"], 0);
    consistent(&evaluated);
}

#[test]
fn the_other_reports_show_the_figures_of_json() {
    let folder = Folder::new("report-others-figures");
    let shop = Arc::new(sim::Site::with_size(1, 200, 4));
    for (name, seed) in [("first", 1), ("second", 2)] {
        let day = sim::simulate(&shop, seed, model::DAY, &Mix::of(160, 40), model::DAY_US);
        let (mut log, mut labels) = (Vec::new(), Vec::new());
        sim::write_json(&day, &mut log).unwrap();
        sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
        folder.write(&format!("{name}.log"), log);
        folder.write(&format!("{name}.csv"), labels);
    }
    folder.write("key", KEY);
    let policy = "upstream = \"http://127.0.0.1:1\"\nmodel = \"shop.json\"\n[policy]\nlimit_score \
        = 0.02\nblock_score = 0.5\n";
    folder.write("strict.toml", policy);
    done(
        &folder,
        &["train", "first.log", "--labels", "first.csv", "-o", "shop.json", "--no-compare"],
    );
    let report = |command: &[&str], codes: &[i32]| -> (Value, String, String) {
        let more = [
            "second.log",
            "--labels",
            "second.csv",
            "--pseudonym-key",
            "key",
            "--json",
            "--report",
            "report.html",
        ];
        let ended = kidoban(&folder.0, &[command, &more].concat());
        assert!(codes.contains(&ended.code.unwrap()), "{command:?}: {}", ended.stderr);
        let page = read(&folder, "report.html");
        assert_only_ours(&page, command[0], 100);
        assert!(page.contains(&format!("<code>kidoban {}", command[0])), "the command");
        let heading = page
            .split("<h1>")
            .nth(1)
            .unwrap()
            .split("</h1>")
            .next()
            .unwrap()
            .replace('\u{a0}', " ");
        let json: Value = ended.json();
        assert_eq!(json["logs"][0]["log"], "second.log");
        assert!(
            page.contains("Data quality")
                && page.contains(&format::count(json["logs"][0]["lines"].as_u64().unwrap()))
        );
        (json, page, heading)
    };
    let number = |value: &Value| format::count(value.as_u64().unwrap_or_else(|| panic!("{value}")));
    let share =
        |value: &Value| format::percent(value.as_f64().unwrap_or_else(|| panic!("{value}")));
    let bound = |value: &Value| {
        format::percent_at_most(value.as_f64().unwrap_or_else(|| panic!("{value}")))
    };

    let budgets = [
        "--fp-budget",
        "5%",
        "--block-budget",
        "5%",
        "--unseen",
        "--outcome",
        "buyer=POST /checkout/complete 2xx",
    ];
    let (tuned, page, heading) =
        report(&[&["tune", "--model", "shop.json"], &budgets[..]].concat(), &[0, 1]);
    let (stops, limit) = (&tuned["stops"], &tuned["ladder"][0]);
    for figure in
        [number(&stops["clients"]), share(&stops["share_of_requests"]), bound(&limit["at_most"])]
    {
        assert!(heading.contains(&figure), "{figure}: {heading}");
    }
    assert!(heading.contains(&limit["score"].to_string()), "{heading} {limit}");
    for rung in tuned["ladder"].as_array().unwrap() {
        let evidence = rung["evidence"].as_str().unwrap();
        assert!(
            page.contains(evidence) && page.contains(&number(&rung["stops"]["requests"])),
            "{rung}"
        );
    }
    for mark in tuned["marks"].as_array().unwrap() {
        assert!(page.contains(&format!("{}</td>", bound(&mark["at_most"]))), "{mark}");
    }
    let risk = &tuned["at_risk"][0];
    assert!(
        risk["sessions"].as_u64().unwrap() > 0
            && page.contains(&format!("of {} that came", number(&risk["sessions"])))
    );
    let snippet = tuned["snippet"].as_str().unwrap().replace('"', "&quot;");
    assert!(snippet.lines().all(|line| page.contains(line)), "{snippet}");
    assert!(page.contains(tuned["model_sha256"].as_str().unwrap()));

    let (diff, page, heading) = report(&["diff", "shop.json", "strict.toml"], &[1]);
    for figure in ["requests_changed", "requests", "clients_changed", "clients"] {
        assert!(heading.contains(&number(&diff[figure])), "{figure}: {heading}");
    }
    let escaped = |text: &Value| text.as_str().unwrap().replace('&', "&amp;").replace('<', "&lt;");
    for path in diff["paths"].as_array().unwrap() {
        assert!(page.contains(&escaped(&path["path"])), "{path}");
    }
    let names = Names::hidden(KEY.as_bytes());
    let changed = diff["changed"].as_array().unwrap();
    assert!(changed.len() > 5);
    for client in changed {
        assert!(page.contains(&names.client(client["client"].as_str().unwrap())), "{client}");
    }
    for row in diff["reasons"].as_array().unwrap() {
        let cells = format!(
            "<code><bdi>{}</bdi></code></td><td class=\"number\">{}</td>",
            row["after"].as_str().unwrap(),
            number(&row["requests"])
        );
        assert!(page.contains(&cells), "{row}");
    }
    for kind in diff["affected"].as_array().unwrap() {
        assert!(page.contains(kind["who"].as_str().unwrap()), "{kind}");
    }

    let (drift, page, heading) = report(&["drift", "--model", "shop.json"], &[0, 1]);
    assert!(
        heading.contains(&format!("{} clients now", number(&drift["drift"]["clients_now"]))),
        "{heading}"
    );
    for shift in
        drift["drift"]["features"].as_array().unwrap().iter().chain([&drift["drift"]["score"]])
    {
        let name = shift["name"].as_str().unwrap();
        let psi = format!("<td class=\"number\">{:.3}</td>", shift["psi"].as_f64().unwrap());
        let row = page
            .split(&format!("<bdi>{name}</bdi>"))
            .nth(1)
            .unwrap()
            .split("</tr>")
            .next()
            .unwrap();
        assert!(
            row.contains(&psi) && row.contains("▲ yes") == shift["alarm"].as_bool().unwrap(),
            "{row} {shift}"
        );
    }
    for held in drift["budgets"].as_object().unwrap().values() {
        assert!(
            page.contains(&format!(
                "{} of {} known people",
                number(&held["above"]),
                number(&held["people"])
            )),
            "{held}"
        );
    }
}

/// Each of these clients is in the page, by its pseudonym and with its reasons.
fn assert_listed(clients: &Value, names: &Names, page: &str) {
    let clients = clients.as_array().unwrap();
    assert!(!clients.is_empty());
    for client in clients {
        assert!(page.contains(&names.client(client["client"].as_str().unwrap())), "{client}");
        let spoken = client["because"].as_array().unwrap();
        assert!(
            spoken.iter().all(|spoken| page.contains(spoken["words"].as_str().unwrap())),
            "{client}"
        );
    }
}

/// What an evaluation says twice it says alike.
fn consistent(evaluated: &Value) {
    let ladder = evaluated["ladder"].as_array().unwrap();
    let own = ladder.iter().find(|rung| rung["name"] == "limit").unwrap();
    let limit = &evaluated["at_threshold"]["limit"];
    assert_eq!((&own["tpr"], &own["fpr_ci"]), (&limit["tpr"], &limit["fpr_ci"]));
    let sum = |label: &str| -> u64 {
        let counts = &evaluated["separation"]["histogram"]["clients"][label];
        counts.as_array().into_iter().flatten().map(|count| count.as_u64().unwrap()).sum()
    };
    for label in ["human", "bad"] {
        let all = evaluated["clients"][label].as_u64().unwrap();
        assert_eq!(sum(label), all - evaluated["not_judged"][label].as_u64().unwrap(), "{label}");
    }
    let last = evaluated["separation"]["curve"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["hurt"].as_u64(), last["caught"].as_u64()),
        (Some(sum("human")), Some(sum("bad")))
    );
    // The portraits look a second time and see the same: the highest score is above every other's.
    let scores: Vec<f64> = evaluated["top"]
        .as_array()
        .unwrap()
        .iter()
        .map(|top| top["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let detected = evaluated["detection"]["by_request"].as_array().unwrap();
    assert!(
        detected
            .is_sorted_by(|a, b| a[0].as_u64() < b[0].as_u64() && a[1].as_u64() < b[1].as_u64())
    );
}
