//! The options of a benchmark run, and its errors.

use detector::{Model, PolicyError};
use trainer::TrainError;
use trainer::calibrate::Budgets;
use trainer::site::Site;

/// What to run.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// All random input is derived from it.
    pub seed: u64,
    /// Runs with fewer clients.
    pub is_quick: bool,
    /// Number of threads; the result does not depend on it.
    pub threads: usize,
    /// False-positive budgets of the model that is trained.
    pub budgets: Budgets,
    /// Further models to compare, by name, such as the shipped one.
    pub models: Vec<(String, Model)>,
    /// Labelled real logs.
    pub sites: Vec<Site>,
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum BotBenchError {
    /// The training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A model's thresholds contradict each other.
    #[error("a model's thresholds: {0}")]
    Policy(#[from] PolicyError),
}
