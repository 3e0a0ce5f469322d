//! Parses nginx's and Apache's `combined` and `common`, and both after the name of a virtual host.
//!
//! ```text
//! 192.0.2.7 - alice [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187 "https://shop/" "Mozilla/5.0"
//! shop.example:443 192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187
//! ```
//!
//! One parser reads `common` and `combined`, so a file may mix them. What follows the user agent
//! differs from site to site and is not looked at.

use super::address::{self, ClientRule};
use super::clock::Clock;
use super::cursor::Cursor;
use super::fields::{Fields, Span};
use super::refusal::Refusal;
use super::values::{integer, request_line, status, without_port};

/// Parses one line of `combined` or `common`.
pub(super) fn parse<'a>(
    text: &'a str,
    rule: &ClientRule,
    clock: &mut Clock,
) -> Result<Fields, Refusal<'a>> {
    after_host(Cursor::new(text), None, rule, clock)
}

/// Parses one line of `combined` or `common` after `host[:port] `.
pub(super) fn parse_vhost<'a>(
    text: &'a str,
    rule: &ClientRule,
    clock: &mut Clock,
) -> Result<Fields, Refusal<'a>> {
    let mut cursor = Cursor::new(text);
    let host = cursor.word("host")?;
    after_host(cursor, Some(without_port(text, host)), rule, clock)
}

fn after_host<'a>(
    mut cursor: Cursor<'a>,
    host: Option<Span>,
    rule: &ClientRule,
    clock: &mut Clock,
) -> Result<Fields, Refusal<'a>> {
    let text = cursor.text();
    let client = cursor.word("client")?;
    let identity = cursor.word("identity")?.of(text);
    let (user, time) = cursor.user_and_time()?;
    let (user, time) = (user.of(text), time.of(text));
    let client = address(text, client, rule)?;
    if user.starts_with("- ") && !rule.is_address {
        // There is one word too many before the time. Without this check, the host would be taken
        // for the client.
        return Err(Refusal::new("user", "one name (is there a host before the client?)", user));
    }
    if host.is_some() && client.of(text) == "-" {
        return Err(Refusal::new("client", "an address after the host", identity));
    }
    let at = clock.clf(time).map_err(|expected| Refusal::new("time", expected, time))?;
    let request = cursor.quoted("request")?;
    let (method, target) = request_line(text, request);
    let code = cursor.word("status")?.of(text);
    let Some(status) = status(code) else {
        return Err(Refusal::new("status", "three digits", code));
    };
    let sent = cursor.word("bytes")?.of(text);
    let bytes = integer(sent);
    if bytes.is_none() && sent != "-" {
        return Err(Refusal::new("bytes", "digits or -", sent));
    }
    let (mut referer, mut user_agent) = (None, None);
    if cursor.is_at_quote() {
        referer = cursor.quoted("referer")?.unless_dash(text);
        user_agent = cursor.quoted("user agent")?.unless_dash(text);
    }
    Ok(Fields {
        at,
        client,
        method,
        target,
        status,
        bytes,
        host,
        referer,
        user_agent,
        ..Fields::default()
    })
}

