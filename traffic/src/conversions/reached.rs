//! Which conversions a request may reach, and which it has reached.

use super::pattern::ConversionPattern;

/// Most names of conversions: [`ReachedConversions`] has a bit for each.
pub(super) const NAMES_MAX: usize = 32;
/// Most patterns of all names together: [`MatchedPatterns`] has a bit for each.
pub(super) const PATTERNS_MAX: usize = 64;

/// The patterns whose method and path a request matches. Its status, and so whether it reaches the
/// conversion, is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatchedPatterns(u64);

/// The conversions that a request has reached, by the number of their names (see
/// [`Conversions::names`](super::Conversions::names)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReachedConversions(u32);

/// A pattern, and the number of the name that it belongs to.
pub(super) type NumberedPattern = (u32, ConversionPattern);

impl MatchedPatterns {
    /// Of these patterns, the ones that match the method and the target; both as on the wire.
    pub(super) fn of(patterns: &[NumberedPattern], method: &str, target: &str) -> Self {
        if patterns.is_empty() {
            return Self::default();
        }
        let (path, query) = detector::url::split(target);
        let mut matched = 0;
        for (bit, (_, pattern)) in patterns.iter().enumerate() {
            matched |= u64::from(pattern.is_asked(method, path, query)) << bit;
        }
        Self(matched)
    }

    /// Whether no pattern matches.
    pub fn is_nothing(self) -> bool {
        self.0 == 0
    }
}

impl ReachedConversions {
    /// The conversions that the request would reach if it ended with a fitting status.
    pub(super) fn at_best(patterns: &[NumberedPattern], matched: MatchedPatterns) -> Self {
        let names = patterns.iter().enumerate().filter(|(bit, _)| matched.0 >> bit & 1 == 1);
        Self(names.fold(0, |wanted, (_, (name, _))| wanted | 1 << name))
    }

    /// The conversions that the request reaches by ending with this status.
    pub(super) fn with_status(
        patterns: &[NumberedPattern],
        matched: MatchedPatterns,
        status: u16,
    ) -> Self {
        let mut reached = 0;
        for (bit, (name, pattern)) in patterns.iter().enumerate() {
            if matched.0 >> bit & 1 == 1 && pattern.is_ended(status) {
                reached |= 1 << name;
            }
        }
        Self(reached)
    }

    /// Whether no conversion is reached.
    pub fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// Whether the conversion with this number is reached.
    pub fn has(self, number: usize) -> bool {
        number < NAMES_MAX && self.0 >> number & 1 == 1
    }

    /// The conversions of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
