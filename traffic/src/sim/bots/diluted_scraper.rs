//! Scrapers that hide among a person's clicks: for every page that they really want, they make
//! eight clicks of a simulated person, with pictures.
//!
//! The simulated person drives a real browser through the shop: lists, products, back, sometimes a
//! cart, with the pauses and bursts of people. One click in nine takes the next product of a list.
//! Two signs are left: it goes on for hours, and a few pages were reached without a link.

use crate::sim::dice::Dice;
use crate::sim::people::shopper::Shopper;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "One scraped product for every eight clicks of a walk \
    that is a person's in everything, \
     pictures included, for hours. Nine tenths of it is a person. Expected: some detected, late, \
     by how long it goes on.";

/// Clicks of the simulated person for one scraped page.
pub(in crate::sim) const CLICKS: u32 = 8;

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct DilutedScraper {
    tempo: Tempo,
    walk: Shopper,
    clicks: u32,
    wanted: Vec<String>,
}

impl DilutedScraper {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let products = site.catalogue().products();
        let count = if tempo == Tempo::Day { dice.log_between(15.0, 80.0) as usize } else { 1_000 };
        let start = dice.below(products.len());
        let mut wanted: Vec<String> = products
            .iter()
            .cycle()
            .skip(start)
            .take(count)
            .map(|product| format!("/p/{}", product.id))
            .collect();
        if dice.chance(0.7) {
            dice.shuffle(&mut wanted);
        }
        Self { tempo, walk: Shopper::new(tempo, dice), clicks: 0, wanted }
    }
}

impl Behave for DilutedScraper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.clicks == CLICKS {
            self.clicks = 0;
            let Some(target) = self.wanted.pop() else { return false };
            // It pauses as long as a person thinks.
            turn.pause(4.5, 0.9);
            turn.get(target, None);
            return true;
        }
        if self.walk.act(turn) {
            self.clicks += 1;
        } else {
            // After a break, the next simulated person begins.
            turn.pause(240.0, 1.0);
            self.walk = Shopper::new(self.tempo, turn.dice);
        }
        true
    }
}
