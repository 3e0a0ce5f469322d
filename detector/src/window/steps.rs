//! The steps of a client's visit.
//!
//! A **step** is what one act of somebody caused: a click, and the calls that the page then makes
//! by itself. An app opens with a burst of calls that is the same for people and programs, so ten
//! pages within a second say no more about who is asking than one page does. What a client shows
//! grows with its steps.
//!
//! A page begins a new step after [`SILENCE_US`] without a page, or [`SPAN_US`] after the step
//! began, or when the step has [`PAGES`] pages already, so that a flood makes steps as well.

use super::FORGET_US;

/// A silence that ends a step: two seconds in µs.
pub const SILENCE_US: u64 = 2_000_000;
/// The longest step: four seconds in µs.
pub const SPAN_US: u64 = 4_000_000;
/// Pages of a step at most. The front end of a shop opens with about ten calls.
pub const PAGES: u8 = 12;

/// Microseconds of one unit of [`Steps::elapsed`].
const UNIT_US: u64 = 20_000;

const _: () = assert!(SPAN_US / UNIT_US <= u8::MAX as u64);

/// Where a client is in its visit. 2 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Since the step began, in units of 20 ms. Each gap is rounded down; of very short gaps a step
    /// has no more than [`PAGES`].
    elapsed: u8,
    /// The lower four bits are the pages of the step, the upper four the steps so far, 15 at most.
    counts: u8,
}

impl Steps {
    /// Before the first page.
    pub const NONE: Self = Self { elapsed: 0, counts: 0 };

    /// Steps so far, the present one included; 15 at most.
    pub const fn count(self) -> u8 {
        self.counts >> 4
    }

    const fn pages(self) -> u8 {
        self.counts & 0x0f
    }

    /// Takes a page in that comes so many µs after the page before, if there was one.
    /// After a day of silence the steps begin anew, as the window does.
    pub fn page(&mut self, silence_us: u64) {
        if silence_us > FORGET_US {
            *self = Self::NONE;
        }
        let elapsed = (silence_us / UNIT_US).saturating_add(u64::from(self.elapsed));
        let begins = self.pages() == 0
            || self.pages() >= PAGES
            || silence_us >= SILENCE_US
            || elapsed >= SPAN_US / UNIT_US;
        let (count, pages) = if begins {
            self.elapsed = 0;
            ((self.count() + 1).min(0x0f), 1)
        } else {
            self.elapsed = elapsed as u8;
            (self.count(), self.pages() + 1)
        };
        self.counts = count << 4 | pages;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(gaps_us: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let mut steps = Steps::NONE;
        steps.page(0);
        let mut counts = vec![steps.count()];
        counts.extend(gaps_us.into_iter().map(|gap_us| {
            steps.page(gap_us);
            steps.count()
        }));
        counts
    }

    #[test]
    fn a_burst_is_one_step_and_a_silence_ends_it() {
        assert_eq!(steps([1_000; 9]), [1; 10]);
        assert_eq!(steps([1_000, 2_000_000, 1_000, 1_999_999]), [1, 1, 2, 2, 2]);
        assert_eq!(steps([FORGET_US, FORGET_US + 1, 3_000_000]), [1, 2, 1, 2]);
        assert_eq!(steps([u64::MAX]), [1, 1]);
    }

    #[test]
    fn a_step_lasts_four_seconds_at_most() {
        assert_eq!(steps([1_000_000; 8]), [1, 1, 1, 1, 2, 2, 2, 2, 3]);
    }

    #[test]
    fn a_flood_makes_a_step_of_every_twelve_pages() {
        let counts = steps([100; 40]);
        assert_eq!(counts[..12], [1; 12]);
        assert_eq!(counts[12..24], [2; 12]);
        assert_eq!(counts[24..36], [3; 12]);
    }

    #[test]
    fn the_count_stops_at_fifteen() {
        assert_eq!(steps([3_000_000; 40]).last(), Some(&15));
    }
}
