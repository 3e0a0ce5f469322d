//! How clock-like the gaps between page requests are.
//!
//! Over the last k ≤ 32 gaps, all missing below 3. Gaps come from the window as logarithms, in which "within 10 %"
//! is a plain difference, so that all but the mean and spread in seconds is integer work. About 400 ns.

use crate::fixed::{OCTAVE, exp2};
use crate::window::{GAPS, Window};

/// Features of this family.
pub const COUNT: usize = 8;
/// Fewer gaps than this say nothing.
pub const GAPS_MIN: usize = 3;

/// log₂ 1.1 and −log₂ 0.9 in 1/2048 octaves: "the same gap" is within ten per cent.
const SAME_ABOVE: i32 = 282;
const SAME_BELOW: i32 = 311;
/// 0.22 octaves: "the same gap as L steps ago" is within ±16 %.
const SIMILAR: i32 = 450;
/// Longest repeating schedule looked for.
const LAGS: usize = 8;
/// Half-octave bins; all gaps below 50 ms fall in the first.
const BIN_SHIFT: u32 = OCTAVE.trailing_zeros() - 1;
const FIRST_BIN: u32 = (5 * OCTAVE + OCTAVE / 2) >> BIN_SHIFT;
const BINS: usize = 64;

/// `gap_cv`, `gap_burstiness`, `gap_median` (s), `gap_mad`, `gap_consistency`, `gap_log_sd`, `gap_entropy`,
/// `gap_self_similarity`.
pub fn measure(window: &Window, out: &mut [f32]) {
    let (gaps, count) = window.gaps();
    if count < GAPS_MIN {
        return;
    }
    let gaps = &gaps[..count];
    let mut seconds = [0.0_f32; GAPS];
    for (second, &gap) in seconds.iter_mut().zip(gaps) {
        *second = (exp2(u32::from(gap)) - 1.0) / 1_000.0;
    }
    let mut sorted = [0_u16; GAPS];
    sorted[..count].copy_from_slice(gaps);
    let sorted = &mut sorted[..count];
    sorted.sort_unstable();

    let cv = coefficient_of_variation(&seconds[..count]);
    out[0] = cv;
    out[1] = burstiness(cv, count);
    let median = sorted[count / 2];
    let median_s = (exp2(u32::from(median)) - 1.0) / 1_000.0;
    out[2] = median_s;
    out[3] = median_deviation(&seconds[..count], median_s);
    out[4] = consistency(sorted);
    out[5] = log_deviation(gaps);
    out[6] = entropy(gaps);
    out[7] = self_similarity(gaps);
}

/// sd(g)/mean(g); 0 when all pages came at once.
fn coefficient_of_variation(seconds: &[f32]) -> f32 {
    let count = seconds.len() as f32;
    let mean = seconds.iter().sum::<f32>() / count;
    let variance = seconds.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f32>() / count;
    if mean > 0.0 { variance.sqrt() / mean } else { 0.0 }
}

/// Kim & Jo 2016 (Phys. Rev. E 94, 032311), equation 28: burstiness that can be compared across k. −1 clock, 0 Poisson, 1 bursts.
fn burstiness(cv: f32, gaps: usize) -> f32 {
    let k = gaps as f32;
    let (up, down) = ((k + 1.0).sqrt(), (k - 1.0).sqrt());
    (up * cv - down) / ((up - 2.0) * cv + down)
}

/// med|g − med| / med; 0 when the median is 0.
fn median_deviation(seconds: &[f32], median_s: f32) -> f32 {
    let mut deviations = [0.0_f32; GAPS];
    for (deviation, gap) in deviations.iter_mut().zip(seconds) {
        *deviation = (gap - median_s).abs();
    }
    let deviations = &mut deviations[..seconds.len()];
    let middle = seconds.len() / 2;
    let (_, median, _) = deviations.select_nth_unstable_by(middle, f32::total_cmp);
    if median_s > 0.0 { *median / median_s } else { 0.0 }
}

/// The largest share of gaps within 10 % of the first quartile, the median or the third quartile.
fn consistency(sorted: &[u16]) -> f32 {
    let count = sorted.len();
    let near = |centre: u16| {
        let centre = i32::from(centre);
        let same = sorted.iter().filter(|&&gap| (-SAME_BELOW..=SAME_ABOVE).contains(&(i32::from(gap) - centre)));
        same.count()
    };
    let most = near(sorted[count / 4]).max(near(sorted[count / 2])).max(near(sorted[count * 3 / 4]));
    most as f32 / count as f32
}

