//! Learns from a shop's own access logs who behaves like a bot.
//!
//! ```text
//! Record ─► site (steps in memory, evidence) ─► samples (rows, through the detector's own windows)
//!                      │ label                        │ fit: boosted · logistic · adaboost, behind linfa's Fit/Predict
//!                      └──────► calibrate ◄───────────┘
//!                                  │ thresholds with a proof            evaluate: by client, with intervals
//!                                  └─► export ─► models/*.json
//! ```
//!
//! - [`label`]: labels from a file; [`evidence`]: weak rules where there is none
//! - [`inspect`]: whether a log is fit to learn from
//! - [`site`]: one site's traffic in memory, [`targets`]: what it is asked for; [`memory`]: what a
//!   model remembers of it
//! - [`samples`]: training rows and highest scores
//! - [`boosted`], [`logistic`], [`adaboost`]: the algorithms; [`algorithm`]: choosing one
//! - [`calibrate`]: false-positive budgets, isotonic probabilities; [`statistics`]: areas, shares,
//!   bounds
//! - `cohort`: the budget of what newcomers do together
//! - [`adapt`]: continuing a base model; [`poison`]: whom not to take for ordinary
//! - [`drift`]: the population stability index; [`counterfactual`]: what would have been allowed
//! - [`tune`]: thresholds for a site's own log, what they would stop and cost
//! - [`explain`]: what became of one client and why; [`diff`]: whose verdict changes between two
//!   judges; [`borderline`]: whom to look at first; [`relabel`]: a label more
//! - [`baselines`]: the peers' rules; [`botbench`]: simulated populations and real logs against the
//!   detector and them
//! - [`progress`]: how far a training is
//! - [`train`]: the whole way; [`evaluate`]: how good a model is on a labelled log; [`protocol`]:
//!   how good on sites it did not see
//! - [`separation`]: highest scores by class and at every threshold; [`sources`]: what became of
//!   the lines read
//! - [`report`]: all that on one page of HTML; [`words`]: numbers as people read them
//!
//! Absent on purpose: any code that measures a feature or scores a row. Both are the detector's.

pub mod adaboost;
pub mod adapt;
pub mod algorithm;
pub mod baselines;
pub mod boosted;
pub mod borderline;
pub mod botbench;
pub mod calibrate;
mod cohort;
pub mod counterfactual;
mod course;
pub mod diff;
pub mod drift;
pub mod evaluate;
pub mod evidence;
pub mod explain;
pub mod export;
pub mod guests;
pub mod held_out;
pub mod inspect;
pub mod label;
pub mod logistic;
pub mod memory;
pub mod poison;
pub mod portrait;
pub mod progress;
pub mod protocol;
mod prune;
mod quality;
mod readiness;
pub mod relabel;
pub mod report;
mod resample;
pub mod samples;
pub mod separation;
pub mod site;
pub mod sources;
pub mod statistics;
pub mod targets;
pub mod train;
pub mod tune;
pub mod words;

pub use adapt::Base;
pub use algorithm::Algorithm;
pub use evaluate::{Evaluation, evaluate};
pub use label::{Label, LabelError, Labels};
pub use progress::Stage;
pub use site::{Site, SiteBuilder, Step};
pub use train::{Options, Trained, train, write_rows};
pub use tune::{TuneOptions, Tuned, tune};

use detector::features::COUNT;
use detector::{Features, ModelError};
use ndarray::{Array1, Array2};

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
    /// The algorithm gave up.
    #[error("the algorithm failed: {0}")]
    Fit(String),
    /// What was fitted cannot be written as a model.
    #[error("the fitted model is not sound: {0}")]
    Export(#[source] ModelError),
    /// Rows that cannot be written.
    #[error("the rows cannot be written: {0}")]
    Write(#[source] std::io::Error),
    /// linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}

/// Scores rows × features through the detector.
pub(crate) fn scorer_of(
    rows: &Array2<f32>,
    margins: &mut Array1<f32>,
    margin: impl Fn(&Features) -> f32,
) {
    for (row, slot) in rows.rows().into_iter().zip(margins.iter_mut()) {
        let mut features = Features([f32::NAN; COUNT]);
        for (value, &from) in features.0.iter_mut().zip(row) {
            *value = from;
        }
        *slot = margin(&features);
    }
}
