//! People who read.
//!
//! They read each product for minutes, and so send few requests an hour. A very slow scraper looks
//! like this. So a rule that adds up a whole day must not refuse a client that is neither fast nor
//! causes errors.

use super::browser::{Browser, Thinking};
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person who reads a few products for one to ten \
    minutes each, an hour or two \
     in all: as slow as a trickling scraper, and as few repeats. Expected: never refused.";

/// One person who reads.
#[derive(Debug)]
pub(in crate::sim) struct SlowReader {
    browser: Browser,
    thinking: Thinking,
    /// Median time for a product.
    reading_s: f64,
    open: Option<u32>,
    products_left: u32,
}

impl SlowReader {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let is_day = tempo == Tempo::Day;
        Self {
            browser: Browser::new(dice),
            thinking: Thinking::new(tempo, dice),
            reading_s: if is_day { dice.log_between(60.0, 300.0) } else { dice.between(4.0, 8.0) },
            open: None,
            products_left: if is_day {
                dice.lognormal(10.0, 0.5).clamp(4.0, 40.0) as u32
            } else {
                u32::MAX
            },
        }
    }
}

impl Behave for SlowReader {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.products_left == 0 {
            return false;
        }
        self.products_left -= 1;
        if self.open.is_none() {
            self.browser.arrive(turn.dice);
        }
        let related = self.open.map(|id| turn.site.related(id)).unwrap_or_default();
        let id = match related.as_slice() {
            [_, ..] if turn.dice.chance(0.5) => turn.dice.pick(&related),
            _ => {
                let catalogue = turn.site.catalogue();
                let slug =
                    catalogue.categories()[usize::from(catalogue.draw_category(turn.dice))].slug;
                if turn.dice.chance(0.5) {
                    self.browser.open(turn, &format!("/c/{slug}"));
                    self.thinking.pause(turn);
                }
                turn.site.catalogue().draw(turn.dice)
            }
        };
        self.open = Some(id);
        self.browser.open(turn, &format!("/p/{id}"));
        // The person reads, looks at a picture, and reads on.
        for number in 2..2 + turn.dice.below(5) as u8 {
            turn.pause(self.reading_s / 4.0, 0.8);
            self.browser.look_at_picture(turn, id, number);
        }
        turn.pause(self.reading_s, 0.7);
        true
    }
}
