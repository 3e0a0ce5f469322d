//! Logistic regression (`logistic`), linfa's, behind the same traits.
//!
//! linfa-logistic rejects NaN, ignores weights and makes the majority class the positive one. So:
//! features are standardised and missing ones set to the mean, rows are drawn as often as their
//! weight says, and the sign is taken from `labels().pos.class`.

use detector::features::{COUNT, FEATURES};
use detector::model::{Logistic as Linear, Scorer};
use linfa::ParamGuard;
use linfa::dataset::{AsSingleTargets, Dataset};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, Axis};

use crate::error::TrainError;
use crate::margins::scorer_of;
use crate::resample::by_weight;
use crate::samples::Rows;
use linfa_logistic::LogisticRegression;

/// Unchecked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticParams(LogisticValidParams);

/// Checked parameters: only these can fit.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticValidParams {
    /// L2 penalty.
    pub alpha: f64,
    /// Most iterations of L-BFGS.
    pub iterations_max: u64,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self(LogisticValidParams { alpha: 1.0, iterations_max: 200 })
    }
}

impl LogisticParams {
    /// L2 penalty.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.0.alpha = alpha;
        self
    }
}

impl ParamGuard for LogisticParams {
    type Checked = LogisticValidParams;
    type Error = TrainError;

    fn check_ref(&self) -> Result<&Self::Checked, TrainError> {
        if !(self.0.alpha >= 0.0 && self.0.alpha.is_finite()) || self.0.iterations_max == 0 {
            return Err(TrainError::Parameter(
                "alpha must not be negative, iterations_max at least 1".to_owned(),
            ));
        }
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked, TrainError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

/// A fitted linear model.
#[derive(Clone, Debug)]
pub struct Logistic {
    linear: Linear,
}

impl Logistic {
    /// The detector's own form of it.
    pub fn scorer(&self) -> Scorer {
        Scorer::Logistic(Box::new(self.linear.clone()))
    }
}

impl Fit<Array2<f32>, Array1<bool>, TrainError> for LogisticValidParams {
    type Object = Logistic;

    /// Rows × features in the detector's order, NaN missing; weights as the dataset has them, or 1.
    fn fit(&self, dataset: &Rows) -> Result<Logistic, TrainError> {
        let targets = dataset.as_single_targets();
        if targets.iter().all(|&bad| bad) || targets.iter().all(|&bad| !bad) {
            return Err(TrainError::OneClass);
        }
        let scored: Vec<usize> = (0..COUNT).filter(|&i| FEATURES[i].scored()).collect();
        let (mut mean, mut scale) = ([0.0_f32; COUNT], [1.0_f32; COUNT]);
        for &feature in &scored {
            (mean[feature], scale[feature]) = moments(dataset, feature);
        }
        let drawn = draw(dataset);
        let mut records = Array2::<f64>::zeros((drawn.len(), scored.len()));
        for (mut row, &from) in records.rows_mut().into_iter().zip(&drawn) {
            for (slot, &feature) in row.iter_mut().zip(&scored) {
                let value = dataset.records[(from, feature)];
                *slot = if value.is_nan() {
                    0.0
                } else {
                    f64::from((value - mean[feature]) / scale[feature])
                };
            }
        }
        let labels: Array1<bool> = drawn.iter().map(|&row| targets[row]).collect();
        let fitted = LogisticRegression::default()
            .alpha(self.alpha)
            .max_iterations(self.iterations_max)
            .fit(&Dataset::new(records, labels))
            .map_err(|error| TrainError::Fit(error.to_string()))?;
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        let mut weight = [0.0; COUNT];
        for (&feature, &w) in scored.iter().zip(fitted.params()) {
            weight[feature] = (sign * w) as f32;
        }
        let bias = (sign * fitted.intercept()) as f32;
        let linear = Linear::new(bias, &mean, &scale, &weight).map_err(TrainError::Export)?;
        Ok(Logistic { linear })
    }
}

impl PredictInplace<Array2<f32>, Array1<f32>> for Logistic {
    fn predict_inplace<'a>(&'a self, rows: &'a Array2<f32>, margins: &mut Array1<f32>) {
        scorer_of(rows, margins, |features| self.linear.margin(features));
    }

    fn default_target(&self, rows: &Array2<f32>) -> Array1<f32> {
        Array1::zeros(rows.len_of(Axis(0)))
    }
}

/// Weighted mean and deviation of what is not missing; deviation 1 where nothing varies.
fn moments(dataset: &Rows, feature: usize) -> (f32, f32) {
    let column = dataset.records.column(feature);
    let weight = |row: usize| f64::from(dataset.weights().map_or(1.0, |weights| weights[row]));
    let known = || column.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let total: f64 = known().map(|(row, _)| weight(row)).sum();
    if total <= 0.0 {
        return (0.0, 1.0);
    }
    let mean = known().map(|(row, &value)| weight(row) * f64::from(value)).sum::<f64>() / total;
    let variance =
        known().map(|(row, &value)| weight(row) * (f64::from(value) - mean).powi(2)).sum::<f64>()
            / total;
    let deviation = variance.sqrt() as f32;
    (mean as f32, if deviation > 1e-6 { deviation } else { 1.0 })
}

/// Row numbers, each about as often as its weight says; no randomness.
fn draw(dataset: &Rows) -> Vec<usize> {
    let rows = dataset.records.nrows();
    // Light rows must not vanish: twice as many draws as rows, at most a million.
    let draws = (2 * rows).clamp(1, 1_000_000);
    match dataset.weights() {
        Some(weights) => by_weight(weights, draws, 0.0),
        None => (0..rows).collect(),
    }
}
