//! What is done with a request, and why: the words that the event log, the metrics and people
//! share.

use serde::{Deserialize, Serialize};

use crate::model::{Score, TopContributions};
use crate::time::Timestamp;
use crate::url::Class;

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Forward it.
    Allow,
    /// 429, come back later.
    Limit,
    /// 403.
    Block,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The operator lets this client or path pass unasked.
    AllowList,
    /// There is no model, or none of its thresholds is in force.
    NoThreshold,
    /// Too few pages to judge.
    TooFewPages,
    /// Scores like people do.
    Usual,
    /// Limited, and within the rate it may have (allow) or beyond it (limit).
    Limited,
    /// Scored beyond the block threshold, page after page.
    Score,
    /// The same, or banned, but an address of many browsers: limited, as [`Reason::Limited`] is.
    Shared,
    /// An earlier ban has not expired.
    Banned,
    /// A newcomer among others of its network who together score like a bot, or one who writes
    /// where others fail: within the rate that they may have together (allow) or beyond it (limit).
    Cohort,
    /// All places are taken and this client was not here lately: it is noted, and has a place when
    /// it returns.
    Crowded,
    /// Scoring failed; the gate fails open.
    Failure,
    /// A proxy's own request, or one of a proxy that nobody has declared: nobody is judged by it.
    Proxy,
}

impl Action {
    /// All of them, for metric labels.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Limit, Self::Block];

    /// As written in the event log and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Limit => "limit",
            Self::Block => "block",
        }
    }
}

impl Reason {
    /// All of them, for metric labels.
    pub const ALL: [Self; 12] = [
        Self::AllowList,
        Self::NoThreshold,
        Self::TooFewPages,
        Self::Usual,
        Self::Limited,
        Self::Score,
        Self::Shared,
        Self::Banned,
        Self::Cohort,
        Self::Crowded,
        Self::Failure,
        Self::Proxy,
    ];

    /// As written in the event log and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowList => "allow_list",
            Self::NoThreshold => "no_threshold",
            Self::TooFewPages => "too_few_pages",
            Self::Usual => "usual",
            Self::Limited => "limited",
            Self::Score => "score",
            Self::Shared => "shared",
            Self::Banned => "banned",
            Self::Cohort => "cohort",
            Self::Crowded => "crowded",
            Self::Failure => "failure",
            Self::Proxy => "proxy",
        }
    }
}

/// What to do with one request, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The client's score, when it has one.
    pub score: Option<Score>,
    /// Limit: seconds until the next page is granted. Block: seconds until the ban expires. Else 0.
    pub retry_after_s: u32,
    /// The time the request counted for.
    pub at: Timestamp,
    /// The client's event number: orders what happened in the same microsecond.
    pub seq: u32,
    /// What the request was taken for: [`Event::class`](crate::Event::class), or a page where
    /// nothing pulled it in.
    pub class: Class,
    /// The features that speak loudest for it; empty on allow.
    pub because: TopContributions,
}

/// A verdict still without its score and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// See [`Verdict::retry_after_s`].
    pub retry_after_s: u32,
}

impl Decision {
    pub(crate) const fn new(action: Action, reason: Reason, retry_after_s: u32) -> Self {
        Self { action, reason, retry_after_s }
    }
}
