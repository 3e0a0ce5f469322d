//! Numbers and values as they stand in sentences.

use detector::features::{FEATURES, decimal, index_of};

/// A feature's value as people read it.
pub fn value(feature: &str, value: f32) -> String {
    index_of(feature).map_or_else(|| decimal(value), |index| FEATURES[index].say(value))
}

/// `1 … was`, `36 … were`
pub(super) fn were(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

pub(super) fn times(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

pub(super) fn score(score: Option<f32>) -> String {
    score.map_or_else(|| "none".to_owned(), |score| format!("{score:.3}"))
}
