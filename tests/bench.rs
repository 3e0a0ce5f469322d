//! `kidoban bench` from outside: what a quick run says, that its report says the same, and that it
//! is not trained on what it is tested on.

use analysis::format;
use analysis::report::{Names, Origin};
use detector::model::Budget;
use detector::{Action, Reason};
use lab::botbench::result::*;
use lab::report::benchmark;
use serde_json::Value;

use crate::report::{ATTACKS, assert_only_ours};
use crate::support::command::kidoban;
use crate::support::{Folder, browser, root};

fn bench(arguments: &[&str]) -> (Option<i32>, String, String) {
    let ended = kidoban(root(), &[&["bench"], arguments].concat());
    (ended.code, ended.stdout, ended.stderr)
}

fn row<'a>(rows: &'a Value, name: &str) -> &'a Value {
    let rows = rows.as_array().unwrap();
    rows.iter()
        .find(|row| row["population"] == name)
        .unwrap_or_else(|| panic!("no {name} in {rows:?}"))
}

#[test]
fn a_quick_run_finds_the_easy_bots_and_blocks_nobody_and_its_report_says_so() {
    let folder = Folder::new("bench-report");
    let report = folder.path("report.html").display().to_string();
    let (code, stdout, stderr) = bench(&["--quick", "--json", "--seed", "3", "--report", &report]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "no terminal, no progress");
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((found["seed"].as_u64(), found["is_quick"].as_bool()), (Some(3), Some(true)));

    let columns = found["columns"].as_array().unwrap();
    assert!(columns.len() == 8 && columns[0]["is_detector"] == true, "{columns:?}");
    let training = &found["training"];
    let seeds = |name: &str| training[name].as_array().unwrap().clone();
    assert!(
        !seeds("seeds").is_empty()
            && seeds("seeds").iter().all(|seed| !seeds("test_seeds").contains(seed))
    );
    assert!(
        training["people"].as_u64() > Some(900) && training["bots"].as_u64() > Some(100),
        "{training}"
    );

    let people = &found["people"]["of"][0];
    assert!(people["refused"]["n"].as_u64() > Some(500), "{people}");
    assert_eq!(people["blocked"]["k"], 0, "{people}");
    assert!(people["refused"]["share"].as_f64() < Some(0.01), "{people}");
    for name in ["scraper", "brute_forcer", "scanner", "poller", "scheduler_0"] {
        let of = &row(&found["bad"], name)["of"][0];
        assert!(of["detected"]["share"].as_f64() >= Some(0.9), "{name}: {of}");
        assert!(of["requests_to_detect"]["median"].as_u64() < Some(20), "{name}: {of}");
    }
    let verdicts = found["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), found["bad"].as_array().unwrap().len());
    assert!(verdicts.iter().all(|verdict| verdict["against"].as_array().unwrap().len() == 6));
    assert!(
        found["summary"].as_str().unwrap().contains("people the detector blocks 0"),
        "{}",
        found["summary"]
    );
    let heat = found["heat"]["detected"].as_array().unwrap();
    assert!(heat.len() > 1 && heat.iter().all(|row| row.as_array().unwrap().len() > 1));

    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("<code>kidoban bench --quick --json --seed 3 --report"), "the command");
    assert_shown(&found, &page);
    assert_only_ours(&page, "bench", 1_000);
    let dom = browser::dom_of(&folder, &folder.path("report.html"));
    assert_only_ours(&dom, "bench in a browser", 1_000);
    assert!(dom.contains("<title>bench · Kidoban</title>"));
}

