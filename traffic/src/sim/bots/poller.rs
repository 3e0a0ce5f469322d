//! Programs that watch the stock.
//!
//! Resellers want to know at once when a product is back. They request one to three products again
//! and again: about once a second in the demo, up to once a minute in a day's log. Some request
//! them one after another at even gaps, others all at once before they sleep. They use the product
//! page, or the stock call that the shop's own script uses.

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A reseller's stock check: one to three URLs, every 0.7 \
    to 60 s, in turn or in volleys. Few \
     URLs and a beat. Expected: detected at least 99 times in 100.";

/// One poller.
#[derive(Debug)]
pub(in crate::sim) struct Poller {
    pace: Pace,
    targets: Vec<String>,
    next: usize,
    /// Whether it requests all its URLs at once before it sleeps.
    in_volleys: bool,
    requests_left: u32,
}

impl Poller {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, requests_left) = match tempo {
            Tempo::Day => (
                dice.log_between(0.7, 60.0),
                dice.lognormal(250.0, 0.8).clamp(30.0, 1_500.0) as u32,
            ),
            Tempo::Live => (dice.between(0.8, 1.2), u32::MAX),
        };
        let asks_stock_call = dice.chance(0.4);
        let targets: Vec<String> = (0..1 + dice.below(3))
            .map(|_| {
                let id = site.catalogue().draw(dice);
                if asks_stock_call { format!("/api/stock/{id}?size=m") } else { format!("/p/{id}") }
            })
            .collect();
        Self {
            pace: Pace::regular(gap_s, dice),
            targets,
            next: 0,
            in_volleys: dice.chance(0.3),
            requests_left,
        }
    }

    fn ask(&mut self, turn: &mut Turn<'_>) {
        turn.get(self.targets[self.next].clone(), None);
        self.next = (self.next + 1) % self.targets.len();
        self.requests_left = self.requests_left.saturating_sub(1);
    }
}

impl Behave for Poller {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.ask(turn);
        while self.in_volleys && self.next != 0 {
            turn.pause(0.02, 0.4);
            self.ask(turn);
        }
        self.pace.wait(turn);
        true
    }
}
