//! Markdown tables, and figures with their intervals.

use std::fmt::Write as _;

use kidoban::output::count;
use trainer::protocol::Scored;
use trainer::statistics::Interval;

/// A Markdown section: heading, paragraph and table.
pub struct Table(String);

impl Table {
    pub fn new(title: &str, said: &str, columns: &[&str]) -> Self {
        let mut text = format!("### {title}\n\n{said}\n\n");
        let _ = writeln!(text, "| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
        Self(text)
    }

    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        for cell in cells {
            let _ = write!(self.0, "| {} ", cell.as_ref());
        }
        self.0.push_str("|\n");
    }

    pub fn end(mut self) -> String {
        self.0.push('\n');
        self.0
    }
}

/// Writes a figure with its interval: `0.873 (0.799 – 0.920)`.
pub fn figure(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |Interval { value, low, high }| format!("{value:.3} ({low:.3} – {high:.3})"),
    )
}

/// Writes a share with its interval: `1.20 % (0.90 – 1.50)`.
pub fn percent(Interval { value, low, high }: Interval) -> String {
    format!("{:.2} % ({:.2} – {:.2})", 100.0 * value, 100.0 * low, 100.0 * high)
}

/// Cells for people, bots, AUC and the share of bots caught.
pub fn cells(scored: &Scored) -> [String; 4] {
    let number = |len: usize| count(len as u64);
    [
        number(scored.people.len()),
        number(scored.bots().len()),
        figure(scored.area()),
        figure(scored.caught()),
    ]
}

/// The mean. NaN without values.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}
