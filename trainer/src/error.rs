//! Why nothing was trained.

use detector::ModelError;

use crate::memory_limit::TooMuchTraffic;

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A parameter out of range.
    #[error("parameter: {0}")]
    Parameter(String),
    /// Only people or only bots.
    #[error(
        "people and bots are both needed, with at least 3 page requests each; check the labels \
            with `kidoban inspect`"
    )]
    OneClass,
    /// Too few clients to learn from.
    #[error("{0}")]
    TooFew(String),
    /// More nodes than the format can number.
    #[error("the forest has more than 32,767 nodes: ask for fewer trees or leaves")]
    TooLarge,
    /// The algorithm failed.
    #[error("the algorithm failed: {0}")]
    Fit(String),
    /// What was fitted cannot be written as a model.
    #[error("the fitted model is not sound: {0}")]
    Export(#[source] ModelError),
    /// The rows could not be written.
    #[error("the rows cannot be written: {0}")]
    Write(#[source] std::io::Error),
    /// More traffic than fits into the memory allowed.
    #[error(transparent)]
    Memory(#[from] TooMuchTraffic),
    /// An error of linfa.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
