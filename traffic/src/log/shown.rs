//! What each column of a log was taken for, with examples, so that a person sees a misreading at a
//! glance.

use super::excerpt::{escaped, excerpt};
use super::record::Record;

/// Examples of each column. Three show whether values differ.
const EXAMPLES_MAX: usize = 3;
/// Lines that are looked at for them.
const LINES_MAX: usize = 300;
/// Enough characters of a value to recognise it.
const CHARS_MAX: usize = 60;

/// A column of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownColumn {
    /// What it was taken for.
    pub name: &'static str,
    /// Different values that it has, at most three. The first is that of the shown line.
    pub examples: Vec<String>,
}

/// The columns of a log, as they were read from its first lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The beginning of the first line that was read.
    pub line: String,
    /// The columns that have a value in any of the lines.
    pub columns: Vec<ShownColumn>,
    lines: usize,
}

impl Shown {
    /// Adds the values of a line.
    pub(super) fn note(&mut self, line: &str, record: &Record<'_>) {
        if self.lines >= LINES_MAX {
            return;
        }
        if self.lines == 0 {
            self.line = excerpt(line.as_bytes());
        }
        self.lines += 1;
        let seconds = |us: u64| format!("{}.{:06} s", us / 1_000_000, us % 1_000_000);
        let number = |number: u64| Some(number.to_string());
        let text = |text: Option<&str>| text.map(str::to_owned);
        let values = [
            ("client", text(Some(record.client))),
            ("other addresses", text(record.other_addresses)),
            ("time", Some(super::clock::civil(record.at))),
            ("method", text(Some(record.method))),
            ("target", text(Some(record.target))),
            ("status", number(u64::from(record.status))),
            ("bytes", record.bytes.and_then(number)),
            ("duration", record.duration_us.map(seconds)),
            ("host", text(record.host)),
            ("referer", text(record.referer)),
            ("user agent", text(record.user_agent)),
            ("sec-fetch-dest", text(record.fetch_dest)),
            ("content type", text(record.content_type)),
        ];
        for (name, value) in values {
            let Some(value) = value.map(|value| escaped(value.as_bytes(), CHARS_MAX)) else {
                continue;
            };
            match self.columns.iter_mut().find(|column| column.name == name) {
                None => self.columns.push(ShownColumn { name, examples: vec![value] }),
                Some(ShownColumn { examples, .. })
                    if examples.len() < EXAMPLES_MAX && !examples.contains(&value) =>
                {
                    examples.push(value);
                }
                Some(_) => {}
            }
        }
    }
}
