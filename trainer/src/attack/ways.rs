//! What a simulated attacker asks for.

use detector::url::Shape;
use detector::{Class, Event, Method};
use traffic::sim::Dice;

use super::learnt::{Asked, LearntSite, Page};

/// What an attacker is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Every page, link by link, each once.
    Crawl,
    /// Numbers of one kind of page, up, down or shuffled, with some that do not exist.
    Enumerate,
    /// A few pages over and over.
    Poll,
    /// Lists and menus only, because names and prices stand there.
    List,
    /// Pages as often as they are popular.
    Popular,
    /// One form over and over, refused where the site refuses anybody.
    BruteForce,
    /// Pages that do not exist.
    Scan,
}

impl Way {
    pub const ALL: [Self; 7] = [
        Self::Crawl,
        Self::Enumerate,
        Self::Poll,
        Self::List,
        Self::Popular,
        Self::BruteForce,
        Self::Scan,
    ];

    /// The name, as it stands in a model's card.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crawl => "crawl",
            Self::Enumerate => "enumerate",
            Self::Poll => "poll",
            Self::List => "list pages",
            Self::Popular => "popular pages",
            Self::BruteForce => "brute force",
            Self::Scan => "scan",
        }
    }

    /// The pages in the order in which one such attacker asks for them, about `many`. Empty if the
    /// site has nothing of the kind.
    pub fn pages(self, site: &LearntSite, many: usize, dice: &mut Dice) -> Vec<Asked> {
        if site.pages.is_empty() {
            return Vec::new();
        }
        match self {
            Self::Crawl => crawl(site, many, dice),
            Self::Enumerate => enumerate(site, many, dice),
            Self::Poll => {
                let few: Vec<u32> = (0..1 + dice.below(4)).map(|_| popular(site, dice)).collect();
                (0..many).map(|i| ask(site, few[i % few.len()], dice)).collect()
            }
            Self::List => {
                let lists = &site.lists;
                if lists.is_empty() {
                    return Vec::new();
                }
                let start = dice.below(lists.len());
                let list = |i: usize| lists[(start + i) % lists.len()];
                (0..many).map(|i| ask(site, list(i), dice)).collect()
            }
            Self::Popular => (0..many).map(|_| ask(site, popular(site, dice), dice)).collect(),
            Self::BruteForce => brute_force(site, many, dice),
            Self::Scan => scan(site, many, dice),
        }
    }
}

/// A page as the site answers it.
fn ask(site: &LearntSite, index: u32, dice: &mut Dice) -> Asked {
    let page = &site.pages[index as usize];
    let weights: Vec<f64> = page.statuses.iter().map(|status| f64::from(status.1)).collect();
    let status = page.statuses.get(dice.weighted(&weights)).map_or(200, |status| status.0);
    Asked { event: page.event, status, page: index }
}

/// The index of a page, drawn by how often it was asked for: of 16 drawn blindly.
fn popular(site: &LearntSite, dice: &mut Dice) -> u32 {
    let some: Vec<usize> = (0..16).map(|_| dice.below(site.pages.len())).collect();
    let weights: Vec<f64> = some.iter().map(|&page| f64::from(site.pages[page].asked)).collect();
    some[dice.weighted(&weights)] as u32
}

fn is_read(page: &Page) -> bool {
    page.event.write() == 0
}

/// Breadth first or depth first from a popular page. Where links end it goes on elsewhere.
fn crawl(site: &LearntSite, many: usize, dice: &mut Dice) -> Vec<Asked> {
    let is_deep = dice.chance(0.3);
    let mut seen = vec![false; site.pages.len()];
    let mut ahead = std::collections::VecDeque::from([popular(site, dice)]);
    let mut pages = Vec::new();
    let mut misses = 0;
    while pages.len() < many && misses < 200 {
        let next = if is_deep { ahead.pop_back() } else { ahead.pop_front() };
        let index = next.unwrap_or_else(|| dice.below(site.pages.len()) as u32);
        let page = &site.pages[index as usize];
        if std::mem::replace(&mut seen[index as usize], true) || !is_read(page) {
            misses += 1;
            continue;
        }
        pages.push(ask(site, index, dice));
        ahead.extend(&page.next);
    }
    pages
}

/// Counts through the numbers of one kind of page.
fn enumerate(site: &LearntSite, many: usize, dice: &mut Dice) -> Vec<Asked> {
    if site.numbered.is_empty() {
        return Vec::new();
    }
    let weights: Vec<f64> = site.numbered.iter().map(|kind| kind.len() as f64).collect();
    let kind = &site.numbered[dice.weighted(&weights)];
    let start = dice.below(kind.len());
    let guessed = dice.between(0.0, 0.4);
    let mut pages: Vec<Asked> = Vec::new();
    let mut index = start;
    while pages.len() < many {
        let known = kind[index % kind.len()];
        let page = &site.pages[known as usize];
        pages.push(ask(site, known, dice));
        if dice.chance(guessed) {
            let shape = page.event.shape;
            let shape = Shape { number: shape.number.wrapping_add(1), ..shape };
            pages.push(site.nowhere(&page.event, shape, dice.bits()));
        }
        index += 1;
    }
    match dice.below(3) {
        0 => pages.reverse(),
        1 => dice.shuffle(&mut pages),
        _ => {}
    }
    pages
}

/// One form over and over, half of the time with the page before it.
fn brute_force(site: &LearntSite, many: usize, dice: &mut Dice) -> Vec<Asked> {
    if site.forms.is_empty() {
        return Vec::new();
    }
    let index = dice.pick(&site.forms);
    let form = &site.pages[index as usize];
    let refused = form.statuses.iter().find(|status| (400..500).contains(&status.0));
    let refused = refused.map_or(form.statuses.first().map_or(401, |known| known.0), |s| s.0);
    let reads: Vec<u32> =
        (0..).zip(&site.pages).filter(|(_, page)| is_read(page)).map(|(i, _)| i).take(64).collect();
    let before = if dice.chance(0.3) && !reads.is_empty() { Some(dice.pick(&reads)) } else { None };
    let mut pages = Vec::new();
    while pages.len() < many {
        pages.extend(before.map(|page| ask(site, page, dice)));
        pages.push(Asked { event: form.event, status: refused, page: index });
    }
    pages
}

/// Pages that the site does not have.
fn scan(site: &LearntSite, many: usize, dice: &mut Dice) -> Vec<Asked> {
    let any = &site.pages[dice.below(site.pages.len())].event;
    let method = if dice.chance(0.2) { Method::Head } else { Method::Get };
    let hit = dice.between(0.0, 0.15);
    (0..many)
        .map(|_| {
            if dice.chance(hit) {
                return ask(site, popular(site, dice), dice);
            }
            let depth = 1 + dice.below(3) as u8;
            let like = Event {
                class: Class::Page,
                learnt: None,
                template: detector::site_profile::OTHER,
                depth,
                method,
                ..*any
            };
            site.nowhere(&like, Shape::default(), dice.bits())
        })
        .collect()
}
