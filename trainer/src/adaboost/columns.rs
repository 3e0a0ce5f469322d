//! Rows as linfa takes them: scored columns, no missing value, classes as numbers.

use detector::features::{COUNT, FEATURES};
use ndarray::Array2;

/// Class numbers: linfa-ensemble wants something that turns into a number.
pub const BAD: usize = 1;

/// The scored columns, missing values filled in.
pub fn imputed(rows: &Array2<f32>, with: &[f32; COUNT]) -> Array2<f64> {
    let columns: Vec<usize> = scored().collect();
    Array2::from_shape_fn((rows.nrows(), columns.len()), |(row, column)| {
        let feature = columns[column];
        let value = rows[(row, feature)];
        f64::from(if value.is_nan() { with[feature] } else { value })
    })
}

/// Indices of the features that may be scored: linfa's columns, in this order.
pub fn scored() -> impl Iterator<Item = usize> {
    (0..COUNT).filter(|&feature| FEATURES[feature].scored())
}
