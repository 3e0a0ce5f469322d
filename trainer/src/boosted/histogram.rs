//! Sums of gradients by column and bin: where training spends its time.
//!
//! A row's gradient is four floats, of which one is padding, so that it is added in one
//! instruction. Floats are summed in blocks of rows and the blocks in doubles: a bin of half a
//! million rows loses nothing that matters, and the same rows give the same sums.

use super::bins::{BINS, Binned};

/// Gradient, second derivative and weight of one row; the last is padding.
pub type Gradient = [f32; 4];

/// Rows summed in floats before they are added in doubles.
const BLOCK_ROWS: usize = 8_192;

/// Sums over rows: gradient, second derivative, weight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums(pub [f64; 3]);

impl Sums {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    /// What remains without the other.
    pub fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    /// Weight of the rows.
    pub fn weight(self) -> f64 {
        self.0[2]
    }

    fn add(&mut self, part: &Gradient) {
        for (sum, &part) in self.0.iter_mut().zip(part) {
            *sum += f64::from(part);
        }
    }
}

/// Sums by column and bin.
pub struct Histogram(Vec<Sums>);

impl Histogram {
    /// Over these rows. `block` is scratch memory, kept between calls.
    pub fn of(
        binned: &Binned,
        gradients: &[Gradient],
        rows: &[u32],
        block: &mut Vec<Gradient>,
    ) -> Self {
        let size = binned.features.len() * BINS;
        let mut sums = vec![Sums::default(); size];
        block.resize(size, [0.0; 4]);
        for rows in rows.chunks(BLOCK_ROWS) {
            block.fill([0.0; 4]);
            for &row in rows {
                let gradient = gradients[row as usize];
                for (bins, &bin) in block.chunks_exact_mut(BINS).zip(binned.row(row as usize)) {
                    let slot = &mut bins[usize::from(bin) % BINS];
                    *slot = std::array::from_fn(|i| slot[i] + gradient[i]);
                }
            }
            for (sum, part) in sums.iter_mut().zip(block.iter()) {
                sum.add(part);
            }
        }
        Self(sums)
    }

    /// What remains without the other.
    pub fn minus(mut self, other: &Self) -> Self {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.minus(*other);
        }
        self
    }

    /// Bins of each column.
    pub fn columns(&self) -> impl Iterator<Item = &[Sums]> {
        self.0.chunks_exact(BINS)
    }

    /// Over all rows.
    pub fn total(&self) -> Sums {
        self.0.iter().take(BINS).fold(Sums::default(), |sum, bin| sum.plus(*bin))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn a_bin_holds_the_sum_of_its_rows_and_the_larger_side_what_remains() {
        let rows = 20_000;
        let binned = Binned::new(
            &Array2::from_shape_fn((rows, 2), |(row, column)| ((row >> column) % 7) as f32),
            &[0, 1],
        );
        let gradients: Vec<Gradient> =
            (0..rows).map(|row| [row as f32 * 1e-4, 0.25, 1.0, 0.0]).collect();
        let all: Vec<u32> = (0..rows as u32).collect();
        let mut scratch = Vec::new();
        let whole = Histogram::of(&binned, &gradients, &all, &mut scratch);
        for (column, bins) in whole.columns().enumerate() {
            for (bin, sums) in bins.iter().enumerate() {
                let here = (0..rows).filter(|&row| usize::from(binned.row(row)[column]) == bin);
                let expect: f64 = here.clone().map(|row| f64::from(gradients[row][0])).sum();
                assert_eq!(sums.weight(), here.count() as f64);
                assert!(
                    (sums.0[0] - expect).abs() <= 1e-5 * expect.abs(),
                    "{} instead of {expect}",
                    sums.0[0]
                );
            }
        }
        let (small, large) = all.split_at(3_000);
        let rest = whole.minus(&Histogram::of(&binned, &gradients, small, &mut scratch));
        let direct = Histogram::of(&binned, &gradients, large, &mut scratch);
        for (a, b) in rest.0.iter().zip(&direct.0) {
            assert!((a.weight() - b.weight()).abs() < 1e-6 && (a.0[0] - b.0[0]).abs() < 1e-2);
        }
    }
}
