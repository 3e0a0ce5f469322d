//! What a forest is grown with: raw parameters, and the checked ones that alone can fit.

use detector::features::FEATURES;
use detector::model::Node;
use linfa::ParamGuard;

use crate::error::TrainError;

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
