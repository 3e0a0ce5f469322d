//! The time of live events: it never steps, whatever happens to the wall clock.
//!
//! Windows are made of gaps. A wall clock that is set back three hours would make every client's
//! clock stand still for three hours, and one that is set forward would make every client return
//! after a long silence. So the time of events is the wall clock at the start plus a monotonic
//! clock, and where the two drift apart it is **slewed** towards the wall clock: it runs up to
//! [`SLEW_PPM`] faster or slower until they agree again.
//!
//! Five per cent changes a gap by less than the ±10 % that `gap_consistency` takes for equal, and
//! catches up three hours in two and a half days. (chrony, whose business this is, slews by up to
//! 8.3 %.) The event log has the time that was used, so a replay decides the same.
//!
//! A reading takes the monotonic clock alone, about 25 ns. Once a second [`Clock::tick`] compares.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use detector::Timestamp;

/// How much faster or slower than real the time of events may run, in parts per million.
pub const SLEW_PPM: i64 = 50_000;
/// Up to this difference the two clocks agree: the wall clock is read a moment after the other.
const AGREE_US: i64 = 1_000;
/// The rate is chosen so that what is left would be made good in this time: more than the second
/// between two looks, so that it is never overshot.
const CATCH_UP_S: i64 = 10;

/// Where a [`Clock`] reads the time. Tests have one of their own.
pub trait TimeSource: Send + Sync {
    /// Time since some fixed moment; never goes back and is set by nobody.
    fn monotonic(&self) -> Duration;
    /// What the machine takes for the time of day.
    fn wall(&self) -> SystemTime;
}

/// The machine's own clocks.
pub struct SystemTimeSource(Instant);

impl Default for SystemTimeSource {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl TimeSource for SystemTimeSource {
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// One reading: the time of an event, and the monotonic clock for measuring how long something
/// took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time of an event that happens now.
    pub at: Timestamp,
    monotonic: Duration,
}

impl Moment {
    /// Real time from an earlier moment to this one.
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic)
    }
}

/// The clock of a gate.
pub struct Clock {
    source: Box<dyn TimeSource>,
    segment: ArcSwap<Segment>,
}

/// A stretch of time that runs at one rate.
#[derive(Clone, Copy, Debug)]
struct Segment {
    from: Duration,
    at_us: i64,
    ppm: i64,
}

impl Segment {
    fn at_us(&self, monotonic: Duration) -> i64 {
        let passed = monotonic.saturating_sub(self.from);
        let passed_us = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        let slewed_us =
            passed_us / 1_000_000 * self.ppm + passed_us % 1_000_000 * self.ppm / 1_000_000;
        self.at_us.saturating_add(passed_us).saturating_add(slewed_us)
    }
}

impl Clock {
    /// A clock that begins at the source's wall clock.
    pub fn new(source: impl TimeSource + 'static) -> Self {
        let from = source.monotonic();
        let segment = Segment { from, at_us: wall_us(source.wall()), ppm: 0 };
        Self { source: Box::new(source), segment: ArcSwap::from_pointee(segment) }
    }

    /// The time now.
    pub fn now(&self) -> Moment {
        let monotonic = self.source.monotonic();
        let at = Timestamp::from_micros(self.segment.load().at_us(monotonic));
        Moment { at, monotonic }
    }

    /// How far the wall clock is ahead of the time of events, in µs; negative when it is behind.
    pub fn behind_wall_us(&self) -> i64 {
        let now_us = self.segment.load().at_us(self.source.monotonic());
        wall_us(self.source.wall()).saturating_sub(now_us)
    }

