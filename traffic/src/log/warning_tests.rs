//! Each warning is given for a log that has its problem, and not for an ordinary log.

use std::fmt::Write as _;

use detector::url;

use super::warning::{Surveyed, together};
use super::{LogReader, ReadOptions, Survey};

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

/// An ordinary month in combined format, a line every ten minutes: half of it images, some
/// searches, many clients.
fn ordinary() -> String {
    let mut log = String::new();
    for number in 0..4_320_u32 {
        let client =
            format!("{}.{}.{}.{}", 11 + number % 90, number % 7, number % 13, 1 + number % 250);
        let target = match number % 8 {
            0..4 => format!("/img/{}.jpg", number % 500),
            4 => format!("/search?q=tea{}", number % 50),
            _ => format!("/p/{}", number % 900),
        };
        let (day, hour, minute) = (1 + number / 144, number / 6 % 24, number % 6 * 10);
        let time = format!("{day:02}/Jun/2026:{hour:02}:{minute:02}:07 +0200");
        let _ = writeln!(
            log,
            r#"{client} - - [{time}] "GET {target} HTTP/1.1" 200 812 "https://shop.example/" "{AGENT}""#
        );
    }
    log
}

fn surveyed(name: &str, log: &str) -> Surveyed {
    let (mut reader, _) =
        LogReader::leniently(name, log.as_bytes(), &ReadOptions::default()).unwrap();
    let mut survey = Survey::default();
    while let Some(record) = reader.next().unwrap() {
        survey.note(&record, url::classify(url::split(record.target).0, record.fetch_dest));
    }
    Surveyed {
        name: name.to_owned(),
        format: reader.format(),
        tally: reader.tally().clone(),
        survey,
    }
}

fn codes(log: &str) -> Vec<&'static str> {
    let log = surveyed("a.log", log);
    let of_log = log.warnings();
    of_log.iter().chain(&together(std::slice::from_ref(&log))).map(|warning| warning.code).collect()
}

/// Checks that the ordinary log does not give this warning, and gives it after the change.
fn check(code: &str, change: impl Fn(String) -> String) {
    assert!(!codes(&ordinary()).contains(&code), "{code} in an ordinary log");
    let changed = codes(&change(ordinary()));
    assert!(changed.contains(&code), "{code} is not among {changed:?}");
}

/// The log with every line changed.
fn each(log: &str, change: impl Fn(usize, &str) -> String) -> String {
    log.lines().enumerate().map(|(index, line)| change(index, line) + "\n").collect()
}

#[test]
fn of_an_ordinary_log_only_the_clock_is_said() {
    assert_eq!(codes(&ordinary()), ["whole_seconds"]);
}

#[test]
fn what_is_wrong_with_clients_is_said() {
    let client = |name: fn(usize) -> String| {
        move |log: String| {
            each(&log, |index, line| format!("{} {}", name(index), line.split_once(' ').unwrap().1))
        }
    };
    check("private_addresses", client(|index| format!("10.0.{}.7", index % 200)));
    check("client_names", client(|index| format!("dsl-{index}.example.net")));
    check("cut_addresses", client(|index| format!("{}.{}.3.0", 11 + index % 90, index % 200)));
    // One client whose address ends in .0 gives no warning, however many requests it sends.
    let one = codes(&client(|_| "192.0.2.0".to_owned())(ordinary()));
    assert!(!one.contains(&"cut_addresses"), "{one:?}");
}

