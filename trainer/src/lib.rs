//! Learns from a shop's own access logs who behaves like a bot.
//!
//! ```text
//! Record ─► site (traffic, evidence) ─► samples (rows, through the detector's own windows)
//!                      │ label                        │ fit: boosted · logistic · adaboost
//!                      └──────► calibrate ◄───────────┘
//!                                  │ thresholds with a proof
//!                                  └─► export ─► models/*.json
//! ```
//!
//! - [`label`]: labels from a file; [`evidence`]: weak rules where there is none
//! - [`site`]: one site's traffic and clients; [`site_builder`]: makes it of log records, within a
//!   limit of memory ([`memory_limit`]); [`targets`]: what was asked for; `content_type`: what the
//!   answers were; [`site_profile`]: what a model remembers of it
//! - [`samples`]: training rows and highest scores; [`augmentation`]: rows of simulated people and
//!   bots who are rare in logs
//! - `attack`: simulated bots on the site's own URLs, and people by assumption, for logs that hold
//!   no bots or nobody who is known
//! - [`boosted`], [`logistic`], [`adaboost`]: the algorithms; [`algorithm`]: choosing one;
//!   `resample`: rows drawn by weight, for algorithms that take no weights
//! - [`calibrate`]: false-positive budgets, isotonic probabilities; [`statistics`]: areas, shares,
//!   bounds; [`percent`]: shares as people read them
//! - [`cohort`]: the budget of what newcomers do together
//! - [`adapt`]: continuing a base model; [`poison`]: whom not to take for ordinary; `prune`: labels
//!   that the models contradict
//! - [`train`](mod@train): training from sites to a model file; `options`: what to train;
//!   `training_run`: what stays the same meanwhile; `client_folds`: which fold a client is in;
//!   `fold_models`: a model for each fold; `quality`: figures; `readiness`: whether the model may
//!   refuse anybody; [`progress`]: how far training is
//! - [`held_out`]: the clients that calibrated a model, scored by models that had not seen them;
//!   [`protocol`]: how good models are on sites and times that they did not see
//! - `reference`: what later drift is measured against; [`export`]: the model file
//! - `error`: why nothing was trained; `margins`: margins of many rows at once, for linfa's traits
//!
//! Absent on purpose: any code that measures a feature or scores a row. Both are the detector's.
//! What a model is worth on a log, and why it says what it says, is the `analysis` crate's.

pub mod adaboost;
pub mod adapt;
pub mod algorithm;
mod attack;
pub mod augmentation;
pub mod boosted;
pub mod calibrate;
mod client_folds;
pub mod cohort;
mod content_type;
mod error;
pub mod evidence;
pub mod export;
mod fold_models;
pub mod held_out;
pub mod label;
pub mod logistic;
mod margins;
pub mod memory_limit;
mod options;
pub mod percent;
pub mod poison;
pub mod progress;
pub mod protocol;
mod prune;
mod quality;
mod readiness;
mod reference;
mod resample;
pub mod samples;
pub mod scoring;
pub mod site;
pub mod site_builder;
pub mod site_profile;
pub mod statistics;
pub mod targets;
pub mod train;
mod training_run;
pub mod unjudged;
pub mod visits;

pub use adapt::Base;
pub use algorithm::Algorithm;
pub use error::TrainError;
pub use label::{Label, LabelError, Labels};
pub use memory_limit::TooMuchTraffic;
pub use options::Options;
pub use progress::Stage;
pub use site::{Site, Step};
pub use site_builder::SiteBuilder;
pub use train::{Trained, train, write_rows};
