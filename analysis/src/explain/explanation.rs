//! The explanation of one client: the object that `explain --json` prints.

use detector::{Action, Reason, Timestamp};
use serde::Serialize;

use super::crowd::{Normal, Spread};
use super::moment::ExplainedRequest;
use super::record::RecordedTotals;
use super::story::CohortMembers;
use crate::counterfactual::Counterfactuals;

/// What became of one client, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The client, as [`detector::ClientKey`] displays it.
    pub client: String,
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model, in hex.
    pub model_sha256: String,
    /// What was decided and why, in a few sentences. What the gate's own log says comes first.
    pub words: Vec<String>,
    /// What the gate decided, if the log is its event log. Everything below is by the judge that
    /// explains.
    pub recorded: Option<RecordedTotals>,
    /// Whether that judge decides every request as the gate did; `None` if the log does not say
    /// what the gate did.
    pub is_repeated: Option<bool>,
    /// The scores from which something happens.
    pub thresholds: ScoreThresholds,
    /// Number of requests, and how many were limited or blocked.
    pub totals: Totals,
    /// The request that is explained; `None` if the detector never measured the client.
    pub decisive: Option<Decisive>,
    /// The client's requests in order.
    pub timeline: Vec<ExplainedRequest>,
    /// Number of its last requests that the timeline leaves out ([`super::MOMENTS_MAX`]).
    pub left_out: u64,
}

/// Scores (0..=1) from which something happens; `None` if nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScoreThresholds {
    /// From this score on a client is limited.
    pub limit: Option<f32>,
    /// From this score on a client is blocked.
    pub block: Option<f32>,
    /// From this common score on, the newcomers of a network are limited together.
    pub cohort: Option<f32>,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
}

/// Sums over a client's requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Totals {
    /// Number of requests.
    pub requests: u64,
    /// Number of page requests among them.
    pub pages: u64,
    /// Number of limited requests (429).
    pub limited: u64,
    /// Number of blocked requests (403).
    pub blocked: u64,
    /// Time of its last request, in µs since the epoch.
    pub last_at: Timestamp,
}

/// One request in detail.
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
    /// Number of the request whose features are shown: this one, or the one that led to it (by a
    /// ban, or as the last score that limits).
    pub scored: u64,
    /// Page requests up to that one.
    pub pages: u32,
    /// The score at that request, 0..=1; `None` if none was computed.
    pub score: Option<f32>,
    /// That score in log-odds.
    pub margin: Option<f32>,
    /// Share of bots among those with this score when the model was calibrated.
    pub probability: Option<f32>,
    /// The margin (log-odds) of a client of which nothing is known.
    pub base: f32,
    /// All features, those with the largest contribution first.
    pub features: Vec<ExplainedFeature>,
    /// Base and all contributions: what the page shows by itself, in log-odds. It is the margin
    /// unless the model averages the pages of a visit.
    pub sum: f32,
    /// What is normal for people, to compare with.
    pub normal: Normal,
    /// What would have been decided otherwise, and how.
    pub otherwise: Vec<Otherwise>,
    /// Number of browsers at this address within the hour.
    pub browsers: u32,
    /// The clients of the same network with the same browser, if they were the reason.
    #[serde(rename = "company")]
    pub cohort: Option<CohortMembers>,
}

/// One feature of the client.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainedFeature {
    /// Its name.
    pub feature: &'static str,
    /// The feature in plain words.
    pub words: &'static str,
    /// Whether the model uses it.
    pub is_asked: bool,
    /// The measured value; `None` if it was missing.
    pub value: Option<f32>,
    /// Its contribution to the margin, in log-odds.
    pub part: f32,
    /// What is normal for people.
    pub normal: Option<Spread>,
}

/// What it would have taken for another verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Otherwise {
    /// The action that would have been taken.
    pub action: Action,
    /// Its reason.
    pub reason: Reason,
    /// The score that had to be undercut, 0..=1.
    pub below: f32,
    /// Which changes of features would have done it.
    pub answer: Counterfactuals,
    /// These changes in words, nearest first.
    pub words: Vec<String>,
}
