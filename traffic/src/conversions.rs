//! What a visit can come to: an order, a log-in. Written by the shop's owner as `METHOD PATH
//! STATUS`, by name.
//!
//! ```text
//! buyer = "POST /checkout/complete 2xx"
//! ```
//!
//! - **method**: in capitals, or `*` for any
//! - **path**: segment by segment; `:anything` or `*` stands for one segment, a `*` at the very end
//!   for whatever follows. Compared in normal form, as everywhere (see [`detector::url`]); a slash
//!   at the end does not count. After a `?` come parameters that must be there
//!   (`/index.php?route=checkout/success`), `*` for any value; others are not looked at.
//! - **status**: `200`, a class such as `2xx`, or `*`
//!
//! A name may have several patterns. [`ConversionWatch`] finds them in any log, also where a request
//! and how it ended are two lines.

mod pattern;
mod watch;

#[cfg(test)]
mod tests;

pub use pattern::ConversionPattern;
pub use watch::{Arrival, ConversionWatch};

/// Most names: [`Reached`] has a bit for each.
const NAMES_MAX: usize = 32;
/// Most patterns of all names: [`Asked`] has a bit for each.
const PATTERNS_MAX: usize = 64;
/// Longest name: it stands in tables and labels.
const NAME_CHARS_MAX: usize = 32;

/// A pattern or a name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("outcome `{name}`: {problem}; {expected}")]
pub struct ConversionError {
    /// The key.
    pub name: String,
    /// What stands there.
    pub problem: String,
    /// What was expected, or what to write instead.
    pub expected: String,
}

/// The outcomes that an owner has named, in the order in which they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversions {
    names: Vec<String>,
    /// With the number of its name.
    patterns: Vec<(u32, ConversionPattern)>,
}

/// Which patterns ask for what a request asks for; how it ends is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked(u64);

/// Which outcomes a request has come to, by the number of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached(u32);

impl Conversions {
    /// Adds a pattern to a name, which may be a new one.
    ///
    /// # Errors
    /// [`ConversionError`] names the key, what stands there and what was expected.
    pub fn add(&mut self, name: &str, pattern: &str) -> Result<(), ConversionError> {
        let error = |problem: String, expected: &str| ConversionError {
            name: name.chars().take(NAME_CHARS_MAX).collect(),
            problem,
            expected: expected.to_owned(),
        };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(is_word) {
            let expected = "write at most 32 letters, digits, `_` and `-`, such as `buyer`";
            return Err(error("the name is not a word".to_owned(), expected));
        }
        let pattern = ConversionPattern::parse(pattern)
            .map_err(|(problem, expected)| error(problem, &expected))?;
        if self.patterns.len() >= PATTERNS_MAX {
            return Err(error(
                format!("there are {PATTERNS_MAX} patterns already"),
                "leave some out",
            ));
        }
        let number = match self.names.iter().position(|known| known == name) {
            Some(number) => number,
            None if self.names.len() >= NAMES_MAX => {
                return Err(error(
                    format!("there are {NAMES_MAX} names already"),
                    "leave some out",
                ));
            }
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        };
        self.patterns.push((number as u32, pattern));
        Ok(())
    }

    /// Adds what a flag says: `NAME=METHOD PATH STATUS`.
    ///
    /// # Errors
    /// As [`Conversions::add`]; a text without `=`.
    pub fn add_flag(&mut self, text: &str) -> Result<(), ConversionError> {
        match text.split_once('=') {
            Some((name, pattern)) => self.add(name.trim(), pattern),
            None => Err(ConversionError {
                name: text.chars().take(NAME_CHARS_MAX).collect(),
                problem: "there is no `=`".to_owned(),
                expected:
                    "write NAME=METHOD PATH STATUS, such as 'buyer=POST /checkout/complete 2xx'"
                        .to_owned(),
            }),
        }
    }

    /// Has nobody named one?
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Their names, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All patterns, each with its name.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &ConversionPattern)> {
        self.patterns.iter().map(|(name, pattern)| (self.names[*name as usize].as_str(), pattern))
    }

    /// Which patterns ask for this; method and target as on the wire.
    pub fn asked(&self, method: &str, target: &str) -> Asked {
        if self.patterns.is_empty() {
            return Asked::default();
        }
        let (path, query) = detector::url::split(target);
        let mut asked = 0;
        for (bit, (_, pattern)) in self.patterns.iter().enumerate() {
            asked |= u64::from(pattern.is_asked(method, path, query)) << bit;
        }
        Asked(asked)
    }

    /// What a request would have come to that asked so, had it ended well.
    pub fn wanted(&self, asked: Asked) -> Reached {
        let names = self.patterns.iter().enumerate().filter(|(bit, _)| asked.0 >> bit & 1 == 1);
        Reached(names.fold(0, |wanted, (_, (name, _))| wanted | 1 << name))
    }

    /// What a request has come to that asked so and ended with this status.
    pub fn reached(&self, asked: Asked, status: u16) -> Reached {
        let mut reached = 0;
        for (bit, (name, pattern)) in self.patterns.iter().enumerate() {
            if asked.0 >> bit & 1 == 1 && pattern.is_ended(status) {
                reached |= 1 << name;
            }
        }
        Reached(reached)
    }
}

impl Asked {
    /// Does no pattern ask for it?
    pub fn is_nothing(self) -> bool {
        self.0 == 0
    }
}

impl Reached {
    /// Has it come to nothing?
    pub fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// Has it come to the outcome with this number?
    pub fn has(self, number: usize) -> bool {
        number < NAMES_MAX && self.0 >> number & 1 == 1
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
