//! How numbers, times and a log's text are printed, on a terminal and in a report alike.

use detector::Timestamp;

pub use detector::model::grouped as count;
pub use trainer::percent::{percent, percent_at_most};

/// `2016-02-20 05:00:45`, UTC.
pub fn time(at: Timestamp) -> String {
    traffic::log::civil(at)
}

/// A score, with enough digits to tell it from 0 and 1 and to tell apart all thresholds that `tune`
/// writes: `0.50`, `0.706`, `0.9995`.
pub fn score(value: f64) -> String {
    let far = value.min(1.0 - value);
    let digits =
        if far > 0.0 { (2.0 - far.log10() - 1e-4).ceil().clamp(3.0, 8.0) as usize } else { 2 };
    let text = format!("{value:.digits$}");
    let zeros = text.len() - text.trim_end_matches('0').len();
    text[..text.len() - zeros.min(digits - 2)].to_owned()
}

/// An interval of shares, rounded outwards: `0.1 % – 2.3 %`.
pub fn range([low, high]: [f64; 2]) -> String {
    let outward = |share: f64, round: fn(f64) -> f64, slack: f64| {
        let percent = share * 100.0;
        // It has as many digits as `percent` gives; adding 0 turns −0 into 0.
        let digits = if percent < 0.1 && percent > 0.0 {
            3
        } else {
            i32::from(percent > 0.0 && percent < 9.95)
        };
        let scale = 10_f64.powi(digits);
        format!("{:.*} %", digits as usize, round(percent * scale + slack) / scale + 0.0)
    };
    format!("{} – {}", outward(low, f64::floor, 1e-9), outward(high, f64::ceil, -1e-9))
}

/// `1 client`, `1,234 clients`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A figure with three decimals, or a dash.
pub fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// Text of a log, made safe for a terminal and a report: invisible characters are escaped, long
/// text is cut.
pub fn safe(text: &str, chars_max: usize) -> String {
    let mut safe: String = text.chars().take(chars_max).flat_map(escape).collect();
    if text.chars().nth(chars_max).is_some() {
        safe.push('…');
    }
    safe
}

fn escape(char: char) -> Box<dyn Iterator<Item = char>> {
    if char.is_control() || is_unseen(char) {
        Box::new(char.escape_default())
    } else {
        Box::new(std::iter::once(char))
    }
}

/// Marks of text direction and zero-width characters, which make one text look like another.
fn is_unseen(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' |
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
        assert_eq!(
            [0.5, 0.9, 0.95, 0.9995, 0.0, 1.0].map(score),
            ["0.50", "0.90", "0.95", "0.9995", "0.00", "1.00"]
        );
        assert_eq!(
            (counted(1, "client"), counted(1_200, "client")),
            ("1 client".into(), "1,200 clients".into())
        );
    }

    #[test]
    fn an_interval_is_never_narrower_than_it_is() {
        let ends = [[0.998, 1.0], [0.0, 0.001_201], [0.002_77, 0.007_21], [0.5, 0.5], [0.0, 0.0]]
            .map(range);
        assert_eq!(
            ends,
            ["99 % – 100 %", "0 % – 0.2 %", "0.2 % – 0.8 %", "50 % – 50 %", "0 % – 0 %"]
        );
    }

    #[test]
    fn a_terminal_and_a_report_are_safe_from_logs() {
        assert_eq!(safe("a\u{1b}[2Jb", 80), "a\\u{1b}[2Jb");
        assert_eq!(safe("abcdef", 3), "abc…");
        assert_eq!(safe("a\u{202e}b\u{200b}", 80), "a\\u{202e}b\\u{200b}");
    }
}
