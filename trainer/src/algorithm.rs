//! The choice of an algorithm. All of them give a scorer in the detector's own form.

use std::collections::BTreeMap;

use detector::model::{Scorer, Trees};
use linfa::ParamGuard;
use linfa::traits::Fit;

use crate::adaboost::AdaBoostParams;
use crate::boosted::BoostedParams;
use crate::error::TrainError;
use crate::logistic::LogisticParams;
use crate::samples::Rows;

/// What to fit, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Algorithm {
    /// Gradient-boosted trees.
    Boosted(BoostedParams),
    /// Logistic regression.
    Logistic(LogisticParams),
    /// AdaBoost: small trees that vote.
    AdaBoost(AdaBoostParams),
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The model in the detector's own form.
    pub scorer: Scorer,
    /// In boosting, the number of trees added if held-out clients chose it.
    pub rounds: Option<usize>,
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::Boosted(BoostedParams::default())
    }
}

impl Algorithm {
    /// Fits the rows as the parameters say: nothing is held out.
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

    /// Fits the rows; boosting stops early on held-out clients, and may continue from a base.
    /// `clients` holds a number per row, the same for all rows of a client, and well mixed.
    /// Boosting calls `grown` after each tree.
    ///
    /// # Errors
    /// As [`Algorithm::fit`]; a base with an algorithm that cannot continue one.
    pub fn fit_by_client(
        &self,
        rows: &Rows,
        clients: &[u64],
        base: Option<&Trees>,
        grown: &dyn Fn(),
    ) -> Result<Fitted, TrainError> {
        match (self, base) {
            (Self::Boosted(params), _) => {
                let fitted = params.check_ref()?.fit_by_client_told(rows, clients, base, grown)?;
                Ok(Fitted { scorer: fitted.scorer(), rounds: Some(fitted.rounds) })
            }
            (_, None) => Ok(Fitted { scorer: self.fit(rows)?, rounds: None }),
            (_, Some(_)) => {
                Err(TrainError::Parameter("only boosted can continue from a base model".to_owned()))
            }
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
        let named = |pairs: &[(&str, f64)]| {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
        };
        Ok(match self {
            Self::Boosted(params) => {
                let p = params.check_ref()?;
                named(&[
                    ("trees_max", p.trees as f64),
                    ("patience", p.patience as f64),
                    ("leaves_max", p.leaves_max as f64),
                    ("depth_max", p.depth_max as f64),
                    ("learning_rate", p.learning_rate),
                    ("l2", p.l2),
                    ("leaf_rows_min", p.leaf_rows_min),
                    ("row_share", p.row_share),
                    ("feature_share", p.feature_share),
                    ("seed", p.seed as f64),
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
