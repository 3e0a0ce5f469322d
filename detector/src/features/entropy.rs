//! Entropy over small counts, without a floating-point logarithm.

/// Entropy −Σ p·log₂ p over counts c that sum to `total` ≥ 2, divided by log₂ total. 0 means all
/// alike and 1 all different, both exactly. `weighted` is Σ c·log₂ c in units of [`LOG2`].
pub(super) fn entropy_of(weighted: u32, total: usize) -> f32 {
    // Σ (c/n)·log₂(n/c) / log₂ n = (n·log₂ n − Σ c·log₂ c) / (n·log₂ n)
    let most = total as u32 * LOG2[total];
    most.saturating_sub(weighted) as f32 / most as f32
}

/// Counts in the table [`LOG2`]: all that a ring or a bin of a histogram can hold.
const COUNTS: usize = 256;

/// log₂ c for each count c, with 20 fractional bits; 0 for 0.
pub(super) static LOG2: [u32; COUNTS] = {
    let mut table = [0; COUNTS];
    let mut count = 2;
    while count < COUNTS {
        table[count] = log2(count as u64);
        count += 1;
    }
    table
};

/// log₂ at compile time, with 20 fractional bits.
const fn log2(count: u64) -> u32 {
    let exponent = 63 - count.leading_zeros();
    let mut x: u128 = (count as u128) << (60 - exponent);
    let mut bits = 0;
    let mut fraction = 0_u32;
    while bits < 20 {
        x = (x * x) >> 60;
        fraction <<= 1;
        if x >= 2 << 60 {
            x >>= 1;
            fraction |= 1;
        }
        bits += 1;
    }
    (exponent << 20) + fraction
}
