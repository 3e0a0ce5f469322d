//! One request of the client that is followed, as a log has it and as it is decided.

use detector::{Action, Class, Reason, Timestamp};
use serde::Serialize;

/// Requests kept. Who asked for more is described by the first.
pub const MOMENTS_MAX: usize = 20_000;

/// One request, and what is decided about it.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// Its number among the client's requests, from 1.
    pub number: u64,
    /// When, in µs since the epoch.
    pub at: Timestamp,
    /// As on the wire.
    pub method: String,
    /// As on the wire, cut.
    pub target: String,
    /// Page or asset.
    pub class: Class,
    /// How it ended, where the log says so.
    pub status: Option<u16>,
    /// The client's score, 0..=1.
    pub score: Option<f32>,
    /// Was it computed for this request? Otherwise it is the last one.
    pub is_scored: bool,
    /// What is decided.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Limit: until the next page is granted; block: until the ban expires.
    pub retry_after_s: u32,
    /// What the gate decided at the time, where this is its event log.
    pub recorded: Option<Past>,
}

/// What a gate decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Past {
    /// The decision's identifier.
    pub id: String,
    /// `shadow` or `enforce`.
    pub mode: String,
    /// `allow`, `limit` or `block`.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Its score.
    pub score: Option<f32>,
}

/// What a log says of a request beside the event.
#[derive(Clone, Debug)]
pub struct Line {
    /// As on the wire.
    pub method: String,
    /// As on the wire.
    pub target: String,
    /// How it ended, where the same line says so.
    pub status: Option<u16>,
    /// What the gate decided at the time.
    pub recorded: Option<Past>,
}

/// Which request to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first of the hardest verdicts; where there is none, the one with the highest score.
    Hardest,
    /// The one with this number.
    Number(u64),
    /// The one with this decision.
    Decision(String),
}

impl Moment {
    /// Is what the log says of it what is decided now? Not where it says nothing.
    pub fn is_as_recorded(&self) -> bool {
        let now = (self.action.as_str(), self.reason.as_str(), self.score);
        self.recorded
            .as_ref()
            .is_some_and(|past| (past.action.as_str(), past.reason.as_str(), past.score) == now)
    }
}
