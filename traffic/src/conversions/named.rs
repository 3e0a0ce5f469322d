//! All conversions of a shop: their names, each with its patterns.

use super::pattern::ConversionPattern;
use super::reached::{
    MatchedPatterns, NAMES_MAX, NumberedPattern, PATTERNS_MAX, ReachedConversions,
};

/// Longest name of a conversion. Names are shown in tables and metric labels.
const NAME_CHARS_MAX: usize = 32;

/// A pattern or a name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("outcome `{name}`: {problem}; {expected}")]
pub struct ConversionError {
    /// The name of the conversion, as it was written.
    pub name: String,
    /// What is wrong.
    pub problem: String,
    /// What was expected, or what to write instead.
    pub expected: String,
}

/// The conversions that a shop's owner has named, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversions {
    names: Vec<String>,
    patterns: Vec<NumberedPattern>,
}

impl Conversions {
    /// Adds a pattern to a name, which may be new.
    ///
    /// # Errors
    /// [`ConversionError`], if the name or the pattern cannot be used, or if there are too many.
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

    /// Adds the conversion of a command-line flag: `NAME=METHOD PATH STATUS`.
    ///
    /// # Errors
    /// [`ConversionError`], as for [`Conversions::add`], and for a text without `=`.
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

    /// Whether there is no conversion.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The names; the number of a conversion is its index here.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All patterns, each with the name of its conversion.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &ConversionPattern)> {
        self.patterns.iter().map(|(name, pattern)| (self.names[*name as usize].as_str(), pattern))
    }

    /// The patterns that a request matches by its method and target; both as on the wire.
    pub fn asked(&self, method: &str, target: &str) -> MatchedPatterns {
        MatchedPatterns::of(&self.patterns, method, target)
    }

    /// The conversions that a request would have reached if it had ended with a fitting status.
    pub fn wanted(&self, matched: MatchedPatterns) -> ReachedConversions {
        ReachedConversions::at_best(&self.patterns, matched)
    }

    /// The conversions that a request has reached, given the patterns that it matched and the
    /// status with which it ended.
    pub fn reached(&self, matched: MatchedPatterns, status: u16) -> ReachedConversions {
        ReachedConversions::with_status(&self.patterns, matched, status)
    }
}
