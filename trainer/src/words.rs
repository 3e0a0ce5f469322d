//! Numbers, times and a log's text as people read them, on a terminal and in a report alike.

use detector::Timestamp;

pub use detector::model::grouped as count;

/// `2016-02-20 05:00:45`, UTC.
pub fn time(at: Timestamp) -> String {
    traffic::log::civil(at)
}

/// A share as `12.3 %`; small ones with the digits that matter.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent.is_nan() => "–".to_owned(),
        percent if percent == 0.0 || percent >= 9.95 => format!("{percent:.0} %"),
        percent if percent >= 0.1 => format!("{percent:.1} %"),
        percent => format!("{percent:.3} %"),
    }
}

/// A score with the digits that tell it from 0 and 1: `0.50`, `0.90`, `0.9995`.
pub fn score(value: f64) -> String {
    let far = value.min(1.0 - value);
    let digits = if far > 0.0 { (1.0 - far.log10() - 1e-4).ceil().clamp(2.0, 6.0) as usize } else { 2 };
    format!("{value:.digits$}")
}

/// An interval of shares: `0.1 % – 2.3 %`.
pub fn range([low, high]: [f64; 2]) -> String {
    format!("{} – {}", percent(low), percent(high))
}

/// `1 client`, `1,234 clients`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A figure with three digits, or a dash.
pub fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// Text of a log, safe on a terminal and in a report: what is not seen is escaped, long text is cut.
pub fn safe(text: &str, chars_max: usize) -> String {
    let mut safe: String = text.chars().take(chars_max).flat_map(escape).collect();
    if text.chars().nth(chars_max).is_some() {
        safe.push('…');
    }
    safe
}

fn escape(char: char) -> Box<dyn Iterator<Item = char>> {
    if char.is_control() || is_unseen(char) { Box::new(char.escape_default()) } else { Box::new(std::iter::once(char)) }
}

/// Marks of text direction and of nothing: they make one text read as another.
fn is_unseen(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_readable() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(time(Timestamp::from_secs(1_455_944_445)), "2016-02-20 05:00:45");
        assert_eq!(time(Timestamp::from_secs(951_782_400)), "2000-02-29 00:00:00");
        assert_eq!(percent(0.001), "0.1 %");
        assert_eq!(percent(0.5), "50 %");
        assert_eq!([0.5, 0.9, 0.95, 0.9995, 0.0, 1.0].map(score), ["0.50", "0.90", "0.950", "0.99950", "0.00", "1.00"]);
        assert_eq!((counted(1, "client"), counted(1_200, "client")), ("1 client".into(), "1,200 clients".into()));
    }

    #[test]
    fn a_terminal_and_a_report_are_safe_from_logs() {
        assert_eq!(safe("a\u{1b}[2Jb", 80), "a\\u{1b}[2Jb");
        assert_eq!(safe("abcdef", 3), "abc…");
        assert_eq!(safe("a\u{202e}b\u{200b}", 80), "a\\u{202e}b\\u{200b}");
    }
}
