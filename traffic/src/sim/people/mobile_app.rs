//! People with the shop's app, which makes API calls only.
//!
//! There are no pages, no pictures (they come from a CDN) and no referers, and the user agent is
//! the app's. The app itself requests the parts of the home screen when it is opened, and the
//! reviews and recommendations of a product. While it is open, it also asks for notifications every
//! 15 to 60 seconds. So there is a regular beat within a person's visit.

use super::browser::Front;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person with the shop's app: JSON calls only, no \
    page, picture or referer, \
     and a call for news every 15 to 60 s by the clock while it is open. Expected: never refused.";

/// One person.
#[derive(Debug)]
pub(in crate::sim) struct MobileApp {
    shopping: Shopper,
    /// Seconds between two requests for notifications; every version of the app has its own.
    news_s: f64,
    /// Seconds without a touch after which the screen turns off and the app requests nothing.
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
            // When it is opened, the app requests the account and the parts of the home screen.
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
        // After the screen was off, the next request for notifications comes a full period later.
        self.next_news_us =
            Some(if next_us < turn.now_us() { turn.now_us() + news_us } else { next_us });
        goes_on
    }
}
