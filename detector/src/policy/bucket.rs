//! The token bucket of a limited client, as one timestamp.
//!
//! The generic cell rate algorithm (ITU-T I.371): instead of the tokens, the bucket keeps the time
//! at which it will be full again. A page moves that time on by one interval. So no rounding adds
//! up, and a client whose rate falls owes what it has taken, at the new rate.

use crate::time::Timestamp;

/// A rate of pages, with how many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// Microseconds from one page to the next.
    pub(super) interval_us: u64,
    /// What a full bucket holds, in microseconds of that rate; one interval at least.
    pub(super) burst_us: u64,
}

/// A minute in microseconds.
const MINUTE_US: u64 = 60_000_000;

impl Rate {
    /// So many pages a minute, so many of them at once; both at least 1.
    pub(super) fn new(pages_per_min: u32, burst_pages: u32) -> Self {
        let interval_us = MINUTE_US / u64::from(pages_per_min.max(1));
        Self { interval_us, burst_us: interval_us * u64::from(burst_pages.max(1)) }
    }

    /// This rate so many times over, with the same pages at once.
    pub(super) fn times(self, times: u32) -> Self {
        let times = u64::from(times.max(1));
        Self { interval_us: self.interval_us / times, burst_us: self.burst_us / times }
    }

    /// One of so many equal parts of this rate, and of its pages at once.
    pub(super) fn part(self, parts: u32) -> Self {
        let interval_us = self.interval_us * u64::from(parts.max(1));
        Self { interval_us, burst_us: self.burst_us.max(interval_us) }
    }
}

/// Takes one page from a bucket that is full at `full_at`.
///
/// # Errors
/// The microseconds until there is a page, when there is none; nothing is taken then.
pub(super) fn take(full_at: &mut Timestamp, rate: Rate, at: Timestamp) -> Result<(), u64> {
    // After a change of rate a bucket may be further from full than an empty one: then it is empty.
    *full_at = (*full_at).min(at.plus_micros(rate.burst_us));
    let owes_us = full_at.micros_since(at) + rate.interval_us;
    if owes_us > rate.burst_us {
        return Err(owes_us - rate.burst_us);
    }
    *full_at = at.plus_micros(owes_us);
    Ok(())
}
