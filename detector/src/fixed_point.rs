//! Logarithm, power and exponential decay in fixed-point integers.
//!
//! Windows hold integers only, so that every machine that replays a log gets the same verdicts.
//! Logarithms have 11 fractional bits, so that a gap of up to 49 days fits 16 bits. One step is
//! 0.034 %.

/// Fractional bits of a logarithm.
pub const LOG_BITS: u32 = 11;
/// One octave.
pub const OCTAVE: u32 = 1 << LOG_BITS;

const STEPS: usize = 256;
/// log₂(1 + i/256) with 16 fractional bits.
static LOG2: [u32; STEPS + 1] = log2_table();
/// 2^(i/256) with 31 fractional bits.
static EXP2: [u64; STEPS + 1] = exp2_table();

/// log₂ of `x` ≥ 1 with [`LOG_BITS`] fractional bits; 0 for 0. Error below one step.
pub fn log2(x: u64) -> u32 {
    if x <= 1 {
        return 0;
    }
    let exponent = 63 - x.leading_zeros();
    // The 40 bits below the leading one: 8 index the table, 16 interpolate.
    let mantissa = if exponent >= 24 {
        (x >> (exponent - 24)) & 0xff_ffff
    } else {
        (x << (24 - exponent)) & 0xff_ffff
    };
    let index = (mantissa >> 16) as usize;
    let between = (mantissa & 0xffff) as u32;
    let fraction = LOG2[index] + (((LOG2[index + 1] - LOG2[index]) * between) >> 16);
    (exponent << LOG_BITS) + (fraction >> (16 - LOG_BITS))
}

/// 2^(q/2048) as a float: the inverse of [`log2`].
pub fn exp2(q: u32) -> f32 {
    let exponent = i32::try_from(q >> LOG_BITS).unwrap_or(i32::MAX).min(126);
    // Exact: both factors and their product are representable.
    exp2_mantissa(q & (OCTAVE - 1)) * f32::from_bits(((127 + exponent) as u32) << 23)
}

/// 2^(f/2048) as a float, for 0 ≤ f ≤ 2048.
pub const fn exp2_mantissa(f: u32) -> f32 {
    exp2_fraction(f) as f32 / (1_u64 << 31) as f32
}

/// `value · 2^(−ticks/2048)`, rounded down.
pub fn decay(value: u32, ticks: u64) -> u32 {
    let octaves = ticks >> LOG_BITS;
    if octaves >= 32 {
        return 0;
    }
    let fraction = (ticks & u64::from(OCTAVE - 1)) as u32;
    // 2^(−f) = 2^(1−f) / 2, so that the table of 2^x, 0 ≤ x ≤ 1, serves both directions.
    let factor = exp2_fraction(OCTAVE - fraction) >> 1;
    ((u64::from(value) * factor) >> 31 >> octaves) as u32
}

/// 2^(f/2048) with 31 fractional bits, for 0 ≤ f ≤ 2048.
const fn exp2_fraction(f: u32) -> u64 {
    let index = (f >> 3) as usize;
    let between = (f & 7) as u64;
    if between == 0 {
        EXP2[index]
    } else {
        EXP2[index] + (((EXP2[index + 1] - EXP2[index]) * between) >> 3)
    }
}

const fn log2_table() -> [u32; STEPS + 1] {
    let mut table = [0; STEPS + 1];
    let mut i = 0;
    while i <= STEPS {
        // Bit by bit: squaring doubles the logarithm (Knuth, TAOCP 1.2.2, exercise 25).
        let mut x: u128 = ((STEPS + i) as u128) << (60 - 8);
        let mut bits = 0_u32;
        let mut result = 0_u32;
        if i == STEPS {
            table[i] = 1 << 16;
            break;
        }
        while bits < 16 {
            x = (x * x) >> 60;
            result <<= 1;
            if x >= 2 << 60 {
                x >>= 1;
                result |= 1;
            }
            bits += 1;
        }
        table[i] = result;
        i += 1;
    }
    table
}

const fn exp2_table() -> [u64; STEPS + 1] {
    // 2^(1/256) by eight square roots of 2, with 60 fractional bits.
    let mut root: u128 = 2 << 60;
    let mut halvings = 0;
    while halvings < 8 {
        root = (root << 60).isqrt();
        halvings += 1;
    }
    let mut table = [0; STEPS + 1];
    let mut x: u128 = 1 << 60;
    let mut i = 0;
    while i <= STEPS {
        table[i] = ((x + (1 << 28)) >> 29) as u64;
        x = (x * root) >> 60;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log2_is_within_a_step_of_the_real_one() {
        for x in (1..5_000_u64).chain((1..500).map(|i| i * 7_919_333_777)) {
            let real = (x as f64).log2() * f64::from(OCTAVE);
            assert!(
                (f64::from(log2(x)) - real).abs() <= 1.1,
                "log2({x}) = {} instead of {real}",
                log2(x)
            );
        }
    }

    #[test]
    fn exp2_undoes_log2() {
        for q in 0..u32::from(u16::MAX) {
            let real = (f64::from(q) / f64::from(OCTAVE)).exp2();
            assert!((f64::from(exp2(q)) / real - 1.0).abs() < 1e-5, "exp2({q})");
        }
    }

    #[test]
    fn decay_follows_the_half_life() {
        assert_eq!(decay(1 << 20, 0), 1 << 20);
        assert_eq!(decay(1 << 20, 2048), 1 << 19);
        assert_eq!(decay(u32::MAX, 2048 * 40), 0);
        for ticks in 0..20_000_u64 {
            let real = 1e9 * (-(ticks as f64) / 2048.0).exp2();
            assert!(
                (f64::from(decay(1_000_000_000, ticks)) - real).abs() <= real * 1e-4 + 2.0,
                "{ticks}"
            );
        }
    }
}