/// sd(log₂(1 ms + g)), in octaves.
fn log_deviation(gaps: &[u16]) -> f32 {
    let count = gaps.len() as u64;
    let sum: u64 = gaps.iter().map(|&gap| u64::from(gap)).sum();
    let squares: u64 = gaps.iter().map(|&gap| u64::from(gap) * u64::from(gap)).sum();
    // Exact in integers: count · squares ≥ sum².
    ((count * squares - sum * sum) as f32).sqrt() / (count as f32 * OCTAVE as f32)
}

/// Entropy over half-octave bins from 50 ms, over log₂ k: 0 all gaps alike, 1 all in different bins.
fn entropy(gaps: &[u16]) -> f32 {
    let mut bins = [0_u8; BINS];
    for &gap in gaps {
        let bin = (u32::from(gap) >> BIN_SHIFT).saturating_sub(FIRST_BIN) as usize;
        bins[bin.min(BINS - 1)] += 1;
    }
    super::uniqueness::entropy(bins.into_iter().filter(|&count| count > 0).map(u32::from), gaps.len())
}

/// The largest share, over lags 1..8, of gaps that resemble the one so many steps before.
fn self_similarity(gaps: &[u16]) -> f32 {
    let mut best = 0.0_f32;
    for lag in 1..=LAGS.min(gaps.len() / 2) {
        let pairs = gaps.len() - lag;
        let similar = (0..pairs).filter(|&i| (i32::from(gaps[i + lag]) - i32::from(gaps[i])).abs() < SIMILAR).count();
        best = best.max(similar as f32 / pairs as f32);
    }
    best
}

#[cfg(test)]
mod tests {
    use crate::features::tests::measured;

    fn pages(gaps: &[f64]) -> Vec<(f64, u16, u16)> {
        let mut at = 1_000.0;
        let mut pages = vec![(at, 1, 0)];
        for gap in gaps {
            at += gap;
            pages.push((at, 1, 0));
        }
        pages
    }

    fn check(gaps: &[f64], name: &str, expect: f64) {
        let value = f64::from(measured(&pages(gaps), name));
        assert!(
            (value - expect).abs() < 0.005 + expect.abs() * 0.001,
            "{name} of {gaps:?} is {value}, expected {expect}"
        );
    }

    #[test]
    fn a_clock_is_a_clock() {
        let clock = [60.0; 20];
        check(&clock, "gap_cv", 0.0);
        check(&clock, "gap_burstiness", -1.0);
        check(&clock, "gap_median", 60.0);
        check(&clock, "gap_mad", 0.0);
        check(&clock, "gap_consistency", 1.0);
        check(&clock, "gap_log_sd", 0.0);
        check(&clock, "gap_entropy", 0.0);
        check(&clock, "gap_self_similarity", 1.0);
    }

    #[test]
    fn the_formulas_agree_with_slow_ones() {
        let gaps = [0.5, 3.0, 1.0, 12.0, 40.0, 2.2, 0.9];
        let mean = gaps.iter().sum::<f64>() / 7.0;
        let cv = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 7.0).sqrt() / mean;
        check(&gaps, "gap_cv", cv);
        let (up, down) = (8_f64.sqrt(), 6_f64.sqrt());
        check(&gaps, "gap_burstiness", (up * cv - down) / ((up - 2.0) * cv + down));
        check(&gaps, "gap_median", 2.2);
        check(&gaps, "gap_mad", 1.3 / 2.2);
        let logs = gaps.map(|gap| (gap * 1_000.0 + 1.0).log2());
        let log_mean = logs.iter().sum::<f64>() / 7.0;
        check(&gaps, "gap_log_sd", (logs.iter().map(|log| (log - log_mean).powi(2)).sum::<f64>() / 7.0).sqrt());
    }

    #[test]
    fn alternating_gaps_repeat_at_lag_two() {
        let alternating: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 1.0 } else { 30.0 }).collect();
        check(&alternating, "gap_self_similarity", 1.0);
        check(&alternating, "gap_consistency", 0.5);
        check(&alternating, "gap_entropy", 1.0 / 20_f64.log2());
    }

    #[test]
    fn pages_that_all_come_at_once_are_finite() {
        for name in ["gap_cv", "gap_burstiness", "gap_median", "gap_mad", "gap_consistency", "gap_entropy"] {
            assert!(measured(&pages(&[0.0; 10]), name).is_finite(), "{name}");
        }
    }

    #[test]
    fn two_gaps_say_nothing() {
        assert!(measured(&pages(&[1.0, 1.0]), "gap_cv").is_nan());
        assert!(!measured(&pages(&[1.0, 1.0, 1.0]), "gap_cv").is_nan());
    }
}
