//! Numbers and values, as sentences have them.

use detector::features::{FEATURES, decimal, index_of};

/// A feature's value with its unit.
pub fn value(feature: &str, value: f32) -> String {
    index_of(feature).map_or_else(|| decimal(value), |index| FEATURES[index].say(value))
}

/// The verb for a number: `1 … was`, `36 … were`.
pub(super) fn were(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

pub(super) fn times(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

pub(super) fn score(score: Option<f32>) -> String {
    score.map_or_else(|| "none".to_owned(), |score| format!("{score:.3}"))
}
