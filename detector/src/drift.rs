//! Has traffic changed since the model was trained? The population stability index against the
//! model's own deciles.
//!
//! PSI = Σ (q − p) · ln(q / p) over bins, p then and q now. Without drift it is not 0: N clients
//! then and M now make it about χ² with B − 1 degrees of freedom, times 1/N + 1/M (Yurdakul 2018).
//! An alarm wants it above 0.1 **and** above that noise.
//!
//! What is compared is what passes: rows at a few page counts of each client ([`SCHEDULE`]), where
//! the model scores it below the limit threshold. So a wave of bots that are stopped is no drift,
//! and nobody has to be known for a person.

use std::array;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

use crate::features::{COUNT, FEATURES, Features};
use crate::model::{Deciles, Model, Reference};

/// Page counts at which a client gives a row, here and in training: short windows as well as long
/// ones, and never one client many.
pub const SCHEDULE: [u32; 14] = [3, 5, 8, 12, 20, 32, 48, 80, 130, 210, 340, 550, 890, 1440];
/// PSI above which a shift is called one, where it is above the noise as well: the industry's
/// custom.
pub const PSI_ALARM: f64 = 0.1;
/// The standard normal quantile that chance passes once in 100,000 comparisons. A month of days,
/// with all features and the score, is a thousand comparisons.
pub const ONCE_IN_100_000: f64 = 4.264_891;
/// What the shift of the score is called, beside features' names.
pub const SCORE: &str = "score";
/// Most bins there are: between and beyond nine edges, and missing.
const BINS: usize = 11;

/// PSI of counts by bin ([`Deciles::bin`]) against the shares then; `None` when there is nothing to
/// compare, or the bins are not those.
///
/// Half an observation is added to every bin, so that an empty one does not make it infinite.
pub fn psi(then: &Deciles, now: &[u64]) -> Option<f64> {
    let total: u64 = now.iter().sum();
    if now.len() != then.shares.len() || total == 0 {
        return None;
    }
    let bins = now.len() as f64;
    let smooth = |count: f64| (count + 0.5) / (total as f64 + 0.5 * bins);
    let part = |(&share, &count): (&f32, &u64)| {
        let (p, q) = (smooth(f64::from(share) * total as f64), smooth(count as f64));
        (q - p) * (q / p).ln()
    };
    Some(then.shares.iter().zip(now).map(part).sum())
}

/// PSI that `then` and `now` clients of the same traffic stay below, but for a chance given as its
/// standard normal `quantile`. Bins that were empty and are empty do not count: pass the number of
/// the others.
pub fn noise(bins: usize, then: u64, now: u64, quantile: f64) -> f64 {
    if bins < 2 || then == 0 || now == 0 {
        return 0.0;
    }
    // Wilson & Hilferty 1931: quantiles of χ² with `free` degrees of freedom.
    let free = (bins - 1) as f64;
    let spread = 2.0 / (9.0 * free);
    let chi_square = free * (1.0 - spread + quantile * spread.sqrt()).powi(3);
    chi_square * (1.0 / then as f64 + 1.0 / now as f64)
}

/// How far traffic has moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Clients that the reference is of.
    pub clients_then: u64,
    /// Clients seen now.
    pub clients_now: u64,
    /// The score.
    pub score: Shift,
    /// What the model asks for, the largest shift first.
    pub features: Vec<Shift>,
}

/// How far one of them has moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The feature's name, or [`SCORE`].
    pub name: &'static str,
    /// Population stability index.
    pub psi: f64,
    /// What chance alone stays below, but for once in 100,000 comparisons.
    pub noise: f64,
    /// Above both noise and [`PSI_ALARM`].
    pub alarm: bool,
    /// The median then, to within its bin; of a score, the margin in log-odds. `None` where half or
    /// more is missing.
    pub median_then: Option<f32>,
    /// The median now.
    pub median_now: Option<f32>,
    /// Share of rows without a value, then.
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

/// Clients that were seen, each at its first score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Below the model's limit threshold: what they do is compared.
    pub compared: u64,
    /// Above it: left out, so that a wave of bots is no drift. Many more of them than usual are an
    /// attack, or a shop that has changed so much that people look like bots.
    pub above_limit: u64,
}

