//! Has traffic changed since the model was trained? The population stability index against the model's own deciles.
//!
//! PSI = Σ (q − p) · ln(q / p) over bins, p then and q now. Without drift it is not 0: N clients then and M now make it
//! about χ² with B − 1 degrees of freedom, times 1/N + 1/M (Yurdakul 2018). An alarm wants it above 0.1 **and** above that
//! noise.

use detector::Features;
use detector::features::COUNT;
use detector::model::{Deciles, Reference, Scorer};

use crate::samples::Sample;

/// PSI above which a shift is called one, where it is above the noise as well: the industry's custom.
pub const PSI_ALARM: f64 = 0.1;

/// Deciles of every feature and of the score over these rows; `None` without any.
pub fn reference(samples: &[Sample], scorer: &Scorer) -> Option<Reference> {
    if samples.is_empty() {
        return None;
    }
    let clients: std::collections::BTreeSet<_> = samples.iter().map(|sample| (sample.site, sample.client)).collect();
    let column = |of: &dyn Fn(&Features) -> f32| deciles(samples.iter().map(|sample| of(&sample.features)).collect());
    Some(Reference {
        clients: clients.len() as u64,
        rows: samples.len() as u64,
        features: (0..COUNT).map(|feature| column(&|features| features.0[feature])).collect(),
        score: column(&|features| scorer.margin(features)),
    })
}

/// Edges at the deciles of what is known, and the share of all values in each bin; ties make fewer.
fn deciles(values: Vec<f32>) -> Deciles {
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
    deciles.shares = counts.iter().map(|&count| (count as f64 / values.len() as f64) as f32).collect();
    deciles
}

/// PSI of counts by bin ([`Deciles::bin`]) against the shares then; `None` when there is nothing to compare, or the
/// bins are not those.
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

/// PSI that `then` and `now` clients of the same traffic stay below in 99 of 100 comparisons. Bins that were empty and
/// are empty do not count: pass the number of the others.
pub fn noise(bins: usize, then: u64, now: u64) -> f64 {
    if bins < 2 || then == 0 || now == 0 {
        return 0.0;
    }
    // Wilson & Hilferty 1931: the 99 % quantile of χ² with `free` degrees of freedom.
    let free = (bins - 1) as f64;
    let spread = 2.0 / (9.0 * free);
    let quantile = free * (1.0 - spread + 2.326_348 * spread.sqrt()).powi(3);
    quantile * (1.0 / then as f64 + 1.0 / now as f64)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn counted(deciles: &Deciles, values: impl Iterator<Item = f32>) -> Vec<u64> {
        let mut counts = vec![0; deciles.shares.len()];
        values.for_each(|value| counts[deciles.bin(value)] += 1);
        counts
    }

    #[test]
    fn deciles_hold_a_tenth_each_and_missing_values_apart() {
        let values: Vec<f32> = (0..1_000).map(|i| if i % 10 == 9 { f32::NAN } else { i as f32 }).collect();
        let deciles = deciles(values);
        assert_eq!((deciles.edges.len(), deciles.shares.len()), (9, 11));
        assert!(deciles.shares[..10].iter().all(|share| (share - 0.09).abs() < 2e-3), "{:?}", deciles.shares);
        assert!((deciles.shares[10] - 0.1).abs() < 1e-6);
        let tied = super::deciles([vec![0.0; 70], vec![1.0; 30]].concat());
        assert_eq!((tied.edges, tied.shares), (vec![0.0], vec![0.7, 0.3, 0.0]));
        assert_eq!(super::deciles(vec![f32::NAN]).shares, [0.0, 1.0]);
    }

    #[test]
    fn the_noise_level_is_passed_once_in_a_hundred_by_traffic_that_did_not_change() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let (then, now, runs) = (2_000, 500, 2_000);
        let mut above = 0;
        for _ in 0..runs {
            let deciles = deciles((0..then).map(|_| rng.gen_range(0.0..1.0)).collect());
            let counts = counted(&deciles, (0..now).map(|_| rng.gen_range(0.0..1.0)));
            above += u32::from(psi(&deciles, &counts).unwrap() > noise(10, then, now));
        }
        assert!((5..=45).contains(&above), "{above} of {runs}");
    }

    #[test]
    fn traffic_that_moved_is_above_alarm_and_noise() {
        let deciles = deciles((0..2_000).map(|i| i as f32 / 2_000.0).collect());
        let counts = counted(&deciles, (0..500).map(|i| i as f32 / 500.0 + 0.2));
        let psi = psi(&deciles, &counts).unwrap();
        assert!(psi > PSI_ALARM && psi > noise(10, 2_000, 500), "{psi}");
        assert_eq!(super::psi(&deciles, &[1, 2]), None);
        assert_eq!(super::psi(&deciles, &[0; 11]), None);
    }
}
