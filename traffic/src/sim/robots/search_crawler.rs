//! A search engine's crawler.
//!
//! It requests `robots.txt` and the site map, and then products and lists at exponential gaps,
//! popular products more often. The shop needs it. By behaviour alone it is a slow crawl of the
//! catalogue, so it passes because its address is verified (`allow`), not because it looks
//! harmless.

use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A search engine's crawler: robots.txt, site map, then \
    pages at a gap of 2 to 30 s. By behaviour \
     a catalogue crawl; an operator allows it by verified address; shown without that. Expected: \
     detected unless allowed.";

/// Its user agents.
pub(in crate::sim) const AGENTS: &[&str] = &[
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
];

/// One address of a crawler.
#[derive(Debug)]
pub(in crate::sim) struct SearchCrawler {
    /// Mean gap in seconds.
    gap_s: f64,
    asked: u32,
    requests_left: u32,
}

impl SearchCrawler {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, requests_left) = match tempo {
            Tempo::Day => (
                dice.log_between(2.0, 30.0),
                dice.lognormal(600.0, 0.7).clamp(100.0, 4_000.0) as u32,
            ),
            Tempo::Live => (dice.between(0.5, 1.5), u32::MAX),
        };
        Self { gap_s, asked: 0, requests_left }
    }
}

impl Behave for SearchCrawler {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.asked >= self.requests_left {
            return false;
        }
        let catalogue = turn.site.catalogue();
        let target = match self.asked % 1_000 {
            // Both are requested again after every thousand requests.
            0 => "/robots.txt".to_owned(),
            1 => "/sitemap.xml".to_owned(),
            _ => match turn.dice.weighted(&[0.75, 0.2, 0.05]) {
                0 => {
                    // Half of the products are drawn evenly, half by their popularity.
                    let products = catalogue.products();
                    let any = products[turn.dice.below(products.len())].id;
                    format!(
                        "/p/{}",
                        if turn.dice.chance(0.5) { any } else { catalogue.draw(turn.dice) }
                    )
                }
                1 => format!(
                    "/c/{}",
                    catalogue.categories()[usize::from(catalogue.draw_category(turn.dice))].slug
                ),
                _ => "/".to_owned(),
            },
        };
        turn.get(target, None);
        self.asked += 1;
        let wait_s = turn.dice.exponential(self.gap_s);
        turn.wait(wait_s);
        true
    }
}
