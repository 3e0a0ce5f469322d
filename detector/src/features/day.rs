//! How clock-like a client is over a day. This finds clients that are too slow for the ring of
//! gaps, such as brute force every 522 s among other traffic, or a poller every hour.
//!
//! Measured over a histogram of about a day's gaps in half octaves; missing below 3 gaps. About 40
//! ns.

use super::entropy::LOG2;
use super::periodicity::GAPS_MIN;
use super::set::FeatureSet;
use crate::window::{SLOW_BINS, Window};

/// Features of this family.
pub const COUNT: usize = 2;
/// The entropy is divided by log₂ of the number of gaps, or of this number if there are more gaps.
const BINS_MAX: u32 = 24;

/// `slow_beat`: the largest share of the day's gaps in two neighbouring half octaves.
/// `slow_entropy`: entropy over the half octaves, divided by log₂ min(gaps, 24).
pub fn measure(window: &Window, wanted: FeatureSet, out: &mut [f32]) {
    let slow = window.slow();
    let total: u32 = slow.iter().map(|&count| u32::from(count)).sum();
    if total < GAPS_MIN as u32 {
        return;
    }
    if wanted.has(0) {
        let pairs = slow.windows(2).map(|pair| u16::from(pair[0]) + u16::from(pair[1]));
        out[0] = f32::from(pairs.max().unwrap_or(0)) / total as f32;
    }
    if wanted.has(1) {
        out[1] = entropy(slow, total);
    }
}

fn entropy(slow: &[u8; SLOW_BINS], total: u32) -> f32 {
    // Σ (c/n)·log₂(n/c) = log₂ n − Σ c·log₂ c / n
    let weighted: u32 =
        slow.iter().map(|&count| (u32::from(count) * LOG2[usize::from(count)]) >> 8).sum();
    let bits = (total as f32).log2() - weighted as f32 / (total as f32 * 4096.0);
    (bits / (total.min(BINS_MAX) as f32).log2()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use crate::features::tests::measured;

    fn pages(gaps: impl IntoIterator<Item = f64>) -> Vec<(f64, u16, u16)> {
        let mut at = 1_000.0;
        let mut pages = vec![(at, 1, 0)];
        for gap in gaps {
            at += gap;
            pages.push((at, 1, 0));
        }
        pages
    }

    #[test]
    fn a_beat_every_few_minutes_shows_over_the_day() {
        for period in [284.0, 522.0, 1_468.0, 3_620.0] {
            let beat: Vec<f64> =
                (0..23).map(|i| period * (1.0 + 0.02 * f64::from(i % 3))).collect();
            assert!(measured(&pages(beat.iter().copied()), "slow_beat") > 0.99, "{period}");
            assert!(measured(&pages(beat), "slow_entropy") < 0.35, "{period}");
        }
    }

    #[test]
    fn a_person_who_comes_and_goes_has_none() {
        let gaps = [3.0, 20.0, 7.0, 90.0, 8_000.0, 12.0, 45.0, 2.0, 30_000.0, 200.0, 5.0, 1_100.0];
        assert!(measured(&pages(gaps), "slow_beat") < 0.4);
        assert!(measured(&pages(gaps), "slow_entropy") > 0.8);
    }

    #[test]
    fn entropy_agrees_with_the_definition() {
        // Half octaves of 1 ms + gap: these four lie in four bins.
        let gaps = [2.0, 2.0, 2.0, 8.0, 8.0, 100.0, 4_000.0, 4_000.0];
        let shares = [3.0, 2.0, 1.0, 2.0].map(|count: f64| count / 8.0);
        let expect = shares.iter().map(|share| -share * share.log2()).sum::<f64>() / 3.0;
        assert!((f64::from(measured(&pages(gaps), "slow_entropy")) - expect).abs() < 0.001);
    }

    #[test]
    fn two_gaps_say_nothing() {
        assert!(measured(&pages([1.0, 1.0]), "slow_beat").is_nan());
    }
}
