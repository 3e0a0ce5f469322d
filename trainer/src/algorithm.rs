//! Choosing an algorithm; all of them end in the detector's own form.

use std::collections::BTreeMap;

use detector::model::Scorer;
use linfa::ParamGuard;
use linfa::traits::Fit;

use crate::TrainError;
use crate::adaboost::AdaBoostParams;
use crate::boosted::BoostedParams;
use crate::logistic::LogisticParams;
use crate::samples::Rows;

/// What to fit, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Algorithm {
    /// Gradient-boosted trees.
    Boosted(BoostedParams),
    /// Logistic regression.
    Logistic(LogisticParams),
    /// Small trees that vote.
    AdaBoost(AdaBoostParams),
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::Boosted(BoostedParams::default())
    }
}

impl Algorithm {
    /// Fits the rows.
    ///
    /// # Errors
    /// Parameters out of range, rows of one class only, or what the algorithm says.
    pub fn fit(&self, rows: &Rows) -> Result<Scorer, TrainError> {
        match self {
            Self::Boosted(params) => Ok(params.fit(rows)?.scorer()),
            Self::Logistic(params) => Ok(params.fit(rows)?.scorer()),
            Self::AdaBoost(params) => Ok(params.fit(rows)?.scorer()),
        }
    }

    /// Name, as on the command line and in model files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Boosted(_) => "boosted",
            Self::Logistic(_) => "logistic",
            Self::AdaBoost(_) => "adaboost",
        }
    }

    /// Parameters, as in model files.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn parameters(&self) -> Result<BTreeMap<String, f64>, TrainError> {
        let named = |pairs: &[(&str, f64)]| pairs.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        Ok(match self {
            Self::Boosted(params) => {
                let p = params.check_ref()?;
                named(&[
                    ("trees", p.trees as f64),
                    ("leaves_max", p.leaves_max as f64),
                    ("depth_max", p.depth_max as f64),
                    ("learning_rate", p.learning_rate),
                    ("l2", p.l2),
                    ("leaf_rows_min", p.leaf_rows_min),
                ])
            }
            Self::Logistic(params) => {
                let p = params.check_ref()?;
                named(&[("alpha", p.alpha), ("iterations_max", p.iterations_max as f64)])
            }
            Self::AdaBoost(params) => {
                let p = params.check_ref()?;
                named(&[
                    ("trees", p.trees as f64),
                    ("depth_max", p.depth_max as f64),
                    ("learning_rate", p.learning_rate),
                    ("rows_max", p.rows_max as f64),
                    ("seed", p.seed as f64),
                ])
            }
        })
    }
}
