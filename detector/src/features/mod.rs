//! What is measured of a client: the vector, its names and its order.
//!
//! One family a file. A feature that cannot be known yet is **missing** (`NaN`), never 0: a false 0 makes newcomers
//! look like perfect pollers. `NaN` means missing and nothing else. The formulas, what each catches and whom it would
//! wrong are in `docs/features.md`.

pub mod outcome;
pub mod periodicity;
pub mod rate;
pub mod shape;
pub mod uniqueness;

use sha2::{Digest, Sha256};

use crate::window::{GAPS, GENERATION_US, SEEN_BITS, TAU_S, URLS, Window};

/// Which family a feature belongs to; also its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// How clock-like the gaps between pages are.
    Periodicity,
    /// How unique the page URLs are.
    Uniqueness,
    /// How fast.
    Rate,
    /// How erroneous.
    Outcome,
    /// How much is known, and where in the site the client moves.
    Shape,
}

/// How the score may depend on a feature, everything else equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// More of it can only raise the score.
    Rising,
    /// More of it can only lower the score.
    Falling,
    /// Either way: its sign differs from site to site.
    Free,
}

/// One feature's definition.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Name in models, docs and explanations.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// May a model score it? The rest is measured for explanations: it recognises sites or repeats a label's inputs.
    pub scored: bool,
    /// Constraint for training.
    pub trend: Trend,
    /// In people's words, before a value: "disorder of gaps 0.12".
    pub words: &'static str,
}

const fn scored(name: &'static str, family: Family, trend: Trend, words: &'static str) -> Definition {
    Definition { name, family, scored: true, trend, words }
}

const fn shown(name: &'static str, family: Family, words: &'static str) -> Definition {
    Definition { name, family, scored: false, trend: Trend::Free, words }
}

/// Every feature, in the order of the vector.
pub const FEATURES: [Definition; 27] = {
    use Family::{Outcome, Periodicity, Rate, Shape, Uniqueness};
    use Trend::{Falling, Free, Rising};
    [
        scored("gap_cv", Periodicity, Free, "spread of gaps"),
        scored("gap_burstiness", Periodicity, Free, "burstiness of gaps"),
        scored("gap_median", Periodicity, Free, "typical gap"),
        scored("gap_mad", Periodicity, Free, "middle spread of gaps"),
        scored("gap_consistency", Periodicity, Rising, "share of equal gaps"),
        scored("gap_log_sd", Periodicity, Free, "spread of gaps over orders of magnitude"),
        scored("gap_entropy", Periodicity, Falling, "disorder of gaps"),
        scored("gap_self_similarity", Periodicity, Rising, "repeating schedule of gaps"),
        scored("unique_ratio", Uniqueness, Free, "share of distinct URLs"),
        scored("unique_path_ratio", Uniqueness, Free, "share of distinct paths"),
        scored("unique_window", Uniqueness, Free, "distinct URLs in ten minutes"),
        scored("unique_window_ratio", Uniqueness, Free, "share of distinct URLs in ten minutes"),
        scored("url_entropy", Uniqueness, Free, "spread over URLs"),
        scored("top_share", Uniqueness, Free, "share of the most requested URL"),
        scored("revisit", Uniqueness, Free, "share of pages just seen"),
        scored("query_fanout", Uniqueness, Free, "distinct queries per path"),
        scored("rate_60s", Rate, Free, "pages in the last minute"),
        scored("rate_600s", Rate, Free, "pages in the last ten minutes"),
        shown("request_rate_60s", Rate, "requests in the last minute"),
        shown("request_rate_600s", Rate, "requests in the last ten minutes"),
        scored("error_share", Outcome, Rising, "share of errors"),
        scored("not_found_share", Outcome, Rising, "share of pages not found"),
        shown("depth_mean", Shape, "depth of paths"),
        shown("depth_sd", Shape, "spread of path depth"),
        scored("write_share", Shape, Free, "share of forms sent"),
        scored("log_n", Shape, Free, "number of pages"),
        shown("age", Shape, "time since first seen"),
    ]
};