    /// Compares the two clocks and chooses the rate until the next look. To be called about once a
    /// second, by one caller. Returns the difference as [`Clock::behind_wall_us`].
    pub fn tick(&self) -> i64 {
        let from = self.source.monotonic();
        let segment = self.segment.load();
        let at_us = segment.at_us(from);
        let behind_us = wall_us(self.source.wall()).saturating_sub(at_us);
        let ppm = if behind_us.abs() <= AGREE_US {
            0
        } else {
            // µs a second are parts per million.
            (behind_us / CATCH_UP_S).clamp(-SLEW_PPM, SLEW_PPM)
        };
        if ppm != segment.ppm {
            // Begins where the last one is now, so the time itself has no step.
            self.segment.store(Arc::new(Segment { from, at_us, ppm }));
        }
        behind_us
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTimeSource::default())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("segment", &**self.segment.load()).finish_non_exhaustive()
    }
}

/// A wall clock before 1970 reads 1970: it is wrong either way, and the gate must not stop for it.
fn wall_us(wall: SystemTime) -> i64 {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A machine whose wall clock can be set.
    #[derive(Clone, Default)]
    struct Machine(Arc<[AtomicI64; 2]>);

    impl Machine {
        fn pass(&self, us: i64) {
            self.0.iter().for_each(|clock| _ = clock.fetch_add(us, Ordering::Relaxed));
        }

        fn set_wall_by(&self, us: i64) {
            self.0[1].fetch_add(us, Ordering::Relaxed);
        }
    }

    impl TimeSource for Machine {
        fn monotonic(&self) -> Duration {
            Duration::from_micros(self.0[0].load(Ordering::Relaxed) as u64)
        }

        fn wall(&self) -> SystemTime {
            let us = 1_795_219_200_000_000 + self.0[1].load(Ordering::Relaxed);
            UNIX_EPOCH + Duration::from_micros(us as u64)
        }
    }

    const HOUR_US: i64 = 3_600_000_000;

    #[test]
    fn a_step_of_the_wall_clock_changes_no_gap_by_more_than_the_slew() {
        for step_us in [3 * HOUR_US, -3 * HOUR_US, 1_500_000, -40_000] {
            let machine = Machine::default();
            let clock = Clock::new(machine.clone());
            let mut before = clock.now();
            for second in 0..2_000 {
                if second == 100 {
                    machine.set_wall_by(step_us);
                }
                clock.tick();
                machine.pass(1_000_000);
                let now = clock.now();
                let gap_us = now.at.as_micros() - before.at.as_micros();
                assert!(
                    (950_000..=1_050_000).contains(&gap_us),
                    "{step_us}: a second of {gap_us} µs"
                );
                assert_eq!(now.since(before), Duration::from_secs(1));
                before = now;
            }
        }
    }

    #[test]
    fn three_hours_are_made_good_in_two_and_a_half_days_and_not_overshot() {
        for step_us in [3 * HOUR_US, -3 * HOUR_US] {
            let machine = Machine::default();
            let clock = Clock::new(machine.clone());
            machine.set_wall_by(step_us);
            let seconds = (1..400_000).find(|_| {
                machine.pass(1_000_000);
                let behind_us = clock.tick();
                assert!(behind_us.signum() == step_us.signum() || behind_us.abs() <= AGREE_US);
                behind_us.abs() <= AGREE_US
            });
            let hours = seconds.unwrap() / 3_600;
            assert!((59..62).contains(&hours), "{hours} hours");
            machine.pass(50 * HOUR_US);
            assert!(clock.behind_wall_us().abs() <= 2 * AGREE_US);
        }
    }

    #[test]
    fn the_time_never_goes_back_whatever_the_wall_clock_does() {
        let machine = Machine::default();
        let clock = Clock::new(machine.clone());
        let (mut before, mut state) = (clock.now().at, 7_u64);
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match state >> 62 {
                0 => machine.set_wall_by((state >> 20) as i64 % HOUR_US - HOUR_US / 2),
                1 => _ = clock.tick(),
                _ => machine.pass((state >> 40) as i64 % 3_000_000),
            }
            let now = clock.now().at;
            assert!(now >= before);
            before = now;
        }
    }
}
