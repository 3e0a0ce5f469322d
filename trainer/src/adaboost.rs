//! AdaBoost (`adaboost`), linfa's over linfa's decision trees, behind the same traits.
//!
//! linfa-ensemble votes hard and ignores sample weights; linfa-trees knows no missing value. So:
//!
//! - **Weights**: rows are drawn as often as their weight says, with a seed, before linfa sees
//!   them.
//! - **Missing**: a missing value counts as the weighted median of its column. That is exactly what
//!   a flat node's missing direction can say: it goes where the median goes.
//! - **Margin**: the sum of the trees' votes, ±1 times their weight (SAMME, Zhu et al. 2009),
//!   scaled by one slope that fits log-odds (Platt 1999, without an intercept, so that its sign is
//!   linfa's own prediction).
//! - **Ties**: linfa-trees lets a hash map's order decide which class a leaf of equal halves
//!   predicts, which differs from run to run. Bots weigh 0.1 % more than people there, so that no
//!   leaf is tied and the same rows give the same bytes.

mod columns;
mod flat;

use detector::features::COUNT;
use detector::model::{Node, Scorer, Trees};
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use linfa::{Error, ParamGuard};
use ndarray::{Array1, Array2, Axis};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::TrainError;
use crate::margins::scorer_of;
use crate::resample::by_weight;
use crate::samples::Rows;
use columns::{BAD, imputed};
use linfa_ensemble::{AdaBoost as Ensemble, AdaBoostParams as EnsembleParams};
use linfa_trees::{DecisionTree, DecisionTreeValidParams};

/// Unchecked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaBoostParams(AdaBoostValidParams);

/// Checked parameters: only these can fit.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaBoostValidParams {
    /// Most trees; fewer when one is perfect or none is better than chance.
    pub trees: usize,
    /// Longest path from root to leaf.
    pub depth_max: usize,
    /// Shrinkage of every tree's vote.
    pub learning_rate: f64,
    /// Most rows drawn: linfa's trees pass over all rows for every node.
    pub rows_max: usize,
    /// All that is random comes from this.
    pub seed: u64,
}

impl Default for AdaBoostParams {
    /// 50 trees of depth 3, on 10,000 rows drawn: about two seconds.
    fn default() -> Self {
        Self(AdaBoostValidParams {
            trees: 50,
            depth_max: 3,
            learning_rate: 0.5,
            rows_max: 10_000,
            seed: 1,
        })
    }
}

impl AdaBoostParams {
    /// Most trees.
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.trees = trees;
        self
    }

    /// Longest path from root to leaf.
    pub fn depth_max(mut self, depth: usize) -> Self {
        self.0.depth_max = depth;
        self
    }

    /// All that is random comes from this.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

impl ParamGuard for AdaBoostParams {
    type Checked = AdaBoostValidParams;
    type Error = TrainError;

    fn check_ref(&self) -> Result<&Self::Checked, TrainError> {
        let p = &self.0;
        let wrong = |what: &str| Err(TrainError::Parameter(what.to_owned()));
        match () {
            () if !(1..=10).contains(&p.depth_max) => wrong("depth_max must be from 1 to 10"),
            () if p.trees == 0 || p.trees * ((2 << p.depth_max) - 1) > usize::from(Node::LEAF) => {
                wrong(
                    "trees must be at least 1, and trees × 2^(depth_max + 1) below 32,767: nodes \
                        have 15 bits",
                )
            }
            () if !(p.learning_rate > 0.0 && p.learning_rate <= 1.0) => {
                wrong("learning_rate must be above 0, at most 1")
            }
            () if p.rows_max < 100 => wrong("rows_max must be at least 100"),
            () => Ok(p),
        }
    }

    fn check(self) -> Result<Self::Checked, TrainError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// A fitted ensemble, in linfa's form and in the detector's.
#[derive(Clone, Debug)]
pub struct AdaBoost {
    ensemble: Ensemble<DecisionTree<f64, usize>, usize>,
    imputed: [f32; COUNT],
    trees: Trees,
}

impl AdaBoost {
    /// The detector's own form of it.
    pub fn scorer(&self) -> Scorer {
        Scorer::Trees(self.trees.clone())
    }

    /// What linfa's own `predict` says: true is bad.
    pub fn predict_by_linfa(&self, rows: &Array2<f32>) -> Array1<bool> {
        let records = imputed(rows, &self.imputed);
        let mut classes = Array1::zeros(rows.nrows());
        self.ensemble.predict_inplace(&records, &mut classes);
        classes.mapv(|class| class == BAD)
    }
}

/// What bots weigh more than people in a leaf; see the module's documentation.
const TIE_BREAK: f32 = 1.0 / 1024.0;

impl Fit<Array2<f32>, Array1<bool>, TrainError> for AdaBoostValidParams {
    type Object = AdaBoost;

    /// Rows × features in the detector's order, NaN missing; weights as the dataset has them, or 1.
    fn fit(&self, dataset: &Rows) -> Result<AdaBoost, TrainError> {
        let targets = dataset.as_single_targets();
        if targets.iter().all(|&bad| bad) || targets.iter().all(|&bad| !bad) {
            return Err(TrainError::OneClass);
        }
        let weights = dataset.weights().map_or_else(|| vec![1.0; targets.len()], <[f32]>::to_vec);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        // Twice as many draws as rows, as far as they may go: light rows must not vanish.
        let drawn =
            by_weight(&weights, (2 * targets.len()).min(self.rows_max), rng.gen_range(0.0..1.0));
        let medians = flat::medians(&dataset.records, &weights);
        let records = imputed(&dataset.records.select(Axis(0), &drawn), &medians);
        let classes: Array1<usize> = drawn.iter().map(|&row| usize::from(targets[row])).collect();
        if classes.iter().all(|&class| class == classes[0]) {
            return Err(TrainError::OneClass);
        }
        let tree =
            DecisionTree::params().max_depth(Some(self.depth_max)).min_weight_leaf(5.0).check()?;
        let ensemble = EnsembleParams::new_fixed_rng(Untied(tree), rng)
            .n_estimators(self.trees)
            .learning_rate(self.learning_rate)
            .fit(&DatasetBase::new(records, classes))?;
        let trees = flat::flatten(&ensemble, &medians, dataset, &weights)?;
        Ok(AdaBoost { ensemble, imputed: medians, trees })
    }
}

impl PredictInplace<Array2<f32>, Array1<f32>> for AdaBoost {
    fn predict_inplace<'a>(&'a self, rows: &'a Array2<f32>, margins: &mut Array1<f32>) {
        scorer_of(rows, margins, |features| self.trees.margin(features));
    }

    fn default_target(&self, rows: &Array2<f32>) -> Array1<f32> {
        Array1::zeros(rows.len_of(Axis(0)))
    }
}

/// linfa's decision tree, in which no leaf is tied.
#[derive(Clone)]
struct Untied(DecisionTreeValidParams<f64, usize>);

impl Fit<Array2<f64>, Array1<usize>, Error> for Untied {
    type Object = DecisionTree<f64, usize>;

    fn fit(
        &self,
        dataset: &DatasetBase<Array2<f64>, Array1<usize>>,
    ) -> Result<Self::Object, Error> {
        let weights =
            dataset.targets.mapv(|class| if class == BAD { 1.0 + TIE_BREAK } else { 1.0 });
        let view =
            DatasetBase::new(dataset.records.view(), dataset.targets.view()).with_weights(weights);
        self.0.fit(&view)
    }
}
