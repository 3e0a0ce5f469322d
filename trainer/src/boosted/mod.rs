//! Gradient-boosted trees on histograms (`boosted`), behind linfa's traits.
//!
//! Friedman 2001 with second-order leaf values (Chen & Guestrin 2016) and histogram splits grown
//! best leaf first (Ke et al. 2017): what linfa lacks. Log-loss; a missing value goes whichever way
//! gains more; monotone constraints bound the leaves below a constrained split on both sides of its
//! midpoint. No randomness: same rows, same bytes.
//!
//! **Early stopping** ([`BoostedValidParams::fit_by_client`]): a fifth of the clients is held out,
//! by a hash of the client and never by row; the most trees after which their area under the curve
//! is within a standard error of the best are counted, and then as many are fitted on all rows.
//! **Continuing** from a base forest: its margins are where boosting starts, and its trees stand
//! first in the result.
//!
//! Ours and not a library's: scoring needs flat trees with the mean of every inner node for exact
//! contributions, and the file must be reproducible byte for byte.

mod bins;
mod fit;
mod grow;
mod histogram;

use detector::features::{FEATURES, Trend};
use detector::model::{Node, Scorer, Trees};
use linfa::ParamGuard;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, Axis};

use crate::samples::Rows;
use crate::{TrainError, scorer_of};

/// Unchecked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostedParams(BoostedValidParams);

/// Checked parameters. Only these can fit.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostedValidParams {
    /// Number of trees; with early stopping, most of them.
    pub trees: usize,
    /// Trees beyond the last good number after which early stopping gives up.
    pub patience: usize,
    /// Most leaves a tree.
    pub leaves_max: usize,
    /// Longest path from root to leaf.
    pub depth_max: usize,
    /// Shrinkage of every tree's leaves.
    pub learning_rate: f64,
    /// L2 penalty on leaf values, in rows of weight 1.
    pub l2: f64,
    /// Least weighted rows a leaf.
    pub leaf_rows_min: f64,
    /// Share of the rows that each tree is grown on, drawn anew for each (Friedman 2002).
    pub row_share: f64,
    /// Share of the features that each tree may split on, likewise.
    pub feature_share: f64,
    /// Seed of the draws of rows and features.
    pub seed: u64,
    /// Features that may be split on, by index.
    pub features: Vec<usize>,
}

impl Default for BoostedParams {
    /// Few people and many bots: small trees on draws of rows and features carry best from site to
    /// site (`docs/quality.md`), and 150 of them cost no more to score than 100 of twice the
    /// leaves.
    fn default() -> Self {
        Self(BoostedValidParams {
            trees: 150,
            patience: 20,
            leaves_max: 8,
            depth_max: 6,
            learning_rate: 0.07,
            l2: 5.0,
            leaf_rows_min: 8.0,
            row_share: 0.7,
            feature_share: 0.6,
            seed: 1,
            features: (0..FEATURES.len()).filter(|&i| FEATURES[i].scored()).collect(),
        })
    }
}

impl BoostedParams {
    /// Number of trees.
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.trees = trees;
        self
    }

    /// Trees beyond the last good number after which early stopping gives up.
    pub fn patience(mut self, trees: usize) -> Self {
        self.0.patience = trees;
        self
    }

    /// Most leaves a tree.
    pub fn leaves_max(mut self, leaves: usize) -> Self {
        self.0.leaves_max = leaves;
        self
    }

    /// Shrinkage of every tree's leaves.
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.0.learning_rate = rate;
        self
    }

    /// Least weighted rows a leaf.
    pub fn leaf_rows_min(mut self, rows: f64) -> Self {
        self.0.leaf_rows_min = rows;
        self
    }

    /// Shares of rows and features that each tree is grown on.
    pub fn shares(mut self, rows: f64, features: f64) -> Self {
        (self.0.row_share, self.0.feature_share) = (rows, features);
        self
    }

    /// Features that may be split on.
    pub fn features(mut self, features: Vec<usize>) -> Self {
        self.0.features = features;
        self
    }
}

impl ParamGuard for BoostedParams {
    type Checked = BoostedValidParams;
    type Error = TrainError;

