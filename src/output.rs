//! Printing: tables in plain text, numbers people can read.

use std::fmt::Write as _;

use anyhow::Result;
use detector::Timestamp;
use serde::Serialize;

/// Rows of text in columns; the first column to the left, numbers to the right.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this heading.
    pub fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, each line indented by two and ended by a newline.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &'_ Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column: usize| self.rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
        let is_number = |column: usize| {
            let mut cells =
                self.rows.iter().skip(1).map(|row| cell(row, column)).filter(|cell| !cell.is_empty() && cell != "–");
            cells.all(|cell| cell.starts_with(|first: char| first.is_ascii_digit() || first == '−' || first == '#'))
        };
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::from(" ");
            for column in 0..columns {
                let (cell, width) = (cell(row, column), width(column));
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                let right = column > 0 && is_number(column);
                let _ = if right { write!(line, " {padding}{cell} ") } else { write!(line, " {cell}{padding} ") };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// `1234567` as `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2016-02-20 05:00:45`, UTC.
pub fn time(at: Timestamp) -> String {
    let seconds = at.as_secs();
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Civil date from days since the epoch (Hinnant, "chrono-compatible low-level date algorithms").
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
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

/// A figure with three digits, or a dash.
pub fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// Text of a log, safe on a terminal: control characters are escaped, long text is cut.
pub fn safe(text: &str, chars_max: usize) -> String {
    let mut safe: String = text.chars().take(chars_max).flat_map(escape).collect();
    if text.chars().nth(chars_max).is_some() {
        safe.push('…');
    }
    safe
}

fn escape(char: char) -> Box<dyn Iterator<Item = char>> {
    if char.is_control() { Box::new(char.escape_default()) } else { Box::new(std::iter::once(char)) }
}

/// Prints one object as JSON.
///
/// # Errors
/// Standard output is gone.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints text as it is.
///
/// # Errors
/// Standard output is gone.
pub fn print(text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Did whoever read our output stop reading (`kidoban … | head`)? That is no error.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
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
    }

    #[test]
    fn a_terminal_is_safe_from_logs() {
        assert_eq!(safe("a\u{1b}[2Jb", 80), "a\\u{1b}[2Jb");
        assert_eq!(safe("abcdef", 3), "abc…");
    }
}
