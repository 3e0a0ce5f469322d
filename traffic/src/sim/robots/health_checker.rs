//! The shop's own health check. Its even gaps look like a poller's, but it is welcome.

use crate::sim::bots::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "An uptime monitor: one URL at a fixed period, all day. \
    To a detector a perfect poller, so an \
     operator allows it by address; shown without that. Expected: detected unless allowed.";

/// One checker.
#[derive(Debug)]
pub(in crate::sim) struct HealthChecker {
    pace: Pace,
    target: &'static str,
}

impl HealthChecker {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let gap_s = if tempo == Tempo::Day {
            dice.pick(&[10.0, 15.0, 30.0, 60.0])
        } else {
            dice.between(2.0, 5.0)
        };
        Self {
            pace: Pace::fixed(gap_s, dice),
            target: dice.pick(&["/", "/login", "/search?q=tea"]),
        }
    }
}

impl Behave for HealthChecker {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        turn.get(self.target.to_owned(), None);
        self.pace.wait(turn);
        true
    }
}
