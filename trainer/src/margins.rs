//! Margins of a matrix of rows: what linfa's traits for prediction ask of a fitted model.

use detector::Features;
use detector::features::COUNT;
use ndarray::{Array1, Array2};

/// Scores rows × features through the detector.
pub(crate) fn scorer_of(
    rows: &Array2<f32>,
    margins: &mut Array1<f32>,
    margin: impl Fn(&Features) -> f32,
) {
    for (row, slot) in rows.rows().into_iter().zip(margins.iter_mut()) {
        let mut features = Features([f32::NAN; COUNT]);
        for (value, &from) in features.0.iter_mut().zip(row) {
            *value = from;
        }
        *slot = margin(&features);
    }
}
