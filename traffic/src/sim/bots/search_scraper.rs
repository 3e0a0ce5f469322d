//! Programs that copy a shop through its search.
//!
//! They search for every word of a dictionary, alone and in pairs, and read the pages of results. A
//! search finds products that no category lists, and costs the shop more than any other page. All
//! requests have one path, with as many queries as there are words. People search too, but only a
//! few words in a visit.

use super::crawler::Beat;
use crate::sim::dice::Dice;
use crate::sim::site::{PageKind, Site};
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Asks the search for every word of a dictionary and up \
    to six pages of results each, at a gap \
     of 0.5 to 15 s: one path, a thousand queries. Expected: detected, nearly always.";

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct SearchScraper {
    beat: Beat,
    words: Vec<String>,
    next: usize,
    /// How many pages of results it reads for each word.
    depth: usize,
    /// The page of results that it reads next.
    page: usize,
    requests_left: u32,
}

impl SearchScraper {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, requests_left) = match tempo {
            Tempo::Day => (
                dice.log_between(0.5, 15.0),
                dice.lognormal(200.0, 0.8).clamp(20.0, 2_000.0) as u32,
            ),
            Tempo::Live => (dice.between(0.3, 1.0), u32::MAX),
        };
        let dictionary: Vec<&str> = site.catalogue().words().collect();
        let mut words: Vec<String> = dictionary.iter().map(|&word| word.to_owned()).collect();
        // Enough words for its day without repeating one.
        for _ in 0..requests_left.min(2_000) {
            words.push(format!("{}+{}", dice.pick(&dictionary), dice.pick(&dictionary)));
        }
        dice.shuffle(&mut words);
        Self {
            beat: Beat::any(gap_s, dice),
            words,
            next: 0,
            depth: 1 + dice.below(6),
            page: 1,
            requests_left,
        }
    }
}

impl Behave for SearchScraper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.requests_left -= 1;
        let word = &self.words[self.next % self.words.len()];
        let target = if self.page == 1 {
            format!("/search?q={word}")
        } else {
            format!("/search?q={word}&page={}", self.page)
        };
        let pages = match turn.site.respond("GET", &target, None).kind {
            PageKind::Search(_, listing) => listing.pages,
            _ => 1,
        };
        turn.get(target, None);
        self.page += 1;
        if self.page > self.depth.min(pages) {
            self.page = 1;
            self.next += 1;
        }
        self.beat.wait(turn);
        true
    }
}
