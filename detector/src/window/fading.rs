//! Counts that fade exponentially: `s ← s·e^(−Δ/τ) + 1` at each request.
//!
//! A steady client of λ requests a second settles at λ·τ. Counts are integers in units of
//! 1/[`ONE`], and time passes in whole ticks since the epoch, so that many short steps fade as much
//! as one long step.

use crate::fixed_point::decay;
use crate::time::Timestamp;

/// Time constants of the fading counts, in seconds. The features' names carry the same numbers.
pub const TAU_S: [u64; 2] = [60, 600];
/// Fixed-point one of a fading count.
pub const ONE: u32 = 1024;

/// Microseconds in which a count with time constant τ falls by 1/2048 octave: τ · ln 2 / 2048.
const TICK_US: [u64; 2] = [20_307, 203_070];

/// All fading counts of a window, in units of 1/[`ONE`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FadingCounts {
    /// Page requests, τ = 60 s and 600 s.
    pub pages: [u32; 2],
    /// All requests, τ = 60 s and 600 s.
    pub requests: [u32; 2],
    /// Outcomes of pages and assets, τ = 600 s.
    pub outcomes: u32,
    /// Outcomes with a status of 4xx, τ = 600 s.
    pub errors: u32,
    /// Outcomes with status 404, τ = 600 s.
    pub not_found: u32,
    /// Requests that write (`POST`, `PUT`, `PATCH`, `DELETE`), τ = 600 s.
    pub writes: u32,
}

impl FadingCounts {
    /// Lets time pass from `from` to `to`, both truncated to the model's time step.
    pub(super) fn fade(&mut self, from: Timestamp, to: Timestamp) {
        let fast = ticks::<{ TICK_US[0] }>(from, to);
        let slow = ticks::<{ TICK_US[1] }>(from, to);
        if fast > 0 {
            self.pages[0] = decay(self.pages[0], fast);
            self.requests[0] = decay(self.requests[0], fast);
        }
        if slow > 0 {
            for count in [
                &mut self.pages[1],
                &mut self.requests[1],
                &mut self.outcomes,
                &mut self.errors,
                &mut self.not_found,
                &mut self.writes,
            ] {
                *count = decay(*count, slow);
            }
        }
    }

    /// Counts a page request.
    pub(super) fn add_page(&mut self) {
        self.pages.iter_mut().for_each(add_one);
    }

    /// Counts a request of any kind.
    pub(super) fn add_request(&mut self, is_write: bool) {
        self.requests.iter_mut().for_each(add_one);
        if is_write {
            add_one(&mut self.writes);
        }
    }

    /// Counts how a request ended.
    pub(super) fn add_outcome(&mut self, status: u16) {
        add_one(&mut self.outcomes);
        if (400..500).contains(&status) {
            add_one(&mut self.errors);
        }
        if status == 404 {
            add_one(&mut self.not_found);
        }
    }
}

/// How many ticks of `TICK_US` µs, counted from the epoch, end after `from` and not after `to`.
fn ticks<const TICK_US: u64>(from: Timestamp, to: Timestamp) -> u64 {
    let tick = |at: Timestamp| at.as_micros().div_euclid(TICK_US as i64);
    u64::try_from(tick(to).saturating_sub(tick(from))).unwrap_or(0)
}

fn add_one(count: &mut u32) {
    *count = count.saturating_add(ONE);
}
