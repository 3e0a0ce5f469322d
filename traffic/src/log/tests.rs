//! Every format under any input. Real logs are read in the product's own tests (`tests/`), which
//! may open files.

use std::io::{BufReader, Write};

use detector::Timestamp;
use proptest::prelude::*;

use super::address::ClientRule;
use super::clock::Clock;
use super::fields::Fields;
use super::refusal::Refusal;
use super::*;

const FORMATS: [Format; 9] = [
    Format::Combined,
    Format::Common,
    Format::VhostCombined,
    Format::NginxJson,
    Format::ElbClassic,
    Format::Alb,
    Format::Ltsv,
    Format::W3c,
    Format::EventLog,
];

/// The record of the plainest line of every format.
pub(super) const PLAIN: Record<'_> = Record {
    kind: RecordKind::Whole,
    at: Timestamp::from_secs(1_455_944_445),
    client: "192.0.2.7",
    other_addresses: None,
    method: "GET",
    target: "/p/1",
    status: 200,
    bytes: Some(187),
    duration_us: None,
    host: None,
    referer: None,
    user_agent: None,
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

/// A parser of a format whose values lie in a decoded copy of the line.
pub(super) type DecodingParser =
    for<'a> fn(&str, &'a mut String, &ClientRule, &mut Clock) -> Result<Fields, Refusal<'a>>;

/// Hands the record of a line, or the words of its refusal, to `check`.
pub(super) fn with_parsed(
    parse: DecodingParser,
    line: &str,
    check: impl FnOnce(Result<Record<'_>, String>),
) {
    let (mut decoded, rule) = (String::new(), ClientRule::default());
    let found = parse(line, &mut decoded, &rule, &mut Clock::default())
        .map_err(|refusal| refusal.to_string());
    match found {
        Ok(fields) => check(Ok(fields.record(&decoded))),
        Err(reason) => check(Err(reason)),
    }
}

const GOOD: [&str; 9] = [
    r#"192.0.2.7 - al [20/Feb/2016:00:00:45 -0500] "GET /p/1?a=\"b\" HTTP/1.1" 200 187 "https://shop/" "Mozilla/5.0 (\x22)" "-""#,
    r#""192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187 "-" "Mozilla/5.0""#,
    r#"2001:db8::1 - - [20/Feb/2016:00:00:45 +0000] "-" 408 -"#,
    r#"shop.example:443 192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "POST /cart HTTP/2.0" 302 0 "-" "-""#,
    r#"{"time_iso8601":"2016-02-20T00:00:45-05:00","msec":1455944445.123,"remote_addr":"192.0.2.7","request":"GET /\u00fc HTTP/1.1","status":"200","body_bytes_sent":187,"host":"shop:80"}"#,
    r#"2015-07-22T09:00:28.019143Z shop [2001:db8::1]:54635 10.0.6.158:80 0.000022 0.026109 -1 200 200 0 699 "GET https://shop.example:443/p/1 HTTP/1.1" "Mozilla/5.0" AES TLSv1.2"#,
    r#"{"v":1,"type":"request","at":5,"seq":7,"client":"192.0.2.7","method":"GET","url":"/p/1","key":3,"class":"page","id":"d1","mode":"shadow","action":"allow","reason":"score","score":null}"#,
    r#"{"v":1,"type":"outcome","at":5,"seq":8,"client":"192.0.2.7","status":200,"bytes":123,"duration_us":456,"id":"d1"}"#,
    concat!(
        r#"{"v":1,"type":"ban","at":5,"seq":8,"client":"192.0.2.7","#,
        r#""change":"imposed","until":9,"changed_at":7}"#
    ),
];

/// Reads a log to its end and checks what must hold for any reader.
fn read_all(log: &[u8], format: Format) {
    let mut reader = LogReader::with_format("any.log", BufReader::with_capacity(64, log), format);
    let mut records = 0;
    while let Some(record) = reader.next().expect("memory cannot fail") {
        let _ = (record.client_key(), record.request().is_some(), record.outcome());
        assert!(!record.client.is_empty() || matches!(format, Format::EventLog));
        records += 1;
    }
    let tally = reader.tally();
    assert_eq!(tally.parsed, records);
    assert_eq!(tally.lines, tally.parsed + tally.refused + tally.blank);
    assert_eq!(tally.first_refused.len() as u64, tally.refused.min(3));
    assert!(tally.first_refused.iter().all(|refused| refused.excerpt.chars().count() <= 120));
    let newlines = log.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert_eq!(tally.lines, newlines + u64::from(log.last().is_some_and(|byte| *byte != b'\n')));
}

fn bytes_that_matter() -> impl Strategy<Value = u8> {
    let delimiters = br#" "\[]{}:,.-/0159TZ"#.to_vec();
    prop_oneof![3 => any::<u8>(), 2 => prop::sample::select(delimiters), 1 => Just(b'\n')]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_a_reader_panic_or_lose_count(
        log in prop::collection::vec(bytes_that_matter(), 0..400),
    ) {
        for format in FORMATS {
            read_all(&log, format);
        }
        let _ = LogReader::new("any.log", &log[..]);
    }

    #[test]
    fn no_damage_to_a_good_line_makes_a_reader_panic_or_lose_count(
        which in 0..GOOD.len(),
        damage in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..3_u8, bytes_that_matter()), 1..6
        ),
    ) {
        let mut log = GOOD[which].as_bytes().to_vec();
        for (index, how, byte) in damage {
            let place = index.index(log.len());
            match how {
                0 => log[place] = byte,
                1 => log.insert(place, byte),
                _ if log.len() > 1 => log.truncate(place.max(1)),
                _ => {}
            }
        }
        for format in FORMATS {
            read_all(&log, format);
        }
    }

    #[test]
    fn no_bytes_make_the_decoders_panic(
        magic in prop::sample::select(
            vec![&b"\x1f\x8b\x08\x00"[..], b"\x28\xb5\x2f\xfd", b"\x1f", b""]
        ),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let reader = decompress(std::io::Cursor::new([magic, &rest].concat()));
        let mut reader = LogReader::with_format("any.gz", reader, Format::Combined);
        while let Ok(Some(_)) = reader.next() {}
        prop_assert!(reader.next().is_ok_and(|record| record.is_none()), "an error comes once");
    }
}

#[test]
fn a_truncated_gzip_gives_its_lines_and_then_an_error_with_name_and_line() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for number in 0..5_000_u32 {
        let client = number.wrapping_mul(2_654_435_761);
        writeln!(
            encoder,
            r#"{client} - - [20/Feb/2016:00:00:45 -0500] "GET /{client} HTTP/1.1" 200 {client}"#
        )
        .unwrap();
    }
    let mut bytes = encoder.finish().unwrap();
    bytes.truncate(bytes.len() / 2);
    let mut reader =
        LogReader::new("shop.log.gz", decompress(std::io::Cursor::new(bytes))).unwrap();
    let error = loop {
        match reader.next() {
            Ok(record) => assert!(record.is_some(), "the end came before the error"),
            Err(error) => break error.to_string(),
        }
    };
    let tally = reader.tally();
    assert!(tally.parsed > 1_000 && tally.refused == 0, "{tally:?}");
    assert!(error.starts_with(&format!("shop.log.gz:{}: ", tally.parsed + 1)), "{error}");
    assert!(reader.next().unwrap().is_none());
}
