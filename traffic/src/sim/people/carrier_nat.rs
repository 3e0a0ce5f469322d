//! People behind one address of their mobile network (carrier-grade NAT, RFC 6888).
//!
//! Each is an ordinary person; one in five opens many tabs. Together they look like one client that
//! never rests, looks at a hundred times as many products as anybody else, uses every browser, and
//! mistypes a password every few minutes.

use super::gallery_shopper::GalleryShopper;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "500 people of a mobile network behind one address, all \
    of them in the same \
     evening. Together as fast and as broad as a crawler, and refusing one refuses all. Expected: \
     never blocked.";

/// One such person.
pub(in crate::sim) fn person(tempo: Tempo, dice: &mut Dice) -> Box<dyn Behave> {
    match dice.weighted(&[0.8, 0.2]) {
        0 => Box::new(Shopper::new(tempo, dice)),
        _ => Box::new(GalleryShopper::new(tempo, dice)),
    }
}
