//! People of one office, behind one address.
//!
//! Fifty with computers alike but not the same, between nine and six and most of them at lunch:
//! some shop, some have many tabs, some watch a price, one reloads. Where the purchasing department
//! is at it, the same page is open on five desks.

use super::gallery_shopper::GalleryShopper;
use super::power_shopper::PowerShopper;
use super::refresher::Refresher;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo};

/// Shown beside its figures.
pub(in crate::sim) const REASONING: &str = "50 people of one office behind one address, half of \
    them in the lunch hour. \
     Several browsers' gaps and pages in one window, and refusing one refuses all. Expected: never \
     blocked.";

/// One of them.
pub(in crate::sim) fn person(tempo: Tempo, dice: &mut Dice) -> Box<dyn Behave> {
    match dice.weighted(&[0.78, 0.15, 0.04, 0.03]) {
        0 => Box::new(Shopper::new(tempo, dice)),
        1 => Box::new(GalleryShopper::new(tempo, dice)),
        2 => Box::new(PowerShopper::new(tempo, dice)),
        _ => Box::new(Refresher::new(tempo, dice)),
    }
}
