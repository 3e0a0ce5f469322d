//! One crawl over 50,000 addresses.
//!
//! Rented exits of private connections: each address makes ten requests at most, minutes apart, in
//! a browser's name, and is not seen again that day; together they copy the catalogue ten times
//! over. One visitor here is one address. Whatever judges a client by what it does has between one
//! and ten requests to go by, and they are spread as people spread theirs.

use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// Shown beside its figures.
pub(in crate::sim) const REASONING: &str = "A crawl rented out over 50,000 private addresses, one \
    to ten requests from each, seconds to \
     minutes apart. Hardly anything to judge a client by. Expected: mostly undetected, whoever \
     looks; shown as it is.";

/// Requests from one address, at most.
pub(in crate::sim) const REQUESTS_MAX: usize = 10;

/// One address of it.
#[derive(Debug)]
pub(in crate::sim) struct BotnetScraper {
    requests_left: u32,
    gap_s: f64,
    /// Begins at a list, as somebody who looks around.
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
            // What the coordinator hands out next is any product, seen from one address.
            let products = turn.site.catalogue().products();
            format!("/p/{}", products[turn.dice.below(products.len())].id)
        });
        turn.get(target, None);
        turn.pause(self.gap_s, 0.9);
        true
    }
}
