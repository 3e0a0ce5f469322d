//! The population stability index, what it is by chance, and medians of binned values.

use crate::model::Deciles;

/// A shift with a PSI above this raises an alarm if it is above the noise as well. 0.1 is the
/// custom of the industry.
pub const PSI_ALARM: f64 = 0.1;
/// The standard normal quantile that is exceeded by chance once in 100,000 comparisons. Daily
/// comparisons of all features and the score make about a thousand in a month.
pub const ONCE_IN_100_000: f64 = 4.264_891;

/// PSI of the counts `now`, by bin ([`Deciles::bin`]), against the shares `then`. `None` when there
/// is nothing to compare or the numbers of bins differ.
///
/// Half an observation is added to every bin, so that an empty bin does not make it infinite.
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

/// The PSI that chance alone makes of two samples of unchanged traffic, of `then` and `now`
/// clients.
///
/// It is exceeded with the probability that belongs to this standard normal `quantile`. `bins` is
/// the number of bins without those that are empty in both samples.
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

/// The median of binned values, of which the last share is missing. Values are taken to be spread
/// evenly within a bin. Outside of the edges the nearest edge is returned. `None` when half or more
/// is missing.
pub(super) fn median(edges: &[f32], shares: &[f32]) -> Option<f32> {
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
