//! People who press reload again and again, because a page is slow, a payment hangs, or a queue
//! does not move.
//!
//! A burst of five to forty reloads of one page, a second or two apart, then a click elsewhere, and
//! perhaps the next burst. [`super::refresher`] has patience; these have none.

use super::browser::Browser;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person who presses reload every second or two, \
    because a page is slow or a cart hangs: one URL at a poller's pace, for a minute. Expected: \
    not blocked, seldom limited.";

/// One person without patience.
#[derive(Debug)]
pub(in crate::sim) struct ImpatientReloader {
    browser: Browser,
    has_arrived: bool,
    /// Median time between two reloads.
    gap_s: f64,
    sigma: f64,
    bursts_left: u32,
}

impl ImpatientReloader {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            has_arrived: false,
            gap_s: dice.log_between(0.8, 3.0),
            sigma: dice.between(0.3, 0.7),
            bursts_left: if tempo == Tempo::Day { 1 + dice.below(3) as u32 } else { u32::MAX },
        }
    }
}

impl Behave for ImpatientReloader {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.bursts_left == 0 {
            return false;
        }
        self.bursts_left -= 1;
        if !self.has_arrived {
            self.browser.arrive(turn.dice);
            self.browser.open(turn, "/");
            turn.pause(8.0, 0.8);
            self.has_arrived = true;
        }
        for _ in 0..1 + turn.dice.below(4) {
            let id = turn.site.catalogue().draw(turn.dice);
            self.browser.open(turn, &format!("/p/{id}"));
            turn.pause(12.0, 0.8);
        }
        let id = turn.site.catalogue().draw(turn.dice);
        let target = match turn.dice.below(3) {
            0 => "/cart".to_owned(),
            1 => format!("/search?q={}", turn.site.search_word(turn.dice)),
            _ => format!("/p/{id}"),
        };
        for _ in 0..turn.dice.lognormal(12.0, 0.6).clamp(5.0, 40.0) as u32 {
            self.browser.open(turn, &target);
            turn.pause(self.gap_s, self.sigma);
        }
        turn.pause(60.0, 1.0);
        true
    }
}