/// Checks that the client is an address, where the survey of the log found addresses there: a line
/// that something else wrote must not make a client of its first word.
fn address<'a>(text: &'a str, client: Span, rule: &ClientRule) -> Result<Span, Refusal<'a>> {
    let word = client.of(text);
    if !rule.is_address || address::is_plain(word) {
        return Ok(client);
    }
    let is_list = word.contains(',');
    match address::bare(word) {
        Some((_, bare)) if !is_list => Ok(client.sub(text, bare)),
        _ => {
            let expected = if is_list { address::EXPECTED_ONE } else { address::EXPECTED };
            Err(Refusal::new("client", expected, word))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Record;
    use crate::log::tests::PLAIN;

    fn check(text: &str, expect: Result<Record<'_>, &str>) {
        let found = parse(text, &ClientRule::default(), &mut Clock::default());
        let found = found.map(|fields| fields.record(text)).map_err(|refusal| refusal.to_string());
        assert_eq!(found, expect.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn combined_and_common_lines_are_read() {
        let head = "192.0.2.7 - - [20/Feb/2016:00:00:45 -0500]";
        check(&format!(r#"{head} "GET /p/1 HTTP/1.1" 200 187"#), Ok(PLAIN));
        check(&format!(r#"{head} "GET /p/1 HTTP/1.1" 200 187 0.015"#), Ok(PLAIN));
        check(&format!(r#"{head} "GET /p/1 HTTP/1.1" 200 -"#), Ok(Record { bytes: None, ..PLAIN }));
        check(&format!(r#"{head} "GET /p/1 HTTP/1.1" 200 187 "-" "-""#), Ok(PLAIN));
        let full =
            Record { referer: Some("https://shop/"), user_agent: Some(r#"a \"b\" \x22"#), ..PLAIN };
        check(
            &format!(r#"{head} "GET /p/1 HTTP/1.1" 200 187 "https://shop/" "a \"b\" \x22""#),
            Ok(full),
        );
        check(
            &format!(
                r#"{head} "GET /p/1 HTTP/1.1" 200 187 "https://shop/" "a \"b\" \x22" "-" more"#
            ),
            Ok(full),
        );
    }

    #[test]
    fn requests_that_are_garbage_are_requests_still() {
        let head = "192.0.2.7 - - [20/Feb/2016:00:00:45 -0500]";
        let bad = Record { method: "-", target: "", status: 400, ..PLAIN };
        check(&format!(r#"{head} "-" 400 187"#), Ok(bad));
        check(&format!(r#"{head} "" 400 187"#), Ok(bad));
        check(
            &format!(r#"{head} "\x16\x03\x01" 400 187"#),
            Ok(Record { target: r"\x16\x03\x01", ..bad }),
        );
        check(&format!(r#"{head} "GET" 400 187"#), Ok(Record { method: "GET", ..bad }));
    }

    #[test]
    fn users_may_have_spaces_and_brackets() {
        let rest = r#"[20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187"#;
        check(&format!("192.0.2.7 - John Doe {rest}"), Ok(PLAIN));
        check(&format!("192.0.2.7 - [admin] {rest}"), Ok(PLAIN));
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_what_stood_there() {
        let refuse = |text: &str, expect| check(text, Err(expect));
        let head = "192.0.2.7 - - [20/Feb/2016:00:00:45 -0500]";
        refuse(
            &format!(r#"{head} "GET / HTTP/1.1" abc 1"#),
            r#"status: expected three digits, found "abc""#,
        );
        refuse(&format!(r#"{head} "GET / HTTP/1.1" 200"#), "bytes: expected a word, found nothing");
        refuse(
            &format!(r#"{head} "GET / HTTP/1.1" 200 1k"#),
            r#"bytes: expected digits or -, found "1k""#,
        );
        refuse(
            &format!(r#"{head} "GET / HTTP/1.1" 200 1 "-" "Mozilla"#),
            r#"user agent: expected a closing quote before the line ends, found ""Mozilla""#,
        );
        refuse(
            r#"192.0.2.7 - - [20/Feb/2016:00:00:45] "GET / HTTP/1.1" 200 1"#,
            r#"time: expected a zone (+0200, -05:00 or Z) after the time, found "20/Feb/2016:00:00:45""#,
        );
        refuse(
            r#"shop.example 192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET / HTTP/1.1" 200 1"#,
            r#"user: expected one name (is there a host before the client?), found "- -""#,
        );
        refuse("", "client: expected a word, found nothing");
        refuse(
            "hello big world",
            r#"time: expected a user and then [day/month/year:hour:minute:second zone], found "world""#,
        );
    }

    #[test]
    fn a_virtual_host_goes_before_the_client() {
        let rest = r#"- - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187"#;
        let check = |head: &str, expect: Option<Record<'_>>| {
            let text = format!("{head} {rest}");
            let found = parse_vhost(&text, &ClientRule::default(), &mut Clock::default())
                .map(|fields| fields.record(&text))
                .ok();
            assert_eq!(found, expect, "{text}");
        };
        check("shop.example 192.0.2.7", Some(Record { host: Some("shop.example"), ..PLAIN }));
        check("shop.example:443 192.0.2.7", Some(Record { host: Some("shop.example"), ..PLAIN }));
        check("[2001:db8::1]:443 192.0.2.7", Some(Record { host: Some("2001:db8::1"), ..PLAIN }));
        check("192.0.2.7", None);
    }
}
