//! People who come back: several sessions, hours or a day apart.
//!
//! Each session is an ordinary visit. A detector that keeps its state sees one client with many
//! pages over a day; one that forgets sees a new client each time.

use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A buyer with up to six sessions over a day, hours \
    apart. The long \
     silences must neither wipe out nor add up suspicion. Expected: never refused.";

/// One person with several sessions.
#[derive(Debug)]
pub(in crate::sim) struct ReturningShopper {
    tempo: Tempo,
    session: Shopper,
    sessions_left: u32,
    /// Median time between two sessions.
    away_s: f64,
}

const HOUR_S: f64 = 3_600.0;

impl ReturningShopper {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            tempo,
            session: Shopper::new(tempo, dice),
            sessions_left: 1 + dice.below(5) as u32,
            away_s: dice.log_between(0.5 * HOUR_S, 20.0 * HOUR_S),
        }
    }
}

impl Behave for ReturningShopper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.session.act(turn) {
            return true;
        }
        if self.sessions_left == 0 {
            return false;
        }
        self.sessions_left -= 1;
        turn.pause(self.away_s, 0.7);
        self.session = Shopper::new(self.tempo, turn.dice);
        true
    }
}
