//! The list of all features: names, order, and what each may be used for.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::window::{FORGET_US, GAPS, GENERATION_US, SEEN_BITS, SLOW_BINS, TAU_S, URLS};

/// Which family a feature belongs to. Each family has a file of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// How clock-like the gaps between pages are.
    Periodicity,
    /// How clock-like the gaps are over a day.
    Day,
    /// How unique the page URLs are.
    Uniqueness,
    /// How fast the client asks.
    Rate,
    /// How many of its requests fail.
    Outcome,
    /// How much it counts through numbers in URLs.
    Enumeration,
    /// How its way through the site differs from that of the site's people.
    Site,
    /// How many pages are known, and what kind of requests they are.
    Shape,
}

/// How the score may depend on a feature if everything else is equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// A larger value can only raise the score.
    Rising,
    /// A larger value can only lower the score.
    Falling,
    /// Either way, because its sign differs from site to site.
    Free,
}

/// What a feature may be used for. Leave-one-site-out tests decided it (`docs/features.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It means the same on every site. Models of several sites use these only.
    Carried,
    /// Its meaning differs from site to site. Only a model trained on the site or adapted to it may
    /// use it.
    Local,
    /// Only for explanations: it recognises a site, or repeats what a training label was made from.
    Shown,
}

/// The definition of one feature.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Name in models, docs and explanations.
    pub name: &'static str,
    /// The family that it belongs to.
    pub family: Family,
    /// What it may be used for.
    pub role: Role,
    /// The constraint for training.
    pub trend: Trend,
    /// Its name in people's words, to stand before a value: "disorder of gaps 0.12".
    pub words: &'static str,
}

impl Definition {
    /// May a model use it for the score?
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
        feature("gap_cv", Periodicity, Local, Free, "spread of gaps"),
        feature("gap_burstiness", Periodicity, Carried, Falling, "burstiness of gaps"),
        feature("gap_median", Periodicity, Local, Free, "typical gap"),
        feature("gap_mad", Periodicity, Local, Free, "middle spread of gaps"),
        feature("gap_consistency", Periodicity, Local, Rising, "share of equal gaps"),
        feature("gap_log_sd", Periodicity, Local, Free, "spread of gaps over orders of magnitude"),
        feature("gap_entropy", Periodicity, Local, Free, "disorder of gaps"),
        feature("gap_self_similarity", Periodicity, Carried, Rising, "repeating schedule of gaps"),
        feature("think_share", Periodicity, Local, Free, "share of gaps in which one can read"),
        feature("burst_share", Periodicity, Local, Free, "share of pages within a second"),
        feature("slow_beat", Day, Local, Rising, "beat of the day"),
        feature("slow_entropy", Day, Local, Free, "disorder of the day's gaps"),
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
        feature("error_share", Outcome, Local, Rising, "share of errors"),
        feature("not_found_share", Outcome, Local, Rising, "share of pages not found"),
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
        feature("write_share", Shape, Local, Free, "share of forms sent"),
        feature("head_share", Shape, Shown, Free, "share of requests for headers only"),
        feature("log_n", Shape, Local, Free, "number of pages"),
    ]
};

/// Length of the vector.
pub const COUNT: usize = FEATURES.len();

/// The index of the named feature in the vector.
pub fn index_of(name: &str) -> Option<usize> {
    FEATURES.iter().position(|feature| feature.name == name)
}

/// A hash of everything that gives the numbers their meaning: names, order and window constants. A
/// model trained under another definition is refused. `REVISION` is raised by hand when a formula
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
