//! Measures what a model is worth on a log, and explains what it said of a client.
//!
//! ```text
//!  log + labels + model ─► evaluate · tune · diff · drift · inspect ─┬─► --json
//!  log + one client     ─► explain (counterfactual)                  └─► report ─► one page of HTML
//! ```
//!
//! - [`inspect`]: whether a log is fit to learn from; [`sources`]: what became of the lines read
//! - [`evaluate`]: how good a model is on a labelled log; [`baseline`]: the fixed rules it can be
//!   compared with; [`separation`]: highest scores by class and at every threshold
//! - [`held_out`]: the same for the clients that calibrated a freshly trained model
//! - [`tune`]: thresholds for a site's own log, what they would stop and cost
//! - [`drift`]: whether traffic has changed since training, and whether a budget still holds
//! - [`diff`]: whose verdict changes between two judges
//! - [`explain`]: what became of one client and why; [`counterfactual`]: what would have been
//!   allowed; [`portrait`]: one client in one row of a report
//! - [`borderline`]: which clients to label first; [`relabel`]: one label written into a file
//! - [`report`]: all that on one page of HTML; [`mod@format`]: how numbers and a log's text are
//!   printed
//!
//! Absent on purpose: any code that measures a feature, scores a row or fits a model. The first two
//! are the `detector` crate's, the last is the `trainer` crate's.

pub mod baseline;
pub mod borderline;
pub mod counterfactual;
pub mod diff;
pub mod drift;
pub mod evaluate;
pub mod explain;
pub mod format;
pub mod held_out;
pub mod inspect;
pub mod portrait;
pub mod proxied;
pub mod relabel;
pub mod report;
pub mod separation;
pub mod sources;
pub mod tune;

pub use evaluate::{Evaluation, evaluate};
pub use tune::{TuneOptions, Tuned, tune};
