//! What came of tuning: the object that `tune --json` prints.

use std::collections::BTreeMap;

use serde::Serialize;
use trainer::label::Label;

use super::ladder::{Rung, State};
use super::people::People;
use super::scores::{Bin, Mark};
use super::step::Step;
use super::stops::{AtRisk, Stops};
use crate::separation::Histogram;

/// What came of it. Every count is over the requests of the log that the allow list does not let
/// pass.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of its file, in hex.
    pub model_sha256: String,
    /// May it refuse anybody at all? Thresholds do not arm a model.
    pub is_armed: bool,
    /// First and last event, in µs since the epoch; both 0 of an empty log.
    pub span_us: [i64; 2],
    /// Clients, by label.
    pub clients: BTreeMap<Label, u64>,
    /// Requests.
    pub requests: u64,
    /// Of these, for pages.
    pub pages: u64,
    /// Page requests from which a client is judged; the thresholds hold from there on.
    pub min_pages: u32,
    /// How sure the bounds are: 1 − δ.
    pub confidence: f64,
    /// Who proves the thresholds.
    pub people: People,
    /// Limit, block, cohort.
    pub ladder: Vec<Rung>,
    /// What the whole ladder would refuse.
    pub stops: Stops,
    /// What people would have come to, and had been refused before.
    pub at_risk: Vec<AtRisk>,
    /// Highest scores by label, in twenty bins.
    pub histogram: Vec<Bin>,
    /// The same in bins of equal log-odds, which tell apart what lies near 0 and near 1.
    pub log_odds: Histogram,
    /// Other thresholds: what each would cost and reach. To look at; whoever chooses from it has no
    /// proof.
    pub marks: Vec<Mark>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

impl Tuned {
    /// Is every budget that was asked for kept by a threshold with a proof?
    pub fn is_kept(&self) -> bool {
        self.ladder
            .iter()
            .filter(|rung| rung.step != Step::Cohort)
            .all(|rung| rung.state == State::Proven)
    }

    /// The rung of a step.
    pub fn rung(&self, step: Step) -> Option<&Rung> {
        self.ladder.iter().find(|rung| rung.step == step)
    }

    /// Keys of `[policy]` to set, with their values: those that are proven, and those that had to
    /// be raised with them.
    pub fn keys(&self) -> Vec<(&'static str, f64)> {
        let changed = self.ladder.iter().filter(|rung| rung.is_changed());
        changed.filter_map(|rung| Some((rung.step.key(), rung.score?))).collect()
    }
}
