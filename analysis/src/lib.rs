//! Measures how good a model is on a log, and explains what it decided about a client.
//!
//! ```text
//!  log + labels + model ─► evaluate · tune · diff · drift · inspect ─┬─► --json
//!  log + one client     ─► explain (counterfactual)                  └─► report ─► one page of HTML
//! ```
//!
//! - [`inspect`]: whether a log is fit to train on; [`sources`]: how many lines of a log were read
//! - [`mod@evaluate`]: how good a model is on a labelled log; [`baseline`]: the interface of fixed
//!   rules to compare with; [`separation`]: highest scores by class, and every threshold
//! - [`held_out`]: those figures for the clients that calibrated a freshly trained model
//! - [`mod@tune`]: thresholds for a site's own log, with what they would stop and cost
//! - [`drift`]: whether traffic has changed since training, and whether a budget still holds
//! - [`diff`]: whose verdict changes between two judges (a judge is a model and a policy)
//! - [`explain`]: what became of one client and why; [`counterfactual`]: what would have been
//!   allowed; [`client_summary`]: one client as a row of a report
//! - [`promote`]: may a newly trained model take the place of the one in force?
//! - [`borderline`]: which clients to label first; [`relabel`]: writes one label into a file;
//!   [`proxied`]: whether a log shows a proxy instead of its visitors
//! - [`report`]: these results as one page of HTML; [`mod@format`]: how numbers and a log's text
//!   are printed
//!
//! Deliberately absent: code that measures a feature, scores a row or fits a model. The `detector`
//! crate does the first two, the `trainer` crate the last.

pub mod baseline;
pub mod borderline;
pub mod client_summary;
pub mod counterfactual;
pub mod diff;
pub mod drift;
pub mod evaluate;
pub mod explain;
pub mod format;
pub mod held_out;
pub mod inspect;
pub mod promote;
pub mod proxied;
pub mod relabel;
pub mod report;
pub mod separation;
pub mod sources;
pub mod tune;

pub use evaluate::{Evaluation, evaluate};
pub use tune::{TuneOptions, Tuned, tune};
