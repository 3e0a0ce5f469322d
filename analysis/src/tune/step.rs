//! The steps of the ladder: limit, block, cohort.

use serde::Serialize;

/// A step of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 429 beyond a rate.
    Limit,
    /// 403.
    Block,
    /// 429 to newcomers of a network who together score so.
    Cohort,
}

impl Step {
    /// All of them, in the order of [`super::Tuned::ladder`].
    pub const ALL: [Self; 3] = [Self::Limit, Self::Block, Self::Cohort];

    /// Its key in `[policy]`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Limit => "limit_score",
            Self::Block => "block_score",
            Self::Cohort => "cohort_score",
        }
    }

    /// What it is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Block => "block",
            Self::Cohort => "cohort",
        }
    }
}
