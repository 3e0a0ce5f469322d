//! People with a wish list, who look at a few products every few hours, and perhaps at a category.
//!
//! They request a few pages again and again, as pollers do, but at a person's pace and with a
//! browser's cache and pictures. The program that does this is
//! [`super::super::bots::price_monitor`].

use super::browser::{Browser, Thinking};
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person who reloads two to seven bookmarks every few \
    hours. Few distinct \
     URLs, as with a stock poller, but a person's pace within a round. Expected: never refused.";

/// One person with a wish list.
#[derive(Debug)]
pub(in crate::sim) struct PriceWatcher {
    browser: Browser,
    thinking: Thinking,
    wishes: Vec<String>,
    visits_left: u32,
    away_s: f64,
}

const HOUR_S: f64 = 3_600.0;

impl PriceWatcher {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            thinking: Thinking::new(tempo, dice),
            wishes: Vec::new(),
            visits_left: if tempo == Tempo::Day { 2 + dice.below(9) as u32 } else { u32::MAX },
            // Between every 1.5 hours and once a day.
            away_s: dice.log_between(1.5 * HOUR_S, 24.0 * HOUR_S),
        }
    }
}

impl Behave for PriceWatcher {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.visits_left == 0 {
            return false;
        }
        self.visits_left -= 1;
        if self.wishes.is_empty() {
            let catalogue = turn.site.catalogue();
            let number = 2 + turn.dice.below(5);
            self.wishes =
                (0..number).map(|_| format!("/p/{}", catalogue.draw(turn.dice))).collect();
            if turn.dice.chance(0.4) {
                let slug =
                    catalogue.categories()[usize::from(catalogue.draw_category(turn.dice))].slug;
                self.wishes.push(format!("/c/{slug}?sort=price"));
            }
        }
        for at in 0..self.wishes.len() {
            // Some wishes are left out.
            if turn.dice.chance(0.85) {
                self.browser.open(turn, &self.wishes[at]);
                self.thinking.pause(turn);
            }
        }
        turn.pause(self.away_s, 0.3);
        true
    }
}
