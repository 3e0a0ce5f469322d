//! Counts of a log: how many lines were read or refused, and their times.

use detector::Timestamp;

use super::excerpt::excerpt;
use super::record::Record;
use super::refusal::Refusal;

/// Largest share of refused lines with which a log can be used for training. Above it, the lines
/// that cannot be read may be the ones that matter.
pub const REFUSED_MAX: f64 = 0.05;
/// Refused lines that are kept. Three show what is wrong; more would mostly repeat it.
const REFUSED_KEPT_MAX: usize = 3;

/// Counts of one log. `lines == parsed + refused + blank` at all times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All lines; the last one counts even if it has no newline.
    pub lines: u64,
    /// Lines that became a record.
    pub parsed: u64,
    /// Lines that could not be read.
    pub refused: u64,
    /// Refused lines whose time has no zone.
    pub without_zone: u64,
    /// Refused lines that name no client, as `-` in a column of `X-Forwarded-For`.
    pub without_client: u64,
    /// Lines that are empty or white space only.
    pub blank: u64,
    /// Parsed lines from which a stray quote had to be removed first.
    pub repaired: u64,
    /// Parsed lines that are older than a line before them.
    pub out_of_order: u64,
    /// The largest difference between a line's time and the latest time before it, in
    /// microseconds.
    pub step_back_us_max: u64,
    /// Parsed lines whose client is a private, loopback or link-local address. If most lines are
    /// such, the log holds the address of a proxy and not of the client.
    pub private_addresses: u64,
    /// The first refused lines, at most three.
    pub first_refused: Vec<Refused>,
    /// The earliest time of any parsed line.
    pub first_at: Option<Timestamp>,
    /// The latest time of any parsed line.
    pub last_at: Option<Timestamp>,
    /// Whether any time was not a whole second.
    sub_second: bool,
    /// Whether any time was not a whole millisecond.
    sub_milli: bool,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Counted from 1.
    pub line_number: u64,
    /// Which field is wrong, what was expected there and what was found.
    pub reason: String,
    /// The beginning of the line: at most 120 characters, with control characters escaped.
    pub excerpt: String,
}

impl Tally {
    /// The resolution of this log's times in microseconds: 1,000,000 if all times are whole
    /// seconds, 1,000 if all are whole milliseconds, otherwise 1.
    pub fn resolution_us(&self) -> u32 {
        match (self.sub_second, self.sub_milli) {
            (false, _) => 1_000_000,
            (true, false) => 1_000,
            (true, true) => 1,
        }
    }

    /// Whether more lines cannot be read than [`REFUSED_MAX`]. Lines without a client do not count:
    /// the server wrote them as it was told.
    pub fn is_unreadable(&self) -> bool {
        let without = self.without_client;
        (self.refused - without) as f64 > REFUSED_MAX * (self.lines - without) as f64
    }

    /// Counts a parsed line.
    pub(super) fn count(&mut self, record: &Record<'_>) {
        self.parsed += 1;
        let micros = record.at.as_micros();
        if micros % 1_000_000 != 0 {
            self.sub_second = true;
            self.sub_milli |= micros % 1_000 != 0;
        }
        if self.first_at.is_none_or(|first| record.at < first) {
            self.first_at = Some(record.at);
        }
        self.follow(record.at);
        self.private_addresses += u64::from(is_private(record.client));
    }

    /// Counts whether the next line's time goes back.
    fn follow(&mut self, at: Timestamp) {
        match self.last_at {
            Some(last) if at < last => {
                self.out_of_order += 1;
                self.step_back_us_max = self.step_back_us_max.max(last.micros_since(at));
            }
            _ => self.last_at = Some(at),
        }
    }

    /// Adds the tally of the lines that follow directly, which were counted separately. `times` are
    /// the times of their records, in the order of the lines.
    pub fn append(&mut self, later: &Self, times: impl IntoIterator<Item = Timestamp>) {
        let room = REFUSED_KEPT_MAX.saturating_sub(self.first_refused.len());
        let renumbered = |refused: &Refused| Refused {
            line_number: self.lines + refused.line_number,
            ..refused.clone()
        };
        let refused: Vec<Refused> = later.first_refused.iter().take(room).map(renumbered).collect();
        self.first_refused.extend(refused);
        self.lines += later.lines;
        self.parsed += later.parsed;
        self.refused += later.refused;
        self.without_zone += later.without_zone;
        self.without_client += later.without_client;
        self.blank += later.blank;
        self.repaired += later.repaired;
        self.private_addresses += later.private_addresses;
        self.sub_second |= later.sub_second;
        self.sub_milli |= later.sub_milli;
        if self.last_at.is_none_or(|last| later.first_at.is_none_or(|first| last <= first)) {
            // None of its lines is older than a line of ours, so its own counts are right.
            self.out_of_order += later.out_of_order;
            self.step_back_us_max = self.step_back_us_max.max(later.step_back_us_max);
            self.last_at = later.last_at.or(self.last_at);
        } else {
            times.into_iter().for_each(|at| self.follow(at));
        }
        self.first_at = [self.first_at, later.first_at].into_iter().flatten().min();
    }

    /// Counts a refused line.
    pub(super) fn refuse(&mut self, refusal: &Refusal<'_>, line: &[u8]) {
        self.refused += 1;
        self.without_zone += u64::from(refusal.is_for_zone());
        self.without_client += u64::from(refusal.is_for_client());
        if self.first_refused.len() < REFUSED_KEPT_MAX {
            self.first_refused.push(Refused {
                line_number: self.lines,
                reason: refusal.to_string(),
                excerpt: excerpt(line),
            });
        }
    }
}

/// Whether an address is private, loopback or link-local. Only its beginning is looked at, because
/// this runs for every line; a rare name such as `10.example` does no harm.
fn is_private(client: &str) -> bool {
    let second_octet =
        |rest: &str| rest.split('.').next().and_then(|octet| octet.parse::<u8>().ok());
    match client.as_bytes() {
        [b'1', b'0', b'.', ..] => true,
        [b'1', b'2', b'7', b'.', ..] => true,
        [b'1', b'9', b'2', b'.', b'1', b'6', b'8', b'.', ..] => true,
        [b'1', b'6', b'9', b'.', b'2', b'5', b'4', b'.', ..] => true,
        [b'1', b'7', b'2', b'.', ..] => {
            second_octet(&client[4..]).is_some_and(|octet| (16..32).contains(&octet))
        }
        [b'1', b'0', b'0', b'.', ..] => {
            second_octet(&client[4..]).is_some_and(|octet| (64..128).contains(&octet))
        }
        [b'f' | b'F', b'c' | b'C' | b'd' | b'D', _, _, b':', ..] => true,
        [b'f' | b'F', b'e' | b'E', b'8', b'0', b':', ..] => true,
        _ => client == "::1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for client in [
            "10.0.0.1",
            "127.0.0.1",
            "192.168.4.25",
            "172.16.0.1",
            "172.31.9.9",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
            "::1",
        ] {
            assert!(is_private(client), "{client}");
        }
        for client in [
            "11.0.0.1",
            "172.32.0.1",
            "172.x",
            "172.",
            "100.63.0.1",
            "2001:db8::1",
            "192.167.1.1",
            "",
            "-",
        ] {
            assert!(!is_private(client), "{client}");
        }
    }
}
