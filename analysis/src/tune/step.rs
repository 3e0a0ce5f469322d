//! The steps of the ladder of thresholds: limit, block, cohort.

use serde::Serialize;

/// A step of the ladder of thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LadderStep {
    /// 429 to a client beyond its rate.
    Limit,
    /// 403 to a client.
    Block,
    /// 429 to the newcomers of a network that together have such a score.
    Cohort,
}

impl LadderStep {
    /// All steps, in the order of [`super::Tuned::ladder`].
    pub const ALL: [Self; 3] = [Self::Limit, Self::Block, Self::Cohort];

    /// Its key in `[policy]`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Limit => "limit_score",
            Self::Block => "block_score",
            Self::Cohort => "cohort_score",
        }
    }

    /// Its name in texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Block => "block",
            Self::Cohort => "cohort",
        }
    }
}
