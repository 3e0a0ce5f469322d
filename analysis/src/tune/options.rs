//! The options of tuning, and its errors.

use detector::{AllowList, ClientKey, PolicyConfig, PolicyError};
use traffic::{Arrival, Conversions};
use trainer::calibrate::Budgets;
use trainer::label::Labelled;

use super::proof_file::ProofError;

/// What to tune for.
#[derive(Clone, Debug, Default)]
pub struct TuneOptions {
    /// Shares of people that may be limited and blocked, and the accepted chance that the true
    /// share is larger.
    pub budgets: Budgets,
    /// The policy in force: rates, durations, and the thresholds that stay if no other is proven.
    pub policy: PolicyConfig,
    /// Clients and paths that are never judged.
    pub allow: AllowList,
    /// Whether the labels come from a file. If not they are weak rules', and a client that came to
    /// a conversion counts as a person.
    pub labels_are_given: bool,
    /// Whether the operator says that none of these clients trained the model. If not, only clients
    /// from after its training count as unseen.
    pub is_unseen: bool,
    /// SHA-256 over the logs as read, in hex; empty if it is not known.
    pub data_sha256: String,
    /// Names of conversions by their numbers, each with its patterns.
    pub outcomes: Vec<(String, Vec<String>)>,
    /// What the labels file says, of clients in these logs or in earlier ones.
    pub labels: Vec<(ClientKey, Labelled)>,
    /// The clients that came to a conversion, as [`traffic::ConversionWatch`] found them.
    pub arrivals: Vec<Arrival>,
}

impl TuneOptions {
    /// Names and patterns, as [`TuneOptions::outcomes`] needs them.
    pub fn named(outcomes: &Conversions) -> Vec<(String, Vec<String>)> {
        let patterns = |name: &String| {
            let own = outcomes.patterns().filter(|(of, _)| of == name);
            own.map(|(_, pattern)| pattern.to_string()).collect()
        };
        outcomes.names().iter().map(|name| (name.clone(), patterns(name))).collect()
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// The block budget is above the limit budget.
    #[error(
        "the block budget is above the limit's: who may be blocked may be limited; ask for the \
            same or less"
    )]
    Budgets,
    /// The operator says that the model has not seen this log, but it has.
    #[error(
        "the model was trained on this very log: people whom it knows prove nothing. Give a later \
            log, or train with the budgets you \
         want, which keeps people apart to prove them"
    )]
    Trained,
    /// The thresholds contradict each other.
    #[error("the policy: {0}")]
    Policy(#[from] PolicyError),
    /// The people counted before cannot be counted with these.
    #[error(transparent)]
    Proof(#[from] ProofError),
}
