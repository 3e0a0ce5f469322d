//! Logs as servers really write them, with what they hold, where they lie beside this repository:
//! each is read right, or refused with a reason and a remedy. None is misread in silence.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde_json::Value;
use traffic::forwarded::TrustedProxies;
use traffic::log::{LogError, LogReader, ReadOptions, civil, decompress};

use crate::support::command::kidoban;
use crate::support::{Folder, skip};

/// The proxies of those cases that have any.
const PROXIES: [&str; 2] = ["192.0.2.0/24", "10.0.0.0/8"];
/// Cases that cannot be read, with a part of the reason that is given.
const REFUSED: [(&str, &str); 4] = [
    ("f7_haproxy_httplog", "HAProxy"),
    ("h7_json_bare_dash", "looks like JSON"),
    ("i4_xz", "xz -dc"),
    ("i5_utf16", "iconv"),
];
/// Cases of which only a part is there: lines without a client, or a file that was cut.
const PARTS: [&str; 2] = ["b5_xff_dash", "i10_gz_truncated"];

/// What a log holds, as the cases write it down.
#[derive(Debug, PartialEq)]
struct Held {
    clients: usize,
    requests: u64,
    first: String,
    last: String,
    busiest: String,
    busiest_requests: u64,
}

fn read(path: &Path, options: &ReadOptions) -> Result<(Held, Vec<&'static str>), LogError> {
    let file = BufReader::new(File::open(path).unwrap());
    let mut reader =
        LogReader::with_options(&path.display().to_string(), decompress(file), options)?;
    let (mut clients, mut requests) = (BTreeMap::<String, u64>::new(), 0);
    while let Ok(Some(record)) = reader.next() {
        *clients.entry(record.client_key().to_string()).or_default() += 1;
        requests += 1;
    }
    let busiest = clients.iter().max_by_key(|(_, count)| **count);
    let tally = reader.tally();
    let held = Held {
        clients: clients.len(),
        requests,
        first: tally.first_at.map_or_else(String::new, civil),
        last: tally.last_at.map_or_else(String::new, civil),
        busiest: busiest.map_or_else(String::new, |(client, _)| client.clone()),
        busiest_requests: busiest.map_or(0, |(_, requests)| *requests),
    };
    Ok((held, reader.warnings().iter().map(|warning| warning.code).collect()))
}

/// The machine-readable part of a case's description.
fn truth(path: &Path) -> Option<Held> {
    let text = std::fs::read_to_string(path).ok()?;
    let json: Value =
        serde_json::from_str(text.split("```json").nth(1)?.split("```").next()?).ok()?;
    let text = |key: &str| json[key].as_str().unwrap().to_owned();
    Some(Held {
        clients: usize::try_from(json["clients"].as_u64()?).ok()?,
        requests: json["requests"].as_u64()?,
        first: text("first"),
        last: text("last"),
        busiest: text("busiest"),
        busiest_requests: json["bn"].as_u64()?,
    })
}

