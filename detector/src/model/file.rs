//! The content of a model file: one JSON object. `models/README.md` describes every field.
//!
//! The last member is `"sha256"`, the digest of every byte before it (`seal.rs`). So a
//! flipped byte or a missing end is noticed before anything is used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::ModelError;
use super::logistic::Logistic;
use super::node::Node;
use super::readiness::Readiness;
use super::reference::Reference;
use super::score_rule::ScoreRule;
use super::scorer::Scorer;
use super::trees::Trees;
use crate::features::{COUNT, Features};
use crate::site_profile::SiteProfileFile;

/// The only format version that this build reads and writes.
pub const FORMAT: u32 = 2;

/// Everything a model file holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Format version.
    pub format: u32,
    /// The model's name, as in the metrics.
    pub name: String,
    /// Version of the product that trained it.
    pub product: String,
    /// Feature names in order.
    pub features: Vec<String>,
    /// Hash of names, order and window constants ([`crate::features::definition_hash`]).
    pub definition: String,
    /// Time step of the training logs, in µs.
    pub resolution_us: u32,
    /// The algorithm's own numbers.
    pub scorer: ScorerFile,
    /// Isotonic calibration: `[margin, probability]`, both rising.
    pub calibration: Vec<[f32; 2]>,
    /// Thresholds and their evidence.
    pub thresholds: Thresholds,
    /// May the model refuse anybody?
    pub readiness: Readiness,
    /// What it was trained on and how good it is.
    pub card: Card,
    /// What drift is measured against, if it was kept.
    pub drift: Option<Reference>,
    /// What the model knows of the site, if it was trained on one.
    pub site: Option<SiteProfileFile>,
    /// Rows that must get the recorded margins when the file is read.
    pub golden: Vec<GoldenRow>,
}

/// The algorithm's own numbers, as they stand in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScorerFile {
    /// Regression trees, as parallel arrays over all nodes; see [`Node`].
    Trees {
        /// Added to every margin.
        base: f32,
        /// First node of each tree.
        roots: Vec<u16>,
        /// Feature index; 32767 marks a leaf. Bit 15: a missing value goes left.
        feature: Vec<u16>,
        /// Values up to this one go left.
        threshold: Vec<f32>,
        /// Left child.
        left: Vec<u16>,
        /// Right child.
        right: Vec<u16>,
        /// Leaf: its value. Inner node: the mean of what the training rows below it got.
        value: Vec<f32>,
    },
    /// A weighted sum; see [`Logistic`].
    Logistic {
        /// Added to every margin.
        bias: f32,
        /// Mean of each feature in training.
        mean: Vec<f32>,
        /// Standard deviation of each feature in training.
        scale: Vec<f32>,
        /// Weight of each feature, per standard deviation.
        weight: Vec<f32>,
    },
}

/// The margins from which on a client is limited or blocked, or why there are none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Page requests from which on they were calibrated. For fewer they prove nothing.
    pub min_pages: u32,
    /// From which step on a client is scored, and how its pages' scores are averaged. Older files
    /// have none: the score is that of the last page.
    #[serde(default, skip_serializing_if = "ScoreRule::is_last_page")]
    pub score_rule: ScoreRule,
    /// From which margin on a client is limited.
    pub limit: Budget,
    /// From which margin on a client is blocked.
    pub block: Budget,
    /// From which margin on a cohort of newcomers is limited. Older files have none.
    #[serde(default)]
    pub cohort: Budget,
}

impl Thresholds {
    /// No threshold: a model that refuses nobody.
    pub fn none(min_pages: u32, score_rule: ScoreRule) -> Self {
        let [limit, block, cohort] = [Budget::default(), Budget::default(), Budget::default()];
        Self { min_pages, score_rule, limit, block, cohort }
    }
}

/// A false-positive budget, and what the people in the calibration data could prove.
///
/// The highest score of n people is known. Let k be the largest number for which `BinomCDF(k; n,
/// alpha) ≤ delta`. A threshold above all but k of them then refuses at most a share `alpha` of
/// people, with confidence `1 − delta` (Clopper & Pearson 1934).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The threshold; absent when there are too few people to prove the budget.
    pub margin: Option<f32>,
    /// Share of people that it may refuse.
    pub alpha: f64,
    /// Probability that it refuses more.
    pub delta: f64,
    /// People that it was calibrated on.
    pub n: u64,
    /// How many of them have a highest score above it.
    pub k: u64,
    /// In words: what the threshold is based on, or how many people are missing.
    pub evidence: String,
}

