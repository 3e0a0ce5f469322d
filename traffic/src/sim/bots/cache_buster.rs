//! Floods that no cache answers.
//!
//! This is the cheapest way to load a shop. Each request is for an existing page with a parameter
//! never seen before, or searches for a random word. So the CDN and the page cache pass every
//! request on. Each source sends fast, from one address. Many together are a denial of service, but
//! a single one should be stopped too.

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A flood of 3 to 30 requests a second, each with a \
    parameter never seen before or a search for \
     nonsense, so that every one reaches the shop. Expected: detected at least 99 times in 100.";

/// One source of a flood.
#[derive(Debug)]
pub(in crate::sim) struct CacheBuster {
    pace: Pace,
    parameter: &'static str,
    /// The page that it requests; `None` means a different one each time.
    page: Option<String>,
    searches: bool,
    requests_left: u32,
}

impl CacheBuster {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (per_second, requests_left) = match tempo {
            Tempo::Day => (
                dice.log_between(3.0, 30.0),
                dice.lognormal(800.0, 0.6).clamp(200.0, 5_000.0) as u32,
            ),
            Tempo::Live => (dice.between(3.0, 8.0), u32::MAX),
        };
        let pace = match dice.below(2) {
            0 => Pace::memoryless(1.0 / per_second, dice),
            _ => Pace::regular(1.0 / per_second, dice),
        };
        Self {
            pace,
            parameter: dice.pick(&["cb", "v", "rand", "nocache", "ts", "x"]),
            page: dice.chance(0.5).then(|| some_page(site, dice)),
            searches: dice.chance(0.3),
            requests_left,
        }
    }
}

fn some_page(site: &Site, dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => "/".to_owned(),
        1 => format!(
            "/c/{}",
            site.catalogue().categories()[usize::from(site.catalogue().draw_category(dice))].slug
        ),
        _ => format!("/p/{}", site.catalogue().draw(dice)),
    }
}

impl Behave for CacheBuster {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.requests_left -= 1;
        let never_seen = format!("{:012x}", turn.dice.bits() >> 16);
        let target = if self.searches {
            format!("/search?q={never_seen}")
        } else {
            let page = self.page.clone().unwrap_or_else(|| some_page(turn.site, turn.dice));
            format!("{page}?{}={never_seen}", self.parameter)
        };
        turn.get(target, None);
        self.pace.wait(turn);
        true
    }
}
