//! People of one office, behind one address.
//!
//! Fifty people with similar computers come between nine and six, half of them in the lunch hour.
//! Most shop in the ordinary way, some open many tabs, and a few reload one page. Several may look
//! at one product at the same time.

use super::gallery_shopper::GalleryShopper;
use super::power_shopper::PowerShopper;
use super::refresher::Refresher;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "50 people of one office behind one address, half of \
    them in the lunch hour. \
     Several browsers' gaps and pages in one window, and refusing one refuses all. Expected: never \
     blocked.";

/// One such person.
pub(in crate::sim) fn person(tempo: Tempo, dice: &mut Dice) -> Box<dyn Behave> {
    match dice.weighted(&[0.78, 0.15, 0.04, 0.03]) {
        0 => Box::new(Shopper::new(tempo, dice)),
        1 => Box::new(GalleryShopper::new(tempo, dice)),
        2 => Box::new(PowerShopper::new(tempo, dice)),
        _ => Box::new(Refresher::new(tempo, dice)),
    }
}
