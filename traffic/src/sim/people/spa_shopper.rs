//! People on a single-page front end that prefetches.
//!
//! The first page is a document. After it, the script requests everything from an API, and
//! prefetches every product that scrolls into view, as `next/link`, quicklink and instant.page do.
//! A prefetched product is shown without another request. So one look at a list requests twenty
//! distinct products in half a second, without a click, and then nothing.

use super::browser::Front;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person whose single-page front end fetches every \
    product in view before a \
     click: twenty distinct URLs in half a second, list after list. Expected: never refused.";

/// One person.
#[derive(Debug)]
pub(in crate::sim) struct SpaShopper(Shopper);

impl SpaShopper {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self(Shopper::new(tempo, dice).before(Front::SinglePage))
    }
}

impl Behave for SpaShopper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        self.0.act(turn)
    }
}
