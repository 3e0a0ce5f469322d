//! A weighted sum of standardised features: the `logistic` algorithm. About 10 ns.
//!
//! A missing feature adds nothing, as if it had the training mean.

use super::contributions::Contributions;
use super::error::ModelError;
use crate::features::{COUNT, FEATURES, Features};

/// A checked weighted sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    bias: f32,
    mean: [f32; COUNT],
    scale: [f32; COUNT],
    weight: [f32; COUNT],
}

impl Logistic {
    /// `margin = bias + Σ weight · (x − mean) / scale`; all slices in the order of [`FEATURES`].
    ///
    /// # Errors
    /// A slice of a wrong length, a number that is not finite, a scale that is not positive, or a
    /// weight on a feature that may not be scored.
    pub fn new(bias: f32, mean: &[f32], scale: &[f32], weight: &[f32]) -> Result<Self, ModelError> {
        let fixed = |name: &str, values: &[f32]| -> Result<[f32; COUNT], ModelError> {
            let array = values.try_into().map_err(|_| {
                ModelError::Content(format!(
                    "{name} has {} numbers, there are {COUNT} features",
                    values.len()
                ))
            })?;
            if values.iter().any(|value| !value.is_finite()) {
                return Err(ModelError::Content(format!(
                    "{name} holds a number that is not finite"
                )));
            }
            Ok(array)
        };
        let model = Self {
            bias,
            mean: fixed("mean", mean)?,
            scale: fixed("scale", scale)?,
            weight: fixed("weight", weight)?,
        };
        if !bias.is_finite() || model.scale.iter().any(|&scale| scale <= 0.0) {
            return Err(ModelError::Content("bias must be finite and every scale above 0".into()));
        }
        if let Some(i) = (0..COUNT).find(|&i| !FEATURES[i].scored() && model.weight[i] != 0.0) {
            return Err(ModelError::Content(format!(
                "{} has a weight and may not be scored",
                FEATURES[i].name
            )));
        }
        Ok(model)
    }

    /// The weighted sum, in log-odds.
    pub fn margin(&self, features: &Features) -> f32 {
        let sum: f64 = (0..COUNT).map(|i| f64::from(self.part(i, features))).sum();
        (f64::from(self.bias) + sum) as f32
    }

    /// The term of each feature.
    pub fn contributions(&self, features: &Features) -> Contributions {
        Contributions {
            base: self.bias,
            by_feature: std::array::from_fn(|i| self.part(i, features)),
        }
    }

    fn part(&self, i: usize, features: &Features) -> f32 {
        let value = features.0[i];
        if value.is_nan() { 0.0 } else { self.weight[i] * (value - self.mean[i]) / self.scale[i] }
    }

    /// Bias, means, scales and weights, as given.
    pub fn parameters(&self) -> (f32, &[f32], &[f32], &[f32]) {
        (self.bias, &self.mean, &self.scale, &self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_feature_adds_nothing() {
        let mut weight = [0.0; COUNT];
        weight[0] = 2.0;
        let model = Logistic::new(0.5, &[1.0; COUNT], &[4.0; COUNT], &weight).unwrap();
        let mut features = Features([f32::NAN; COUNT]);
        assert_eq!(model.margin(&features), 0.5);
        features.0[0] = 3.0;
        assert_eq!(model.margin(&features), 1.5);
        assert_eq!(model.contributions(&features).sum(), 1.5);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Logistic::new(0.0, &[0.0; 3], &[1.0; COUNT], &[0.0; COUNT]).is_err());
        assert!(Logistic::new(0.0, &[0.0; COUNT], &[0.0; COUNT], &[0.0; COUNT]).is_err());
        assert!(Logistic::new(f32::NAN, &[0.0; COUNT], &[1.0; COUNT], &[0.0; COUNT]).is_err());
    }
}
