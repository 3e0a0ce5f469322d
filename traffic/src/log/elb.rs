//! Parses logs of the AWS load balancers: the classic one, and the application load balancer, which
//! writes a word before it and more behind it.
//!
//! ```text
//! time name client:port backend:port request_s backend_s response_s elb_status backend_status received sent "request" "user agent" cipher protocol
//! h2 time name client:port …
//! ```
//!
//! Sources: AWS, "Access logs for your Classic Load Balancer" and "… Application Load Balancer".
//! The time is when the request arrived.
//! The three durations are −1 if the backend never answered. Logs older than 2015 have no user
//! agent.

use super::address::{self, ClientRule};
use super::clock::rfc3339;
use super::cursor::Cursor;
use super::fields::Fields;
use super::refusal::Refusal;
use super::slots::authority;
use super::values::{integer, request_line, seconds_us, status, without_port};

/// Parses one line of the classic load balancer.
pub(super) fn parse<'a>(text: &'a str, rule: &ClientRule) -> Result<Fields, Refusal<'a>> {
    after_kind(Cursor::new(text), rule)
}

/// Parses one line of the application load balancer.
pub(super) fn parse_application<'a>(
    text: &'a str,
    rule: &ClientRule,
) -> Result<Fields, Refusal<'a>> {
    const KINDS: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];
    let mut cursor = Cursor::new(text);
    let kind = cursor.word("type")?.of(text);
    if !KINDS.contains(&kind) {
        return Err(Refusal::new("type", "http, https, h2, grpcs, ws or wss", kind));
    }
    after_kind(cursor, rule)
}

fn after_kind<'a>(mut cursor: Cursor<'a>, rule: &ClientRule) -> Result<Fields, Refusal<'a>> {
    let text = cursor.text();
    let time = cursor.word("time")?.of(text);
    let at = rfc3339(time).map_err(|expected| Refusal::new("time", expected, time))?;
    cursor.word("load balancer")?;
    let client = without_port(text, cursor.word("client")?);
    let is_none = client.of(text).is_empty();
    if is_none || rule.is_address && address::bare(client.of(text)).is_none() {
        return Err(Refusal::new("client", address::EXPECTED, client.of(text)));
    }
    cursor.word("backend")?;
    let mut duration_us = Some(0_u64);
    for field in ["request time", "backend time", "response time"] {
        let seconds = cursor.word(field)?.of(text);
        let part_us = seconds_us(seconds);
        if part_us.is_none() && !matches!(seconds, "-" | "-1") {
            return Err(Refusal::new(field, "seconds or -1", seconds));
        }
        duration_us = duration_us.zip(part_us).and_then(|(sum, part)| sum.checked_add(part));
    }
    let code = cursor.word("status")?.of(text);
    let status = match status(code) {
        Some(status) => status,
        None if code == "-" => 0,
        None => return Err(Refusal::new("status", "three digits or -", code)),
    };
    cursor.word("backend status")?;
    cursor.word("received bytes")?;
    let sent = cursor.word("sent bytes")?.of(text);
    let bytes = integer(sent);
    if bytes.is_none() && sent != "-" {
        return Err(Refusal::new("sent bytes", "digits or -", sent));
    }
    let request = cursor.quoted("request")?;
    let (method, target) = request_line(text, request);
    let user_agent =
        if cursor.is_at_end() { None } else { cursor.quoted("user agent")?.unless_dash(text) };
    let host = authority(text, target).map(|authority| without_port(text, authority));
    Ok(Fields {
        at,
        client,
        method,
        target,
        status,
        bytes,
        duration_us,
        host,
        user_agent,
        ..Fields::default()
    })
}

#[cfg(test)]
mod tests {
    use detector::Timestamp;

    use super::*;
    use crate::log::{Record, RecordKind};

    const GOOD: Record<'_> = Record {
        kind: RecordKind::Whole,
        at: Timestamp::from_micros(1_437_555_628_019_143),
        client: "192.0.2.7",
        other_addresses: None,
        method: "GET",
        target: "https://shop.example:443/p/1?x=1",
        status: 200,
        bytes: Some(699),
        duration_us: Some(26_151),
        host: Some("shop.example"),
        referer: None,
        user_agent: Some("Mozilla/5.0"),
        fetch_dest: None,
        content_type: None,
        seq: 0,
        id: None,
        decision: None,
        request_keys: crate::log::RequestKeys {
            agent: detector::AgentKey::NONE,
            target: detector::Target::NONE,
        },
        ban: None,
        challenge: None,
    };

    fn check(text: &str, expect: Result<Record<'_>, &str>) {
        let found = parse(text, &ClientRule::default())
            .map(|fields| fields.record(text))
            .map_err(|refusal| refusal.to_string());
        assert_eq!(found, expect.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn classic_load_balancer_lines_are_read() {
        let head = "2015-07-22T09:00:28.019143Z shop 192.0.2.7:54635";
        let request = r#""GET https://shop.example:443/p/1?x=1 HTTP/1.1""#;
        check(
            &format!(
                r#"{head} 10.0.6.158:80 0.000022 0.026109 0.00002 200 200 0 699 {request} "Mozilla/5.0" AES TLSv1.2"#
            ),
            Ok(GOOD),
        );
        check(
            &format!("{head} 10.0.6.158:80 0.000022 0.026109 0.00002 200 200 0 699 {request}"),
            Ok(Record { user_agent: None, ..GOOD }),
        );
        check(
            &format!(r#"{head} - -1 -1 -1 504 0 0 0 {request} "-" AES TLSv1.2"#),
            Ok(Record { status: 504, bytes: Some(0), duration_us: None, user_agent: None, ..GOOD }),
        );
    }

    #[test]
    fn application_load_balancer_lines_are_read() {
        let line = concat!(
            "h2 2015-07-22T09:00:28.019143Z app/shop/5f 192.0.2.7:54635 10.0.6.158:80 ",
            "0.000022 0.026109 0.00002 200 200 0 699 \"GET https://shop.example:443/p/1?x=1 ",
            "HTTP/2.0\" \"Mozilla/5.0\" AES TLSv1.2 arn \"Root=1\" \"shop.example\" \"-\" 0",
        );
        let found = parse_application(line, &ClientRule::default()).map(|found| found.record(line));
        assert_eq!(found.unwrap(), GOOD);
        assert!(parse_application(&line[3..], &ClientRule::default()).is_err());
    }

    #[test]
    fn a_tcp_listener_has_no_request() {
        check(
            r#"2015-07-22T09:00:28.019143Z shop 192.0.2.7:54635 10.0.6.158:80 0.00107 0.00003 0.00004 - - 57 502 "- - - " "-" - -"#,
            Ok(Record {
                method: "-",
                target: "- - - ",
                status: 0,
                bytes: Some(502),
                duration_us: Some(1_140),
                host: None,
                user_agent: None,
                ..GOOD
            }),
        );
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        check(
            "2015-07-22T09:00:28 shop 192.0.2.7:1 - 0 0 0 200 200 0 0",
            Err(
                r#"time: expected a zone (+0200, -05:00 or Z) after the time, found "2015-07-22T09:00:28""#,
            ),
        );
        check(
            "2015-07-22T09:00:28Z shop 192.0.2.7:1 - 0 fast 0 200 200 0 0",
            Err(r#"backend time: expected seconds or -1, found "fast""#),
        );
        check("2015-07-22T09:00:28Z shop", Err("client: expected a word, found nothing"));
    }
}
