//! What to tune for, and why there may be nothing to say.

use detector::{AllowList, PolicyConfig, PolicyError};
use traffic::{Arrival, Conversions};
use trainer::calibrate::Budgets;

/// What to tune for.
#[derive(Clone, Debug, Default)]
pub struct TuneOptions {
    /// Share of people that may be limited and blocked, and the chance that it is more.
    pub budgets: Budgets,
    /// The policy in force: rates, durations, and the thresholds that stay where there is no proof
    /// for others.
    pub policy: PolicyConfig,
    /// Who passes unasked.
    pub allow: AllowList,
    /// Are the labels a file's? Else they are weak rules', and whoever came to an outcome counts as
    /// a person.
    pub labels_are_given: bool,
    /// The operator says that none of these clients trained the model; else those count as unseen
    /// who came after its training ended.
    pub is_unseen: bool,
    /// SHA-256 over the logs as read, in hex; empty where it is not known.
    pub data_sha256: String,
    /// Names of outcomes by their numbers, each with its patterns.
    pub outcomes: Vec<(String, Vec<String>)>,
    /// Who came to one, as [`traffic::ConversionWatch`] found them.
    pub arrivals: Vec<Arrival>,
}

impl TuneOptions {
    /// Names and patterns, as [`TuneOptions::outcomes`] wants them.
    pub fn named(outcomes: &Conversions) -> Vec<(String, Vec<String>)> {
        let patterns = |name: &String| {
            let own = outcomes.patterns().filter(|(of, _)| of == name);
            own.map(|(_, pattern)| pattern.to_string()).collect()
        };
        outcomes.names().iter().map(|name| (name.clone(), patterns(name))).collect()
    }
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// More people blocked than limited.
    #[error(
        "the block budget is above the limit's: who may be blocked may be limited; ask for the \
            same or less"
    )]
    Budgets,
    /// The operator says that the model has not seen this log, and it has.
    #[error(
        "the model was trained on this very log: people whom it knows prove nothing. Give a later \
            log, or train with the budgets you \
         want, which keeps people apart to prove them"
    )]
    Trained,
    /// Thresholds that contradict one another.
    #[error("the policy: {0}")]
    Policy(#[from] PolicyError),
}
