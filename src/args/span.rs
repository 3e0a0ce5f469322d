//! Spans of time as flags write them: `90s`, `30m`, `2h`, `7d`.

use std::time::Duration;

/// The span in microseconds; `None` where it is written otherwise.
pub fn span_us(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    // Those units are one byte long.
    text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(seconds * 1_000_000)
}

/// A span that is not empty, and that a time can be moved by.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    span_us(text)
        .filter(|&us| us > 0 && i64::try_from(us).is_ok())
        .map(Duration::from_micros)
        .ok_or_else(|| "expected a span, such as 90s, 30m, 24h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        assert_eq!(parse_span("30m"), Ok(Duration::from_secs(1_800)));
        assert_eq!(parse_span("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for text in ["", "d", "0h", "24", "1w", "-1h", "1.5h", "\u{e9}", "99999999999999999999d"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }
}
