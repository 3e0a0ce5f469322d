//! How clock-like the gaps between page requests are.
//!
//! Over the last k ≤ 32 gaps, all missing below 3. Gaps come from the window as logarithms of gap +
//! 50 ms ([`BLUR_US`]), in which "within 10 %" is a plain difference, so that all but the mean and
//! spread in seconds is integer work. The 50 ms are in every comparison of gaps: pages that come as
//! fast as a machine answers are alike, however busy it is in between. No branch depends on a gap:
//! a core guesses people's gaps wrong every other time, and that would cost more than all the
//! arithmetic. About 350 ns.

use super::Set;
use super::uniqueness::{LOG2, entropy_of};
use crate::fixed::{LOG_BITS, OCTAVE, exp2_mantissa};
use crate::window::{BLUR_US, GAPS, Window};

/// Features of this family.
pub const COUNT: usize = 10;
/// Fewer gaps than this say nothing.
pub const GAPS_MIN: usize = 3;

/// log₂ 1.1 and −log₂ 0.9 in 1/2048 octaves: "the same gap" is within ten per cent.
const SAME_ABOVE: u16 = 282;
const SAME_BELOW: u16 = 311;
/// 0.22 octaves: "the same gap as L steps ago" is within ±16 %.
const SIMILAR: u16 = 450;
/// Gaps in which a page is read, 2 s to 5 min, and gaps below 1.5 s, as the window has them.
const THINK_FROM: u16 = 22_530;
const THINK_TO: u16 = 37_263;
const BURST_TO: u16 = 21_704;
/// 50 ms, in ms and in seconds.
const BLUR_MS: f32 = BLUR_US as f32 / 1_000.0;
const BLUR_S: f32 = BLUR_US as f32 / 1_000_000.0;
/// Longest repeating schedule looked for.
const LAGS: usize = 8;
/// Half-octave bins; all gaps below 78 ms fall in the first.
const BIN_SHIFT: u32 = OCTAVE.trailing_zeros() - 1;
const FIRST_BIN: u32 = (6 * OCTAVE + OCTAVE / 2) >> BIN_SHIFT;
const BINS: usize = 64;
/// Sums of floats run in this many strands, which do not wait for each other.
const STRANDS: usize = 8;
/// 0, 1, 2 and so on: to tell what is there from what is not, many places at a time. A range would
/// be counted one by one.
static PLACES: [u16; GAPS] = {
    let mut places = [0; GAPS];
    let mut place = 0;
    while place < GAPS {
        places[place] = place as u16;
        place += 1;
    }
    places
};

/// `gap_cv`, `gap_burstiness`, `gap_median` (s), `gap_mad`, `gap_consistency`, `gap_log_sd`,
/// `gap_entropy`, `gap_self_similarity`, `think_share`, `burst_share`.
pub fn measure(window: &Window, wanted: Set, out: &mut [f32]) {
    let (gaps, count) = window.gaps();
    if count < GAPS_MIN {
        return;
    }
    // Spread, median and quartiles are of gaps in order.
    if wanted.has_any(5) {
        let sorted = sorted(&gaps, count);
        let mut seconds = [0.0_f32; GAPS];
        for (second, gap) in seconds.iter_mut().zip(sorted) {
            *second = seconds_of(gap);
        }
        let cv = coefficient_of_variation(&seconds, count);
        out[0] = cv;
        out[1] = burstiness(cv, count);
        out[2] = seconds[count / 2];
        if wanted.has(3) {
            out[3] = median_deviation(&seconds[..count]);
        }
        if wanted.has(4) {
            out[4] = consistency(&sorted, count);
        }
    }
    if wanted.has(5) {
        out[5] = log_deviation(&gaps[..count]);
    }
    if wanted.has(6) {
        out[6] = entropy(&gaps[..count]);
    }
    if wanted.has(7) {
        out[7] = self_similarity(&gaps, count);
    }
    if wanted.has(8) {
        out[8] = share_within(&gaps, count, THINK_FROM, THINK_TO);
    }
    if wanted.has(9) {
        out[9] = share_within(&gaps, count, 0, BURST_TO);
    }
}

/// How many of the first `count` are so. All places are looked at, because a fixed number of them
/// takes no branch.
fn how_many(gaps: &[u16; GAPS], count: usize, is: impl Fn(u16) -> bool) -> u16 {
    let places = gaps.iter().zip(&PLACES);
    places.map(|(&gap, &place)| u16::from(is(gap) & (place < count as u16))).sum()
}

