//! Programs that hold goods in carts and never buy them.
//!
//! A reseller or a rival puts the scarce products into a cart, as many as it takes, and again
//! before the reservation ends, for hours. Each round is some POSTs and a look at the cart. Nothing
//! is ever paid for.

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Puts three to fifteen scarce products into a cart, \
    again every 5 to 20 minutes before the reservation ends, for hours, and never buys. Expected: \
    detected, mostly, within some rounds.";

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct CartHoarder {
    pace: Pace,
    ids: Vec<u32>,
    /// Seconds from round to round.
    hold_s: f64,
    looks: bool,
    visits: bool,
    rounds_left: u32,
}

impl CartHoarder {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, hold_s, rounds_left) = match tempo {
            Tempo::Day => (
                dice.log_between(0.5, 8.0),
                dice.between(300.0, 1_200.0),
                dice.lognormal(20.0, 0.6).clamp(6.0, 90.0) as u32,
            ),
            Tempo::Live => (dice.between(0.3, 0.6), 2.0, u32::MAX),
        };
        let ids = (0..3 + dice.below(13)).map(|_| site.catalogue().draw(dice)).collect();
        let pace = if dice.chance(0.5) {
            Pace::lognormal(gap_s, dice)
        } else {
            Pace::regular(gap_s, dice)
        };
        Self { pace, ids, hold_s, looks: dice.chance(0.7), visits: dice.chance(0.4), rounds_left }
    }
}

impl Behave for CartHoarder {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.rounds_left == 0 {
            return false;
        }
        self.rounds_left -= 1;
        for number in 0..self.ids.len() {
            let id = self.ids[number];
            if self.visits {
                turn.get(format!("/p/{id}"), None);
                self.pace.wait(turn);
            }
            turn.post("/cart/add", format!("id={id}&quantity=1"), None);
            self.pace.wait(turn);
        }
        if self.looks {
            turn.get("/cart".to_owned(), None);
        }
        turn.pause(self.hold_s, 0.05);
        true
    }
}
