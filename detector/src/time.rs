//! Time, which is always an argument: this crate never reads a clock.
//!
//! A [`Timestamp`] is integer microseconds since the Unix epoch. Live requests, last year's log and
//! a simulation use the same type, so the detector cannot tell them apart.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch; saturates.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Microseconds from `earlier` to `self`; 0 when `earlier` is later.
    pub const fn micros_since(self, earlier: Self) -> u64 {
        let micros = self.0.saturating_sub(earlier.0);
        if micros < 0 { 0 } else { micros.unsigned_abs() }
    }

    /// `self` plus `micros`; saturates.
    pub const fn plus_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_add_unsigned(micros))
    }

    /// `self` plus whole seconds; saturates.
    pub const fn plus_secs(self, secs: u64) -> Self {
        self.plus_micros(secs.saturating_mul(1_000_000))
    }

    /// Rounded down to a multiple of `resolution_us` microseconds (0 and 1 leave it as it is).
    ///
    /// A model trained on a log with whole seconds must see live time in whole seconds, too.
    pub const fn truncate(self, resolution_us: u32) -> Self {
        // Dividing by a constant is many times faster.
        Self(match resolution_us {
            0 | 1 => self.0,
            1_000 => self.0 - self.0.rem_euclid(1_000),
            1_000_000 => self.0 - self.0.rem_euclid(1_000_000),
            other => self.0 - self.0.rem_euclid(other as i64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_rounds_down_also_before_the_epoch() {
        let check = |at, resolution_us, expect| {
            assert_eq!(
                Timestamp::from_micros(at).truncate(resolution_us),
                Timestamp::from_micros(expect)
            );
        };
        check(1_999_999, 1_000_000, 1_000_000);
        check(-1, 1_000_000, -1_000_000);
        check(1_234_567, 1_000, 1_234_000);
        check(1_234_567, 1, 1_234_567);
        check(1_234_567, 0, 1_234_567);
    }

    #[test]
    fn an_earlier_time_is_zero_microseconds_since() {
        assert_eq!(Timestamp::from_secs(1).micros_since(Timestamp::from_secs(2)), 0);
        assert_eq!(Timestamp::from_secs(2).micros_since(Timestamp::from_secs(1)), 1_000_000);
    }
}
