//! People with the shop's app: API calls only.
//!
//! No page, no picture (those come from a CDN), no referer, and a client that calls itself by the
//! app's name. On its own the app asks for the home screen's parts when it comes to the front, a
//! product's reviews and recommendations, and, as long as it is open, every half minute or so
//! whether there is news: a clock inside a person's visit.

use super::browser::Front;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// Shown beside its figures.
pub(in crate::sim) const REASONING: &str = "A person with the shop's app: JSON calls only, no \
    page, picture or referer, \
     and a call for news every 15 to 60 s by the clock while it is open. Expected: never refused.";

/// One person.
#[derive(Debug)]
pub(in crate::sim) struct MobileApp {
    shopping: Shopper,
    /// Seconds between two calls for news; every app build has its own.
    news_s: f64,
    /// Without a touch for so long the telephone goes dark, and the app asks for nothing.
    dark_after_s: f64,
    next_news_us: Option<u64>,
}

impl MobileApp {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            shopping: Shopper::new(tempo, dice).before(Front::App),
            news_s: dice.pick(&[15.0, 30.0, 30.0, 60.0]),
            dark_after_s: dice.pick(&[30.0, 60.0, 120.0]),
            next_news_us: None,
        }
    }
}

impl Behave for MobileApp {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.next_news_us.is_none() {
            // To the front: a session, the home screen's parts.
            for target in
                ["/api/v1/account", "/api/v1/home", "/api/v1/featured", "/api/v1/notifications"]
            {
                turn.get(target.to_owned(), None);
                turn.pause(0.04, 0.5);
            }
        }
        let from_us = turn.now_us();
        let goes_on = self.shopping.act(turn);
        let until_us = turn.now_us().min(from_us + (self.dark_after_s * 1e6) as u64);
        let news_us = (self.news_s * 1e6) as u64;
        let mut next_us = self.next_news_us.unwrap_or(from_us + news_us);
        while next_us <= until_us {
            turn.get_at(next_us, "/api/v1/notifications".to_owned());
            next_us += news_us;
        }
        // Woken up, it waits its time again.
        self.next_news_us =
            Some(if next_us < turn.now_us() { turn.now_us() + news_us } else { next_us });
        goes_on
    }
}