/// The page has a row for each population and a cell for each of the map, with the figures of
/// `--json`.
fn assert_shown(found: &Value, page: &str) {
    let share = |of: &Value| of["share"].as_f64().map_or_else(|| "–".to_owned(), format::percent);
    let number = |of: &Value| of.as_u64().map_or_else(|| "–".to_owned(), format::count);
    let list = |of: &Value| of.as_array().unwrap().clone();
    let expect = |section: &str, rows: &[Value], cells: &dyn Fn(&Value) -> Vec<String>| {
        let shown = rows_of(page, section);
        let expected: Vec<Vec<String>> = rows
            .iter()
            .map(|row| [vec![row["population"].as_str().unwrap().to_owned()], cells(row)].concat())
            .collect();
        assert_eq!(shown[..rows.len()], expected, "{section}");
    };
    let heading = page.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap();
    assert_eq!(heading.replace("&apos;", "'"), found["summary"].as_str().unwrap());

    let interval = |of: &Value| format::range(["low", "high"].map(|end| of[end].as_f64().unwrap()));
    expect("bad", &list(&found["bad"]), &|row| {
        let of = list(&row["of"]);
        let own = &of[0];
        let detect = &own["requests_to_detect"];
        let mut cells =
            vec![number(&row["clients"]), share(&own["detected"]) + &interval(&own["detected"])];
        cells.extend([share(&own["blocked"]), number(&detect["median"]), number(&detect["p90"])]);
        cells.push(share(&own["let_through"]));
        cells.extend(of[1..].iter().map(|other| {
            let is_more = other["detected"]["share"].as_f64() > own["detected"]["share"].as_f64();
            format!("{}{}", if is_more { "▲ " } else { "" }, share(&other["detected"]))
        }));
        cells
    });
    expect("passed", &list(&found["bad"]), &|row| {
        let of = list(&row["of"]);
        let block = &of[0]["requests_to_block"];
        let own = vec![number(&row["requests"]), number(&block["median"]), number(&block["p90"])];
        own.into_iter().chain(of.iter().map(|of| share(&of["let_through"]))).collect()
    });
    let refused = |row: &Value| {
        let cell = |of: &Value| match of["blocked"]["k"].as_u64().unwrap() {
            0 => number(&of["refused"]["k"]),
            blocked => format!("{} ({})", number(&of["refused"]["k"]), format::count(blocked)),
        };
        std::iter::once(number(&row["clients"])).chain(list(&row["of"]).iter().map(cell)).collect()
    };
    expect("people", &[vec![found["people"].clone()], list(&found["human"])].concat(), &refused);
    expect("robots", &list(&found["robots"]), &refused);
    expect("ahead", &list(&found["verdicts"]), &|row| {
        let is_ahead = |against: &Value| against["is_ahead"].as_bool().unwrap();
        list(&row["against"])
            .iter()
            .map(|of| if is_ahead(of) { "✓ yes" } else { "✗ no" }.to_owned())
            .collect()
    });
    expect("targets", &list(&found["targets"]), &|target| {
        let found = &target["found"];
        let met = match ["is_met", "is_sure"].map(|key| target[key].as_bool().unwrap()) {
            [false, _] => "✗ no",
            [true, false] => "yes, not surely",
            [true, true] => "✓ yes",
        };
        let (what, bound) =
            (target["what"].as_str().unwrap().to_owned(), target["bound"].as_f64().unwrap());
        vec![
            what,
            format::percent(bound),
            share(found),
            interval(found),
            number(&found["n"]),
            met.to_owned(),
        ]
    });
    for against in list(&found["verdicts"]).iter().flat_map(|verdict| list(&verdict["against"])) {
        assert!(against["why"].as_str().is_none_or(|why| page.contains(why)), "{against}");
    }

    let map: Vec<String> = ["detected", "blocked"]
        .iter()
        .flat_map(|what| list(&found["heat"][what]))
        .flat_map(|row| list(&row))
        .map(|cell| share(&cell))
        .collect();
    let section = section_of(page, "heat");
    let drawn = section.split("<text class=\"cell ").skip(1);
    let drawn = drawn.map(|text| text.split('>').nth(1).unwrap().split('<').next().unwrap());
    assert_eq!(drawn.collect::<Vec<_>>(), map);
    assert_eq!(section.matches("<rect").count(), map.len());

    let training = section_of(page, "training");
    let of = &found["training"];
    for seed in [list(&of["seeds"]), list(&of["test_seeds"])].concat() {
        assert!(training.contains(&seed.to_string()), "{seed}");
    }
    for text in
        [&of["model_sha256"], &of["limit"]["evidence"], &of["block"]["evidence"], &of["readiness"]]
    {
        assert!(training.contains(text.as_str().unwrap()), "{text}");
    }
}

fn section_of<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}"));
    &page[begin..begin + page[begin..].find("</section>").unwrap()]
}

