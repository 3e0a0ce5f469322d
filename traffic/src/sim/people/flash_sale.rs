//! People who all come at once for a sale.
//!
//! They are new clients, ten times as many as usual, on a few products. Some shop, some open
//! everything in tabs, and three in ten reload until the sale begins. Any measure of the whole site
//! (requests a second, busiest clients, new clients) jumps.

use super::gallery_shopper::GalleryShopper;
use super::refresher::Refresher;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Newcomers who all arrive within one minute for a sale, \
    three in ten pressing \
     reload. The whole site looks like an attack and nobody is one. Expected: never blocked, \
     seldom limited.";

/// One such person.
pub(in crate::sim) fn person(tempo: Tempo, dice: &mut Dice) -> Box<dyn Behave> {
    match dice.weighted(&[0.6, 0.1, 0.3]) {
        0 => Box::new(Shopper::new(tempo, dice)),
        1 => Box::new(GalleryShopper::new(tempo, dice)),
        _ => Box::new(Refresher::new(tempo, dice)),
    }
}
