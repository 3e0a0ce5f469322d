//! One request of the followed client: what the log says of it, and what is decided.

use detector::{Action, Class, Reason, Timestamp};
use serde::Serialize;

/// Requests kept. A client with more is described by its first ones.
pub const MOMENTS_MAX: usize = 20_000;

/// One request, and what is decided about it.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainedRequest {
    /// Its number among the client's requests, from 1.
    pub number: u64,
    /// When, in µs since the epoch.
    pub at: Timestamp,
    /// Method, as sent.
    pub method: String,
    /// Request target as sent, cut to a length.
    pub target: String,
    /// Page or asset.
    pub class: Class,
    /// HTTP status, if the log has it.
    pub status: Option<u16>,
    /// The client's score, 0..=1.
    pub score: Option<f32>,
    /// Whether the score was computed for this request; if not it is the last one.
    pub is_scored: bool,
    /// The action.
    pub action: Action,
    /// Its reason.
    pub reason: Reason,
    /// Seconds: for a limit, until the next page is granted; for a block, until the ban ends.
    pub retry_after_s: u32,
    /// What the gate decided at the time, if the log is its event log.
    pub recorded: Option<PastDecision>,
}

/// What a gate decided, from its event log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastDecision {
    /// Identifier of the decision.
    pub id: String,
    /// `shadow` or `enforce`.
    pub mode: String,
    /// `allow`, `limit` or `block`.
    pub action: String,
    /// The reason.
    pub reason: String,
    /// The score.
    pub score: Option<f32>,
}

/// What a log line says of a request beside the event.
#[derive(Clone, Debug)]
pub(super) struct FollowedLine {
    /// Method, as sent.
    pub method: String,
    /// Request target, as sent.
    pub target: String,
    /// HTTP status, if the same line has it.
    pub status: Option<u16>,
    /// What the gate decided at the time.
    pub recorded: Option<PastDecision>,
}

/// Which request to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestChoice {
    /// The first of the hardest verdicts; if nothing was stopped, the one with the highest score.
    Hardest,
    /// The request with this number among the client's, from 1.
    Number(u64),
    /// The request with this decision identifier.
    Decision(String),
}

impl ExplainedRequest {
    /// Whether the judge that explains decides as the log says that the gate did; false if the log
    /// does not say.
    pub fn is_as_recorded(&self) -> bool {
        let now = (self.action.as_str(), self.reason.as_str(), self.score);
        self.recorded
            .as_ref()
            .is_some_and(|past| (past.action.as_str(), past.reason.as_str(), past.score) == now)
    }
}
