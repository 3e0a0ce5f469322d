//! People of whom the shop sees the pages only, because pictures, style and script come from a CDN.
//!
//! "Loads no images" is commonly taken as a sign of a bot, but half of the larger shops deliver no
//! images themselves. One in five of these people opens many tabs.

use super::browser::Front;
use super::gallery_shopper::GalleryShopper;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person whose pictures come from a CDN, so the log \
    shows pages alone, as a \
     bot's; one in five opens many tabs. Expected: never refused.";

/// One such person.
pub(in crate::sim) fn person(tempo: Tempo, dice: &mut Dice) -> Box<dyn Behave> {
    match dice.weighted(&[0.8, 0.2]) {
        0 => Box::new(Shopper::new(tempo, dice).before(Front::PagesOnly)),
        _ => Box::new(GalleryShopper::new(tempo, dice).before(Front::PagesOnly)),
    }
}