#[test]
fn what_the_format_leaves_out_is_said() {
    let agent = format!(r#" "{AGENT}""#);
    check("no_user_agents", |log| log.replace(&agent, r#" "-""#));
    check("no_referers", |log| log.replace(r#""https://shop.example/""#, r#""-""#));
    let common = |log: String| log.replace(&agent, "").replace(r#" "https://shop.example/""#, "");
    check("no_user_agents", common);
    check("no_referers", common);
    check("no_statuses", |log| log.replace(" 200 812", " 000 812"));
    check("no_queries", |log| {
        each(&log, |index, line| line.replace(&format!("?q=tea{}", index % 50), ""))
    });
    check("no_assets", |log| log.replace("/img/", "/view/").replace(".jpg", ""));
}

#[test]
fn what_is_wrong_with_lines_and_their_order_is_said() {
    check("no_zone", |log| log.replace(" +0200]", "]"));
    check("no_zone", |log| {
        each(
            &log,
            |index, line| if index % 99 == 1 { line.replace(" +0200]", "]") } else { line.into() },
        )
    });
    check("unreadable", |log| {
        each(&log, |index, line| if index % 10 == 1 { "torn".into() } else { line.into() })
    });
    check("duplicates", |log| log.clone() + &log);
    // The second half of the month comes before the first.
    check("clock_back", |log| {
        let (head, tail) = log.split_at(log.len() / 2);
        let at = tail.find('\n').unwrap() + 1;
        format!("{}{head}{}\n", &tail[at..], tail[..at].trim_end())
    });
    check("short_span", |log| log.lines().take(200).map(|line| format!("{line}\n")).collect());
    check("empty", |_| " \n\n".to_owned());
}

#[test]
fn what_hosts_say_is_said() {
    let host = |name: fn(usize) -> &'static str| {
        move |log: String| each(&log, |i, line| format!("{} {line}", name(i)))
    };
    check(
        "several_hosts",
        host(|index| if index.is_multiple_of(3) { "tea.example:443" } else { "shop.example:443" }),
    );
    check("other_host", host(|_| "img.shop.example:443"));
    let one =
        codes(&host(
            |index| if index.is_multiple_of(3) { "www.shop.example" } else { "shop.example" },
        )(ordinary()));
    assert_eq!(one, ["whole_seconds"]);
}

#[test]
fn logs_that_hold_the_same_lines_are_said_and_others_are_not() {
    let log = ordinary();
    let (first, second): (Vec<&str>, Vec<&str>) =
        (log.lines().take(2_600).collect(), log.lines().skip(2_000).collect());
    let duplicates = |a: &str, b: &str| {
        let logs = [surveyed("a.log", a), surveyed("b.log", b)];
        together(&logs).iter().filter(|warning| warning.code == "duplicates").count()
    };
    assert_eq!(duplicates(&log, &log), 1);
    assert_eq!(duplicates(&first.join("\n"), &second.join("\n")), 1);
    // Two servers of one shop, each with half of the requests, share no lines.
    let half = |odd: usize| log.lines().skip(odd).step_by(2).collect::<Vec<_>>().join("\n");
    assert_eq!(duplicates(&half(0), &half(1)), 0);
    // A health check that always hits both in the same second is one client only.
    let checked = |odd: usize| {
        each(&half(odd), |i, line| {
            if i.is_multiple_of(2) {
                line.into()
            } else {
                format!(
                    r#"192.0.2.9 - - [01/Jun/2026:00:00:{:02} +0200] "GET /up?{i} HTTP/1.1" 200 2 "-" "x""#,
                    i % 60
                )
            }
        })
    };
    assert_eq!(duplicates(&checked(0), &checked(1)), 0);
}

#[test]
fn a_log_without_a_zone_is_an_error_that_says_what_to_do() {
    for line in [
        r#"192.0.2.7 - - [20/Feb/2016:00:00:45] "GET /p/1 HTTP/1.1" 200 187 "-" "agent""#,
        r#"{"time_iso8601":"2016-02-20T00:00:45","remote_addr":"192.0.2.7","request":"GET /p/1 HTTP/1.1","status":"200"}"#,
    ] {
        let error = LogReader::new("a.log", line.as_bytes()).err().unwrap().to_string();
        assert!(error.starts_with("a.log:1: the time has no zone: log $time_iso8601"), "{error}");
        let codes = codes(line);
        assert!(codes.contains(&"no_zone") && codes.contains(&"unreadable"), "{codes:?}");
    }
}

#[test]
fn warnings_are_for_machines_too() {
    let log = surveyed("a.log", &ordinary());
    let json = serde_json::to_value(&log.warnings()[0]).unwrap();
    assert_eq!(json["code"], "whole_seconds");
    assert!(
        json["message"].is_string() && json["fix"].as_str().unwrap().contains("$msec"),
        "{json}"
    );
}
