//! People who keep twenty tabs open.
//!
//! They open a whole list at once, with a held key or an extension that opens all links. They
//! compare for minutes, close most tabs and reload the rest. Sometimes the browser restores its
//! session and loads all tabs again within a second. Twenty distinct pages in three seconds trigger
//! a burst rule; requesting them again an hour later looks like a poller.

use super::browser::{Browser, Thinking};
use crate::sim::dice::Dice;
use crate::sim::site::PageKind;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A person who opens a list's twenty products in tabs \
    within seconds, and whose \
     browser restores all of them at once: a crawler's burst, then a poller's repeats. Expected: \
     never refused.";

/// The number of tabs: the products on a list page.
const TABS: usize = 20;

/// One person with twenty tabs.
#[derive(Debug)]
pub(in crate::sim) struct PowerShopper {
    browser: Browser,
    thinking: Thinking,
    tabs: Vec<u32>,
    /// Median time between two tabs: 0.05 s if an extension opens them, up to 0.4 s by hand.
    tab_s: f64,
    rounds_left: u32,
}

impl PowerShopper {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        Self {
            browser: Browser::new(dice),
            thinking: Thinking::new(tempo, dice).hurried(),
            tabs: Vec::new(),
            tab_s: dice.log_between(0.05, 0.4),
            rounds_left: if tempo == Tempo::Day { 1 + dice.below(4) as u32 } else { u32::MAX },
        }
    }

    /// Opens a list, and each of its products in a tab.
    fn open_all(&mut self, turn: &mut Turn<'_>) {
        let catalogue = turn.site.catalogue();
        let slug = catalogue.categories()[usize::from(catalogue.draw_category(turn.dice))].slug;
        let list = match turn.dice.below(4) {
            0 => format!("/search?q={}", turn.site.search_word(turn.dice)),
            1 => format!("/c/{slug}?sort=price"),
            2 => format!("/c/{slug}?page=2"),
            _ => format!("/c/{slug}"),
        };
        let kind = self.browser.open(turn, &list);
        self.thinking.pause(turn);
        if let PageKind::Category(_, _, _, listing) | PageKind::Search(_, listing) = kind {
            self.tabs = listing.products;
        }
        self.tabs.truncate(TABS);
        for id in &self.tabs {
            self.browser.open(turn, &format!("/p/{id}"));
            turn.pause(self.tab_s, 0.5);
        }
    }

    fn read(&mut self, turn: &mut Turn<'_>, id: u32) {
        self.thinking.pause(turn);
        match turn.dice.weighted(&[0.55, 0.25, 0.12, 0.08]) {
            1 => {
                for number in 2..2 + turn.dice.below(8) as u8 {
                    self.browser.look_at_picture(turn, id, number);
                    turn.pause(0.6, 0.5);
                }
            }
            2 => {
                self.browser.open(turn, &format!("/p/{id}"));
            }
            3 => {
                self.browser.submit(turn, "/cart/add", format!("id={id}&quantity=1"));
            }
            _ => {}
        }
    }
}

impl Behave for PowerShopper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.rounds_left == 0 {
            return false;
        }
        self.rounds_left -= 1;
        if self.tabs.is_empty() {
            self.browser.arrive(turn.dice);
        }
        if self.tabs.is_empty() || turn.dice.chance(0.75) {
            self.open_all(turn);
        } else {
            // The browser was closed, and restores all tabs when it is opened again.
            turn.pause(1_200.0, 0.8);
            for id in &self.tabs {
                self.browser.open(turn, &format!("/p/{id}"));
                turn.pause(0.03, 0.6);
            }
        }
        for id in self.tabs.clone() {
            self.read(turn, id);
        }
        // About two in three tabs are closed.
        self.tabs.retain(|_| turn.dice.chance(0.35));
        true
    }
}
