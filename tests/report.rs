//! Reports: figures of `--json`, pseudonyms, and logs that try to write into the page.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis::format;
use analysis::report::Names;
use detector::Features;
use detector::drift::reference;
use detector::features::COUNT;
use detector::model::seal;
use serde_json::Value;
use traffic::sim::{self, Mix};

use crate::support::command::kidoban;
use crate::support::{Folder, browser, html, model};

/// A secret for pseudonyms.
const KEY: &str = "sixteen bytes, at least";
/// Everything that a report is made of.
const TAGS: &str = "html head meta title style body a header p svg path span h1 dl div dt dd \
    strong wbr nav ul li main section h2 table caption thead \
                    tr th tbody td code bdi small b br figure figcaption desc g line pre text rect \
                    circle";
const ATTRIBUTES: &str = "lang charset http-equiv content name href id class role aria-label \
    aria-labelledby aria-hidden focusable tabindex \
                          scope viewbox width height d x y x1 x2 y1 y2 cx cy r rx text-anchor";

fn done(folder: &Folder, arguments: &[&str]) -> String {
    kidoban(&folder.0, arguments).assert(0).stdout
}

/// Runs a command whose answer may be no.
fn ended(folder: &Folder, arguments: &[&str]) -> String {
    let ended = kidoban(&folder.0, arguments);
    assert!(matches!(ended.code, Some(0 | 1)), "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.path(name)).unwrap()
}

/// What would change the page if a browser took it for more than text. All of it fits into a line
/// of a log.
pub const ATTACKS: [&str; 10] = [
    "<script>document.title='ran'</script>",
    "\"><img src=x onerror=document.title='ran'>",
    "'><svg/onload=document.title='ran'>",
    "</title><script>document.title='ran'</script>",
    "</style><script>document.title='ran'</script>",
    "</code></bdi></table><script>document.title='ran'</script>",
    "--><script>document.title='ran'</script><!--",
    "]]><script>document.title='ran'</script>",
    "&lt;script&gt;&amp;&#60;img src=x onerror=document.title='ran'>",
    "\u{202e}<script>document.title='ran'</script>\u{2066}\u{7}\u{1b}[2J\u{0}",
];

/// Robots that carry one attack each everywhere a log line has room for it, and people who do not;
/// and the bytes that are no text.
fn hostile(folder: &Folder) {
    let mut model = model::file(ATTACKS[0], model::lively());
    model.thresholds.limit.margin = Some(-2.0);
    let row = Features([0.5; COUNT]);
    model.drift = reference([(&row, -4.0), (&row, -3.0)].into_iter(), 2);
    folder.write("model.json", seal(&model).unwrap());
    model.thresholds.limit.margin = Some(-3.5);
    model.thresholds.block.margin = Some(-1.0);
    folder.write("<img src=x onerror=document.title='ran'>.json", seal(&model).unwrap());
    let (mut log, mut labels) = (String::new(), String::from("client,label,why\n"));
    let mut line = |client: &str, second: usize, path: &str, attack: &str, status: u16| {
        let entry = serde_json::json!({
            "time_iso8601": format!("2026-02-20T00:{:02}:{:02}+00:00", second / 60, second % 60),
            "remote_addr": client, "request": format!("GET {path} \
                HTTP/1.1"), "status": status.to_string(), "body_bytes_sent": "1",
            "http_referer": attack, "http_user_agent": attack,
        });
        log.push_str(&format!("{entry}\n"));
    };
    for (i, attack) in ATTACKS.iter().enumerate() {
        // One in two is called by what it carries, as a client field can be.
        let carried = format!("{i}{}", attack.replace([' ', '\0'], ""));
        let client = if i % 2 == 0 { carried } else { format!("203.0.113.{i}") };
        for page in 0..12 {
            let path = format!(
                "/{}{}?q={page}",
                attack.replace(' ', "/"),
                if page < 3 { "/first" } else { "" }
            );
            line(&client, page * 10, &path, attack, 404);
        }
        let quoted = attack.replace('"', "\"\"");
        labels.push_str(&format!("\"{}\",bad,\"{quoted}\"\n", client.replace('"', "\"\"")));
    }
    for (person, attack) in ATTACKS.iter().enumerate().take(8) {
        let client = format!("198.51.100.{person}");
        for page in 0..7 {
            line(
                &client,
                page * page * 7 + person,
                &format!("/p/{}", (page + person) % 5),
                "https://shop.example/",
                200,
            );
        }
        let why = if person == 3 { "wrote from 198.51.100.3" } else { attack };
        labels.push_str(&format!("{client},human,\"{}\"\n", why.replace('"', "\"\"")));
    }
    line("2001:db8::7", 700, "/from/198.51.100.3/to", "-", 200);
    // A file's name is shown as well; it may hold anything but a slash.
    folder.write("<img src=x onerror=document.title='ran'>.log", log);
    let mut bytes = Vec::new();
    for page in 0..40 {
        bytes.extend_from_slice(
            format!("192.0.2.9 - - [20/Feb/2026:00:10:{page:02} +0000] \"GET /").as_bytes(),
        );
        bytes.extend_from_slice(
            b"\xff\xfe<script>document.title='ran'</script>\xc0\xaf HTTP/1.1\" 200 1 \"-\" \
                \"\xff<b>\"\n",
        );
    }
    bytes.extend_from_slice(
        b"192.0.2.9 - - [<script>document.title='ran'</script>] \"GET / HTTP/1.1\" 200 1\n",
    );
    folder.write("bytes.log", bytes);
    folder.write("labels.csv", labels);
    folder.write("key", KEY);
}

const EVALUATE: [&str; 6] = [
    "evaluate",
    "--model",
    "model.json",
    "--labels",
    "labels.csv",
    "<img src=x onerror=document.title='ran'>.log",
];

const LOG: &str = EVALUATE[5];

/// The other commands, with how many tags their report has at least, and what of the log it shows.
const OTHERS: [(&[&str], usize, &[&str]); 3] = [
    (
        &[
            "tune",
            "--model",
            "model.json",
            "--labels",
            "labels.csv",
            "--fp-budget",
            "40%",
            "--block-budget",
            "40%",
            "--unseen",
            "--outcome",
            "came=GET /p/<i>/* 2xx",
            LOG,
        ],
        300,
        &["&lt;script&gt;document.title='ran'&lt;/script&gt;", "&lt;svg/onload", "/p/&lt;i&gt;"],
    ),
    (
        &[
            "diff",
            "model.json",
            "<img src=x onerror=document.title='ran'>.json",
            "--labels",
            "labels.csv",
            LOG,
        ],
        500,
        &[
            "/&lt;script&gt;document.title='ran'&lt;/script&gt;",
            "&lt;/code&gt;&lt;/bdi&gt;",
            "\\u{202e}",
            "&lt;img",
        ],
    ),
    (
        &["drift", "--model", "model.json", "--labels", "labels.csv", LOG],
        60,
        &["&lt;script&gt;document.title='ran'&lt;/script&gt;", "&lt;img"],
    ),
];

/// Nothing but our own tags with our own attributes, and no link that leads away.
pub fn assert_only_ours(page: &str, what: &str, least: usize) {
    let (tags, attributes): (BTreeSet<&str>, BTreeSet<&str>) =
        (TAGS.split_whitespace().collect(), ATTRIBUTES.split_whitespace().collect());
    let found = html::tags(page);
    assert!(found.len() > least, "{what}: {} tags", found.len());
    for tag in &found {
        assert!(tags.contains(tag.name.as_str()), "{what}: {tag:?}");
        assert!(
            tag.attributes.iter().all(|(name, _)| attributes.contains(name.as_str())),
            "{what}: {tag:?}"
        );
        assert!(tag.attribute("href").is_none_or(|href| href.starts_with('#')), "{what}: {tag:?}");
    }
    let is_hidden = |char: char| matches!(char, '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(
        !page.contains(is_hidden),
        "{what}: a mark that turns text around, or controls something"
    );
}

#[test]
fn nothing_in_a_log_becomes_markup_and_a_browser_runs_none_of_it() {
    let folder = Folder::new("report-markup");
    hostile(&folder);
    let command =
        [&EVALUATE[..], &["bytes.log", "--report", "report.html", "--show-clients"]].concat();
    done(&folder, &command);
    let page = read(&folder, "report.html");
    for attack in [
        "&lt;script&gt;document.title='ran'&lt;/script&gt;",
        "&lt;img",
        "&amp;lt;script",
        "&lt;/style&gt;",
        "\\u{202e}",
    ] {
        assert!(page.contains(attack), "the page does not show {attack}: nothing was tried");
    }
    assert!(page.contains('\u{fffd}'), "bytes that are no text");
    assert_only_ours(&page, "as written", 500);

    let policy = page.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let end = policy + page[policy..].find('>').unwrap() + 1;
    let bare = format!("{}{}", &page[..policy], &page[end..]);
    let script = "<script>document.title='ran'</script>";
    let dom = |name: &str, page: &str| browser::dom_of(&folder, &folder.write(name, page));
    let title = |dom: &str| {
        dom.split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned()
    };
    for (name, page) in [("whole.html", &page), ("bare.html", &bare)] {
        let dom = dom(name, page);
        assert!(title(&dom).ends_with("· Kidoban"), "{name}: {}", title(&dom));
        assert_only_ours(&dom, name, 500);
    }
    // What would be seen if a script did run; and the policy stops even that.
    let with_script = |page: &str| page.replace("</main>", &format!("</main>{script}"));
    assert_eq!(title(&dom("ran.html", &with_script(&bare))), "ran");
    assert_ne!(title(&dom("stopped.html", &with_script(&page))), "ran");
}

#[test]
fn nothing_in_a_log_becomes_markup_in_the_other_reports_either() {
    let folder = Folder::new("report-others");
    hostile(&folder);
    for (command, least, shown) in OTHERS {
        let name = command[0];
        ended(
            &folder,
            &[command, &["bytes.log", "--report", "report.html", "--show-clients"]].concat(),
        );
        let page = read(&folder, "report.html");
        for attack in shown {
            assert!(page.contains(attack), "{name} does not show {attack}: nothing was tried");
        }
        assert_only_ours(&page, name, least);
        // Without the policy, so that only what is escaped is safe.
        let policy = page.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
        let end = policy + page[policy..].find('>').unwrap() + 1;
        let bare = folder.write("bare.html", format!("{}{}", &page[..policy], &page[end..]));
        let dom = browser::dom_of(&folder, &bare);
        assert_only_ours(&dom, name, least);
        assert!(dom.contains(" · Kidoban</title>"), "{name}: a script ran");
    }
}

#[test]
fn nobodys_address_is_in_a_report_unless_it_was_asked_for() {
    let folder = Folder::new("report-names");
    hostile(&folder);
    let report = |name: &str, rest: &[&str]| {
        done(&folder, &[&EVALUATE[..], &["bytes.log", "--report", name], rest].concat());
        read(&folder, name)
    };
    let addresses =
        (0..8).map(|i| format!("198.51.100.{i}")).chain((0..10).map(|i| format!("203.0.113.{i}")));
    let addresses: Vec<String> =
        addresses.chain(["192.0.2.9".into(), "2001:db8::7".into()]).collect();
    let hidden = report("hidden.html", &["--pseudonym-key", "key"]);
    for address in &addresses {
        assert!(!hidden.contains(address), "{address} is in it");
    }
    let shown = report("shown.html", &["--show-clients"]);
    let there = addresses.iter().filter(|address| shown.contains(*address)).count();
    assert!(there >= 13, "{there} of {} addresses", addresses.len());
    assert!(
        shown.contains("personal data")
            && !hidden.contains("personal data")
            && hidden.contains("pseudonyms")
    );

    for (command, _, _) in OTHERS {
        let report = |rest: &[&str]| {
            ended(&folder, &[command, &["bytes.log", "--report", "other.html"], rest].concat());
            read(&folder, "other.html")
        };
        let (hidden, shown) = (report(&["--pseudonym-key", "key"]), report(&["--show-clients"]));
        for address in &addresses {
            assert!(!hidden.contains(address), "{}: {address} is in it", command[0]);
        }
        assert!(
            addresses.iter().any(|address| shown.contains(address)),
            "{}: nothing was hidden",
            command[0]
        );
        assert_eq!(hidden, report(&["--pseudonym-key", "key"]), "{}", command[0]);
    }

    // One key, one pseudonym; the bytes are the same but for the file's own name. Without a key it
    // is another one each time.
    let name = Names::hidden(KEY.as_bytes()).client("198.51.100.1");
    assert!(hidden.contains(&name), "{name}");
    assert_eq!(hidden, report("hidden.html", &["--pseudonym-key", "key"]));
    let [one, other] = [(); 2].map(|()| report("drawn.html", &[]));
    assert!(one != other && !one.contains(&name));
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_is_done() {
    let folder = Folder::new("report-refused");
    hostile(&folder);
    folder.write("short", "short");
    let check = |arguments: &[&str], words: &str| {
        let ended = kidoban(&folder.0, &[&EVALUATE[..], arguments].concat());
        let error = &ended.stderr;
        assert!(
            ended.code == Some(2) && ended.stdout.is_empty() && error.contains(words),
            "{error}"
        );
    };
    check(&["--report", "no/such/folder/r.html"], "no/such/folder/r.html: cannot be written");
    check(&["--report", "."], "is a folder");
    check(&["--report", "r.html", "--pseudonym-key", "short"], "at least 16 bytes");
    check(&["--report", "r.html", "--pseudonym-key", "missing"], "missing: cannot be read");
    check(&["--show-clients"], "--report");
    // Training takes minutes: not one of them for nothing.
    let train =
        ["train", "bytes.log", "--labels", "labels.csv", "-o", "m.json", "--report", "no/r.html"];
    kidoban(&folder.0, &train).assert(2);
    assert!(
        !folder.path("m.json").exists()
            && !folder.path("r.html").exists()
            && !folder.path("r.html.tmp").exists()
    );
}

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
