//! What became of a log's lines.

use detector::Timestamp;

use super::Record;
use super::scan::Refusal;

/// Enough of a line to find it again, few enough characters for one line of a terminal.
const EXCERPT_CHARS_MAX: usize = 120;

/// The first three tell what is wrong; the rest mostly repeat it.
const REFUSED_KEPT_MAX: usize = 3;

/// Counts of one log. `lines == parsed + refused + blank`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines seen, the last one also without a newline.
    pub lines: u64,
    /// Lines that became a record.
    pub parsed: u64,
    /// Lines that could not be read.
    pub refused: u64,
    /// Of those refused: lines whose time has no zone.
    pub without_zone: u64,
    /// Lines with nothing but white space.
    pub blank: u64,
    /// Of those parsed: lines read only after a stray quote around them had been taken off.
    pub repaired: u64,
    /// Of those parsed: lines that are older than one before them.
    pub out_of_order: u64,
    /// The furthest that time went back from one line to any before it, in microseconds.
    pub step_back_us_max: u64,
    /// Of those parsed: lines whose client is a private, loopback or link-local address. Where this
    /// is most of a log, it holds the address of a proxy and not of the client.
    pub private_addresses: u64,
    /// The first refused lines, at most three.
    pub first_refused: Vec<Refused>,
    /// Earliest time read.
    pub first_at: Option<Timestamp>,
    /// Latest time read.
    pub last_at: Option<Timestamp>,
    /// Some time was not a whole second.
    sub_second: bool,
    /// Some time was not a whole millisecond.
    sub_milli: bool,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Counted from 1.
    pub line_number: u64,
    /// Which field, what was expected there and what it held.
    pub reason: String,
    /// The line's beginning, at most 120 characters, control characters escaped.
    pub excerpt: String,
}

impl Tally {
    /// How finely this log tells time, in microseconds: 1,000,000 where all times read were whole
    /// seconds, 1,000 where they were whole milliseconds, else 1.
    pub fn resolution_us(&self) -> u32 {
        match (self.sub_second, self.sub_milli) {
            (false, _) => 1_000_000,
            (true, false) => 1_000,
            (true, true) => 1,
        }
    }

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

    /// Is the time of the next line behind that of one before it?
    fn follow(&mut self, at: Timestamp) {
        match self.last_at {
            Some(last) if at < last => {
                self.out_of_order += 1;
                self.step_back_us_max = self.step_back_us_max.max(last.micros_since(at));
            }
            _ => self.last_at = Some(at),
        }
    }

    /// Adds the lines that came right after, and were counted by themselves; `times` are those of
    /// their records, in the order of the lines.
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
        self.blank += later.blank;
        self.repaired += later.repaired;
        self.private_addresses += later.private_addresses;
        self.sub_second |= later.sub_second;
        self.sub_milli |= later.sub_milli;
        if self.last_at.is_none_or(|last| later.first_at.is_none_or(|first| last <= first)) {
            // Nothing of it lies behind anything before it.
            self.out_of_order += later.out_of_order;
            self.step_back_us_max = self.step_back_us_max.max(later.step_back_us_max);
            self.last_at = later.last_at.or(self.last_at);
        } else {
            times.into_iter().for_each(|at| self.follow(at));
        }
        self.first_at = [self.first_at, later.first_at].into_iter().flatten().min();
    }

    pub(super) fn refuse(&mut self, refusal: &Refusal<'_>, line: &[u8]) {
        self.refused += 1;
        self.without_zone += u64::from(refusal.is_for_zone());
        if self.first_refused.len() < REFUSED_KEPT_MAX {
            self.first_refused.push(Refused {
                line_number: self.lines,
                reason: refusal.to_string(),
                excerpt: excerpt(line),
            });
        }
    }
}

/// A line's beginning, fit for a terminal.
pub(super) fn excerpt(line: &[u8]) -> String {
    escaped(line, EXCERPT_CHARS_MAX)
}

/// At most `chars_max` characters of a text, control characters escaped.
pub(super) fn escaped(text: &[u8], chars_max: usize) -> String {
    // Four bytes make at most one character less than any limit needs; never decode a whole long
    // line for its head.
    let head = &text[..text.len().min(chars_max * 4)];
    let mut escaped = String::new();
    let mut chars = 0;
    for char in String::from_utf8_lossy(head).chars() {
        // Terminals act on control characters, and the marks of text direction make a line read as
        // another.
        let needs_escape =
            char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let length = if needs_escape { char.escape_default().count() } else { 1 };
        if chars + length > chars_max {
            break;
        }
        chars += length;
        if needs_escape {
            escaped.extend(char.escape_default());
        } else {
            escaped.push(char);
        }
    }
    escaped
}

/// By the text's beginning alone: this runs for every line, and a rare name like `10.example` does
/// no harm.
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
    fn an_excerpt_is_short_and_harmless() {
        let check = |line: &[u8], expect: &str| assert_eq!(excerpt(line), expect);
        check(b"a\x1b[31m\tb", r"a\u{1b}[31m\tb");
        check(b"\xff\"\\", "\u{fffd}\"\\");
        check("\u{202e}".as_bytes(), r"\u{202e}");
        check(&[b'x'; 500], &"x".repeat(120));
        assert!(excerpt(&[7; 500]).chars().count() <= 120);
        check("ü".repeat(500).as_bytes(), &"ü".repeat(120));
    }

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
