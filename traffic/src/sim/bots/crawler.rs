//! Programs that copy the catalogue, with more care than those of [`super::scraper`].
//!
//! They differ in **what** they take: everything by number or by category, a random sample, popular
//! products, list pages only, or links that are long dead. They also differ in **when** they send
//! requests: after a fixed sleep, with jitter, at exponential gaps, at lognormal gaps as people do,
//! at the recorded gaps of a person, or every 5 to 60 minutes. Both are drawn independently, so
//! that what a bot takes says nothing about its pace.

use crate::sim::dice::Dice;
use std::sync::Arc;

use super::pace::Pace;
use super::round::Round;
use crate::sim::population::Population;
use crate::sim::site::{PageKind, Site};
use crate::sim::visit::{Behave, Tempo, Turn, Visit};

/// The texts shown beside the figures of each crawler in the benchmark.
pub(in crate::sim) mod reasoning {
    /// Every product by number, after the site map.
    pub const SITEMAP: &str = "Reads robots.txt and the site map, then every product by number, at \
        any pace a program is \
         given: the well-mannered copier. Expected: detected, mostly.";
    /// A random sample of products.
    pub const SAMPLING: &str = "Takes a random sample of products, each once: no order to see. \
        Expected: detected, mostly.";
    /// Popular products.
    pub const POPULAR: &str = "Asks for products as often as people do, repeats included, at a \
        program's pace: what it \
         takes is no sign, only when. Expected: mostly detected at an even beat, seldom at a \
         person's.";
    /// List pages.
    pub const LISTS: &str = "Reads list pages only, where names and prices stand: a tenth of the \
        requests for the same \
         data. Expected: detected, mostly.";
    /// Gaps as wide as people's.
    pub const HUMAN_PACED: &str = "Copies at lognormal gaps as wide as people's: nothing but \
        breadth gives it away. \
         Expected: detected, mostly.";
    /// The recorded gaps of a person.
    pub const REPLAYING: &str = "Copies the catalogue and plays back the gaps of a recorded \
        person. Only breadth gives it \
         away. Expected: detected, mostly.";
    /// A request every few minutes.
    pub const TRICKLING: &str = "Copies at a page every 5 to 60 minutes, under every window there \
        is. Expected: detected \
         late, where at all.";
    /// Dead links.
    pub const DEAD_LINKS: &str = "Goes through last year's list: 20 to 60 % of its links are dead. \
        Expected: detected, \
         nearly always.";
    /// Another user agent with every request.
    pub const ROTATING: &str = "Names another browser at every request, so no rule that groups by \
        user agent sees it. \
         Expected: detected as any crawler, but limited and not blocked: an address of many \
         browsers may be an office.";
    /// All hosts of a /24.
    pub const SPREAD: &str = "One crawler over the 254 addresses of a /24, five to nine requests \
        from each and round \
         again. No address does enough. Expected: limited as a network, not blocked.";
}

/// Which pages a crawler takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Breadth {
    /// Every product by number, after `robots.txt` and the site map.
    SiteMap,
    /// Category by category: a list page, its products, the next list page.
    Shelves,
    /// List pages only, because they have names and prices.
    Lists,
    /// A random sample of products.
    Sample,
    /// Products as often as people look at them.
    Popular,
    /// Products of last year's list, many of which no longer exist.
    Stale,
}

/// How a crawler waits between requests.
#[derive(Debug)]
pub(in crate::sim) enum Beat {
    Paced(Pace),
    /// The recorded gaps between a person's pages, in seconds, repeated from the beginning.
    Replayed {
        gaps_s: Vec<f64>,
        next: usize,
    },
}

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct Crawler {
    beat: Beat,
    round: Round,
}

impl Beat {
    /// A random kind of pace with about this gap.
    pub(in crate::sim) fn any(gap_s: f64, dice: &mut Dice) -> Self {
        Self::Paced(match dice.below(4) {
            0 => Pace::fixed(gap_s, dice),
            1 => Pace::regular(gap_s, dice),
            2 => Pace::memoryless(gap_s, dice),
            _ => Pace::lognormal(gap_s, dice),
        })
    }