    fn check_ref(&self) -> Result<&Self::Checked, TrainError> {
        let p = &self.0;
        let wrong = |what: &str| Err(TrainError::Parameter(what.to_owned()));
        match () {
            () if !(1..=1_000).contains(&p.trees) => wrong("trees must be from 1 to 1000"),
            () if p.patience == 0 => wrong("patience must be at least 1"),
            () if !(2..=64).contains(&p.leaves_max) => wrong("leaves_max must be from 2 to 64"),
            () if p.trees * (2 * p.leaves_max - 1) > usize::from(Node::LEAF) => {
                wrong("trees × leaves_max must stay below 16,000: nodes are numbered with 15 bits")
            }
            () if !(1..=16).contains(&p.depth_max) => wrong("depth_max must be from 1 to 16"),
            () if !(p.learning_rate > 0.0 && p.learning_rate <= 1.0) => {
                wrong("learning_rate must be above 0, at most 1")
            }
            () if !(p.l2 >= 0.0 && p.leaf_rows_min >= 0.0) => {
                wrong("l2 and leaf_rows_min must not be negative")
            }
            () if ![p.row_share, p.feature_share]
                .iter()
                .all(|&share| share > 0.0 && share <= 1.0) =>
            {
                wrong("row_share and feature_share must be above 0, at most 1")
            }
            () if p
                .features
                .iter()
                .any(|&i| FEATURES.get(i).is_none_or(|feature| !feature.scored())) =>
            {
                wrong("features holds one that may not be scored")
            }
            () => Ok(p),
        }
    }

    fn check(self) -> Result<Self::Checked, TrainError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// A fitted forest.
#[derive(Clone, Debug)]
pub struct Boosted {
    trees: Trees,
    /// Trees added, those of a base not counted.
    pub rounds: usize,
    /// Did held-out clients decide the number of trees?
    pub was_stopped_by_clients: bool,
}

impl Boosted {
    /// The forest in the detector's own form.
    pub fn scorer(&self) -> Scorer {
        Scorer::Trees(self.trees.clone())
    }
}

impl Fit<Array2<f32>, Array1<bool>, TrainError> for BoostedValidParams {
    type Object = Boosted;

    /// Rows × features in the detector's order, NaN missing; weights as the dataset has them, or 1.
    /// All trees, no stopping.
    fn fit(&self, dataset: &Rows) -> Result<Boosted, TrainError> {
        fit::fit(self, dataset, None, None, &|| ())
    }
}

impl BoostedValidParams {
    /// Fits with early stopping. `clients` holds a number per row that is the same for all rows of
    /// a client, and well mixed. Where the held-out clients are not of both kinds, nothing is
    /// stopped. `base` is continued, if there is one.
    ///
    /// # Errors
    /// As [`Fit::fit`], and more nodes together with the base than can be numbered.
    pub fn fit_by_client(
        &self,
        dataset: &Rows,
        clients: &[u64],
        base: Option<&Trees>,
    ) -> Result<Boosted, TrainError> {
        self.fit_by_client_told(dataset, clients, base, &|| ())
    }

    /// Fits as [`BoostedValidParams::fit_by_client`] does, and calls `grown` after each tree.
    ///
    /// # Errors
    /// As [`BoostedValidParams::fit_by_client`].
    pub fn fit_by_client_told(
        &self,
        dataset: &Rows,
        clients: &[u64],
        base: Option<&Trees>,
        grown: &dyn Fn(),
    ) -> Result<Boosted, TrainError> {
        fit::fit(self, dataset, Some(clients), base, grown)
    }
}

impl PredictInplace<Array2<f32>, Array1<f32>> for Boosted {
    fn predict_inplace<'a>(&'a self, rows: &'a Array2<f32>, margins: &mut Array1<f32>) {
        scorer_of(rows, margins, |features| self.trees.margin(features));
    }

    fn default_target(&self, rows: &Array2<f32>) -> Array1<f32> {
        Array1::zeros(rows.len_of(Axis(0)))
    }
}

/// The sign a constrained split's values must have: right minus left.
pub(crate) fn direction(trend: Trend) -> f64 {
    match trend {
        Trend::Rising => 1.0,
        Trend::Falling => -1.0,
        Trend::Free => 0.0,
    }
}
