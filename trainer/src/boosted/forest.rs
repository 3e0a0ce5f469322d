//! A fitted forest.

use detector::model::{Scorer, Trees};
use linfa::traits::PredictInplace;
use ndarray::{Array1, Array2, Axis};

use crate::margins::scorer_of;

/// A fitted forest.
#[derive(Clone, Debug)]
pub struct Boosted {
    pub(super) trees: Trees,
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

impl PredictInplace<Array2<f32>, Array1<f32>> for Boosted {
    fn predict_inplace<'a>(&'a self, rows: &'a Array2<f32>, margins: &mut Array1<f32>) {
        scorer_of(rows, margins, |features| self.trees.margin(features));
    }

    fn default_target(&self, rows: &Array2<f32>) -> Array1<f32> {
        Array1::zeros(rows.len_of(Axis(0)))
    }
}
