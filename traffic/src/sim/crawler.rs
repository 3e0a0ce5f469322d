//! Programs that copy the catalogue, and take pains about it.
//!
//! [`super::scraper`] has the plain ones. These differ in **what** they take (everything by number or by shelf, a
//! random sample, what sells, list pages only, links that are long dead) and in **when** they ask (a fixed sleep, with
//! jitter, exponential, lognormal as people, a person's own gaps played back, a request every 5 to 60 minutes).
//! Either is drawn on its own, so that no breadth goes with a pace.

use super::dice::Dice;
use super::pace::Pace;
use super::round::Round;
use super::site::{Kind, Site};
use super::visit::{Behave, Tempo, Turn};

/// What a crawler takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breadth {
    /// Every product by number, after a look at `robots.txt` and the site map.
    SiteMap,
    /// Shelf by shelf: a list page, its products, the next page.
    Shelves,
    /// List pages only: names and prices stand there.
    Lists,
    /// A random sample of products.
    Sample,
    /// What people look at, as often as they do.
    Popular,
    /// Products of last year's list, of which many are gone.
    Stale,
}

/// When it asks.
#[derive(Debug)]
pub(super) enum Beat {
    Paced(Pace),
    /// A person's gaps between pages, in seconds, again and again.
    Replayed {
        gaps_s: Vec<f64>,
        next: usize,
    },
}

/// One such program.
#[derive(Debug)]
pub(super) struct Crawler {
    beat: Beat,
    round: Round,
}

impl Beat {
    /// Any of the paces that a program is given, of this mean gap.
    pub(super) fn any(gap_s: f64, dice: &mut Dice) -> Self {
        Self::Paced(match dice.below(4) {
            0 => Pace::fixed(gap_s, dice),
            1 => Pace::regular(gap_s, dice),
            2 => Pace::memoryless(gap_s, dice),
            _ => Pace::lognormal(gap_s, dice),
        })
    }

    fn wait(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::Paced(pace) => pace.wait(turn),
            Self::Replayed { gaps_s, next } => {
                let gap_s = gaps_s.get(*next).copied().unwrap_or(1.0);
                *next = (*next + 1) % gaps_s.len().max(1);
                turn.wait(gap_s);
            }
        }
    }
}

impl Crawler {
    /// A crawler of this breadth and beat, which stops after `requests`; in the demo never.
    pub(super) fn new(breadth: Breadth, beat: Beat, requests: f64, site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let requests_left = match tempo {
            Tempo::Day => dice.lognormal(requests, 0.8).clamp(12.0, 4_000.0) as u32,
            Tempo::Live => u32::MAX,
        };
        let needed = usize::try_from(requests_left).unwrap_or(usize::MAX).min(4_000);
        Self { beat, round: Round::new(breadth.targets(site, needed, dice), requests_left) }
    }
}

impl Behave for Crawler {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let asks = self.round.ask(turn);
        if asks {
            self.beat.wait(turn);
        }
        asks
    }
}

impl Breadth {
    /// Any that copies a good part of the shop.
    pub(super) fn any(dice: &mut Dice) -> Self {
        dice.pick(&[Self::SiteMap, Self::Shelves, Self::Lists, Self::Sample, Self::Popular])
    }

    /// At least one target, in the order of the walk.
    fn targets(self, site: &Site, needed: usize, dice: &mut Dice) -> Vec<String> {
        let products = site.catalogue().products();
        let product = |id: u32| format!("/p/{id}");
        match self {
            Self::SiteMap => {
                let start = dice.below(products.len());
                let by_number = products.iter().cycle().skip(start).take(needed.min(products.len()));
                let mut targets = vec!["/robots.txt".to_owned(), "/sitemap.xml".to_owned()];
                targets.extend(by_number.map(|known| product(known.id)));
                targets
            }
            Self::Shelves => shelves(site, needed, true, dice),
            Self::Lists => shelves(site, needed, false, dice),
            Self::Sample => {
                let mut ids: Vec<u32> = products.iter().map(|known| known.id).collect();
                dice.shuffle(&mut ids);
                ids.into_iter().take(needed.max(1)).map(product).collect()
            }
            Self::Popular => (0..needed.max(1)).map(|_| product(site.catalogue().draw(dice))).collect(),
            Self::Stale => {
                let gone = dice.between(0.2, 0.6);
                let mut id = || match products.get(dice.below(products.len())) {
                    Some(known) if !dice.chance(gone) => known.id,
                    // Below the first number that this shop sells today.
                    _ => 100 + dice.below(800) as u32,
                };
                (0..needed.max(1)).map(|_| product(id())).collect()
            }
        }
    }
}

/// List pages, each followed by its products where those are wanted.
fn shelves(site: &Site, needed: usize, with_products: bool, dice: &mut Dice) -> Vec<String> {
    let mut slugs: Vec<&str> = site.catalogue().categories().iter().map(|category| category.slug).collect();
    dice.shuffle(&mut slugs);
    let mut targets = vec!["/".to_owned()];
    for slug in slugs {
        for page in 1.. {
            let target = if page == 1 { format!("/c/{slug}") } else { format!("/c/{slug}?page={page}") };
            let Kind::Category(_, _, _, listing) = site.respond("GET", &target, None).kind else { break };
            if targets.len() >= needed.max(1) {
                return targets;
            }
            targets.push(target);
            if with_products {
                targets.extend(listing.products.iter().map(|id| format!("/p/{id}")));
            }
        }
    }
    targets
}
