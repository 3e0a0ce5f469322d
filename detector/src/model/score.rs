//! A score: the margin of a client, in log-odds.

/// What a model says of a client: the raw margin, in log-odds. Thresholds are compared with it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Score(f32);

impl Score {
    /// From a margin in log-odds.
    pub const fn from_margin(margin: f32) -> Self {
        Self(margin)
    }

    /// From a value in 0..=1, as it is written in configuration.
    pub fn from_value(value: f32) -> Self {
        let value = f64::from(value).clamp(1e-9, 1.0 - 1e-9);
        Self((value / (1.0 - value)).ln() as f32)
    }

    /// The margin, in log-odds.
    pub const fn margin(self) -> f32 {
        self.0
    }

    /// The margin through the logistic function: 0 is like people, 1 is like bots. It is for people
    /// to read and is not a probability.
    pub fn value(self) -> f32 {
        (1.0 / (1.0 + (-f64::from(self.0)).exp())) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_its_margin_again() {
        for value in [0.01, 0.5, 0.9, 0.999] {
            assert!((Score::from_value(value).value() - value).abs() < 1e-5);
        }
    }
}
