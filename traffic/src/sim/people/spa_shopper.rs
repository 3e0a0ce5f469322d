//! People on a front end that is one page and fetches ahead.
//!
//! The first page is a document; from then on the script asks an API for what is to be shown, and
//! fetches every product that scrolls into view, before anybody clicks (as `next/link`, quicklink
//! and instant.page do). What was fetched ahead is shown without asking again. So one look at a
//! list is twenty distinct product URLs in half a second, and then nothing: breadth and bursts
//! without a click.

use super::browser::Front;
use super::shopper::Shopper;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// Shown beside its figures.
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
