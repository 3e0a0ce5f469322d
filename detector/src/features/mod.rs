//! What is measured of a client: a vector of features.
//!
//! Each family of features has a file. A feature that cannot be known yet is **missing** (`NaN`)
//! and never 0, because a false 0 makes newcomers look like perfect pollers. `NaN` means missing
//! and nothing else. `docs/features.md` has the formulas, what each catches, and which clients it
//! could wrong.

pub mod day;
mod definition;
mod entropy;
pub mod enumeration;
mod format;
pub mod outcome;
pub mod periodicity;
pub mod rate;
mod set;
pub mod shape;
pub mod site;
#[cfg(test)]
pub(crate) mod tests;
pub mod uniqueness;

pub use definition::{COUNT, Definition, FEATURES, Family, Role, Trend, definition_hash, index_of};
pub use format::decimal;
pub use set::FeatureSet;

use crate::window::Window;

/// The measured features of a client, in the order of [`FEATURES`]; `NaN` is missing.
#[derive(Clone, Copy, Debug)]
pub struct Features(pub [f32; COUNT]);

impl Features {
    /// Measures all features of a window as it stands.
    pub fn measure(window: &Window) -> Self {
        Self::measure_only(window, FeatureSet::ALL)
    }

    /// Measures the `wanted` features; others may be left missing. A model uses a dozen features,
    /// and measuring the others would cost as much.
    pub fn measure_only(window: &Window, mut wanted: FeatureSet) -> Self {
        let mut vector = [f32::NAN; COUNT];
        let mut rest = vector.as_mut_slice();
        for (count, measure) in FAMILIES {
            let (family, behind) = rest.split_at_mut(count);
            if wanted.has_any(count) {
                measure(window, wanted, family);
            }
            (wanted, rest) = (wanted.after(count), behind);
        }
        Self(vector)
    }

    /// The value of the named feature; `None` when there is no such feature.
    pub fn value(&self, name: &str) -> Option<f32> {
        Some(self.0[index_of(name)?])
    }
}

/// Measures a family into its part of the vector. In the set, 0 is the family's first feature.
type Measure = fn(&Window, FeatureSet, &mut [f32]);

/// The number of features of each family and its function, in the order of the vector.
const FAMILIES: [(usize, Measure); 8] = [
    (periodicity::COUNT, periodicity::measure),
    (day::COUNT, day::measure),
    (uniqueness::COUNT, uniqueness::measure),
    (rate::COUNT, |window, _, out| rate::measure(window, out)),
    (outcome::COUNT, |window, _, out| outcome::measure(window, out)),
    (enumeration::COUNT, |window, _, out| enumeration::measure(window, out)),
    (site::COUNT, |window, _, out| site::measure(window, out)),
    (shape::COUNT, shape::measure),
];

const _: () = {
    let (mut sum, mut family) = (0, 0);
    while family < FAMILIES.len() {
        sum += FAMILIES[family].0;
        family += 1;
    }
    assert!(sum == COUNT);
};
