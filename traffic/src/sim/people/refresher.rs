//! People who wait for a product to come back or a sale to begin, and reload one page until then.
//!
//! No other people are so similar to a poller: one URL, at gaps of seconds, for minutes. They
//! differ from it by uneven gaps, a key pressed twice, and a look at another product.

use super::browser::Browser;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person who reloads one product until it is back in \
    stock. One URL again \
     and again at uneven gaps: the nearest a person comes to a poller. Expected: not blocked, \
     seldom limited.";

/// One person who waits.
#[derive(Debug)]
pub(in crate::sim) struct Refresher {
    browser: Browser,
    target: Option<String>,
    /// Median time between two reloads.
    gap_s: f64,
    sigma: f64,
    reloads_left: u32,
}

impl Refresher {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            target: None,
            gap_s: dice.log_between(2.0, 40.0),
            sigma: dice.between(0.4, 1.0),
            reloads_left: if tempo == Tempo::Day {
                dice.lognormal(14.0, 0.7).clamp(4.0, 120.0) as u32
            } else {
                u32::MAX
            },
        }
    }
}

impl Behave for Refresher {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.reloads_left == 0 {
            return false;
        }
        self.reloads_left -= 1;
        let target = match &self.target {
            Some(target) => target.clone(),
            None => {
                self.browser.arrive(turn.dice);
                // Everybody waits for one of a few products.
                let featured = turn.site.featured();
                let id = featured
                    .get(turn.dice.below(featured.len().min(3)))
                    .copied()
                    .unwrap_or_default();
                self.target.insert(format!("/p/{id}")).clone()
            }
        };
        self.browser.open(turn, &target);
        if turn.dice.chance(0.08) {
            // The key was pressed twice.
            turn.pause(0.2, 0.4);
            self.browser.open(turn, &target);
        }
        if turn.dice.chance(0.06) {
            // A look at another product.
            turn.pause(4.0, 0.8);
            let id = turn.site.catalogue().draw(turn.dice);
            self.browser.open(turn, &format!("/p/{id}"));
        }
        if turn.dice.chance(0.05) {
            turn.pause(2.0, 0.5);
            let id = target.trim_start_matches("/p/").to_owned();
            self.browser.submit(turn, "/cart/add", format!("id={id}&quantity=1"));
        }
        turn.pause(self.gap_s, self.sigma);
        true
    }
}
