//! One request of a visit, and how it ended as the visitor sees it.

use std::time::Duration;

/// One request of a visit and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitRequest {
    /// Time since the start of the visit.
    pub after: Duration,
    /// Path and query.
    pub target: String,
    /// Whether it is an asset, which a browser loads by itself.
    pub is_asset: bool,
    /// What the visitor got for it.
    pub answer: RequestResult,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestResult {
    /// The shop answered with this status.
    Allowed(u16),
    /// The gate answered 429, with this decision id.
    Limited(String),
    /// The gate answered 403, with this decision id.
    Blocked(String),
    /// There was no answer, for this reason.
    Failed(String),
}

impl RequestResult {
    /// The decision id, if the gate refused the request.
    pub fn decision(&self) -> Option<&str> {
        match self {
            Self::Limited(id) | Self::Blocked(id) => Some(id),
            Self::Allowed(_) | Self::Failed(_) => None,
        }
    }
}
