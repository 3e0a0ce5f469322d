//! How clock-like the gaps between page requests are.
//!
//! Measured over the last k ≤ 32 gaps; all features are missing below 3 gaps. About 350 ns.
//!
//! The window keeps gaps as logarithms of gap + 50 ms ([`BLUR_US`]). On that scale "within 10 %" is
//! a plain difference, so everything but the mean and spread in seconds is integer arithmetic. The
//! 50 ms are part of every comparison: pages that come as fast as a machine answers count as evenly
//! spaced, however busy the machine is. No branch depends on a gap, because a core mispredicts
//! every other branch on people's gaps, which would cost more than all the arithmetic.

use super::entropy::{LOG2, entropy_of};
use super::set::FeatureSet;
use crate::fixed_point::{LOG_BITS, OCTAVE, exp2_mantissa};
use crate::window::{BLUR_US, GAPS, Window};

/// Features of this family.
pub const COUNT: usize = 10;
/// With fewer gaps all features are missing.
pub const GAPS_MIN: usize = 3;

/// log₂ 1.1 and −log₂ 0.9 in 1/2048 octaves: two gaps within ten per cent count as equal.
const SAME_ABOVE: u16 = 282;
const SAME_BELOW: u16 = 311;
/// 0.22 octaves: a gap within ±16 % of that of L steps ago resembles it.
const SIMILAR: u16 = 450;
/// Gaps in which a page can be read, 2 s to 5 min, and gaps below 1.5 s, on the window's scale.
const THINK_FROM: u16 = 22_530;
const THINK_TO: u16 = 37_263;
const BURST_TO: u16 = 21_704;
/// The 50 ms of [`BLUR_US`], in ms and in seconds.
const BLUR_MS: f32 = BLUR_US as f32 / 1_000.0;
const BLUR_S: f32 = BLUR_US as f32 / 1_000_000.0;
/// Longest repeating schedule looked for.
const LAGS: usize = 8;
/// Half-octave bins for the entropy. All gaps below 78 ms fall into the first one.
const BIN_SHIFT: u32 = OCTAVE.trailing_zeros() - 1;
const FIRST_BIN: u32 = (6 * OCTAVE + OCTAVE / 2) >> BIN_SHIFT;
const BINS: usize = 64;
/// Sums of floats are split into this many partial sums, which do not wait for each other.
const STRANDS: usize = 8;
/// 0, 1, 2 and so on: to mask out the places beyond the count, many at a time. The compiler would
/// count a range one by one.
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
pub fn measure(window: &Window, wanted: FeatureSet, out: &mut [f32]) {
    let (gaps, count) = window.gaps();
    if count < GAPS_MIN {
        return;
    }
    // Spread, median and quartiles are computed on sorted gaps.
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

/// How many of the first `count` gaps fulfil the condition. All places are looked at, because a
/// loop of fixed length takes no branch.
fn how_many(gaps: &[u16; GAPS], count: usize, is: impl Fn(u16) -> bool) -> u16 {
    let mut how_many = 0;
    for (&gap, &place) in gaps.iter().zip(&PLACES) {
        how_many += u16::from(is(gap) & (place < count as u16));
    }
    how_many
}

/// The share of gaps from `from` up to but not including `to`.
fn share_within(gaps: &[u16; GAPS], count: usize, from: u16, to: u16) -> f32 {
    f32::from(how_many(gaps, count, |gap| (gap >= from) & (gap < to))) / count as f32
}

/// A gap in seconds: 2^(q/2048) ms less the 50 ms that were added, and never below 0. The power is
/// a product of two from tables, exact to 1 part in 2²³.
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

/// The first `count` gaps sorted, with zeros behind them.
///
/// Each gap is put at the index that is the number of smaller gaps. Equal gaps leave places open,
/// which are filled with the value before them.
fn sorted(gaps: &[u16; GAPS], count: usize) -> [u16; GAPS] {
    // Places beyond the count get the largest value, so that they are sorted to the end.
    let gaps: [u16; GAPS] = std::array::from_fn(|i| if i < count { gaps[i] } else { u16::MAX });
    // Signed, because SIMD instructions compare signed numbers.
    let keys = gaps.map(|gap| (gap ^ 0x8000) as i16);
    let mut ranks = [0_u16; GAPS];
    // As many at a time as fit one SIMD comparison.
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

/// sd(g) / (mean(g) + 50 ms) of the first `count` gaps, which have zeros behind them.
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

/// Burstiness that can be compared across k: equation 28 of Kim & Jo 2016 (Phys. Rev. E 94,
/// 032311). −1 is a clock, 0 a Poisson process, 1 bursts.
fn burstiness(cv: f32, gaps: usize) -> f32 {
    let k = gaps as f32;
    let (up, down) = ((k + 1.0).sqrt(), (k - 1.0).sqrt());
    (up * cv - down) / ((up - 2.0) * cv + down)
}

/// Median absolute deviation of sorted gaps: med|g − med| / (med + 50 ms).
///
/// The half of the gaps that is nearest to the median is a run of neighbours. Of each run of half
/// the gaps the farther end is taken; the least of these is the median deviation.
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

/// Entropy over half-octave bins of g + 50 ms, divided by log₂ k. 0 means that all gaps are in one
/// bin, 1 that all are in different bins.
fn entropy(gaps: &[u16]) -> f32 {
    let bin =
        |gap: u16| ((u32::from(gap) >> BIN_SHIFT).saturating_sub(FIRST_BIN) as usize).min(BINS - 1);
    let mut bins = [0_u8; BINS];
    for &gap in gaps {
        bins[bin(gap)] += 1;
    }
    // A bin of c gaps adds c·log₂ c: log₂ c for each of its gaps.
    let weighted = gaps.iter().map(|&gap| LOG2[usize::from(bins[bin(gap)])]).sum();
    entropy_of(weighted, gaps.len())
}

/// The largest share, over lags 1 to 8, of gaps that resemble the gap so many steps before.
fn self_similarity(gaps: &[u16; GAPS], count: usize) -> f32 {
    let mut behind = [0; LAGS + GAPS];
    behind[LAGS..].copy_from_slice(gaps);
    let mut best = 0.0_f32;
    for lag in 1..=LAGS.min(count / 2) {
        let Some(before) = behind[LAGS - lag..].first_chunk::<GAPS>() else { break };
        let (from, to) = (lag as u16, count as u16);
        // A loop and not a sum over an iterator, which the compiler may leave a call of its own:
        // that cost 7 % of a verdict.
        let mut similar = 0_u16;
        for ((gap, before), &place) in gaps.iter().zip(before).zip(&PLACES) {
            similar +=
                u16::from((gap.abs_diff(*before) < SIMILAR) & (place >= from) & (place < to));
        }
        best = best.max(f32::from(similar) / (count - lag) as f32);
    }
    best
}

#[cfg(test)]
mod tests;
