//! What a doubtful client may have: the rungs of a limit.
//!
//! ```text
//!  free ──► limited, 30 pages a minute ──► slowed, 6 ──► held, 1        (any of them ──► banned)
//!   ▲            12 points                  36 points │
//!   └──── a score clearly below the threshold, at once ┘
//! ```
//!
//! A client gathers **points** with each page that scores at the limit threshold or beyond: one for
//! the page, and one for each whole log-odds beyond, [`POINTS_PER_PAGE_MAX`] at most. So what it
//! may have falls with its score, with how often it came to such a score, and with how long it goes
//! on.
//! A score clearly below the threshold frees it and takes half of its points. Ten minutes without a
//! limit take half of them as well.
//!
//! All rungs have the limit's threshold, so none can hurt a person whom the limit does not. A
//! person is limited by a moment that looks like a program's, and still shops: 30 pages a minute
//! are more than anybody reads. A program stays, and one that asks for 16 pages a minute, which a
//! limit of 30 would never refuse, loses nine in ten.

use super::bucket::Rate;
use super::config::PolicyConfig;
use crate::time::Timestamp;

/// Points that one page adds at most: three log-odds beyond the threshold, odds of 20 to 1.
const POINTS_PER_PAGE_MAX: u8 = 4;
/// Microseconds without a limit that take half of a client's points: ten minutes.
const HALF_LIFE_US: u64 = 600_000_000;

/// What a limited client may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// `limit_pages_per_min`.
    #[default]
    Limited,
    /// `slow_pages_per_min`.
    Slowed,
    /// `hold_pages_per_min`.
    Held,
}

impl Rung {
    /// All rungs, the mildest first.
    pub const ALL: [Self; 3] = [Self::Limited, Self::Slowed, Self::Held];

    /// As written in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Slowed => "slowed",
            Self::Held => "held",
        }
    }

    /// The rung of a client with so many points.
    pub(super) fn of(points: u8, config: &PolicyConfig) -> Self {
        let reached = |after: u8| after > 0 && points >= after;
        match () {
            () if reached(config.hold_after_points) => Self::Held,
            () if reached(config.slow_after_points) => Self::Slowed,
            () => Self::Limited,
        }
    }

    /// Pages a minute on this rung, and how many of them at once.
    pub fn allowance(self, config: &PolicyConfig) -> (u32, u32) {
        match self {
            Self::Limited => (config.limit_pages_per_min, config.limit_burst_pages),
            Self::Slowed => (config.slow_pages_per_min, config.slow_burst_pages),
            Self::Held => (config.hold_pages_per_min, 1),
        }
    }

    pub(super) fn rate(self, config: &PolicyConfig) -> Rate {
        let (pages_per_min, burst_pages) = self.allowance(config);
        Rate::new(pages_per_min, burst_pages)
    }

    /// How many seconds a limit on this rung lasts after the last score at the threshold. Whoever
    /// went on for longer is watched for longer.
    pub fn lasts_s(self, config: &PolicyConfig) -> u64 {
        match self {
            Self::Limited => config.limit_s,
            Self::Slowed => config.limit_s.saturating_mul(10),
            Self::Held => config.limit_s.saturating_mul(60),
        }
    }
}

/// The points after a page whose margin is `beyond` log-odds, at least 0, above the threshold.
pub(super) fn add_page(points: u8, beyond: f32) -> u8 {
    let page = 1 + beyond.clamp(0.0, f32::from(POINTS_PER_PAGE_MAX - 1)) as u8;
    points.saturating_add(page)
}

/// The points that are left of `points` at `at` when the last limit ended at `ended`.
pub(super) fn fade(points: u8, ended: Timestamp, at: Timestamp) -> u8 {
    let halvings = at.micros_since(ended) / HALF_LIFE_US;
    points.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0)
}
