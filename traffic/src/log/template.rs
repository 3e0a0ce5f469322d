//! A compiled line format: columns, and the text that ends each of them.
//!
//! ```text
//! $remote_addr - $remote_user [$time_local] "$request" $status
//! └─ Client ─┘   └─ User ───┘  └─ Time ──┘   └─ … ──┘
//!              ends with " - " ends with " ["  ends with "] \""
//! ```
//!
//! It is made once from the server's own `log_format` (`template_source.rs`), from the formats that
//! we know by name, or from what the columns of a log look like (`columns.rs`). A line is then read
//! from left to right, with one search for each column.

use memchr::{memchr, memchr2, memrchr};

use super::address::ClientRule;
use super::clock::Clock;
use super::fields::{Fields, Span};
use super::refusal::Refusal;
use super::slots::{Role, Slots};

/// A compiled line format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    /// What stands before the first column.
    pub(super) start: String,
    pub(super) columns: Vec<Column>,
}

/// One column of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// What it holds; `None` if it is not read.
    pub(super) role: Option<Role>,
    /// Its name in the format, for messages.
    pub(super) name: String,
    /// What stands after it. If it is empty, this is the last column, which takes the rest.
    pub(super) until: String,
    /// Whether the text after it is the beginning of the next column, which is not stepped over.
    pub(super) is_shared: bool,
}

impl Column {
    pub(super) fn new(role: Option<Role>, name: &str, until: &str) -> Self {
        Self { role, name: name.to_owned(), until: until.to_owned(), is_shared: false }
    }
}

/// The longest column that a refusal shows.
const EXPECTED: &str = "the log's format to go on";

impl Template {
    /// Parses one line.
    pub(super) fn parse<'a>(
        &self,
        text: &'a str,
        rule: &ClientRule,
        clock: &mut Clock,
    ) -> Result<Fields, Refusal<'a>> {
        self.slots(text)?.fields(text, rule, clock)
    }

    /// The columns of one line.
    pub(super) fn slots<'a>(&self, text: &'a str) -> Result<Slots, Refusal<'a>> {
        let mut slots = Slots::default();
        self.split(text, |column, span| {
            if let Some(role) = column.role {
                let rank = if matches!(span.of(text), "" | "-") { 100 } else { 0 };
                slots.set(role, rank, span);
            }
        })?;
        Ok(slots)
    }

    /// Calls `each` with every column of a line and its place.
    pub(super) fn split<'a>(
        &self,
        text: &'a str,
        mut each: impl FnMut(&Column, Span),
    ) -> Result<(), Refusal<'a>> {
        if !text.starts_with(&self.start) {
            return Err(Refusal::new("line", EXPECTED, text));
        }
        let mut at = self.start.len();
        let mut is_quoted = self.start.ends_with('"');
        for (index, column) in self.columns.iter().enumerate() {
            let rest = &text[at..];
            let end = match self.end(index, rest, is_quoted) {
                Some(end) => end,
                // The line may end here: what comes later is not in every line.
                None if ends_with_line(rest, &column.until).is_some() => {
                    let end = ends_with_line(rest, &column.until).unwrap_or(rest.len());
                    each(column, Span::new(at, at + end));
                    return Ok(());
                }
                None => return Err(Refusal::new("line", EXPECTED, rest)),
            };
            each(column, Span::new(at, at + end));
            at += end + if column.is_shared { 0 } else { column.until.len() };
            is_quoted = column.until.ends_with('"');
        }
        Ok(())
    }

    /// Where a column ends that begins with `rest`.
    fn end(&self, index: usize, rest: &str, is_quoted: bool) -> Option<usize> {
        let Column { role, until, .. } = &self.columns[index];
        if until.is_empty() {
            return Some(rest.len());
        }
        if is_quoted && until.starts_with('"') {
            return unescaped(rest, until);
        }
        match role {
            Some(Role::User) => self.before_time(index, rest).or_else(|| find(rest, until)),
            // A list of addresses may have spaces after its commas.
            Some(Role::Client | Role::Forwarded) if until.starts_with(' ') => {
                let mut end = find(rest, until)?;
                while rest[..end].ends_with(',') {
                    end += 1 + find(&rest[end + 1..], until)?;
                }
                Some(end)
            }
            _ => find(rest, until),
        }
    }

    /// Where a user's name ends, which may hold whatever a visitor likes, also what looks like a
    /// time. The time is the last one before the request's quote, and no name reaches over that,
    /// because servers escape quotes.
    fn before_time(&self, index: usize, rest: &str) -> Option<usize> {
        let time = self.columns.get(index + 1).filter(|next| next.role == Some(Role::Time))?;
        if !time.until.ends_with('"') {
            return None;
        }
        let until = &self.columns[index].until;
        let after = find(rest, &time.until)?;
        let bytes = &rest.as_bytes()[..after];
        let mut before = bytes.len();
        loop {
            let last = memrchr(*until.as_bytes().last()?, &bytes[..before])?;
            let begin = (last + 1).checked_sub(until.len())?;
            if rest.get(begin..last + 1) == Some(until) {
                return Some(begin);
            }
            before = last;
        }
    }
}

fn find(text: &str, needle: &str) -> Option<usize> {
    let (bytes, needle) = (text.as_bytes(), needle.as_bytes());
    let mut from = 0;
    loop {
        let found = from + memchr(*needle.first()?, bytes.get(from..)?)?;
        if bytes[found..].starts_with(needle) {
            return Some(found);
        }
        from = found + 1;
    }
}

/// Where a quoted column ends; a backslash escapes the byte after it.
fn unescaped(text: &str, until: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let found = from + memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[found] == b'\\' {
            from = found + 2;
        } else if bytes[found..].starts_with(until.as_bytes()) {
            return Some(found);
        } else {
            from = found + 1;
        }
    }
}

/// The length of a column that reaches to the line's end, where the line may end there: it is no
/// part of a quoted text or of a bracket, or closes it.
fn ends_with_line(rest: &str, until: &str) -> Option<usize> {
    let closing = until.split(' ').next().unwrap_or("");
    rest.ends_with(closing).then(|| rest.len() - closing.len())
}
