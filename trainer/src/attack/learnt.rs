//! What an attacker can know of a site: its pages, where they lead, how they are answered, what
//! browsers load with them, and ways through the site that visitors took.
//!
//! Everything is learnt from the log, of clients that are no known bots, and bounded: a site of a
//! million pages is attacked through 20,000 of them.

use std::collections::HashMap;

use detector::url::Shape;
use detector::{Class, Event};

use crate::client_folds::fold;
use crate::label::Label;
use crate::site::{Site, Step};
use crate::targets::NONE;

/// Pages that are known, at most: the first that were asked for.
const PAGES_MAX: usize = 20_000;
/// Assets that are known, at most.
const ASSETS_MAX: usize = 4_000;
/// Pages that a page leads to and assets that come with it, at most.
const LINKS_MAX: usize = 8;
/// Different statuses of one page, at most.
const STATUSES_MAX: usize = 4;
/// Visits whose way is known, at most.
const VISITS_MAX: usize = 160;
/// Requests of one visit, at most.
const VISIT_STEPS_MAX: usize = 300;
/// Pages of a visit that is worth following, at least.
const VISIT_PAGES_MIN: u32 = 5;
/// What a site answers for a page that it does not have, where the log does not show it.
const NOT_FOUND: u16 = 404;
/// The status of a request of which the log does not tell the end.
const SERVED: u16 = 200;

/// A page with a method: `POST /login` is another page than `GET /login`.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// A request for it. Client and time are those of whoever asked first.
    pub event: Event,
    /// How often it was asked for.
    pub asked: u32,
    /// How it was answered, and how often.
    pub statuses: Vec<(u16, u32)>,
    /// Pages that clients asked for next, by index.
    pub next: Vec<u32>,
    /// Assets that clients loaded after it, by index.
    pub assets: Vec<u32>,
}

/// A request and how it was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub event: Event,
    pub status: u16,
    /// Assets that a browser loads with it, by index into [`LearntSite::assets`]: those of this
    /// page. [`NONE`] for what is no page of the site, and in visits, which have their own.
    pub page: u32,
}

/// The way that a client of the log took.
#[derive(Clone, Debug)]
pub(super) struct Visited {
    /// The client, as an index into [`Site::clients`].
    pub client: usize,
    pub steps: Vec<Asked>,
}

/// A site as an attacker knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct LearntSite {
    pub pages: Vec<Page>,
    pub assets: Vec<Asked>,
    /// Pages by the form of their URL, those with a number only: ascending by number.
    pub numbered: Vec<Vec<u32>>,
    /// Pages that something is sent to.
    pub forms: Vec<u32>,
    /// Pages from which most other pages were reached, the most first: lists and menus.
    pub lists: Vec<u32>,
    pub visits: Vec<Visited>,
    /// The status for a page that does not exist.
    pub missing: u16,
    /// From the first to the last request, in µs.
    pub span_us: i64,
}

impl LearntSite {
    /// Learns a site.
    pub fn of(site: &Site) -> Self {
        let mut learnt = Self { missing: NOT_FOUND, ..Self::default() };
        if let Some([first, last]) = site.span() {
            learnt.span_us = last.as_micros() - first.as_micros();
        }
        let mut pages: HashMap<(u32, u8), u32> = HashMap::new();
        let mut assets: HashMap<u32, u32> = HashMap::new();
        // The page that each client saw last.
        let mut last = vec![NONE; site.clients.len()];
        let teaches = |client: usize| {
            !matches!(site.clients[client].labelled.label, Label::Bad | Label::GoodBot)
        };
        let anybody = (0..site.clients.len()).any(teaches);
        site.walk(|step| {
            let client = step.client as usize;
            if !step.is_request() || step.target == NONE || (anybody && !teaches(client)) {
                return;
            }
            let before = last[client];
            if step.event.class == Class::Asset {
                if let Some(asset) = learnt.note_asset(&mut assets, step)
                    && let Some(page) = learnt.pages.get_mut(before as usize)
                {
                    insert(&mut page.assets, asset);
                }
            } else if let Some(page) = learnt.note_page(&mut pages, step) {
                if let Some(before) = learnt.pages.get_mut(before as usize)
                    && before.next.len() < LINKS_MAX
                {
                    insert(&mut before.next, page);
                }
                last[client] = page;
            }
        });
        learnt.order();
        learnt.follow(site, |client| !anybody || teaches(client));
        learnt
    }

