//! How features and scores were spread in training, for clients below the limit threshold. Drift
//! ([`crate::drift`]) is measured against it.

use serde::{Deserialize, Serialize};

use super::error::ModelError;
use crate::features::COUNT;

/// Deciles have nine edges.
const EDGES_MAX: usize = 9;

/// The spread of every feature and of the score over rows of the training logs. The rows are those
/// that the model scores below its limit threshold, from the page count on at which it judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Number of clients. The rows of one client are alike, so the precision of a share depends on
    /// this number and not on the number of rows.
    pub clients: u64,
    /// Number of rows.
    pub rows: u64,
    /// The deciles of each feature, in order.
    pub features: Vec<Deciles>,
    /// The deciles of the margin.
    pub score: Deciles,
}

/// Bins whose edges are deciles, and the share of rows in each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deciles {
    /// At most nine edges, rising; fewer where values are tied. A value is in bin b when it is at
    /// most `edges[b]` and above the edge before. The last bin lies above the last edge.
    pub edges: Vec<f32>,
    /// Share of rows in each bin, and last the share of rows without a value: two more than edges.
    pub shares: Vec<f32>,
}

impl Deciles {
    /// The bin of a value, as an index into `shares`.
    pub fn bin(&self, value: f32) -> usize {
        if value.is_nan() {
            self.edges.len() + 1
        } else {
            self.edges.partition_point(|&edge| edge < value)
        }
    }

    fn is_sound(&self) -> bool {
        self.edges.len() <= EDGES_MAX
            && self.shares.len() == self.edges.len() + 2
            && self.edges.iter().all(|edge| edge.is_finite())
            && self.edges.is_sorted_by(|a, b| a < b)
            && self.shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (self.shares.iter().sum::<f32>() - 1.0).abs() < 1e-3
    }
}

impl Reference {
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let wrong = |what: String| Err(ModelError::Content(what));
        if self.features.len() != COUNT {
            return wrong(format!(
                "drift is kept for {} features, there are {COUNT}",
                self.features.len()
            ));
        }
        if self.clients == 0 || self.rows < self.clients {
            return wrong(
                "the drift reference has no clients, or fewer rows than clients".to_owned(),
            );
        }
        match self.features.iter().chain([&self.score]).position(|deciles| !deciles.is_sound()) {
            Some(at) => wrong(format!(
                "deciles {at} of the drift reference do not rise, or their shares do not add up"
            )),
            None => Ok(()),
        }
    }
}
