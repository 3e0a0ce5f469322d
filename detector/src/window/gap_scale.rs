//! The logarithmic scales on which a window keeps the gaps between pages.

use crate::fixed_point::{LOG_BITS, log2};

/// Half-octave bins of the day's histogram: from 1 s to 18 h and above.
pub const SLOW_BINS: usize = 32;
/// Added to every gap between pages before its logarithm is taken: 50 ms.
///
/// Below that, gaps vary with how busy machines are and not with what anybody does. On a
/// logarithmic scale they would vary as widely as a person's gaps.
pub const BLUR_US: u64 = 50_000;

/// A gap as the ring keeps it: `log₂((gap + 50 ms)/1 ms)` in 1/2048 octaves.
pub(super) fn ring_gap(gap_us: u64) -> u16 {
    u16::try_from(log2_ms(gap_us.saturating_add(BLUR_US))).unwrap_or(u16::MAX)
}

/// The bin of the day's histogram that a gap falls in: half octaves of gap + 1 ms, from 2¹⁰ ms.
pub(super) fn slow_bin(gap_us: u64) -> usize {
    let half_octaves = log2_ms(gap_us.saturating_add(1_000)) >> (LOG_BITS - 1);
    (half_octaves as usize).saturating_sub(2 * 10).min(SLOW_BINS - 1)
}

/// log₂ of a time in ms, given in µs, of 1,000 µs or more.
fn log2_ms(micros: u64) -> u32 {
    /// log₂(1000) in 1/2048 octaves.
    const LOG2_1000: u32 = 20_410;
    log2(micros).saturating_sub(LOG2_1000)
}