impl Seen {
    /// Both.
    pub const fn all(self) -> u64 {
        self.compared + self.above_limit
    }

    /// Share of those above, 0 of none.
    pub fn share_above_limit(self) -> f64 {
        self.above_limit as f64 / self.all().max(1) as f64
    }
}

/// Counts of rows by bin, filled from any thread.
#[derive(Debug)]
pub struct Counts {
    clients: AtomicU32,
    above_limit: AtomicU32,
    features: [[AtomicU32; BINS]; COUNT],
    score: [AtomicU32; BINS],
}

impl Default for Counts {
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

impl Counts {
    /// Takes in what was measured of a client at `pages` pages, where `model` was asked and gave
    /// `margin`. What passes is told by the model's own limit threshold, as in its reference,
    /// wherever a policy has set another. Costs nothing at most page counts.
    pub fn take(&self, model: &Model, pages: u32, features: &Features, margin: f32) {
        let Some(reference) = model.file().drift.as_ref().filter(|_| SCHEDULE.contains(&pages))
        else {
            return;
        };
        // The first row of a client that is judged from five pages on is its fifth page's.
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

    /// Clients seen since the beginning.
    pub fn seen(&self) -> Seen {
        let [compared, above_limit] = [&self.clients, &self.above_limit]
            .map(|clients| u64::from(clients.load(Ordering::Relaxed)));
        Seen { compared, above_limit }
    }

    /// Begins anew.
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

    /// Compares with what a model remembers; `None` when nothing was seen, or it remembers nothing.
    pub fn compare(&self, model: &Model) -> Option<Drift> {
        let reference = model.file().drift.as_ref()?;
        // Rows of clients whose first one was before this window say nothing of how sure they are.
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

impl Shift {
    fn of(
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

/// The median of what is known, taken to lie evenly within its bin; outside of the edges, the
/// nearest one.
fn median(edges: &[f32], shares: &[f32]) -> Option<f32> {
    let (missing, known) = shares.split_last()?;
    if *missing >= 0.5 {
        return None;
    }
    let mut left = (1.0 - missing) / 2.0;
    for (bin, &share) in known.iter().enumerate() {
        if left <= share {
            let [from, to] =
                [bin.checked_sub(1), Some(bin)].map(|edge| edge.and_then(|edge| edges.get(edge)));
            return match (from, to) {
                (Some(from), Some(to)) => {
                    Some(from + (to - from) * (left / share.max(f32::MIN_POSITIVE)))
                }
                (edge, other) => edge.or(other).copied(),
            };
        }
        left -= share;
    }
    edges.last().copied()
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

/// Deciles of these values, and the share of all values in each bin; ties make fewer bins.
pub fn deciles(values: &[f32]) -> Deciles {
    let mut known: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
    known.sort_unstable_by(f32::total_cmp);
    let mut edges: Vec<f32> = Vec::new();
    for i in 1..10 {
        // Between the largest value and itself there is nothing to tell apart.
        if let Some(&edge) = known.get((i * known.len()).div_ceil(10).saturating_sub(1))
            && edges.last().is_none_or(|&last| edge > last)
            && known.last().is_some_and(|&last| edge < last)
        {
            edges.push(edge);
        }
    }
    let mut deciles = Deciles { shares: vec![0.0; edges.len() + 2], edges };
    let mut counts = vec![0_u64; deciles.shares.len()];
    values.iter().for_each(|&value| counts[deciles.bin(value)] += 1);
    deciles.shares =
        counts.iter().map(|&count| (count as f64 / values.len() as f64) as f32).collect();
    deciles
}

/// Deciles of every feature and of the margin over rows of so many clients; `None` without any.
pub fn reference<'a>(
    rows: impl Iterator<Item = (&'a Features, f32)>,
    clients: u64,
) -> Option<Reference> {
    let rows: Vec<(&Features, f32)> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let column = |feature: usize| {
        deciles(&rows.iter().map(|(features, _)| features.0[feature]).collect::<Vec<_>>())
    };
    Some(Reference {
        clients,
        rows: rows.len() as u64,
        features: (0..COUNT).map(column).collect(),
        score: deciles(&rows.iter().map(|(_, margin)| *margin).collect::<Vec<_>>()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform in 0..1.
    fn uniform(mut state: u64) -> impl FnMut() -> f32 {
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 24) as f32
        }
    }

    fn counted(deciles: &Deciles, values: impl Iterator<Item = f32>) -> Vec<u64> {
        let mut counts = vec![0; deciles.shares.len()];
        values.for_each(|value| counts[deciles.bin(value)] += 1);
        counts
    }

    #[test]
    fn deciles_hold_a_tenth_each_and_missing_values_apart() {
        let values: Vec<f32> =
            (0..1_000).map(|i| if i % 10 == 9 { f32::NAN } else { i as f32 }).collect();
        let deciles = deciles(&values);
        assert_eq!((deciles.edges.len(), deciles.shares.len()), (9, 11));
        assert!(
            deciles.shares[..10].iter().all(|share| (share - 0.09).abs() < 2e-3),
            "{:?}",
            deciles.shares
        );
        assert!((deciles.shares[10] - 0.1).abs() < 1e-6);
        let tied = super::deciles(&[vec![0.0; 70], vec![1.0; 30]].concat());
        assert_eq!((tied.edges, tied.shares), (vec![0.0], vec![0.7, 0.3, 0.0]));
        assert_eq!(super::deciles(&[f32::NAN]).shares, [0.0, 1.0]);
    }

    #[test]
    fn the_noise_level_is_passed_once_in_a_hundred_by_traffic_that_did_not_change() {
        let mut next = uniform(1);
        let (then, now, runs) = (2_000, 500, 2_000);
        let mut above = 0;
        for _ in 0..runs {
            let deciles = deciles(&(0..then).map(|_| next()).collect::<Vec<_>>());
            let counts = counted(&deciles, (0..now).map(|_| next()));
            above += u32::from(psi(&deciles, &counts).unwrap() > noise(10, then, now, 2.326_348));
        }
        assert!((5..=45).contains(&above), "{above} of {runs}");
    }

    #[test]
    fn traffic_that_moved_is_above_alarm_and_noise() {
        let deciles = deciles(&(0..2_000).map(|i| i as f32 / 2_000.0).collect::<Vec<_>>());
        let counts = counted(&deciles, (0..500).map(|i| i as f32 / 500.0 + 0.2));
        let psi = psi(&deciles, &counts).unwrap();
        assert!(psi > PSI_ALARM && psi > noise(10, 2_000, 500, ONCE_IN_100_000), "{psi}");
        assert_eq!(super::psi(&deciles, &[1, 2]), None);
        assert_eq!(super::psi(&deciles, &[0; 11]), None);
    }

    #[test]
    fn the_share_above_the_limit_is_of_all_who_were_seen() {
        let seen = Seen { compared: 30, above_limit: 10 };
        assert_eq!((seen.all(), seen.share_above_limit()), (40, 0.25));
        assert_eq!(Seen::default().share_above_limit(), 0.0);
    }

    #[test]
    fn a_median_lies_within_its_bin() {
        let values: Vec<f32> = (0..1_000).map(|i| i as f32 / 1_000.0).collect();
        let deciles = deciles(&values);
        assert!((median(&deciles.edges, &deciles.shares).unwrap() - 0.5).abs() < 0.01);
        let later = counted(&deciles, values.iter().map(|value| value * 0.5 + 0.4))
            .iter()
            .map(|&n| n as f32 / 1e3)
            .collect::<Vec<_>>();
        assert!((median(&deciles.edges, &later).unwrap() - 0.65).abs() < 0.02);
        assert_eq!(median(&[1.0], &[0.2, 0.2, 0.6]), None);
        assert_eq!(median(&[1.0], &[0.9, 0.1, 0.0]), Some(1.0), "below the only edge");
        assert_eq!(median(&[], &[1.0, 0.0]), None, "there is no edge to tell a value from");
    }
}
