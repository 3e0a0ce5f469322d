//! Feature values as bin numbers: at most 255 bins a feature, cut at quantiles, and one for
//! missing.
//!
//! Row by row, so that summing a leaf's rows touches each row's bins once, in one cache line.

use ndarray::Array2;

/// Bins a feature, the one for missing included.
pub const BINS: usize = 256;
/// The bin of a missing value.
pub const MISSING: u8 = (BINS - 1) as u8;
/// Bins of values are one more than edges.
const EDGES_MAX: usize = BINS - 2;
/// Rows that quantiles are taken from, at most: more would move an edge by less than a tenth of a
/// bin.
const QUANTILE_ROWS_MAX: usize = 100_000;

/// All rows, binned.
pub struct Binned {
    /// Feature index of each column.
    pub features: Vec<usize>,
    /// Upper edges of each column's bins but the last: a value is in bin b when it is at most
    /// `edges[b]` and above the one before.
    pub edges: Vec<Vec<f32>>,
    bins: Vec<u8>,
    rows: usize,
}

impl Binned {
    /// Bins the named columns of rows × features.
    pub fn new(records: &Array2<f32>, features: &[usize]) -> Self {
        let (rows, columns) = (records.nrows(), features.len());
        let step = rows.div_ceil(QUANTILE_ROWS_MAX).max(1);
        let mut edges = Vec::new();
        let mut bins = vec![MISSING; rows * columns];
        for (column, &feature) in features.iter().enumerate() {
            let values = records.column(feature);
            let cuts = cuts(
                values.iter().step_by(step).copied().filter(|value| !value.is_nan()).collect(),
            );
            for (slot, &value) in bins[column..].iter_mut().step_by(columns).zip(values) {
                if !value.is_nan() {
                    *slot = u8::try_from(cuts.partition_point(|&edge| edge < value))
                        .unwrap_or(MISSING - 1);
                }
            }
            edges.push(cuts);
        }
        Self { features: features.to_vec(), edges, bins, rows }
    }

    /// A row's bins, column by column.
    pub fn row(&self, row: usize) -> &[u8] {
        let columns = self.features.len();
        &self.bins[row * columns..(row + 1) * columns]
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// Edges between bins of about equal size, halfway between neighbouring values.
fn cuts(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_unstable_by(f32::total_cmp);
    let mut edges: Vec<f32> = Vec::new();
    for i in 1..=EDGES_MAX {
        let at = i * values.len() / (EDGES_MAX + 1);
        if at == 0 || at >= values.len() {
            continue;
        }
        // The nearest place at or after the quantile where the value changes.
        let Some(next) = values[at..].iter().position(|&value| value > values[at - 1]) else {
            break;
        };
        let (below, above) = (values[at + next - 1], values[at + next]);
        let middle = below + (above - below) / 2.0;
        let edge = if middle < above { middle } else { below };
        if edges.last().is_none_or(|&last| edge > last) {
            edges.push(edge);
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_bin_b_exactly_when_it_is_at_most_edge_b() {
        let values: Vec<f32> = (0..5_000).map(|i| ((i * 7_919) % 1_009) as f32 / 10.0).collect();
        let edges = cuts(values.clone());
        assert!(edges.len() <= EDGES_MAX && edges.len() > 100 && edges.is_sorted_by(|a, b| a < b));
        let binned =
            Binned::new(&Array2::from_shape_vec((values.len(), 1), values.clone()).unwrap(), &[0]);
        for (row, value) in values.iter().enumerate() {
            let bin = usize::from(binned.row(row)[0]);
            assert!(bin == edges.len() || *value <= edges[bin]);
            assert!(bin == 0 || *value > edges[bin - 1]);
        }
    }

    #[test]
    fn constant_and_missing_columns_have_one_bin() {
        assert!(cuts(vec![1.0; 100]).is_empty());
        assert!(cuts(vec![]).is_empty());
        let binned = Binned::new(&Array2::from_elem((3, 1), f32::NAN), &[0]);
        assert!((0..3).all(|row| binned.row(row) == [MISSING]));
    }

    #[test]
    fn two_values_are_cut_between() {
        let mut values = vec![0.0; 10];
        values.extend([1.0; 990]);
        assert_eq!(cuts(values), [0.5]);
    }
}