/// Length of the vector.
pub const COUNT: usize = FEATURES.len();

/// The measured vector, in the order of [`FEATURES`]; `NaN` is missing.
#[derive(Clone, Copy, Debug)]
pub struct Features(pub [f32; COUNT]);

impl Features {
    /// Measures a window as it stands.
    pub fn measure(window: &Window) -> Self {
        let mut vector = [f32::NAN; COUNT];
        let (periodicity, rest) = vector.split_at_mut(periodicity::COUNT);
        let (uniqueness, rest) = rest.split_at_mut(uniqueness::COUNT);
        let (rate, rest) = rest.split_at_mut(rate::COUNT);
        let (outcome, shape) = rest.split_at_mut(outcome::COUNT);
        periodicity::measure(window, periodicity);
        uniqueness::measure(window, uniqueness);
        rate::measure(window, rate);
        outcome::measure(window, outcome);
        shape::measure(window, shape);
        Self(vector)
    }

    /// The value of the named feature; `None` when there is no such feature.
    pub fn value(&self, name: &str) -> Option<f32> {
        Some(self.0[index_of(name)?])
    }
}

/// Where the named feature stands in the vector.
pub fn index_of(name: &str) -> Option<usize> {
    FEATURES.iter().position(|feature| feature.name == name)
}

/// A hash of everything that gives the numbers their meaning: names, order and window constants. A model learnt under
/// another definition is refused. [`REVISION`] is raised by hand when a formula changes and its name does not.
pub fn definition_hash() -> String {
    /// Raise when a formula changes.
    const REVISION: u32 = 2;
    let mut text = format!("{REVISION} {GAPS} {URLS} {SEEN_BITS} {GENERATION_US} {TAU_S:?}");
    for feature in &FEATURES {
        text.push(' ');
        text.push_str(feature.name);
    }
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

const _: () = assert!(periodicity::COUNT + uniqueness::COUNT + rate::COUNT + outcome::COUNT + shape::COUNT == COUNT);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::client::ClientKey;
    use crate::event::{Event, Method};
    use crate::time::Timestamp;
    use crate::url::{Class, UrlKey};

    /// A window over pages given as (seconds, path, query).
    pub fn window_of(pages: &[(f64, u16, u16)]) -> Window {
        let at = |seconds: f64| Timestamp::from_micros((seconds * 1e6) as i64);
        let mut window = Window::new(at(pages[0].0));
        for &(seconds, path, query) in pages {
            window.push(
                &Event {
                    client: ClientKey::from_text("192.0.2.1"),
                    at: at(seconds),
                    url: UrlKey(u32::from(path) << 16 | u32::from(query)),
                    class: Class::Page,
                    depth: 1,
                    method: Method::Get,
                    exempt: false,
                },
                1,
            );
        }
        window
    }

    /// The named feature of such a window.
    pub fn measured(pages: &[(f64, u16, u16)], name: &str) -> f32 {
        Features::measure(&window_of(pages)).value(name).unwrap()
    }

    #[test]
    fn names_are_unique_and_families_stand_together() {
        for (i, feature) in FEATURES.iter().enumerate() {
            assert_eq!(index_of(feature.name), Some(i));
        }
        assert!(FEATURES.is_sorted_by_key(|feature| match feature.family {
            Family::Periodicity => 0,
            Family::Uniqueness => 1,
            Family::Rate => 2,
            Family::Outcome => 3,
            Family::Shape => 4,
        }));
    }

    #[test]
    fn a_newcomers_gaps_are_missing_and_not_zero() {
        let features = Features::measure(&window_of(&[(0.0, 1, 0), (1.0, 2, 0), (2.0, 3, 0)]));
        assert!(features.0[..periodicity::COUNT].iter().all(|value| value.is_nan()));
    }
}
