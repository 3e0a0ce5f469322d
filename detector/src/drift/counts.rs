//! Counts of feature values by bin, taken while requests are judged.

use std::array;
use std::sync::atomic::{AtomicU32, Ordering};

use super::shift::{Drift, SCORE, Shift};
use crate::features::{COUNT, FEATURES, Features};
use crate::model::{Deciles, Model};

/// Page counts at which a client's features are counted, here and in training. They cover short and
/// long windows, and no client gives many rows.
pub const SCHEDULE: [u32; 14] = [3, 5, 8, 12, 20, 32, 48, 80, 130, 210, 340, 550, 890, 1440];
/// Most bins: ten between and beyond nine edges, and one for missing values.
const BINS: usize = 11;

/// How many clients were counted, each at its first score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientsSeen {
    /// Clients below the model's limit threshold, whose features are compared.
    pub compared: u64,
    /// Clients above it, which are left out so that a wave of bots is no drift. Many more than
    /// usual mean an attack, or a shop that has changed so much that people look like bots.
    pub above_limit: u64,
}

impl ClientsSeen {
    /// All clients counted.
    pub const fn all(self) -> u64 {
        self.compared + self.above_limit
    }

    /// Share of the clients above the threshold; 0 if there are none.
    pub fn share_above_limit(self) -> f64 {
        self.above_limit as f64 / self.all().max(1) as f64
    }
}

/// Counts of feature values and margins by bin. Any thread may add to them.
#[derive(Debug)]
pub struct DriftCounts {
    clients: AtomicU32,
    above_limit: AtomicU32,
    features: [[AtomicU32; BINS]; COUNT],
    score: [AtomicU32; BINS],
}

impl Default for DriftCounts {
    fn default() -> Self {
        let bins = || array::from_fn(|_| AtomicU32::new(0));
        Self {
            clients: AtomicU32::new(0),
            above_limit: AtomicU32::new(0),
            features: array::from_fn(|_| bins()),
            score: bins(),
        }
    }
}

impl DriftCounts {
    /// Counts the features of a client at `pages` pages, to which `model` gave `margin`. Does
    /// nothing at page counts that are not in [`SCHEDULE`].
    ///
    /// Clients above the model's own limit threshold are left out, as in its reference, even if the
    /// policy has set another threshold.
    pub fn take(&self, model: &Model, pages: u32, features: &Features, margin: f32) {
        let Some(reference) = model.file().drift.as_ref().filter(|_| SCHEDULE.contains(&pages))
        else {
            return;
        };
        // A client is counted at the first scheduled page count at which it is judged.
        let is_first =
            SCHEDULE.iter().find(|&&scheduled| scheduled >= model.thresholds().min_pages)
                == Some(&pages);
        let is_above = model.thresholds().limit.margin.is_some_and(|limit| margin >= limit);
        if is_first {
            add(if is_above { &self.above_limit } else { &self.clients });
        }
        if is_above {
            return;
        }
        let asked = model.asks();
        for (feature, (bins, deciles)) in self.features.iter().zip(&reference.features).enumerate()
        {
            if asked.has(feature) {
                count(bins, deciles.bin(features.0[feature]));
            }
        }
        count(&self.score, reference.score.bin(margin));
    }

    /// How many clients were counted.
    pub fn seen(&self) -> ClientsSeen {
        let [compared, above_limit] = [&self.clients, &self.above_limit]
            .map(|clients| u64::from(clients.load(Ordering::Relaxed)));
        ClientsSeen { compared, above_limit }
    }

    /// Sets all counts to 0.
    pub fn clear(&self) {
        [&self.clients, &self.above_limit]
            .into_iter()
            .for_each(|clients| clients.store(0, Ordering::Relaxed));
        self.features
            .as_flattened()
            .iter()
            .chain(&self.score)
            .for_each(|bin| bin.store(0, Ordering::Relaxed));
    }

    /// Compares the counts with the model's reference. `None` when nothing was counted, or the
    /// model has no reference.
    pub fn compare(&self, model: &Model) -> Option<Drift> {
        let reference = model.file().drift.as_ref()?;
        // Precision depends on clients, not rows. Without a client that began in this time there is
        // nothing to compare.
        let now = Some(self.seen().compared).filter(|&now| now > 0)?;
        let shift = |name, then: &Deciles, bins: &[AtomicU32]| {
            Shift::of(name, (then, reference.clients), (bins, now))
        };
        let score = shift(SCORE, &reference.score, &self.score)?;
        let asked = model.asks();
        let mut features: Vec<Shift> = (0..COUNT)
            .filter(|&feature| asked.has(feature))
            .filter_map(|feature| {
                shift(FEATURES[feature].name, &reference.features[feature], &self.features[feature])
            })
            .collect();
        features.sort_by(|a, b| b.alarm.cmp(&a.alarm).then(b.psi.total_cmp(&a.psi)));
        Some(Drift { clients_then: reference.clients, clients_now: now, score, features })
    }
}

fn add(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn count(bins: &[AtomicU32; BINS], bin: usize) {
    // A checked reference has no more bins.
    if let Some(counter) = bins.get(bin) {
        add(counter);
    }
}
