//! What `kidoban inspect` warns of. Each warning by itself is tested in traffic
//! (`warning_tests.rs`) and the trainer.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::support::command::kidoban;
use crate::support::{Folder, data, real_logs};

/// Exit code, standard output.
fn inspect(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let ended = kidoban(folder, &[&["inspect"], arguments].concat()).assert_quiet();
    (ended.code.unwrap(), ended.stdout)
}

/// The codes that are said of each log.
fn codes(folder: &Path, logs: &[&str]) -> Vec<Vec<String>> {
    let json: Value =
        serde_json::from_str(&inspect(folder, &[&["--json"], logs].concat()).1).unwrap();
    let of_log = |log: &Value| {
        let warnings = log["warnings"].as_array().unwrap();
        for warning in warnings {
            let is_text = |key: &str| warning[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(is_text("code") && is_text("message") && is_text("fix"), "{warning}");
        }
        warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    json.as_array().unwrap().iter().map(of_log).collect()
}

fn day(number: u32, seconds: std::ops::Range<u32>) -> String {
    let mut log = String::new();
    for second in seconds {
        let client = format!("{}.{}.2.{}", 11 + second % 80, second % 7, 1 + second % 200);
        let time = format!(
            "{number:02}/Feb/2026:{:02}:{:02}:{:02} +0900",
            second / 3_600,
            second / 60 % 60,
            second % 60
        );
        let target = if second.is_multiple_of(3) {
            format!("/p/{second}?x=1")
        } else {
            format!("/i/{second}.png")
        };
        let _ = writeln!(
            log,
            r#"{client} - - [{time}] "GET {target} HTTP/1.1" 200 812 "https://shop.example/" "Mozilla/5.0""#
        );
    }
    log
}

#[test]
fn a_warning_is_said_in_words_with_what_to_do_and_to_machines() {
    let (code, said) = inspect(&data("logs"), &["private.log"]);
    assert_eq!(code, 0);
    assert!(said.contains("  warning     nearly all addresses are private"), "{said}");
    assert!(
        said.contains(
            "              Log $http_x_forwarded_for or set real_ip in the server, and \
            trusted_proxies"
        ),
        "{said}"
    );
    assert!(codes(&data("logs"), &["private.log"])[0].contains(&"private_addresses".to_owned()));
}

#[test]
fn a_health_check_that_has_most_of_the_log_is_said() {
    let folder = Folder::new("inspect-health");
    let mut log = day(20, 0..1_000);
    for second in 0..4_000 {
        let time = format!(
            "20/Feb/2026:{:02}:{:02}:{:02} +0900",
            second / 3_600,
            second / 60 % 60,
            second % 60
        );
        let _ = writeln!(
            log,
            r#"198.51.100.1 - - [{time}] "GET /up HTTP/1.1" 200 2 "-" "ELB-HealthChecker/2.0""#
        );
    }
    folder.write("access.log", log);
    let (_, said) = inspect(&folder.0, &["access.log"]);
    assert!(
        said.contains(
            "one client (198.51.100.1) has 80 % of the requests, for the same few URLs: \
            a load balancer"
        ),
        "{said}"
    );
}

#[test]
fn a_log_without_zone_is_looked_at_and_not_learnt_from() {
    let folder = Folder::new("inspect-zone");
    folder.write("access.log", day(20, 0..50).replace(" +0900]", "]"));
    let (code, said) = inspect(&folder.0, &["access.log"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("the time has no zone in 50 of 50 lines") && said.contains("$time_iso8601"),
        "{said}"
    );
    let said = kidoban(&folder.0, &["replay", "access.log"]).assert(2).stderr;
    assert!(said.contains("access.log:1: the time has no zone: log $time_iso8601"), "{said}");
}

#[test]
fn rotated_logs_are_judged_together() {
    let folder = Folder::new("inspect-rotated");
    for (name, log) in
        [("a.log", day(20, 0..3_000)), ("b.log", day(21, 0..3_000)), ("c.log", day(23, 0..3_000))]
    {
        folder.write(name, log);
    }
    folder.write("b-again.log", day(21, 0..3_000));
    let has =
        |logs: &[&str], code: &str| codes(&folder.0, logs).concat().contains(&code.to_owned());
    assert!(has(&["a.log"], "short_span"), "fifty minutes");
    assert!(
        !has(&["a.log", "b.log", "c.log"], "short_span"),
        "each is short, together they are days"
    );
    assert!(!has(&["a.log", "b.log", "c.log"], "duplicates"));
    assert!(has(&["a.log", "b.log", "b-again.log", "c.log"], "duplicates"));
    assert!(has(&["b.log", "b-again.log"], "too_few_people"));
    let of_each = codes(&folder.0, &["a.log", "b.log"]);
    assert!(
        of_each[0].contains(&"too_few_people".to_owned())
            && !of_each[1].contains(&"too_few_people".to_owned())
    );
}

/// What came out on each public log, looked at line by line: every one of these is true of that
/// log.
#[test]
fn real_logs_are_warned_of_for_what_is_wrong_with_them_only() {
    for (site, expect) in REAL {
        let Some((log, _)) = real_logs(site) else { return };
        let found = codes(Path::new("/"), &[&log.display().to_string()]).concat();
        let found: Vec<&str> =
            found.iter().map(String::as_str).filter(|code| !EVERYWHERE.contains(code)).collect();
        assert_eq!(found, expect, "{site}");
    }
}

/// They all tell whole seconds and hold fewer people than a proof needs.
const EVERYWHERE: [&str; 2] = ["whole_seconds", "too_few_people"];
const REAL: [(&str, &[&str]); 11] = [
    ("airisdata", &[]),
    ("semicomplete", &[]),
    ("mtn", &[]),
    ("icm", &[]),
    ("almhuette", &["one_client"]),
    ("iti_train", &[]),
    ("scanner_acunetix", &["clock_back", "private_addresses", "short_span"]),
    ("scanner_netsparker", &["private_addresses", "short_span"]),
    ("scanner_w3af", &["clock_back", "private_addresses", "short_span"]),
    ("honeypot", &["clock_back"]),
    ("flood", &["short_span"]),
];
