//! What is measured of a client: the vector, its names and its order.
//!
//! One family a file. A feature that cannot be known yet is **missing** (`NaN`), never 0: a false 0
//! makes newcomers look like perfect pollers. `NaN` means missing and nothing else. The formulas,
//! what each catches and whom it would wrong are in `docs/features.md`.

pub mod day;
pub mod enumeration;
pub mod outcome;
pub mod periodicity;
pub mod rate;
mod said;
pub mod shape;
pub mod site;
pub mod uniqueness;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

pub use said::decimal;

use crate::window::{FORGET_US, GAPS, GENERATION_US, SEEN_BITS, SLOW_BINS, TAU_S, URLS, Window};

/// Which family a feature belongs to; also its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// How clock-like the gaps between pages are.
    Periodicity,
    /// How clock-like they are over a day.
    Day,
    /// How unique the page URLs are.
    Uniqueness,
    /// How fast.
    Rate,
    /// How erroneous.
    Outcome,
    /// How much like counting through.
    Enumeration,
    /// How unlike the site's people it moves, where the model remembers the site.
    Site,
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

/// What a feature may be used for; leave-one-site-out decides (`docs/features.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It means the same on every site: models of several sites use these only.
    Carried,
    /// Its meaning differs from site to site: only a model trained or adapted on the site may use
    /// it.
    Local,
    /// For explanations: it recognises a site, or repeats what a training label was made from.
    Shown,
}

/// One feature's definition.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Name in models, docs and explanations.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// What it may be used for.
    pub role: Role,
    /// Constraint for training.
    pub trend: Trend,
    /// In people's words, before a value: "disorder of gaps 0.12".
    pub words: &'static str,
}

impl Definition {
    /// May a model score it?
    pub const fn scored(&self) -> bool {
        !matches!(self.role, Role::Shown)
    }
}

const fn feature(
    name: &'static str,
    family: Family,
    role: Role,
    trend: Trend,
    words: &'static str,
) -> Definition {
    Definition { name, family, role, trend, words }
}