/// The share of gaps from `from` up to but without `to`.
fn share_within(gaps: &[u16; GAPS], count: usize, from: u16, to: u16) -> f32 {
    f32::from(how_many(gaps, count, |gap| (gap >= from) & (gap < to))) / count as f32
}

/// 2^(q/2048) ms, less the 50 ms that were added, in seconds, never below 0: the product of two
/// powers from tables, to 1 part in 2²³.
fn seconds_of(gap: u16) -> f32 {
    const FINE_BITS: u32 = 5;
    const FINE: usize = 1 << FINE_BITS;
    const COARSE: usize = OCTAVE as usize / FINE;
    const fn powers<const N: usize>(step: u32) -> [f32; N] {
        let mut table = [0.0; N];
        let mut i = 0;
        while i < N {
            table[i] = exp2_mantissa(i as u32 * step);
            i += 1;
        }
        table
    }
    static FINE_POWERS: [f32; FINE] = powers(1);
    static COARSE_POWERS: [f32; COARSE] = powers(FINE as u32);
    let gap = u32::from(gap);
    let octave = f32::from_bits((127 + (gap >> LOG_BITS)) << 23);
    let coarse = COARSE_POWERS[(gap >> FINE_BITS) as usize % COARSE];
    (octave * coarse * FINE_POWERS[gap as usize % FINE] - BLUR_MS).max(0.0) / 1_000.0
}

/// The first `count` in order, zeros behind them: each goes where as many stand as are smaller, and
/// where equal ones left places open, what stands before them is repeated.
fn sorted(gaps: &[u16; GAPS], count: usize) -> [u16; GAPS] {
    // What is not there is as large as can be.
    let gaps: [u16; GAPS] = std::array::from_fn(|i| if i < count { gaps[i] } else { u16::MAX });
    // Signed, because a core compares many signed numbers at a time.
    let keys = gaps.map(|gap| (gap ^ 0x8000) as i16);
    let mut ranks = [0_u16; GAPS];
    // As many at a time as a core compares at once.
    for (ranks, others) in ranks.chunks_exact_mut(STRANDS).zip(keys.chunks_exact(STRANDS)) {
        let mut smaller = [0_u16; STRANDS];
        for key in keys {
            for (smaller, other) in smaller.iter_mut().zip(others) {
                *smaller += u16::from(key < *other);
            }
        }
        ranks.copy_from_slice(&smaller);
    }
    let mut sorted = [0; GAPS];
    for (gap, rank) in gaps.into_iter().zip(ranks) {
        sorted[usize::from(rank) % GAPS] = gap;
    }
    let mut last = 0;
    for (place, gap) in sorted.iter_mut().enumerate() {
        last = (*gap).max(last);
        *gap = if place < count { last } else { 0 };
    }
    sorted
}

/// sd(g) / (mean(g) + 50 ms) of the first `count`, zeros standing behind them.
fn coefficient_of_variation(seconds: &[f32; GAPS], count: usize) -> f32 {
    let of = count as f32;
    let mean = sum(seconds) / of;
    let mut squares = [0.0; GAPS];
    for (place, (square, gap)) in squares.iter_mut().zip(seconds).enumerate() {
        *square = if place < count { (gap - mean) * (gap - mean) } else { 0.0 };
    }
    let variance = sum(&squares) / of;
    variance.sqrt() / (mean + BLUR_S)
}

fn sum(values: &[f32; GAPS]) -> f32 {
    let mut strands = [0.0_f32; STRANDS];
    for values in values.chunks_exact(STRANDS) {
        for (strand, value) in strands.iter_mut().zip(values) {
            *strand += value;
        }
    }
    strands.iter().sum()
}

/// Kim & Jo 2016 (Phys. Rev. E 94, 032311), equation 28: burstiness that can be compared across k.
/// −1 clock, 0 Poisson, 1 bursts.
fn burstiness(cv: f32, gaps: usize) -> f32 {
    let k = gaps as f32;
    let (up, down) = ((k + 1.0).sqrt(), (k - 1.0).sqrt());
    (up * cv - down) / ((up - 2.0) * cv + down)
}

