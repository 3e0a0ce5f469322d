//! Programs that put sold-out products into a cart, again and again, until one stays there. Each
//! try is a POST and a look at the cart.

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Puts sold-out products into a cart until one stays \
    there: a POST and a look at the cart, every \
     1 to 120 s. Expected: detected, mostly.";

/// One cart poller.
#[derive(Debug)]
pub(in crate::sim) struct CartPoller {
    pace: Pace,
    ids: Vec<u32>,
    next: usize,
    looks: bool,
    requests_left: u32,
}

impl CartPoller {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, requests_left) = match tempo {
            Tempo::Day => (
                dice.log_between(1.0, 120.0),
                dice.lognormal(200.0, 0.8).clamp(20.0, 1_500.0) as u32,
            ),
            Tempo::Live => (dice.between(0.8, 1.5), u32::MAX),
        };
        let ids = (0..1 + dice.below(3)).map(|_| site.catalogue().draw(dice)).collect();
        let pace =
            if dice.chance(0.3) { Pace::fixed(gap_s, dice) } else { Pace::regular(gap_s, dice) };
        Self { pace, ids, next: 0, looks: dice.chance(0.7), requests_left }
    }
}

impl Behave for CartPoller {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.requests_left -= 1;
        turn.post(
            "/cart/add",
            format!("id={}&quantity=1", self.ids[self.next % self.ids.len()]),
            None,
        );
        self.next += 1;
        if self.looks {
            turn.pause(0.1, 0.3);
            turn.get("/cart".to_owned(), None);
        }
        self.pace.wait(turn);
        true
    }
}