    fn note_asset(&mut self, known: &mut HashMap<u32, u32>, step: &Step) -> Option<u32> {
        if let Some(&asset) = known.get(&step.target) {
            return Some(asset);
        }
        if self.assets.len() >= ASSETS_MAX {
            return None;
        }
        let asset = self.assets.len() as u32;
        known.insert(step.target, asset);
        self.assets.push(Asked { event: step.event, status: status(step), page: NONE });
        Some(asset)
    }

    fn note_page(&mut self, known: &mut HashMap<(u32, u8), u32>, step: &Step) -> Option<u32> {
        let key = (step.target, step.event.method as u8);
        let index = match known.get(&key) {
            Some(&page) => page,
            None if self.pages.len() >= PAGES_MAX => return None,
            None => {
                let page = self.pages.len() as u32;
                known.insert(key, page);
                self.pages.push(Page {
                    event: step.event,
                    asked: 0,
                    statuses: Vec::new(),
                    next: Vec::new(),
                    assets: Vec::new(),
                });
                page
            }
        };
        let page = &mut self.pages[index as usize];
        page.asked = page.asked.saturating_add(1);
        let status = status(step);
        match page.statuses.iter().position(|known| known.0 == status) {
            Some(known) => page.statuses[known].1 += 1,
            None if page.statuses.len() < STATUSES_MAX => page.statuses.push((status, 1)),
            None => {}
        }
        Some(index)
    }

    /// Finds numbered pages, forms and lists, and the status of missing pages.
    fn order(&mut self) {
        let mut numbered: HashMap<u16, Vec<u32>> = HashMap::new();
        for (index, page) in (0..).zip(&self.pages) {
            if page.event.write() != 0 {
                self.forms.push(index);
            } else if page.event.shape.form != 0 {
                numbered.entry(page.event.shape.form).or_default().push(index);
            }
        }
        let number = |page: &u32| self.pages[*page as usize].event.shape.number;
        self.numbered = numbered.into_values().filter(|pages| pages.len() > 2).collect();
        self.numbered.iter_mut().for_each(|pages| pages.sort_by_key(number));
        // The order of a hash map differs from run to run.
        self.numbered.sort();
        let leads = |page: &u32| self.pages[*page as usize].next.len();
        let mut lists: Vec<u32> =
            (0..self.pages.len() as u32).filter(|page| leads(page) > 2).collect();
        lists.sort_by_key(|page| std::cmp::Reverse(leads(page)));
        lists.truncate((lists.len() / 4).max(8));
        self.lists = lists;
        let mut missing: HashMap<u16, u32> = HashMap::new();
        for &(status, times) in self.pages.iter().flat_map(|page| &page.statuses) {
            if matches!(status, 404 | 410) {
                *missing.entry(status).or_default() += times;
            }
        }
        let most = missing.into_iter().max_by_key(|&(status, times)| (times, status));
        self.missing = most.map_or(NOT_FOUND, |most| most.0);
    }

    /// Keeps the ways of some clients, chosen by a hash of their keys.
    fn follow(&mut self, site: &Site, takes: impl Fn(usize) -> bool) {
        let mut chosen: Vec<usize> = (0..site.clients.len())
            .filter(|&client| takes(client) && site.clients[client].pages >= VISIT_PAGES_MIN)
            .collect();
        chosen.sort_by_key(|&client| (fold(site.clients[client].key), client));
        chosen.truncate(VISITS_MAX);
        let place: HashMap<u32, usize> =
            chosen.iter().enumerate().map(|(place, &client)| (client as u32, place)).collect();
        self.visits = chosen.iter().map(|&client| Visited { client, steps: Vec::new() }).collect();
        site.walk(|step| {
            if let Some(&place) = place.get(&step.client)
                && step.is_request()
                && self.visits[place].steps.len() < VISIT_STEPS_MAX
            {
                let asked = Asked { event: step.event, status: status(step), page: NONE };
                self.visits[place].steps.push(asked);
            }
        });
    }

    /// A page that the site does not have, of this form and number.
    pub fn nowhere(&self, like: &Event, shape: Shape, hash: u64) -> Asked {
        let event =
            Event { url: detector::UrlKey(hash as u32), page: (hash >> 32) as u32, shape, ..*like };
        Asked { event, status: self.missing, page: NONE }
    }
}

fn status(step: &Step) -> u16 {
    if step.is_end() && step.status != 0 { step.status } else { SERVED }
}

/// Inserts what is new, where there is room.
fn insert(list: &mut Vec<u32>, item: u32) {
    if list.len() < LINKS_MAX && !list.contains(&item) {
        list.push(item);
    }
}
