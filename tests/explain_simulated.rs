//! What `explain` says of simulated clients, beside people and in company.

use std::sync::Arc;

use traffic::sim::{self, Mix};

use crate::support::command::kidoban;
use crate::support::{Folder, model};

/// A simulated log whose clients are banned, limited, judged too early, or not there.
#[test]
fn a_simulated_client_is_explained_beside_people_and_alike_by_any_number_of_threads() {
    let folder = Folder::new("explain-sim");
    model::write(&folder, &model::file("lively", model::lively()));
    let site = Arc::new(sim::Site::with_size(3, 300, 6));
    let day = sim::simulate(&site, 3, model::DAY, &Mix::of(150, 30), model::DAY_US / 2);
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_combined(&day, &mut log).unwrap();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    folder.write("access.log", log);
    folder.write("labels.csv", labels);
    folder.write(
        "kidoban.toml",
        "upstream = \"http://127.0.0.1:1\"\nmodel = \"lively.json\"\n[policy]\nlimit_score = \
            0.3\nblock_score = 0.7\n",
    );
    let lines = kidoban(&folder.0, &["replay", "access.log", "-c", "kidoban.toml", "--json-lines"])
        .assert(0)
        .stdout;
    let stopped: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(stopped.len() >= 10, "{lines}");
    for stopped in &stopped[..5] {
        let client = stopped["client"].as_str().unwrap();
        let explain = [
            "explain",
            client,
            "access.log",
            "-c",
            "kidoban.toml",
            "--labels",
            "labels.csv",
            "--json",
            "--jobs",
        ];
        let one = kidoban(&folder.0, &[&explain[..], &["1"]].concat()).assert(0);
        assert_eq!(
            kidoban(&folder.0, &[&explain[..], &["3"]].concat()).assert(0).stdout,
            one.stdout
        );
        let json = one.json();
        assert_eq!(json["totals"]["requests"], stopped["requests"]);
        assert_eq!(
            (&json["totals"]["limited"], &json["totals"]["blocked"]),
            (&stopped["limited"], &stopped["blocked"])
        );
        let normal = &json["decisive"]["normal"];
        assert_eq!(normal["source"], "labelled", "{normal}");
        assert!(
            normal["people"].as_u64().unwrap() >= 20
                && normal["pages"].as_u64() <= json["decisive"]["pages"].as_u64()
        );
    }
    let client = stopped[0]["client"].as_str().unwrap();
    let said = kidoban(&folder.0, &["explain", client, "access.log", "-c", "kidoban.toml"])
        .assert(0)
        .stdout;
    let expect = [
        "would have been blocked with request",
        "It would have been ",
        "The sum ",
        "Every request, its score",
    ];
    assert!(expect.iter().all(|expect| said.contains(expect)), "{said}");
    // Nobody to compare with is said, and not made up.
    assert!(
        said.contains("by weak rules: nobody has labelled them")
            || said.contains("with nobody to compare"),
        "{said}"
    );
    let early = ["explain", client, "access.log", "-c", "kidoban.toml", "--request", "1"];
    let said = kidoban(&folder.0, &early).assert(0).stdout;
    assert!(said.contains("is judged from 5 on: until then everybody is allowed"), "{said}");
    let absent = kidoban(&folder.0, &["explain", "10.99.99.99", "access.log"]).assert(1).stdout;
    assert!(absent.contains("10.99.99.99 is not in access.log"), "{absent}");
    let absent =
        kidoban(&folder.0, &["explain", "no-address", "access.log", "--json"]).assert(1).json();
    assert!(
        absent["words"][0].as_str().unwrap().starts_with("no-address is not in access.log"),
        "{absent}"
    );
    let usage = kidoban(&folder.0, &["explain", "access.log"]).assert(2).stderr;
    assert!(usage.contains("expected a client and its log"), "{usage}");
}

#[test]
fn what_the_company_did_is_said_in_its_own_words() {
    let folder = Folder::new("explain-company");
    model::write(&folder, &model::file("lively", model::lively()));
    folder.write(
        "kidoban.toml",
        "upstream = \"http://127.0.0.1:1\"\nmodel = \
        \"lively.json\"\n[policy]\nlimit_score = 0.9\ncohort_score = 0.1\nlimit_burst_pages = \
        1\nlimit_pages_per_min = 1\n",
    );
    let mut log = String::new();
    for number in 0..40 {
        let line = format!(
            "192.0.2.{} - - [16/Nov/2026:10:00:{number:02} +0000] \"GET /gone/{number} HTTP/1.1\" \
                404 5 \"-\" \"one browser\"\n",
            number % 20
        );
        log.push_str(&line);
    }
    folder.write("access.log", log);
    let lines = kidoban(
        &folder.0,
        &["replay", "access.log", "-c", "kidoban.toml", "--json-lines", "--top", "1"],
    )
    .assert(0);
    assert_eq!(lines.json()["reason"], "cohort", "{}", lines.stdout);
    assert_eq!(lines.json()["because"][0], "its network's newcomers together", "{}", lines.stdout);
    let client = lines.json()["client"].as_str().unwrap().to_owned();
    let said = kidoban(&folder.0, &["explain", &client, "access.log", "-c", "kidoban.toml"])
        .assert(0)
        .stdout;
    assert!(
        said.contains("The newcomers of the network 192.0.2.0/24 with the same browser (")
            && said.contains("together score")
            && said.contains("nothing that it alone did decides this")
            && !said.contains("scored none"),
        "{said}"
    );
}

/// Blocked after four pages, ten seconds later after two.
#[test]
fn a_second_ban_says_why_it_came_sooner() {
    let folder = Folder::new("explain-again");
    model::write(&folder, &model::file("constant", model::constant(5.0)));
    folder.write(
        "kidoban.toml",
        "model = \"constant.json\"\n[policy]\nmin_pages = 1\nlimit_score \
        = 0.5\nblock_score = 0.9\nblock_after_pages = 4\nblock_s = 10\n",
    );
    let line = |second: u32| {
        format!(
            "192.0.2.7 - - [16/Nov/2026:10:00:{second:02} +0000] \"GET /p/{second} HTTP/1.1\" 200 \
                5 \"-\" \"b\"\n"
        )
    };
    folder.write("access.log", [0, 1, 2, 3, 20, 21].map(line).concat());
    let explain = |number: &str| {
        kidoban(
            &folder.0,
            &["explain", "192.0.2.7", "access.log", "-c", "kidoban.toml", "--request", number],
        )
        .assert(0)
        .stdout
    };
    let (first, second) = (explain("4"), explain("6"));
    assert!(first.contains("0.900 or more on 4 pages in a row is blocked"), "{first}");
    let why =
        "on 2 pages in a row (4 before its first ban, and half as many after each) is blocked";
    assert!(second.contains(why), "{second}");
}
