//! Programs that follow links, nearest first.
//!
//! This is what every crawling library does by default: the home page, then everything that it
//! links to, then everything that those pages link to. Here that means the first pages of the
//! categories, their second pages, and so on, with the products between. No page is requested
//! twice, and each was linked from a page before it.

use std::collections::{HashSet, VecDeque};

use super::crawler::Beat;
use crate::sim::dice::Dice;
use crate::sim::site::PageKind;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Follows links nearest first, category by category, \
    each page once, at a gap of 0.3 to 8 s: \
     the default of crawling libraries. Expected: detected at least 90 times in 100.";

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct BreadthFirst {
    beat: Beat,
    queue: VecDeque<String>,
    seen: HashSet<String>,
    /// Whether it takes products as well, or list pages only.
    takes_products: bool,
    requests_left: u32,
}

impl BreadthFirst {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, requests_left) = match tempo {
            Tempo::Day => {
                (dice.log_between(0.3, 8.0), dice.lognormal(300.0, 0.8).clamp(40.0, 3_000.0) as u32)
            }
            Tempo::Live => (dice.between(0.3, 1.0), u32::MAX),
        };
        let beat = Beat::any(gap_s, dice);
        Self::at(beat, requests_left, dice)
    }

    /// A program that waits between requests as `beat` says.
    pub(super) fn at(beat: Beat, requests_left: u32, dice: &mut Dice) -> Self {
        let home = "/".to_owned();
        Self {
            beat,
            queue: VecDeque::from([home.clone()]),
            seen: HashSet::from([home]),
            takes_products: dice.chance(0.8),
            requests_left,
        }
    }

    /// The links of a page, in their order.
    fn links(&self, turn: &Turn<'_>, target: &str) -> Vec<String> {
        let products = |ids: &[u32]| -> Vec<String> {
            if self.takes_products {
                ids.iter().map(|id| format!("/p/{id}")).collect()
            } else {
                Vec::new()
            }
        };
        match turn.site.respond("GET", target, None).kind {
            PageKind::Home => turn
                .site
                .catalogue()
                .categories()
                .iter()
                .map(|shelf| format!("/c/{}", shelf.slug))
                .collect(),
            PageKind::Category(_, _, _, listing) => {
                let base = target.split('?').next().unwrap_or("/");
                let next = (listing.number < listing.pages)
                    .then(|| format!("{base}?page={}", listing.number + 1));
                next.into_iter().chain(products(&listing.products)).collect()
            }
            PageKind::Product(id) => products(&turn.site.related(id)),
            _ => Vec::new(),
        }
    }
}

impl Behave for BreadthFirst {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let Some(target) = self.queue.pop_front().filter(|_| self.requests_left > 0) else {
            return false;
        };
        self.requests_left -= 1;
        for link in self.links(turn, &target) {
            if self.seen.insert(link.clone()) {
                self.queue.push_back(link);
            }
        }
        turn.get(target, None);
        self.beat.wait(turn);
        true
    }
}
