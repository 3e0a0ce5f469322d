//! Says when the time of events is far from the wall clock, and what to do about it.
//!
//! The clock of events is slewed and never steps ([`crate::clock`]). So a gate that was started
//! before the machine knew the time (1970, before NTP has answered) would need centuries to catch
//! up, and its event log and its bans would carry that time all along.

use std::fmt;
use std::time::Duration;

use crate::clock::{Moment, SLEW_PPM};

/// From this difference on it is said, in µs: NTP keeps clocks within a second, and a minute is
/// made good in twenty.
const FAR_US: u64 = 60_000_000;
/// It is said again so often: catching up takes hours to years.
const SAY_EVERY: Duration = Duration::from_secs(3_600);

/// How far the wall clock is ahead of the time of events, in µs; negative when it is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockGap(i64);

impl ClockGap {
    /// The difference, if it is far enough to be said.
    pub fn far(behind_wall_us: i64) -> Option<Self> {
        (behind_wall_us.unsigned_abs() > FAR_US).then_some(Self(behind_wall_us))
    }
}

impl fmt::Display for ClockGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.0 > 0 { "ahead of" } else { "behind" };
        let gap_us = self.0.unsigned_abs();
        let catches_up_us = gap_us.saturating_mul(1_000_000 / SLEW_PPM.unsigned_abs());
        write!(
            f,
            "the wall clock is {} {direction} the time of events, which is never set and catches \
             up in {}. If the wall clock is right, restart the gate: it takes the time over at its \
             start.",
            Lasting(gap_us),
            Lasting(catches_up_us)
        )
    }
}

/// A time in the largest unit that it has two of.
struct Lasting(u64);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000;
        let units = [("years", 31_556_952), ("days", 86_400), ("hours", 3_600), ("minutes", 60)];
        let found = units.iter().find(|(_, length)| seconds >= 2 * length);
        let (unit, length) = found.unwrap_or(&("seconds", 1));
        write!(f, "{} {unit}", seconds / length)
    }
}

/// When it was last said.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch(Option<Moment>);

impl ClockWatch {
    /// What is to be said now, if anything.
    pub(crate) fn look(&mut self, behind_wall_us: i64, now: Moment) -> Option<ClockGap> {
        let Some(gap) = ClockGap::far(behind_wall_us) else {
            self.0 = None;
            return None;
        };
        let is_due = self.0.is_none_or(|said| now.since(said) >= SAY_EVERY);
        is_due.then(|| {
            self.0 = Some(now);
            gap
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_gate_that_was_started_in_1970_says_that_it_must_be_restarted() {
        let behind_us = 1_795_219_200_000_000;
        let text = ClockGap::far(behind_us).unwrap().to_string();
        let expect = "the wall clock is 56 years ahead of the time of events, which is never set \
                      and catches up in 1137 years. If";
        assert!(text.starts_with(expect), "{text}");
        let text = ClockGap::far(-3 * 3_600_000_000).unwrap().to_string();
        assert!(text.contains("is 3 hours behind the time of events"), "{text}");
        assert!(text.contains("catches up in 2 days."), "{text}");
        assert_eq!(ClockGap::far(59_000_000), None);
    }

    #[test]
    fn it_is_said_once_an_hour_and_at_once_when_it_comes_back() {
        let now = Clock::default().now();
        let mut watch = ClockWatch::default();
        assert!(watch.look(90_000_000, now).is_some());
        assert!(watch.look(90_000_000, now).is_none(), "it has just been said");
        assert!(watch.look(0, now).is_none());
        assert!(watch.look(-90_000_000, now).is_some());
    }
}