/// The cells of each row as they are read, those of a section's first table first.
fn rows_of(page: &str, section: &str) -> Vec<Vec<String>> {
    let text = |cell: &str| {
        let parts = cell.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
        parts.collect::<String>()
    };
    let rows = section_of(page, section)
        .split("<tbody>")
        .skip(1)
        .flat_map(|body| body.split("<tr>").skip(1));
    let cells = |row: &str| {
        let row = row.split("</tr>").next().unwrap().replace("</td>", "</th>");
        let cells: Vec<String> = row.split_terminator("</th>").map(text).collect();
        cells
    };
    rows.map(cells).collect()
}

/// Everything in it that is text is an attack.
fn hostile() -> BotBench {
    let mut attacks = ATTACKS.iter().cycle().map(|attack| (*attack).to_owned());
    let mut attack = || attacks.next().unwrap();
    let of = || vec![ColumnOutcome::default(); 2];
    let mut row = |of| PopulationRow {
        population: attack(),
        reasoning: attack(),
        clients: 1,
        requests: 2,
        of,
    };
    let [people, human, robot, bad, of_site, of_log] = [(); 6].map(|()| row(of()));
    let budget = || Budget {
        margin: None,
        alpha: 0.01,
        delta: 0.05,
        n: 0,
        k: 0,
        evidence: "none".to_owned(),
    };
    let against = Against { rule: attack(), is_ahead: false, why: Some(attack()) };
    BotBench {
        summary: attack(),
        seed: 1,
        is_quick: true,
        training: Training {
            seeds: vec![1],
            test_seeds: vec![2],
            requests: 1,
            people: 1,
            bots: 1,
            model_sha256: attack(),
            left_out: vec![ATTACKS[1]],
            readiness: attack(),
            limit: budget(),
            block: budget(),
            cohort: budget(),
        },
        columns: [true, false].map(|is_detector| Column { name: attack(), is_detector }).to_vec(),
        people,
        human: vec![human],
        refused: vec![RefusedPerson {
            population: ATTACKS[0],
            client: attack(),
            day: 0,
            request: 1,
            action: Action::Limit,
            reason: Reason::Limited,
            score: Some(f32::NAN),
            because: vec![attack()],
        }],
        robots: vec![robot],
        bad: vec![bad],
        verdicts: vec![PopulationVerdict { population: attack(), against: vec![against] }],
        targets: vec![Target {
            population: attack(),
            what: ATTACKS[2],
            bound: f64::NAN,
            found: Share::default(),
            is_met: false,
            is_sure: false,
        }],
        heat: HeatMap {
            periods_s: vec![1.0],
            jitters: vec![0.5],
            detected: vec![vec![Share::default()]],
            blocked: vec![vec![Share::default()]],
        },
        first_week: FirstWeek { people_a_day: 1, bots_a_day: 1, days: Vec::new() },
        sites: vec![OfSite {
            site: attack(),
            how: attack(),
            people: Some(of_log),
            bad: vec![of_site],
        }],
    }
}

#[test]
fn nothing_that_a_real_log_or_its_labels_say_becomes_markup() {
    let folder = Folder::new("bench-markup");
    for names in [Names::shown(), Names::hidden(b"a key of whatever length")] {
        let mut found = hostile();
        found.sites[0].bad[0].population = "wrote from 198.51.100.3".to_owned();
        let page = benchmark(&found, &names).render(&Origin::default(), &names);
        assert!(
            page.contains("&lt;script&gt;document.title='ran'") && page.contains("&amp;lt;script"),
            "nothing was tried"
        );
        assert_ne!(page.contains("wrote from 198.51.100.3"), names.are_hidden());
        assert_only_ours(&page, "hostile", 300);
        // Without the policy, so that only what is escaped is safe.
        let policy = page.find("<meta http-equiv").unwrap();
        let end = policy + page[policy..].find('>').unwrap() + 1;
        let dom = browser::dom_of(
            &folder,
            &folder.write("bare.html", format!("{}{}", &page[..policy], &page[end..])),
        );
        assert_only_ours(&dom, "hostile in a browser", 300);
        assert!(dom.contains("<title>bench · Kidoban</title>"), "a script ran");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_minutes_of_work() {
    for arguments in [["--report", "no/such/r.html"], ["--report", "."]] {
        let (code, stdout, stderr) = bench(&arguments);
        assert!(code == Some(2) && stdout.is_empty() && stderr.contains(arguments[1]), "{stderr}");
    }
}

#[test]
fn one_log_alone_is_an_error_that_says_what_to_do() {
    let (code, _, stderr) = bench(&["--site", "anything"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("give two or more"), "{stderr}");
}
