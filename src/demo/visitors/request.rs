//! One request of a visit, and how it ended as the visitor sees it.

use std::time::Duration;

/// One request of a visit and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitRequest {
    /// Since the visitor's first moment.
    pub after: Duration,
    /// Path and query.
    pub target: String,
    /// Whether a browser asked for it by itself.
    pub is_asset: bool,
    /// How it ended.
    pub answer: Answer,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The shop answered with this status.
    Allowed(u16),
    /// The gate answered 429; the decision's id.
    Limited(String),
    /// The gate answered 403; the decision's id.
    Blocked(String),
    /// There was no answer, and why.
    Failed(String),
}

impl Answer {
    /// The id of a refusal by the gate.
    pub fn decision(&self) -> Option<&str> {
        match self {
            Self::Limited(id) | Self::Blocked(id) => Some(id),
            Self::Allowed(_) | Self::Failed(_) => None,
        }
    }
}
