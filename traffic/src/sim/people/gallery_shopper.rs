//! People in a hurry, who look like scrapers.
//!
//! They open a list and then product after product in new tabs, one every few tenths of a second.
//! They read the tabs, go through the pictures, and go on to the next page of the list. So they
//! request many distinct URLs in quick succession. Such galleries are the most reported false
//! positive of rule-based bouncers, so every training log should have them. Only their gaps tell
//! them from scrapers: bursts, then silence.

use super::browser::{Browser, Front, Thinking};
use crate::sim::dice::Dice;
use crate::sim::site::{Listing, PageKind};
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person who opens product after product in tabs and \
    flicks through galleries of 30 \
     pictures: bursts of distinct URLs, the most reported false alarm. Expected: never refused.";

/// One person with many tabs.
#[derive(Debug)]
pub(in crate::sim) struct GalleryShopper {
    browser: Browser,
    thinking: Thinking,
    /// Median time between two tabs.
    tab_s: f64,
    rounds_left: u32,
    list: Option<(String, Listing)>,
}

impl GalleryShopper {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            thinking: Thinking::new(tempo, dice).hurried(),
            tab_s: dice.log_between(0.4, 1.2),
            rounds_left: if tempo == Tempo::Day { 1 + dice.below(6) as u32 } else { u32::MAX },
            list: None,
        }
    }

    /// Sets the kind of front end.
    pub(in crate::sim) fn before(mut self, front: Front) -> Self {
        self.browser.show(front);
        self
    }

    fn open_list(&mut self, turn: &mut Turn<'_>) -> Listing {
        let target = match self.list.take() {
            Some((open, listing)) if listing.number < listing.pages && turn.dice.chance(0.6) => {
                let base = open.split('?').next().unwrap_or("/").to_owned();
                format!("{base}?page={}", listing.number + 1)
            }
            _ => {
                let catalogue = turn.site.catalogue();
                format!(
                    "/c/{}",
                    catalogue.categories()[usize::from(catalogue.draw_category(turn.dice))].slug
                )
            }
        };
        let listing = match self.browser.open(turn, &target) {
            PageKind::Category(_, _, _, listing) => listing,
            _ => Listing { products: Vec::new(), number: 1, pages: 1 },
        };
        self.list = Some((target, listing.clone()));
        listing
    }

    fn read_tab(&mut self, turn: &mut Turn<'_>, id: u32) {
        self.thinking.pause(turn);
        let images = turn.site.catalogue().product(id).map_or(1, |product| product.images);
        if turn.dice.chance(0.6) {
            for number in 2..=images {
                self.browser.look_at_picture(turn, id, number);
                turn.pause(0.5, 0.5);
            }
        }
        match turn.dice.weighted(&[0.8, 0.1, 0.05, 0.05]) {
            1 => self.browser.fetch(turn, format!("/api/stock/{id}?size=m")),
            2 => {
                self.browser.submit(turn, "/cart/add", format!("id={id}&quantity=1"));
            }
            3 => {
                self.browser.open(turn, &format!("/p/{id}"));
            }
            _ => {}
        }
    }
}

impl Behave for GalleryShopper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.rounds_left == 0 {
            return false;
        }
        self.rounds_left -= 1;
        if self.list.is_none() {
            self.browser.arrive(turn.dice);
        }
        let listing = self.open_list(turn);
        self.thinking.pause(turn);
        let tab_count = (2 + turn.dice.below(9)).min(listing.products.len());
        let mut tabs = listing.products;
        // Some products of the list are left out.
        while tabs.len() > tab_count {
            tabs.remove(turn.dice.below(tabs.len()));
        }
        for id in &tabs {
            self.browser.open(turn, &format!("/p/{id}"));
            turn.pause(self.tab_s, 0.6);
        }
        for id in tabs {
            self.read_tab(turn, id);
        }
        self.thinking.pause(turn);
        true
    }
}
