//! The shop's own: a health check at an even beat. It looks like a poller, and is welcome.

use super::dice::Dice;
use super::pace::Pace;
use super::visit::{Behave, Tempo, Turn};

/// One checker.
#[derive(Debug)]
pub(super) struct HealthChecker {
    pace: Pace,
    target: &'static str,
}

impl HealthChecker {
    pub(super) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let gap_s = if tempo == Tempo::Day { dice.pick(&[10.0, 15.0, 30.0, 60.0]) } else { dice.between(2.0, 5.0) };
        Self { pace: Pace::fixed(gap_s, dice), target: dice.pick(&["/", "/login", "/search?q=tea"]) }
    }
}

impl Behave for HealthChecker {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        turn.get(self.target.to_owned(), None);
        self.pace.wait(turn);
        true
    }
}
