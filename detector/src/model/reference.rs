//! How features and scores of what passes were spread when the model was trained: what drift
//! ([`crate::drift`]) is measured against.

use serde::{Deserialize, Serialize};

use super::ModelError;
use crate::features::COUNT;

/// Deciles have nine edges.
const EDGES_MAX: usize = 9;

/// Spread of every feature and of the score over the rows of the training logs that the model
/// scores below its limit threshold, from the page count on at which it judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Clients these rows are of. A client's rows are alike, so this and not the rows says how sure
    /// a share is.
    pub clients: u64,
    /// Rows.
    pub rows: u64,
    /// Each feature, in order.
    pub features: Vec<Deciles>,
    /// The margin.
    pub score: Deciles,
}

/// Bins between deciles, and the share of rows in each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deciles {
    /// At most nine, rising: fewer where values are tied. A value is in bin b when it is at most
    /// `edges[b]` and above the one before; the last bin lies above the last edge.
    pub edges: Vec<f32>,
    /// Share of rows in each bin, and last the share that is missing: two more than edges.
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
