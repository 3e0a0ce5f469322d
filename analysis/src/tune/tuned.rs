//! The result of tuning: the object that `tune --json` prints.

use std::collections::BTreeMap;

use serde::Serialize;
use trainer::label::Label;

use super::ladder::{StepThreshold, ThresholdState};
use super::people::People;
use super::progress::ProofProgress;
use super::scores::{AlternativeThreshold, Bin};
use super::step::LadderStep;
use super::stops::{AtRisk, Stops};
use crate::separation::ScoreHistogram;

/// The thresholds found. Every count is over the requests of the log that the allow list does not
/// let pass.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of its file, in hex.
    pub model_sha256: String,
    /// Whether the model may refuse anybody at all. Thresholds do not arm a model.
    pub is_armed: bool,
    /// Times of the first and last event, in µs since the epoch; both 0 for an empty log.
    pub span_us: [i64; 2],
    /// Clients, by label.
    pub clients: BTreeMap<Label, u64>,
    /// Number of requests.
    pub requests: u64,
    /// Number of page requests.
    pub pages: u64,
    /// Page requests from which a client is judged, and from which the thresholds hold.
    pub min_pages: u32,
    /// Confidence of the bounds: 1 − δ.
    pub confidence: f64,
    /// The people who prove the thresholds.
    pub people: People,
    /// How many of them came before these logs, and how many are missing.
    pub proof: ProofProgress,
    /// The thresholds: limit, block, cohort.
    pub ladder: Vec<StepThreshold>,
    /// What all thresholds together would refuse.
    pub stops: Stops,
    /// Conversions of people that would have been refused on the way.
    pub at_risk: Vec<AtRisk>,
    /// Highest scores by label, in twenty bins.
    pub histogram: Vec<Bin>,
    /// Highest scores in bins of equal log-odds, which tell apart scores near 0 and near 1.
    pub log_odds: ScoreHistogram,
    /// Other thresholds, with what each would cost and reach. They are to look at: none of them is
    /// proven.
    pub marks: Vec<AlternativeThreshold>,
    /// What is allowed but probably not intended.
    pub warnings: Vec<String>,
}

impl Tuned {
    /// Whether every budget asked for is kept by a proven threshold.
    pub fn is_kept(&self) -> bool {
        self.ladder
            .iter()
            .filter(|rung| rung.step != LadderStep::Cohort)
            .all(|rung| rung.state == ThresholdState::Proven)
    }

    /// The threshold of a step.
    pub fn rung(&self, step: LadderStep) -> Option<&StepThreshold> {
        self.ladder.iter().find(|rung| rung.step == step)
    }

    /// Keys of `[policy]` to set, with their values: proven thresholds, and those that had to be
    /// raised with them.
    pub fn keys(&self) -> Vec<(&'static str, f64)> {
        let changed = self.ladder.iter().filter(|rung| rung.is_changed());
        changed.filter_map(|rung| Some((rung.step.key(), rung.score?))).collect()
    }
}