    /// Lets one gap pass.
    pub(in crate::sim) fn wait(&mut self, turn: &mut Turn<'_>) {
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
    /// The crawler of a population. If the population says nothing about breadth or beat, they are
    /// drawn at random.
    pub(in crate::sim) fn of(
        population: Population,
        site: &Site,
        tempo: Tempo,
        dice: &mut Dice,
    ) -> Self {
        let gap_s = match tempo {
            Tempo::Day => dice.log_between(0.3, 20.0),
            Tempo::Live => dice.between(0.3, 1.5),
        };
        let (breadth, beat, requests) = match population {
            Population::SitemapCrawler => (Breadth::SiteMap, Beat::any(gap_s, dice), 400.0),
            Population::SamplingScraper => (Breadth::Sample, Beat::any(gap_s, dice), 150.0),
            Population::PopularScraper => (Breadth::Popular, Beat::any(gap_s, dice), 150.0),
            Population::ListScraper => (Breadth::Lists, Beat::any(gap_s, dice), 120.0),
            Population::DeadLinkCrawler => (Breadth::Stale, Beat::any(gap_s, dice), 150.0),
            Population::HumanPacedScraper => {
                let gap_s = if tempo == Tempo::Day { dice.log_between(2.0, 20.0) } else { gap_s };
                (Breadth::any(dice), Beat::Paced(Pace::lognormal(gap_s, dice)), 100.0)
            }
            Population::ReplayingScraper => {
                (Breadth::any(dice), replayed(site, tempo, dice), 100.0)
            }
            Population::TricklingScraper => {
                let gap_s =
                    if tempo == Tempo::Day { dice.log_between(300.0, 3_600.0) } else { gap_s };
                (Breadth::any(dice), Beat::any(gap_s, dice), 4_000.0)
            }
            Population::SpreadScraper => {
                (Breadth::any(dice), Beat::any(gap_s * 0.3, dice), 1_500.0)
            }
            _ => (Breadth::any(dice), Beat::any(gap_s, dice), 250.0),
        };
        Self::new(breadth, beat, requests, site, tempo, dice)
    }

    /// A crawler with this breadth and beat. It stops after about `requests` requests; with
    /// [`Tempo::Live`] it never stops.
    pub(in crate::sim) fn new(
        breadth: Breadth,
        beat: Beat,
        requests: f64,
        site: &Site,
        tempo: Tempo,
        dice: &mut Dice,
    ) -> Self {
        let requests_left = match tempo {
            Tempo::Day => dice.lognormal(requests, 0.8).clamp(12.0, 4_000.0) as u32,
            Tempo::Live => u32::MAX,
        };
        let needed = usize::try_from(requests_left).unwrap_or(usize::MAX).min(4_000);
        Self { beat, round: Round::new(breadth.targets(site, needed, dice), requests_left) }
    }
}

/// The gaps between a person's pages, recorded over several visits.
fn replayed(site: &Site, tempo: Tempo, dice: &mut Dice) -> Beat {
    let mut gaps_s = Vec::new();
    let site = Arc::new(site.clone());
    while gaps_s.len() < 12 {
        let mut since_page_us = 0;
        for step in Visit::new(Population::Shopper, &site, dice.bits(), tempo).take(400) {
            since_page_us += step.wait_us;
            if !step.is_asset {
                gaps_s.push(since_page_us as f64 / 1e6);
                since_page_us = 0;
            }
        }
    }
    Beat::Replayed { gaps_s, next: 0 }
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
    /// A random breadth of those that copy a large part of the shop.
    pub(in crate::sim) fn any(dice: &mut Dice) -> Self {
        dice.pick(&[Self::SiteMap, Self::Shelves, Self::Lists, Self::Sample, Self::Popular])
    }

    /// The targets in the order of the requests; at least one.
    fn targets(self, site: &Site, needed: usize, dice: &mut Dice) -> Vec<String> {
        let products = site.catalogue().products();
        let product = |id: u32| format!("/p/{id}");
        match self {
            Self::SiteMap => {
                let start = dice.below(products.len());
                let by_number =
                    products.iter().cycle().skip(start).take(needed.min(products.len()));
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
            Self::Popular => {
                (0..needed.max(1)).map(|_| product(site.catalogue().draw(dice))).collect()
            }
            Self::Stale => {
                let gone = dice.between(0.2, 0.6);
                let mut id = || match products.get(dice.below(products.len())) {
                    Some(known) if !dice.chance(gone) => known.id,
                    // A number below the first that this shop sells today.
                    _ => 100 + dice.below(800) as u32,
                };
                (0..needed.max(1)).map(|_| product(id())).collect()
            }
        }
    }
}

/// List pages of all categories, each followed by its products if `with_products`.
fn shelves(site: &Site, needed: usize, with_products: bool, dice: &mut Dice) -> Vec<String> {
    let mut slugs: Vec<&str> =
        site.catalogue().categories().iter().map(|category| category.slug).collect();
    dice.shuffle(&mut slugs);
    let mut targets = vec!["/".to_owned()];
    for slug in slugs {
        for page in 1.. {
            let target =
                if page == 1 { format!("/c/{slug}") } else { format!("/c/{slug}?page={page}") };
            let PageKind::Category(_, _, _, listing) = site.respond("GET", &target, None).kind
            else {
                break;
            };
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