/// med|g − med| / (med + 50 ms) of sorted gaps.
///
/// The gaps nearest to the median stand around it, so their farthest is, of every run of half of
/// them, the end that is farther off, and of those the nearest.
fn median_deviation(seconds: &[f32]) -> f32 {
    let middle = seconds.len() / 2;
    let median = seconds[middle];
    let mut nearest = f32::INFINITY;
    for (low, high) in seconds.iter().zip(&seconds[middle..]) {
        let (below, above) = (median - low, high - median);
        let farther = if below > above { below } else { above };
        nearest = if farther < nearest { farther } else { nearest };
    }
    nearest / (median + BLUR_S)
}

/// The largest share of gaps within 10 % of the first quartile, the median or the third quartile.
fn consistency(sorted: &[u16; GAPS], count: usize) -> f32 {
    let near = |centre: u16| {
        let (from, to) = (centre.saturating_sub(SAME_BELOW), centre.saturating_add(SAME_ABOVE));
        how_many(sorted, count, |gap| (gap >= from) & (gap <= to))
    };
    let most =
        near(sorted[count / 4]).max(near(sorted[count / 2])).max(near(sorted[count * 3 / 4]));
    f32::from(most) / count as f32
}

/// sd(log₂(g + 50 ms)), in octaves.
fn log_deviation(gaps: &[u16]) -> f32 {
    let count = gaps.len() as u64;
    let sum: u64 = gaps.iter().map(|&gap| u64::from(gap)).sum();
    let squares: u64 = gaps.iter().map(|&gap| u64::from(gap) * u64::from(gap)).sum();
    // Exact in integers: count · squares ≥ sum².
    ((count * squares - sum * sum) as f32).sqrt() / (count as f32 * OCTAVE as f32)
}

/// Entropy over half-octave bins of g + 50 ms, over log₂ k: 0 all gaps alike, 1 all in different
/// bins.
fn entropy(gaps: &[u16]) -> f32 {
    let bin =
        |gap: u16| ((u32::from(gap) >> BIN_SHIFT).saturating_sub(FIRST_BIN) as usize).min(BINS - 1);
    let mut bins = [0_u8; BINS];
    for &gap in gaps {
        bins[bin(gap)] += 1;
    }
    // A bin of c gaps counts c times log₂ c: once for each of them.
    let weighted = gaps.iter().map(|&gap| LOG2[usize::from(bins[bin(gap)])]).sum();
    entropy_of(weighted, gaps.len())
}

