//! One crawl over 50,000 addresses.
//!
//! The addresses are rented exits on private connections. Each sends ten requests at most, seconds
//! to minutes apart, with a browser's user agent, and does not come again that day. Together they
//! copy the catalogue ten times over. One visitor here is one address. A detector that judges a
//! client by its behaviour has only one to ten requests, spread like those of people.

use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A crawl rented out over 50,000 private addresses, one \
    to ten requests from each, seconds to \
     minutes apart. Hardly anything to judge a client by. Expected: mostly undetected, whoever \
     looks; shown as it is.";

/// The most requests from one address.
pub(in crate::sim) const REQUESTS_MAX: usize = 10;

/// One address of it.
#[derive(Debug)]
pub(in crate::sim) struct BotnetScraper {
    requests_left: u32,
    gap_s: f64,
    /// The list page that it begins with, if any, as people do who look around.
    list: Option<String>,
}

impl BotnetScraper {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (requests_left, gap_s) = match tempo {
            Tempo::Day => (1 + dice.below(REQUESTS_MAX) as u32, dice.log_between(3.0, 600.0)),
            Tempo::Live => (u32::MAX, dice.between(1.0, 3.0)),
        };
        let shelf = usize::from(site.catalogue().draw_category(dice));
        let list =
            dice.chance(0.3).then(|| format!("/c/{}", site.catalogue().categories()[shelf].slug));
        Self { requests_left, gap_s, list }
    }
}

impl Behave for BotnetScraper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.requests_left -= 1;
        let target = self.list.take().unwrap_or_else(|| {
            // The coordinator of the crawl hands out products; to one address they look random.
            let products = turn.site.catalogue().products();
            format!("/p/{}", products[turn.dice.below(products.len())].id)
        });
        turn.get(target, None);
        turn.pause(self.gap_s, 0.9);
        true
    }
}
