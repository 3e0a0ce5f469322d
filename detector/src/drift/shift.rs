//! The result of a comparison: how far the score and each feature have moved.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

use super::statistics::{ONCE_IN_100_000, PSI_ALARM, median, noise, psi};
use crate::model::Deciles;

/// The name of the score's shift, beside the names of features.
pub const SCORE: &str = "score";

/// How far traffic has moved since the model was trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Clients in the model's reference.
    pub clients_then: u64,
    /// Clients counted now.
    pub clients_now: u64,
    /// The shift of the score.
    pub score: Shift,
    /// The shifts of the features that the model uses: alarms first, then the largest.
    pub features: Vec<Shift>,
}

/// How far one feature or the score has moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The feature's name, or [`SCORE`].
    pub name: &'static str,
    /// Population stability index.
    pub psi: f64,
    /// The PSI that chance alone exceeds once in 100,000 comparisons.
    pub noise: f64,
    /// Is the PSI above both the noise and [`PSI_ALARM`]?
    pub alarm: bool,
    /// The median in training, as exact as the bins allow. Of the score it is the margin in
    /// log-odds. `None` where half or more of the values are missing.
    pub median_then: Option<f32>,
    /// The median now.
    pub median_now: Option<f32>,
    /// Share of rows without a value, in training.
    pub missing_then: f32,
    /// Share of rows without a value, now.
    pub missing_now: f32,
}

impl Drift {
    /// Is there a shift to act on?
    pub fn is_alarming(&self) -> bool {
        self.score.alarm || self.features.iter().any(|shift| shift.alarm)
    }
}

impl Shift {
    /// The shift from the deciles of training, of so many clients, to the counts by bin of now, of
    /// so many clients. `None` when there is nothing to compare.
    pub(super) fn of(
        name: &'static str,
        (then, clients): (&Deciles, u64),
        (bins, now): (&[AtomicU32], u64),
    ) -> Option<Self> {
        let bins: Vec<u64> = bins
            .iter()
            .take(then.shares.len())
            .map(|bin| u64::from(bin.load(Ordering::Relaxed)))
            .collect();
        let psi = psi(then, &bins)?;
        let total: u64 = bins.iter().sum();
        let filled = then
            .shares
            .iter()
            .zip(&bins)
            .filter(|(share, count)| **share > 0.0 || **count > 0)
            .count();
        let noise = noise(filled, clients, now, ONCE_IN_100_000);
        let shares: Vec<f32> = bins.iter().map(|&count| count as f32 / total as f32).collect();
        Some(Self {
            name,
            psi,
            noise,
            alarm: psi > PSI_ALARM && psi > noise,
            median_then: median(&then.edges, &then.shares),
            median_now: median(&then.edges, &shares),
            missing_then: *then.shares.last()?,
            missing_now: *shares.last()?,
        })
    }
}
