//! What the event log writes is what it reads.

use detector::Recorded;
use proptest::prelude::*;

use super::*;
use crate::log::{ChallengeResult, Record, RecordedDecision};

fn request_line() -> RequestLine<'static> {
    RequestLine {
        at: Timestamp::from_micros(1_455_944_445_000_123),
        seq: 7,
        client: "192.0.2.7".into(),
        method: "GET".into(),
        url: "/p/1?x=\"1\"".into(),
        key: UrlKey(305_419_896),
        class: Class::Page,
        agent: Some(AgentKey(4_711)),
        id: "d1".into(),
        mode: "shadow".into(),
        action: "allow".into(),
        reason: "score".into(),
        score: Some(0.123),
        user_agent: None,
        referer: Some("https://shop/".into()),
    }
}

const OUTCOME: &str = r#"{"v":1,"type":"outcome","at":5,"seq":8,"client":"192.0.2.7","status":200,"bytes":123,"duration_us":456,"id":"d1"}"#;

fn reason(text: &str) -> String {
    parse(text, &mut String::new()).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_request_line_is_written_as_documented_and_read_back() {
    let mut log = Vec::new();
    request_line().write_to(&mut log);
    let text = String::from_utf8(log).unwrap();
    let expect = r#"{"v":1,"type":"request","at":1455944445000123,"seq":7,"client":"192.0.2.7","method":"GET","url":"/p/1?x=\"1\"","key":305419896,"class":"page","agent":4711,"id":"d1","mode":"shadow","action":"allow","reason":"score","score":0.123,"referer":"https://shop/"}"#;
    assert_eq!(text, format!("{expect}\n"));

    let mut decoded = String::new();
    let fields = parse(text.trim_end(), &mut decoded).unwrap();
    let record = fields.record(&decoded);
    let decision = RecordedDecision {
        seq: 7,
        key: UrlKey(305_419_896),
        class: Class::Page,
        agent: Some(AgentKey(4_711)),
        id: "d1",
        mode: "shadow",
        action: "allow",
        reason: "score",
        score: Some(0.123),
    };
    assert_eq!(record.decision, Some(decision));
    assert_eq!(record.outcome(), None);
    let request = record.request().unwrap();
    let expect =
        Recorded { url: UrlKey(305_419_896), class: Class::Page, agent: Some(AgentKey(4_711)) };
    assert_eq!(request.recorded, Some(expect));
    assert_eq!((request.method, request.target), ("GET", "/p/1?x=\"1\""));
}

#[test]
fn an_outcome_is_written_as_documented_and_is_no_request() {
    let line: OutcomeLine<'_> = serde_json::from_str(OUTCOME).unwrap();
    let mut log = Vec::new();
    line.write_to(&mut log);
    assert_eq!(String::from_utf8(log).unwrap(), format!("{OUTCOME}\n"));

    let mut decoded = String::new();
    let fields = parse(OUTCOME, &mut decoded).unwrap();
    let record: Record<'_> = fields.record(&decoded);
    assert!(record.request().is_none());
    assert_eq!(record.outcome().map(|outcome| outcome.status), Some(200));
    assert_eq!((record.method, record.bytes, record.duration_us), ("", Some(123), Some(456)));
    assert_eq!((record.seq, record.id), (8, Some("d1")));
}

#[test]
fn lines_older_than_the_hash_of_the_agent_are_read_without_it() {
    let mut log = Vec::new();
    RequestLine { agent: None, user_agent: Some("a".into()), ..request_line() }.write_to(&mut log);
    let text = String::from_utf8(log).unwrap();
    assert!(!text.contains("\"agent\""), "{text}");
    let mut decoded = String::new();
    let request = parse(text.trim_end(), &mut decoded).unwrap().record(&decoded).request().unwrap();
    assert_eq!((request.agent, request.recorded.unwrap().agent), (Some(&b"a"[..]), None));
}

#[test]
fn an_outcome_says_whose_browser_asked_and_where_it_wrote() {
    let text = OUTCOME.replace("\"bytes\"", "\"agent\":7,\"write\":9,\"bytes\"");
    let line: OutcomeLine<'_> = serde_json::from_str(&text).unwrap();
    let mut log = Vec::new();
    line.write_to(&mut log);
    assert_eq!(String::from_utf8(log).unwrap(), format!("{text}\n"));
    let mut decoded = String::new();
    let outcome = parse(&text, &mut decoded).unwrap().record(&decoded).outcome().unwrap();
    assert_eq!((outcome.agent, outcome.target.write()), (AgentKey(7), 9));
}

const IMPOSED: &str = concat!(
    r#"{"v":1,"type":"ban","at":5,"seq":8,"client":"192.0.2.7","#,
    r#""change":"imposed","until":70,"changed_at":9}"#
);
const LIFTED: &str =
    r#"{"v":1,"type":"ban","at":5,"seq":8,"client":"192.0.2.7","change":"lifted","changed_at":9}"#;

#[test]
fn a_ban_is_written_as_documented_and_is_neither_a_request_nor_an_end() {
    let until = Timestamp::from_micros(70);
    for (text, ban) in [(IMPOSED, RecordedBan::Imposed(until)), (LIFTED, RecordedBan::Lifted)] {
        let line: BanLine<'_> = serde_json::from_str(text).unwrap();
        let mut log = Vec::new();
        line.write_to(&mut log);
        assert_eq!(String::from_utf8(log).unwrap(), format!("{text}\n"));
        // Whoever writes the keys in another order is read as well.
        for text in [text.to_owned(), text.replace("\"v\":1,", "").replace("9}", "9,\"v\":1}")] {
            let mut decoded = String::new();
            let record = parse(&text, &mut decoded).unwrap().record(&decoded);
            assert_eq!((record.kind, record.ban), (RecordKind::Ban, Some(ban)));
            assert_eq!((record.at.as_micros(), record.seq, record.client), (5, 8, "192.0.2.7"));
            assert_eq!((record.request().is_none(), record.outcome()), (true, None));
            assert_eq!((record.method, record.decision), ("", None));
        }
    }
}

#[test]
fn a_ban_without_its_end_or_one_that_was_lifted_until_then_is_refused() {
    let without = IMPOSED.replace("\"until\":70,", "");
    assert!(reason(&without).contains("until: expected the end of an imposed ban"));
    let with = LIFTED.replace("\"changed_at\"", "\"until\":70,\"changed_at\"");
    assert!(reason(&with).contains("until: expected nothing for a ban that was lifted"));
    assert!(reason(&LIFTED.replace("lifted", "moved")).contains("unknown variant `moved`"));
}

const CHALLENGED: &str = concat!(
    r#"{"v":1,"type":"challenge","at":5,"seq":8,"client":"192.0.2.7","#,
    r#""result":"passed","until":70,"challenged_at":9}"#
);

#[test]
fn a_challenge_is_written_as_documented_and_softens_only_if_it_was_passed() {
    for result in ChallengeResult::ALL {
        let is_passed = result == ChallengeResult::Passed;
        let text = CHALLENGED.replace("passed", result.as_str());
        let text = if is_passed { text } else { text.replace("\"until\":70,", "") };
        let line: ChallengeLine<'_> = serde_json::from_str(&text).unwrap();
        let mut log = Vec::new();
        line.write_to(&mut log);
        assert_eq!(String::from_utf8(log).unwrap(), format!("{text}\n"));
        let mut decoded = String::new();
        let record = parse(&text, &mut decoded).unwrap().record(&decoded);
        assert_eq!((record.kind, record.client), (RecordKind::Challenge, "192.0.2.7"));
        assert_eq!((record.at.as_micros(), record.seq), (5, 8));
        assert_eq!((record.request().is_none(), record.outcome()), (true, None));
        let step = crate::replay::LogStep::reduced(&record, |_| unreachable!("it is no request"));
        assert_eq!(step.passed_until(), is_passed.then_some(Timestamp::from_micros(70)));
        assert_eq!((step.id(), step.ban()), (0, None));
    }
    let endless = CHALLENGED.replace("\"until\":70,", "");
    assert!(reason(&endless).contains("until: expected the end of a passed challenge"));
    let failed = CHALLENGED.replace("passed", "failed");
    assert!(reason(&failed).contains("until: expected nothing for a challenge not passed"));
}

/// A ban comes after the event of its number and before the next one of the same microsecond.
#[test]
fn a_ban_stands_between_two_events_of_one_microsecond() {
    let outcome = |seq: &str| OUTCOME.replace("\"seq\":8", &format!("\"seq\":{seq}"));
    let mut log = [outcome("9"), LIFTED.to_owned(), outcome("8")].join("\n");
    log.push('\n');
    let reader = crate::log::LogReader::new("events.jsonl", log.as_bytes()).unwrap();
    let kinds =
        crate::merge::Ordered::new(reader, |record: &Record<'_>| Some((record.kind, record.seq)));
    let kinds: Vec<_> = kinds.map(|item| item.unwrap().1).collect();
    let expect = [(RecordKind::Outcome, 8), (RecordKind::Ban, 8), (RecordKind::Outcome, 9)];
    assert_eq!(kinds, expect);
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let refuse = |from: &str, to: &str, expect: &str| {
        let text = OUTCOME.replace(from, to);
        assert_ne!(text, OUTCOME);
        assert!(reason(&text).contains(expect), "{text}: {}", reason(&text));
    };
    refuse("\"v\":1", "\"v\":2", r#"v: expected 1, the only version known here, found "2""#);
    refuse("\"v\":1,", "", "missing field `v`");
    refuse(
        "outcome",
        "verdict",
        r#"type: expected request, outcome, ban or challenge, found "verdict""#,
    );
    refuse(
        "\"status\":200",
        "\"status\":\"ok\"",
        "json: expected a whole number, found string \"ok\"",
    );
    refuse("\"client\":\"192.0.2.7\",", "", "missing field `client`");
    refuse("}", "", "it ends in the middle");
}

#[test]
fn a_reason_that_quotes_the_log_is_fit_for_a_terminal() {
    let mut log = Vec::new();
    request_line().write_to(&mut log);
    let log = String::from_utf8(log).unwrap();
    let check = |class: &str, expect: &str| {
        let text = log.replace("\"page\"", &format!("\"{class}\""));
        assert_ne!(text, log);
        let reason = reason(&text);
        assert!(reason.contains(expect) && !reason.contains(char::is_control), "{reason:?}");
        assert!(reason.chars().count() < 300, "{reason}");
    };
    check(r"\u001b[31m", r"unknown variant `\u{1b}[31m`");
    check(&"x".repeat(10_000), "json: unknown variant `xxx");
}

#[test]
fn the_order_of_keys_does_not_matter_and_new_ones_are_skipped() {
    assert!(
        OUTCOME_HEAD.contains(&format!("\"v\":{VERSION},"))
            && REQUEST_HEAD.starts_with(&OUTCOME_HEAD[..15])
    );
    let text = r#"{"type":"outcome", "id":"d1","duration_us":456,"bytes":1,"status":200,"new":{},"client":"c","seq":8,"at":5,"v":1}"#;
    let mut decoded = String::new();
    let fields = parse(text, &mut decoded).unwrap();
    assert_eq!(
        fields.record(&decoded).outcome().map(|outcome| outcome.at),
        Some(Timestamp::from_micros(5))
    );
}

#[test]
fn a_score_that_is_no_number_becomes_null() {
    let mut log = Vec::new();
    RequestLine { score: Some(f32::NAN), ..request_line() }.write_to(&mut log);
    let text = String::from_utf8(log).unwrap();
    assert!(text.contains("\"score\":null"), "{text}");
    assert!(parse(text.trim_end(), &mut String::new()).is_ok());
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        at in any::<i64>(), seq in any::<u32>(), url in ".*", key in any::<u32>(),
        agent in proptest::option::of(".*"), score in proptest::option::of(-1e30_f32..1e30),
    ) {
        let line = RequestLine {
            at: Timestamp::from_micros(at),
            seq,
            url: url.as_str().into(),
            key: UrlKey(key),
            score,
            user_agent: agent.as_deref().map(Into::into),
            ..request_line()
        };
        let mut log = Vec::new();
        line.write_to(&mut log);
        prop_assert_eq!(log.iter().filter(|byte| **byte == b'\n').count(), 1);
        let text = String::from_utf8(log).unwrap();
        prop_assert_eq!(&serde_json::from_str::<RequestLine<'_>>(&text).unwrap(), &line);
        let mut decoded = String::new();
        let fields = parse(text.trim_end(), &mut decoded).unwrap();
        let record = fields.record(&decoded);
        prop_assert_eq!((record.at, record.seq, record.target), (line.at, seq, url.as_str()));
        prop_assert_eq!(record.user_agent, agent.as_deref());
        prop_assert_eq!(record.decision.and_then(|decision| decision.score), score);
    }
}
