//! Programs that copy the pictures of the catalogue and ask for no page.
//!
//! They have the product numbers from elsewhere (a feed, an earlier crawl) and take the first
//! picture of each product, or all of them, to train on or to sell the goods elsewhere. A detector
//! that judges by pages never judges them.

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Copies the pictures of the catalogue and asks for no \
    page, at a gap of 0.1 to 10 s: never judged by whoever judges pages. Expected: detected, \
    mostly, by a model that knows how the site's people load pictures.";

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct PictureScraper {
    pace: Pace,
    targets: Vec<String>,
}

impl PictureScraper {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, count) = match tempo {
            Tempo::Day => (
                dice.log_between(0.1, 10.0),
                dice.lognormal(600.0, 0.7).clamp(150.0, 4_000.0) as usize,
            ),
            Tempo::Live => (dice.between(0.2, 0.5), 4_000),
        };
        let products = site.catalogue().products();
        let (start, takes_all) = (dice.below(products.len()), dice.chance(0.4));
        let in_order = products.iter().cycle().skip(start).take(products.len());
        let mut targets: Vec<String> = in_order
            .flat_map(|product| {
                let last = if takes_all { product.images } else { 1 };
                (1..=last).map(|number| format!("/img/p/{}-{number}.jpg", product.id))
            })
            .take(count)
            .collect();
        if dice.chance(0.5) {
            dice.shuffle(&mut targets);
        }
        // The last one is asked for first.
        targets.reverse();
        let pace = if dice.chance(0.5) {
            Pace::regular(gap_s, dice)
        } else {
            Pace::lognormal(gap_s, dice)
        };
        Self { pace, targets }
    }
}

impl Behave for PictureScraper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let Some(target) = self.targets.pop() else { return false };
        turn.get_asset(0.0, target, None);
        self.pace.wait(turn);
        !self.targets.is_empty()
    }
}
