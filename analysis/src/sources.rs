//! How many lines of each log were read, and why others were not. Every figure rests on this.

use detector::model::Card;
use serde::Serialize;
use traffic::log::Tally;

use crate::format;

/// One log as it was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRead {
    /// Its file name.
    pub log: String,
    /// Lines seen.
    pub lines: u64,
    /// Lines that became a record.
    pub parsed: u64,
    /// Lines that could not be read.
    pub refused: u64,
    /// Lines with nothing but white space.
    pub blank: u64,
    /// Parsed lines that could be read only after a stray quote was removed.
    pub repaired: u64,
    /// Parsed lines with an earlier time than a line before them.
    pub out_of_order: u64,
    /// Parsed lines from a private, loopback or link-local address.
    pub private_addresses: u64,
    /// Earliest time, UTC.
    pub first_at: Option<String>,
    /// Latest time, UTC.
    pub last_at: Option<String>,
    /// Time step of the log, in µs.
    pub resolution_us: u32,
    /// The first lines that could not be read, and why.
    pub first_refused: Vec<RefusedLine>,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: u64,
    /// Which field was wrong, what was expected there and what it held.
    pub reason: String,
    /// The beginning of the line.
    pub excerpt: String,
}

impl RefusedLine {
    /// Takes over what the reader kept of the line.
    pub fn of(line: &traffic::log::Refused) -> Self {
        Self { line: line.line_number, reason: line.reason.clone(), excerpt: line.excerpt.clone() }
    }
}

impl LogRead {
    /// The summary of a log with this file name.
    pub fn new(log: &str, tally: &Tally) -> Self {
        Self {
            log: log.to_owned(),
            lines: tally.lines,
            parsed: tally.parsed,
            refused: tally.refused,
            blank: tally.blank,
            repaired: tally.repaired,
            out_of_order: tally.out_of_order,
            private_addresses: tally.private_addresses,
            first_at: tally.first_at.map(format::time),
            last_at: tally.last_at.map(format::time),
            resolution_us: tally.resolution_us(),
            first_refused: tally.first_refused.iter().map(RefusedLine::of).collect(),
        }
    }

    /// The summaries of logs with these file names, in the same order.
    pub fn all(names: &[String], tallies: &[Tally]) -> Vec<Self> {
        names.iter().zip(tallies).map(|(name, tally)| Self::new(name, tally)).collect()
    }
}

/// Whether a model was trained on these logs. `data_sha256` is the digest over the logs as read. If
/// it is empty the digest is unknown, and the answer is false.
pub fn is_trained_on(card: &Card, data_sha256: &str) -> bool {
    let mut known = card.sites_sha256.iter().chain([&card.data_sha256]);
    !data_sha256.is_empty() && known.any(|known| known == data_sha256)
}