/// Every feature, in the order of the vector.
pub const FEATURES: [Definition; 44] = {
    use Family::{Day, Enumeration, Outcome, Periodicity, Rate, Shape, Site, Uniqueness};
    use Role::{Carried, Local, Shown};
    use Trend::{Falling, Free, Rising};
    [
        feature("gap_cv", Periodicity, Carried, Free, "spread of gaps"),
        feature("gap_burstiness", Periodicity, Local, Free, "burstiness of gaps"),
        feature("gap_median", Periodicity, Local, Free, "typical gap"),
        feature("gap_mad", Periodicity, Local, Free, "middle spread of gaps"),
        feature("gap_consistency", Periodicity, Carried, Rising, "share of equal gaps"),
        feature("gap_log_sd", Periodicity, Local, Free, "spread of gaps over orders of magnitude"),
        feature("gap_entropy", Periodicity, Carried, Falling, "disorder of gaps"),
        feature("gap_self_similarity", Periodicity, Carried, Rising, "repeating schedule of gaps"),
        feature(
            "think_share",
            Periodicity,
            Carried,
            Falling,
            "share of gaps in which one can read",
        ),
        feature("burst_share", Periodicity, Local, Free, "share of pages within a second"),
        feature("slow_beat", Day, Local, Rising, "beat of the day"),
        feature("slow_entropy", Day, Carried, Falling, "disorder of the day's gaps"),
        feature("unique_ratio", Uniqueness, Local, Free, "share of distinct URLs"),
        feature("unique_path_ratio", Uniqueness, Local, Free, "share of distinct paths"),
        feature("unique_window", Uniqueness, Local, Free, "distinct URLs in ten minutes"),
        feature(
            "unique_window_ratio",
            Uniqueness,
            Local,
            Free,
            "share of distinct URLs in ten minutes",
        ),
        feature("url_entropy", Uniqueness, Local, Free, "spread over URLs"),
        feature("top_share", Uniqueness, Local, Free, "share of the most requested URL"),
        feature("revisit", Uniqueness, Local, Free, "share of pages just seen"),
        feature("query_fanout", Uniqueness, Local, Free, "distinct queries per path"),
        feature("repeat_share", Uniqueness, Local, Free, "share of pages asked for again at once"),
        feature("backtrack", Uniqueness, Carried, Falling, "share of steps there and back"),
        feature("return_share", Uniqueness, Carried, Falling, "share of returns to a page"),
        feature("rate_60s", Rate, Local, Free, "pages in the last minute"),
        feature("rate_600s", Rate, Local, Free, "pages in the last ten minutes"),
        feature("request_rate_60s", Rate, Shown, Free, "requests in the last minute"),
        feature("request_rate_600s", Rate, Shown, Free, "requests in the last ten minutes"),
        feature("asset_share", Rate, Shown, Free, "share of assets"),
        feature("error_share", Outcome, Carried, Rising, "share of errors"),
        feature("not_found_share", Outcome, Carried, Rising, "share of pages not found"),
        feature("conditional_share", Outcome, Shown, Free, "share of pages not modified"),
        feature("redirect_share", Outcome, Local, Free, "share of redirects"),
        feature(
            "sequence_share",
            Enumeration,
            Local,
            Rising,
            "share of steps to a neighbouring number",
        ),
        feature("page_walk", Enumeration, Local, Rising, "share of steps to the next number"),
        feature("novelty", Site, Local, Free, "rarity of pages among people"),
        feature("tail_share", Site, Local, Free, "share of pages nobody asks for"),
        feature("known_step", Site, Local, Free, "share of steps that people take"),
        feature("walk_likelihood", Site, Local, Free, "oddity of the way from page to page"),
        feature("template_rarity", Site, Local, Free, "rarity of the kinds of page"),
        feature("depth_mean", Shape, Shown, Free, "depth of paths"),
        feature("depth_sd", Shape, Shown, Free, "spread of path depth"),
        feature("write_share", Shape, Carried, Free, "share of forms sent"),
        feature("head_share", Shape, Shown, Free, "share of requests for headers only"),
        feature("log_n", Shape, Local, Free, "number of pages"),
    ]
};

/// Length of the vector.
pub const COUNT: usize = FEATURES.len();

/// A set of features, by their place in the vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set(u64);

const _: () = assert!(COUNT <= u64::BITS as usize);

impl Set {
    /// Every feature.
    pub const ALL: Self = Self(u64::MAX);
    /// None.
    pub const NONE: Self = Self(0);

    /// The same with this feature, which is below [`COUNT`].
    #[must_use]
    pub const fn with(self, index: usize) -> Self {
        Self(self.0 | 1 << (index % u64::BITS as usize))
    }

    /// Is it in the set?
    pub const fn has(self, index: usize) -> bool {
        self.0 >> (index % u64::BITS as usize) & 1 != 0
    }

    /// Is any of the first `count`?
    const fn has_any(self, count: usize) -> bool {
        self.0 & ((1 << count) - 1) != 0
    }

    /// Takes the first `count` away; the next one is 0 then.
    const fn after(self, count: usize) -> Self {
        Self(self.0 >> count)
    }
}

/// The measured vector, in the order of [`FEATURES`]; `NaN` is missing.
#[derive(Clone, Copy, Debug)]
pub struct Features(pub [f32; COUNT]);

impl Features {
    /// Measures a window as it stands.
    pub fn measure(window: &Window) -> Self {
        Self::measure_only(window, Set::ALL)
    }

