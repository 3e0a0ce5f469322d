//! Reports: figures of `--json`, pseudonyms, and logs that try to write into the page.

use std::collections::BTreeSet;

use analysis::report::Names;
use detector::Features;
use detector::drift::reference;
use detector::features::COUNT;
use detector::model::seal;

use crate::support::command::kidoban;
use crate::support::{Folder, browser, html, model};

/// A secret for pseudonyms.
pub const KEY: &str = "sixteen bytes, at least";
/// Everything that a report is made of.
const TAGS: &str = "html head meta title style body a header p svg path span h1 dl div dt dd \
    strong wbr nav ul li main section h2 table caption thead \
                    tr th tbody td code bdi small b br figure figcaption desc g line pre text rect \
                    circle";
const ATTRIBUTES: &str = "lang charset http-equiv content name href id class role aria-label \
    aria-labelledby aria-hidden focusable tabindex \
                          scope viewbox width height d x y x1 x2 y1 y2 cx cy r rx text-anchor";

pub fn done(folder: &Folder, arguments: &[&str]) -> String {
    kidoban(&folder.0, arguments).assert(0).stdout
}

/// Runs a command whose answer may be no.
pub fn ended(folder: &Folder, arguments: &[&str]) -> String {
    let ended = kidoban(&folder.0, arguments);
    assert!(matches!(ended.code, Some(0 | 1)), "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

pub fn read(folder: &Folder, name: &str) -> String {
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
    let is_hidden = |char: char| {
        matches!(char, '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' |
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
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
