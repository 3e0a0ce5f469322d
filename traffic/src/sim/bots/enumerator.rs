//! Programs that request product after product by number.
//!
//! A shop that numbers its products shows everybody how to list them. One kind of program counts up
//! or down from some number. The other goes through the numbers in random order, so that no rule on
//! the order of URLs sees it. Neither knows which numbers exist, so both get errors beyond the end
//! of the catalogue. They request the product page, the stock call or the API, at any pace.

use super::crawler::Beat;
use super::round::Round;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The benchmark's text about the one that counts.
pub(in crate::sim) const REASONING_SEQUENTIAL: &str = "Counts through product numbers, up or down, \
    at a gap of 0.2 to 10 s. Every URL \
     new, none of them a page that anybody links. Expected: detected at least 99 times in 100.";
/// The benchmark's text about the one that shuffles.
pub(in crate::sim) const REASONING_SHUFFLED: &str = "Goes through product numbers in random order, \
    up to a third of them guessed beyond \
     the catalogue's end. Expected: detected at least 99 times in 100.";

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct Enumerator {
    beat: Beat,
    round: Round,
}

impl Enumerator {
    pub(in crate::sim) fn new(
        is_shuffled: bool,
        site: &Site,
        tempo: Tempo,
        dice: &mut Dice,
    ) -> Self {
        let (gap_s, requests) = match tempo {
            Tempo::Day => (
                dice.log_between(0.2, 10.0),
                dice.lognormal(400.0, 0.8).clamp(40.0, 4_000.0) as u32,
            ),
            Tempo::Live => (dice.between(0.2, 0.8), u32::MAX),
        };
        let beat = Beat::any(gap_s, dice);
        let products = site.catalogue().products();
        let (first, count) = (products.first().map_or(1, |product| product.id), products.len());
        let needed = (requests as usize).min(4_000);
        let mut numbers: Vec<u32> = if is_shuffled {
            // The range that it assumes: the catalogue, or up to half as much again.
            let range = (count as f64 * dice.between(1.0, 1.5)) as usize;
            (0..needed).map(|_| first + dice.below(range) as u32).collect()
        } else {
            let start = first + dice.below(count) as u32;
            // Past the end it tries up to a few dozen more, and begins again at the first.
            let end = first + count as u32 + dice.below(60) as u32;
            (start..end).chain(first..start).cycle().take(needed).collect()
        };
        if dice.chance(0.3) {
            numbers.reverse();
        }
        let path = dice.pick(if site.has_api() { &PATHS } else { &PATHS[..2] });
        let targets = numbers.iter().map(|number| format!("{path}{number}")).collect();
        Self { beat, round: Round::new(targets, requests) }
    }
}

const PATHS: [&str; 3] = ["/p/", "/api/stock/", "/api/v1/products/"];

impl Behave for Enumerator {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let asks = self.round.ask(turn);
        if asks {
            self.beat.wait(turn);
        }
        asks
    }
}