/// The cases: name, log, what it holds.
fn cases() -> Vec<(String, PathBuf, Held)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/cases/logs"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some((name, _)) = name.split_once(".log") else { continue };
        if let Some(truth) = truth(&folder.join(format!("{name}.md"))) {
            found.push((name.to_owned(), path, truth));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_case_is_read_right_or_refused_with_a_remedy() {
    let cases = cases();
    if cases.is_empty() {
        return skip("the cases of logs are not beside this repository (../shared/cases/logs)");
    }
    let trusted = TrustedProxies::new(PROXIES.iter().map(|net| net.parse().unwrap()).collect());
    let trusting = ReadOptions { trusted, ..ReadOptions::default() };
    let mut wrong = Vec::new();
    for (name, path, truth) in cases {
        let alone = read(&path, &ReadOptions::default());
        let with_proxies = read(&path, &trusting);
        let reason = REFUSED.iter().find(|(refused, _)| *refused == name);
        let is_part = PARTS.contains(&name.as_str());
        let is_right = match (&alone, &with_proxies, reason) {
            (Err(error), Err(_), Some((_, reason))) => error.to_string().contains(reason),
            (Ok((held, _)), ..) if *held == truth => true,
            (Ok((held, _)), ..) if is_part => held.clients == 8 && held.requests < 48,
            // What nobody can know is known to whoever names the proxies, and said to others.
            (Ok((_, warnings)), Ok((held, _)), None) => {
                let codes = ["hidden_clients", "address_lists", "other_addresses"];
                *held == truth && warnings.iter().any(|code| codes.contains(code))
            }
            (Err(error), Ok((held, _)), None) => {
                error.to_string().contains("--trusted-proxy") && *held == truth
            }
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{name}\n  alone: {alone:?}\n  with proxies: {with_proxies:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// Forty requests of as many visitors, all by way of three proxies.
fn behind_proxies() -> String {
    let line = |number: u32| {
        format!(
            "10.0.1.{} - - [20/Feb/2016:00:00:{number:02} +0000] \"GET /p/{number} HTTP/1.1\" \
                200 5 \
                \"-\" \"Mozilla/5.0\" \"203.0.113.{number}\"\n",
            number % 3
        )
    };
    (10..50).map(line).collect()
}

#[test]
fn visitors_behind_proxies_are_not_learnt_from_until_the_proxies_are_named() {
    let folder = Folder::new("log-cases-proxies");
    folder.write("a.log", behind_proxies());
    let said = kidoban(&folder.0, &["inspect", "a.log"]).assert(1).stdout;
    assert!(said.contains("of 3 clients") && said.contains("--trusted-proxy 10.0.1."), "{said}");
    let trusting = ["inspect", "a.log", "--trusted-proxy", "10.0.0.0/8"];
    let said = kidoban(&folder.0, &trusting).assert(0).stdout;
    assert!(said.contains("of 40 clients"), "{said}");
    let refused = kidoban(&folder.0, &["train", "a.log", "-o", "m.json"]).assert(2).stderr;
    assert!(
        refused.contains("nothing was learnt") && refused.contains("--trusted-proxy"),
        "{refused}"
    );
    folder.write("k.toml", "[client]\ntrusted_proxies = [\"10.0.0.0/8\"]\n");
    let told = kidoban(&folder.0, &["replay", "a.log"]).assert(0).stderr;
    assert!(told.contains("warning: a.log: 100 % of the lines"), "{told}");
    kidoban(&folder.0, &["replay", "a.log", "-c", "k.toml"]).assert(0).assert_quiet();
}

#[test]
fn a_format_that_is_given_is_read_and_shown() {
    let folder = Folder::new("log-cases-format");
    let line = "203.0.113.7|1455926445.250|GET /p/1?a=b HTTP/1.1|200|Mozilla/5.0\n";
    folder.write("a.log", line.repeat(3));
    kidoban(&folder.0, &["inspect", "a.log"]).assert(2);
    let format = "$remote_addr|$msec|$request|$status|$http_user_agent";
    let explain = ["inspect", "a.log", "--format", format, "--explain-format"];
    let said = kidoban(&folder.0, &explain).assert(0).stdout;
    for expect in ["client          203.0.113.7", "target          /p/1?a=b", "2016-02-20 00:00:45"]
    {
        assert!(said.contains(expect), "{said}");
    }
    let wrong = kidoban(&folder.0, &["inspect", "a.log", "--format", "$status"]).assert(2).stderr;
    assert!(wrong.contains("the format has no client"), "{wrong}");
}

#[test]
fn many_small_files_need_few_open_ones() {
    let folder = Folder::new("log-cases-many");
    for number in 0..300 {
        let line = format!(
            "203.0.113.7 - - [20/Feb/2016:00:{:02}:{:02} +0000] \"GET / HTTP/1.1\" 200 5 \
                \"-\" \"a/1\"\n",
            number / 60,
            number % 60
        );
        folder.write(&format!("{number:03}.log"), line.repeat(3));
    }
    let ended = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 128 && exec \"$0\" replay '*.log'"])
        .arg(env!("CARGO_BIN_EXE_kidoban"))
        .current_dir(&folder.0)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("900"), "{said} {}", String::from_utf8_lossy(&ended.stderr));
}
