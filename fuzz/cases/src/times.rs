//! Times as people give them: `--since`, and whatever else takes a day or RFC 3339.

use detector::Timestamp;
use kidoban::since::Since;
use traffic::log::{civil, time};

/// What is read is written and read again to the same second, `jiff` reads the same moment, and
/// `--since` takes what a time is, or a span.
pub fn times(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let read = time(&text);
    match read {
        Ok(at) => check(&text, at),
        Err(expected) => assert!(!expected.is_empty()),
    }
    match (Since::parse(&text), read) {
        (Ok(Since::At(at)), read) => assert_eq!(Ok(at), read),
        (Ok(Since::Last(span_us)), read) => {
            assert_eq!(span_us % 1_000_000, 0, "a span is whole seconds");
            assert!(read.is_err(), "a time is not a span");
        }
        (Err(expected), read) => assert!(read.is_err() && expected.contains("expected")),
    }
}

fn check(text: &str, at: Timestamp) {
    let shown = civil(at);
    // A zone can move the year 0 or 9999 out of four digits.
    if shown.len() == "2016-02-20 05:00:45".len() && !shown.starts_with('-') {
        let expect = Timestamp::from_secs(at.as_secs());
        assert_eq!(time(&format!("{shown}Z")), Ok(expect), "{text:?} shown as {shown}");
    }
    // A leap second is the next second here, and the one before it there.
    let is_leap = text.get(17..19) == Some("60");
    if let (Ok(other), false) = (text.parse::<jiff::Timestamp>(), is_leap) {
        // Both drop what is finer than a microsecond, but before 1970 in different directions.
        assert!((other.as_microsecond() - at.as_micros()).abs() <= 1, "{text:?}: {other}");
    }
}
