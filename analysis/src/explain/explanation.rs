//! Everything there is to say of a client: the object that `explain --json` prints.

use detector::{Action, Reason, Timestamp};
use serde::Serialize;

use super::crowd::{Normal, Spread};
use super::moment::Moment;
use super::record::Recorded;
use super::story::Company;
use crate::counterfactual::Counterfactuals;

/// Everything there is to say of a client.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Who, as [`ClientKey`] displays it.
    pub client: String,
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model, in hex.
    pub model_sha256: String,
    /// What was decided and why, in a few sentences: what the gate's own log says of it first.
    pub words: Vec<String>,
    /// What the gate decided, where this is its event log; all that follows is of the judge that
    /// explains.
    pub recorded: Option<Recorded>,
    /// Does that judge decide all as the gate did? `None` where the log does not say what the gate
    /// did.
    pub is_repeated: Option<bool>,
    /// Scores from which something happens.
    pub thresholds: Thresholds,
    /// Requests in all, and how many would not have passed.
    pub totals: Totals,
    /// The request that is explained; `None` where the detector never measured the client.
    pub decisive: Option<Decisive>,
    /// The client's requests in order.
    pub timeline: Vec<Moment>,
    /// How many of its last requests are not in the timeline ([`MOMENTS_MAX`]).
    pub left_out: u64,
}

/// Scores (0..=1) from which something happens; `None` where nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Limited.
    pub limit: Option<f32>,
    /// Blocked.
    pub block: Option<f32>,
    /// Limited together with its network's newcomers.
    pub cohort: Option<f32>,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
}

/// Sums over a client's requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Page requests among them.
    pub pages: u64,
    /// Of the requests, those answered "come back later".
    pub limited: u64,
    /// Those refused.
    pub blocked: u64,
    /// Its last request, in µs since the epoch.
    pub last_at: Timestamp,
}

/// One request, taken apart.
#[derive(Clone, Debug, Serialize)]
pub struct Decisive {
    /// Its number among the client's requests, from 1.
    pub number: u64,
    /// When, in µs since the epoch.
    pub at: Timestamp,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The request whose features are shown: this one, or the one that led to it (a ban, the last
    /// score that limits).
    pub scored: u64,
    /// Page requests up to there.
    pub pages: u32,
    /// The score there, 0..=1; `None` where none was computed.
    pub score: Option<f32>,
    /// The same in log-odds.
    pub margin: Option<f32>,
    /// Share of bots among those who scored so when the model was calibrated.
    pub probability: Option<f32>,
    /// The margin of a client of whom nothing is known.
    pub base: f32,
    /// Every feature, the loudest first.
    pub features: Vec<Row>,
    /// Base and all parts: the margin.
    pub sum: f32,
    /// Whom the features are compared with.
    pub normal: Normal,
    /// What would have been decided otherwise, and how.
    pub otherwise: Vec<Otherwise>,
    /// Browsers counted at this address within the hour.
    pub browsers: u32,
    /// Those of the same network with the same browser, where that was the reason.
    pub company: Option<Company>,
}

/// One feature.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub feature: &'static str,
    /// In people's words.
    pub words: &'static str,
    /// Does the model look at it?
    pub is_asked: bool,
    /// What was measured; `None` where it was missing.
    pub value: Option<f32>,
    /// What it adds to the margin, in log-odds.
    pub part: f32,
    /// What is normal.
    pub normal: Option<Spread>,
}

/// What it would have taken for another verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Otherwise {
    /// What would have been decided.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The score that had to be undercut, 0..=1.
    pub below: f32,
    /// How.
    pub answer: Counterfactuals,
    /// The same in words, nearest first.
    pub words: Vec<String>,
}
