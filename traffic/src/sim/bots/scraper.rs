//! Programs that copy the catalogue.
//!
//! They request every product once: the prices for a competitor, or the texts for a copy of the
//! shop. They load no pictures, and mostly send a browser's user agent. There are three paces,
//! because each defeats another rule:
//!
//! - **fast**, some pages a second: a rate limit can catch it, unless it is set for pages with many
//!   images
//! - **slow**, a page every one to eight seconds: slower than any rate limit that spares people
//! - **memoryless**, exponential gaps: defeats any rule that looks for regular gaps
//!
//! Each bot has its own order (category by category as links lead, by number up or down, or
//! shuffled), so that no order is typical of bots. Sometimes a page is requested again after a
//! failure.

use std::sync::Arc;

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::site::{PageKind, Site};
use crate::sim::visit::{Behave, Tempo, Turn};

/// The benchmark's text about the fast one.
pub(in crate::sim) const REASONING_FAST: &str = "Copies the whole catalogue at 1.5 to 10 pages a \
    second: what a rate limit set for \
     shops full of pictures lets through. Expected: detected at least 99 times in 100.";
/// The benchmark's text about the slow one.
pub(in crate::sim) const REASONING_SLOW: &str = "Copies the whole catalogue, a page every 1 to 8 s \
    with jitter: under every rate limit \
     that spares people. Expected: detected at least 95 times in 100.";
/// The benchmark's text about the memoryless one.
pub(in crate::sim) const REASONING_MEMORYLESS: &str = "Copies the catalogue in exponential gaps: \
    no beat at all, so only breadth and \
     evenness are left to see. Expected: mostly detected.";

/// One scraper.
#[derive(Debug)]
pub(in crate::sim) struct Scraper {
    pace: Pace,
    walk: Walk,
    requests_left: u32,
    referer: Referer,
    last: Option<String>,
}

/// The targets in the order of the requests. At the end, it begins again.
#[derive(Debug)]
struct Walk {
    targets: Vec<String>,
    next: usize,
}

/// Which referer it sends.
#[derive(Clone, Copy, Debug)]
enum Referer {
    Missing,
    Home,
    Previous,
}

/// The share of requests that repeat the last one.
const RETRY_SHARE: f64 = 0.01;

impl Scraper {
    /// Several pages a second.
    pub(in crate::sim) fn fast(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let per_second = match tempo {
            Tempo::Day => dice.log_between(1.5, 10.0),
            Tempo::Live => dice.between(4.0, 10.0),
        };
        let pace = Pace::regular(1.0 / per_second, dice);
        Self::with(pace, site, tempo, dice)
    }

    /// A page every one to eight seconds.
    pub(in crate::sim) fn slow(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let gap_s = match tempo {
            Tempo::Day => dice.log_between(1.0, 8.0),
            Tempo::Live => dice.between(1.8, 2.2),
        };
        let pace = Pace::regular(gap_s, dice);
        Self::with(pace, site, tempo, dice)
    }

    /// Exponential gaps.
    pub(in crate::sim) fn memoryless(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let gap_s = match tempo {
            Tempo::Day => dice.log_between(0.2, 5.0),
            Tempo::Live => dice.between(0.3, 0.8),
        };
        let pace = Pace::memoryless(gap_s, dice);
        Self::with(pace, site, tempo, dice)
    }

    fn with(pace: Pace, site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let requests_left = match tempo {
            // From a small sample to the whole shop.
            Tempo::Day => dice.lognormal(300.0, 0.9).clamp(30.0, 3_000.0) as u32,
            Tempo::Live => u32::MAX,
        };
        let referer =
            dice.pick(&[Referer::Missing, Referer::Missing, Referer::Home, Referer::Previous]);
        let needed = usize::try_from(requests_left).unwrap_or(usize::MAX);
        Self { pace, walk: Walk::draw(site, needed, dice), requests_left, referer, last: None }
    }

    fn referer(&self) -> Option<Arc<str>> {
        let from = match self.referer {
            Referer::Missing => return None,
            Referer::Home => "/",
            Referer::Previous => self.last.as_deref()?,
        };
        Some(Arc::from(format!("https://{}{from}", Site::HOST)))
    }
}

impl Behave for Scraper {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.requests_left == 0 {
            return false;
        }
        self.requests_left -= 1;
        let again = if turn.dice.chance(RETRY_SHARE) { self.last.clone() } else { None };
        let target = again.unwrap_or_else(|| self.walk.step());
        turn.get(target.clone(), self.referer());
        self.last = Some(target);
        self.pace.wait(turn);
        true
    }
}

impl Walk {
    /// An order of all products, or of the first `needed` of them.
    fn draw(site: &Site, needed: usize, dice: &mut Dice) -> Self {
        let ids = || site.catalogue().products().iter().map(|product| product.id);
        let count = site.catalogue().products().len();
        let start = dice.below(count);
        let rotated = |ids: &mut dyn Iterator<Item = u32>| -> Vec<String> {
            ids.take(needed).map(|id| format!("/p/{id}")).collect()
        };
        let targets = match dice.weighted(&[0.5, 0.15, 0.1, 0.25]) {
            0 => Self::shelves(site, needed, dice),
            1 => rotated(&mut ids().cycle().skip(start).take(count)),
            2 => rotated(&mut ids().rev().cycle().skip(start).take(count)),
            _ => {
                let mut ids: Vec<u32> = ids().collect();
                dice.shuffle(&mut ids);
                rotated(&mut ids.into_iter())
            }
        };
        Self { targets, next: 0 }
    }

    /// The order in which links lead: a list page, its products, the next list page.
    fn shelves(site: &Site, needed: usize, dice: &mut Dice) -> Vec<String> {
        let mut slugs: Vec<&str> =
            site.catalogue().categories().iter().map(|category| category.slug).collect();
        dice.shuffle(&mut slugs);
        let mut targets = vec!["/".to_owned()];
        for slug in slugs {
            let mut page = 1;
            while targets.len() < needed {
                let target =
                    if page == 1 { format!("/c/{slug}") } else { format!("/c/{slug}?page={page}") };
                let PageKind::Category(_, _, _, listing) = site.respond("GET", &target, None).kind
                else {
                    break;
                };
                targets.push(target);
                targets.extend(listing.products.iter().map(|id| format!("/p/{id}")));
                page += 1;
            }
        }
        targets
    }

    fn step(&mut self) -> String {
        let target = self.targets[self.next % self.targets.len()].clone();
        self.next += 1;
        target
    }
}