    /// The same, but what is not `wanted` may be left missing: a model asks for a dozen features,
    /// and the others cost as much.
    pub fn measure_only(window: &Window, mut wanted: Set) -> Self {
        let mut vector = [f32::NAN; COUNT];
        let mut rest = vector.as_mut_slice();
        for (count, measure) in FAMILIES {
            let (family, behind) = rest.split_at_mut(count);
            if wanted.has_any(count) {
                measure(window, wanted, family);
            }
            (wanted, rest) = (wanted.after(count), behind);
        }
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

/// A hash of everything that gives the numbers their meaning: names, order and window constants. A
/// model learnt under another definition is refused. [`REVISION`] is raised by hand when a formula
/// changes and its name does not.
pub fn definition_hash() -> String {
    /// Raise when a formula changes.
    const REVISION: u32 = 4;
    let mut text = format!(
        "{REVISION} {GAPS} {URLS} {SEEN_BITS} {GENERATION_US} {TAU_S:?} {SLOW_BINS} {FORGET_US}"
    );
    for feature in &FEATURES {
        text.push(' ');
        text.push_str(feature.name);
    }
    HEXLOWER.encode(&Sha256::digest(text.as_bytes())[..8])
}

/// Measures a family into its part of the vector; of the set, 0 is its first feature.
type Measure = fn(&Window, Set, &mut [f32]);

/// How many features each family has, and how they are measured, in the order of the vector.
const FAMILIES: [(usize, Measure); 8] = [
    (periodicity::COUNT, periodicity::measure),
    (day::COUNT, day::measure),
    (uniqueness::COUNT, uniqueness::measure),
    (rate::COUNT, |window, _, out| rate::measure(window, out)),
    (outcome::COUNT, |window, _, out| outcome::measure(window, out)),
    (enumeration::COUNT, |window, _, out| enumeration::measure(window, out)),
    (site::COUNT, |window, _, out| site::measure(window, out)),
    (shape::COUNT, shape::measure),
];

const _: () = {
    let (mut sum, mut family) = (0, 0);
    while family < FAMILIES.len() {
        sum += FAMILIES[family].0;
        family += 1;
    }
    assert!(sum == COUNT);
};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::client::ClientKey;
    use crate::event::Event;
    use crate::time::Timestamp;
    use crate::url::{Shape, UrlKey};

    /// A window over pages given as (seconds, path, query). A path's number is also the number in
    /// it.
    pub fn window_of(pages: &[(f64, u16, u16)]) -> Window {
        let at = |seconds: f64| Timestamp::from_micros((seconds * 1e6) as i64);
        let mut window = Window::new(at(pages[0].0));
        for &(seconds, path, query) in pages {
            window.push(
                &Event {
                    shape: Shape { form: 1, number: u32::from(path) },
                    ..Event::page(
                        ClientKey::from_text("192.0.2.1"),
                        at(seconds),
                        UrlKey(u32::from(path) << 16 | u32::from(query)),
                    )
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
            Family::Day => 1,
            Family::Uniqueness => 2,
            Family::Rate => 3,
            Family::Outcome => 4,
            Family::Enumeration => 5,
            Family::Site => 6,
            Family::Shape => 7,
        }));
    }

    /// Clients of every kind and length: what is asked for does not depend on what else is.
    #[test]
    fn a_feature_is_the_same_whatever_else_is_wanted() {
        let mut state = 5_u64;
        let mut dice = move |sides: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        for length in 1..120 {
            let (kinds, spread_ms) = (1 + dice(60), 1 << dice(20));
            let mut seconds = 1_000.0;
            let pages: Vec<(f64, u16, u16)> = (0..length)
                .map(|_| {
                    seconds += dice(spread_ms) as f64 / 1_000.0;
                    (seconds, dice(kinds) as u16, dice(2) as u16)
                })
                .collect();
            let window = window_of(&pages);
            let all = Features::measure(&window);
            for _ in 0..10 {
                let wanted = (0..3).fold(Set::NONE, |set, _| set.with(dice(COUNT as u64) as usize));
                let some = Features::measure_only(&window, wanted);
                for index in (0..COUNT).filter(|&index| wanted.has(index)) {
                    assert_eq!(
                        some.0[index].to_bits(),
                        all.0[index].to_bits(),
                        "{}",
                        FEATURES[index].name
                    );
                }
            }
        }
    }

    #[test]
    fn a_newcomers_gaps_are_missing_and_not_zero() {
        let features = Features::measure(&window_of(&[(0.0, 1, 0), (1.0, 2, 0), (2.0, 3, 0)]));
        assert!(features.0[..periodicity::COUNT].iter().all(|value| value.is_nan()));
    }
}