/// What a model was trained on and how good it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// `boosted`, `logistic` or `adaboost`.
    pub algorithm: String,
    /// The algorithm's parameters.
    pub parameters: BTreeMap<String, f64>,
    /// Time of the last event of the training logs, in µs since the epoch.
    pub trained_until_us: i64,
    /// SHA-256 over the training logs as read, in hex.
    pub data_sha256: String,
    /// SHA-256 over the logs of each site, where the model was trained on several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites_sha256: Vec<String>,
    /// File names (without folders) of the training logs.
    pub data: Vec<String>,
    /// Clients by label.
    pub clients: BTreeMap<String, u64>,
    /// Labels by the rule that gave them.
    pub labels: BTreeMap<String, u64>,
    /// Clients whose label was not used in training, by the reason. They still count in every
    /// figure.
    pub dropped: BTreeMap<String, u64>,
    /// Name and SHA-256 of the model that this one was adapted from; empty if there is none.
    pub base: String,
    /// Rows trained on.
    pub rows: u64,
    /// Figures measured on clients that were not trained on, by name.
    pub metrics: BTreeMap<String, Metric>,
}

/// A measured figure.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The estimate.
    pub value: f64,
    /// Lower end of the 95 % confidence interval.
    pub low: f64,
    /// Upper end of the 95 % confidence interval.
    pub high: f64,
    /// Number of people that it was measured on.
    pub people: u64,
    /// Number of bad bots that it was measured on.
    pub bots: u64,
}

/// A row of features and the margin that it must get. A `null` is a missing value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenRow {
    /// Feature values in order.
    pub row: Vec<Option<f32>>,
    /// Expected margin.
    pub margin: f32,
}

impl GoldenRow {
    /// The row as features; `None` when its length is wrong.
    pub fn features(&self) -> Option<Features> {
        let mut features = Features([f32::NAN; COUNT]);
        if self.row.len() != COUNT {
            return None;
        }
        for (slot, value) in features.0.iter_mut().zip(&self.row) {
            *slot = value.unwrap_or(f32::NAN);
        }
        Some(features)
    }
}

impl ScorerFile {
    /// Checks the numbers and builds the scorer.
    ///
    /// # Errors
    /// What [`Trees::new`] and [`Logistic::new`] refuse, and arrays of different lengths.
    pub fn check(&self) -> Result<Scorer, ModelError> {
        match self {
            Self::Trees { base, roots, feature, threshold, left, right, value } => {
                let count = feature.len();
                if [threshold.len(), left.len(), right.len(), value.len()]
                    .iter()
                    .any(|&length| length != count)
                {
                    return Err(ModelError::Content(
                        "the arrays of the trees differ in length".into(),
                    ));
                }
                let node = |i: usize| Node {
                    threshold: threshold[i],
                    value: value[i],
                    feature: feature[i],
                    left: left[i],
                    right: right[i],
                };
                Ok(Scorer::Trees(Trees::new(*base, roots.clone(), (0..count).map(node).collect())?))
            }
            Self::Logistic { bias, mean, scale, weight } => {
                Ok(Scorer::Logistic(Box::new(Logistic::new(*bias, mean, scale, weight)?)))
            }
        }
    }
}

impl From<&Scorer> for ScorerFile {
    fn from(scorer: &Scorer) -> Self {
        match scorer {
            Scorer::Trees(trees) => Self::Trees {
                base: trees.base(),
                roots: trees.roots().to_vec(),
                feature: trees.nodes().iter().map(|node| node.feature).collect(),
                threshold: trees.nodes().iter().map(|node| node.threshold).collect(),
                left: trees.nodes().iter().map(|node| node.left).collect(),
                right: trees.nodes().iter().map(|node| node.right).collect(),
                value: trees.nodes().iter().map(|node| node.value).collect(),
            },
            Scorer::Logistic(logistic) => {
                let (bias, mean, scale, weight) = logistic.parameters();
                Self::Logistic {
                    bias,
                    mean: mean.to_vec(),
                    scale: scale.to_vec(),
                    weight: weight.to_vec(),
                }
            }
        }
    }
}