/// The largest share, over lags 1..8, of gaps that resemble the one so many steps before.
fn self_similarity(gaps: &[u16; GAPS], count: usize) -> f32 {
    let mut behind = [0; LAGS + GAPS];
    behind[LAGS..].copy_from_slice(gaps);
    let mut best = 0.0_f32;
    for lag in 1..=LAGS.min(count / 2) {
        let Some(before) = behind[LAGS - lag..].first_chunk::<GAPS>() else { break };
        let (from, to) = (lag as u16, count as u16);
        let places = gaps.iter().zip(before).zip(&PLACES);
        let similar: u16 = places
            .map(|((gap, before), &place)| {
                u16::from((gap.abs_diff(*before) < SIMILAR) & (place >= from) & (place < to))
            })
            .sum();
        best = best.max(f32::from(similar) / (count - lag) as f32);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::GAPS;
    use crate::features::tests::measured;
    use crate::fixed::log2;

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
        let cv =
            (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 7.0).sqrt() / (mean + 0.05);
        check(&gaps, "gap_cv", cv);
        let (up, down) = (8_f64.sqrt(), 6_f64.sqrt());
        check(&gaps, "gap_burstiness", (up * cv - down) / ((up - 2.0) * cv + down));
        check(&gaps, "gap_median", 2.2);
        check(&gaps, "gap_mad", 1.3 / 2.25);
        let logs = gaps.map(|gap| (gap * 1_000.0 + 50.0).log2());
        let log_mean = logs.iter().sum::<f64>() / 7.0;
        check(
            &gaps,
            "gap_log_sd",
            (logs.iter().map(|log| (log - log_mean).powi(2)).sum::<f64>() / 7.0).sqrt(),
        );
    }

    /// Every number of gaps, with all kinds of ties, against the formulas as they are written.
    #[test]
    fn every_count_of_gaps_agrees_with_slow_formulas() {
        let mut state = 1_u64;
        for count in 3..80_usize {
            for kinds in [1, 3, 1_000] {
                let gaps: Vec<f64> = (0..count)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        ((state >> 40) % kinds) as f64 * 0.731 + 0.08
                    })
                    .collect();
                check_slowly(&gaps);
            }
        }
    }

    fn check_slowly(gaps: &[f64]) {
        let last = &gaps[gaps.len().saturating_sub(GAPS)..];
        let count = last.len() as f64;
        let mean = last.iter().sum::<f64>() / count;
        let cv = (last.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count).sqrt()
            / (mean + 0.05);
        check(gaps, "gap_cv", cv);
        let middle = |values: &mut Vec<f64>| {
            values.sort_unstable_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let median = middle(&mut last.to_vec());
        check(gaps, "gap_median", median);
        check(
            gaps,
            "gap_mad",
            middle(&mut last.iter().map(|gap| (gap - median).abs()).collect()) / (median + 0.05),
        );
        // In the window's steps, or what lies within a step of a bound would fall on either side.
        let log = |gap: f64| f64::from(log2((gap * 1e6).round() as u64 + 50_000) - 20_410) / 2048.0;
        let mut bins = std::collections::BTreeMap::new();
        for &gap in last {
            *bins.entry((log(gap) * 2.0).floor() as i64).or_insert(0.0) += 1.0 / count;
        }
        check(
            gaps,
            "gap_entropy",
            bins.values().map(|share: &f64| -share * share.log2()).sum::<f64>() / count.log2(),
        );
        let alike = |lag: usize| {
            let alike = last
                .windows(lag + 1)
                .filter(|run| (log(run[lag]) - log(run[0])).abs() < 450.0 / 2048.0);
            alike.count() as f64 / (last.len() - lag) as f64
        };
        check(
            gaps,
            "gap_self_similarity",
            (1..=8.min(last.len() / 2)).map(alike).fold(0.0, f64::max),
        );
        let mut sorted = last.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let near = |centre: usize| {
            let centre = log(sorted[centre]);
            let same = |gap: &&f64| (-311.0..=282.0).contains(&((log(**gap) - centre) * 2048.0));
            sorted.iter().filter(same).count()
        };
        let most = [last.len() / 4, last.len() / 2, last.len() * 3 / 4]
            .map(near)
            .into_iter()
            .max()
            .unwrap();
        check(gaps, "gap_consistency", most as f64 / count);
    }

    #[test]
    fn thinking_takes_two_seconds_to_five_minutes() {
        let gaps = [0.2, 1.4, 1.6, 1.99, 2.01, 30.0, 299.0, 301.0, 4_000.0, 5.0];
        check(&gaps, "think_share", 0.4);
        check(&gaps, "burst_share", 0.2);
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
        for name in
            ["gap_cv", "gap_burstiness", "gap_median", "gap_mad", "gap_consistency", "gap_entropy"]
        {
            assert!(measured(&pages(&[0.0; 10]), name).is_finite(), "{name}");
        }
    }

    #[test]
    fn what_a_busy_machine_makes_of_a_flood_is_a_clock_and_what_a_person_does_is_none() {
        let flood: Vec<f64> = (0..40_u32)
            .map(|i| if i % 7 < 2 { 0.002 + f64::from(i % 9) * 0.001 } else { 0.000_3 })
            .collect();
        assert!(measured(&pages(&flood), "gap_cv") < 0.1);
        assert!(measured(&pages(&flood), "gap_consistency") > 0.9);
        check(&flood, "gap_self_similarity", 1.0);
        check(&flood, "gap_entropy", 0.0);
        assert!(measured(&pages(&flood), "gap_log_sd") < 0.1);
        // A list whose products are fetched ahead, read for a while: the same flood between two
        // thoughts.
        let person: Vec<f64> =
            (0..40_u32).map(|i| if i % 12 == 11 { 9.0 + f64::from(i) } else { 0.015 }).collect();
        assert!(measured(&pages(&person), "gap_cv") > 2.0);
    }

    #[test]
    fn two_gaps_say_nothing() {
        assert!(measured(&pages(&[1.0, 1.0]), "gap_cv").is_nan());
        assert!(!measured(&pages(&[1.0, 1.0, 1.0]), "gap_cv").is_nan());
    }
}
