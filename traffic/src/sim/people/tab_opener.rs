//! People who compare by opening every product of interest in a tab of its own, one after another,
//! and never go back to the list.
//!
//! They scroll down a long list and open a product every three to four seconds, later the next list
//! page. They read in the tabs, which the shop does not see. So the log shows pages that are all
//! different, at an almost even gap, without a return: the nearest a person comes to a crawler.

use super::browser::Browser;
use crate::sim::dice::Dice;
use crate::sim::site::PageKind;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person who compares: opens a product of a list in a \
    new tab every three to four seconds and never goes back. All pages differ, at an almost even \
    gap: the nearest a person comes to a crawler. Expected: never blocked, seldom limited.";

/// One person who compares.
#[derive(Debug)]
pub(in crate::sim) struct TabOpener {
    browser: Browser,
    shelf: Option<&'static str>,
    page: u32,
    /// Median time from tab to tab.
    tab_s: f64,
    sigma: f64,
    lists_left: u32,
}

impl TabOpener {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            shelf: None,
            page: 0,
            tab_s: dice.between(2.5, 5.0),
            sigma: dice.between(0.25, 0.6),
            lists_left: if tempo == Tempo::Day { 1 + dice.below(4) as u32 } else { u32::MAX },
        }
    }
}

impl Behave for TabOpener {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.lists_left == 0 {
            return false;
        }
        self.lists_left -= 1;
        let catalogue = turn.site.catalogue();
        let slug = match self.shelf {
            Some(slug) => slug,
            None => {
                self.browser.arrive(turn.dice);
                let shelf = usize::from(catalogue.draw_category(turn.dice));
                *self.shelf.insert(catalogue.categories()[shelf].slug)
            }
        };
        self.page += 1;
        let list = if self.page == 1 {
            format!("/c/{slug}")
        } else {
            format!("/c/{slug}?page={}", self.page)
        };
        let PageKind::Category(_, _, _, listing) = self.browser.open(turn, &list) else {
            return false;
        };
        turn.pause(6.0, 0.6);
        // What catches the eye, in the order of the list.
        for id in listing.products {
            if turn.dice.chance(0.55) {
                self.browser.open(turn, &format!("/p/{id}"));
                turn.pause(self.tab_s, self.sigma);
            }
        }
        // The tabs are read now.
        turn.pause(180.0, 0.8);
        true
    }
}
