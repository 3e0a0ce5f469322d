//! Who asked for what, and in which order: the sums of a site profile.

use std::collections::HashMap;

use detector::site_profile::{NUMBERS, step};
use detector::{Class, ProfilePlace};

use super::teachers::PER_CLIENT;
use crate::site::Site;

/// Sums over the clients taken.
#[derive(Debug, Default)]
pub struct Counts {
    /// Clients with a page.
    pub clients: u32,
    /// Visits: a client counts once per page.
    pub visits: u32,
    /// Clients by page.
    pub pages: HashMap<u32, u32>,
    /// Visits by the target that was the client's first to that page, in the order of
    /// [`Site::targets`].
    pub targets: Vec<u32>,
    /// Visits by template number.
    pub mix: [u32; NUMBERS],
    /// Steps by template number, from row to column.
    pub transitions: [[u32; NUMBERS]; NUMBERS],
    /// Clients by hash of a step from page to page.
    pub steps: HashMap<u32, u32>,
}

/// A client on its way.
#[derive(Default)]
struct Way {
    pages: Vec<u32>,
    /// Different ones.
    steps: Vec<u32>,
    steps_taken: usize,
    last: Option<ProfilePlace>,
}

/// Sums up the first 48 distinct pages and the first 48 steps of each client that `takes` accepts.
/// `places` says where each target falls.
pub fn count(site: &Site, places: &[ProfilePlace], takes: impl Fn(usize) -> bool) -> Counts {
    let mut counts = Counts { targets: vec![0; places.len()], ..Counts::default() };
    let taken: Vec<bool> = (0..site.clients.len()).map(takes).collect();
    let mut ways: Vec<Option<Box<Way>>> = Vec::new();
    ways.resize_with(site.clients.len(), || None);
    site.walk(|at| {
        let Some(&place) = places.get(at.target as usize).filter(|_| taken[at.client as usize])
        else {
            return;
        };
        if place.class.unwrap_or(at.event.prior()) == Class::Page {
            let way = ways[at.client as usize].get_or_insert_default();
            counts.visit(way, place, at.target);
            counts.walk(way, place);
        }
    });
    counts
}

impl Counts {
    fn visit(&mut self, way: &mut Way, place: ProfilePlace, target: u32) {
        // Four billion visits are enough for any shop, and the sums stay within their type.
        if way.pages.len() >= PER_CLIENT
            || way.pages.contains(&place.page)
            || self.visits == u32::MAX
        {
            return;
        }
        self.clients += u32::from(way.pages.is_empty());
        self.visits += 1;
        way.pages.push(place.page);
        *self.pages.entry(place.page).or_insert(0) += 1;
        self.targets[target as usize] += 1;
        self.mix[usize::from(place.template)] += 1;
    }

    fn walk(&mut self, way: &mut Way, place: ProfilePlace) {
        let Some(from) = way.last.replace(place).filter(|_| way.steps_taken < PER_CLIENT) else {
            return;
        };
        way.steps_taken += 1;
        let transition =
            &mut self.transitions[usize::from(from.template)][usize::from(place.template)];
        *transition = transition.saturating_add(1);
        let hash = step(from.page, place.page);
        if !way.steps.contains(&hash) {
            way.steps.push(hash);
            *self.steps.entry(hash).or_insert(0) += 1;
        }
    }
}
