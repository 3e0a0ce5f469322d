//! A trained model: read and check its file, score with it, say which features mattered.
//!
//! There is one file format for every algorithm ([`Scorer::Trees`], [`Scorer::Logistic`]);
//! `models/README.md` describes it. A file is not trusted. [`Model::parse`] verifies the digest of
//! every byte, refuses what it does not know, checks each index once so that scoring cannot fail,
//! and scores the golden rows again before it accepts the file.
//!
//! - `trained`: [`Model`]; `file`, `seal`, `error`: its file
//! - `scorer`: the algorithms; `trees`, `logistic`: one each; `interval_forest`, `walked_forest`:
//!   two layouts of trees for fast sums
//! - `score`, `score_rule`, `contributions`: what a model says of a client, when, and why
//! - `readiness`: may the model refuse anybody; `reference`: what drift is measured against

mod contributions;
mod error;
mod file;
mod interval_forest;
mod logistic;
mod node;
mod readiness;
mod reference;
mod score;
mod score_rule;
mod scorer;
mod seal;
mod trained;
mod trees;
mod walked_forest;

pub use contributions::{Contribution, Contributions, TopContributions};
pub use error::ModelError;
pub use file::{Budget, Card, FORMAT, File, GoldenRow, Metric, ScorerFile, Thresholds};
pub use logistic::Logistic;
pub use node::Node;
pub use readiness::{Readiness, ReadinessState, Requirement, grouped};
pub use reference::{Deciles, Reference};
pub use score::Score;
pub use score_rule::ScoreRule;
pub use scorer::Scorer;
pub use seal::{append_seal, seal, unseal};
pub use trained::Model;
pub use trees::Trees;
