//! Page or asset, template by template, from how browsers ask for it.
//!
//! A page pulls its assets in by itself: each comes with the page's address as referer, within a
//! second or two of that page, and several to a page. A document names itself when it is the
//! referer of what follows; an image or an API call never does. In doubt the prior holds: an asset
//! taken for a page makes people look like scrapers, and a page taken for an asset makes scrapers
//! invisible.
//!
//! Prefetched pages come as assets do. They stay pages because those that are then looked at refer
//! to what they load.

use std::collections::{HashMap, HashSet};

use detector::{Class, Timestamp};
use traffic::replay::PARTS;

use super::teachers::teaches;
use crate::site::Site;
use crate::targets::NONE;

/// "Right after" a page. Logs often tell whole seconds, and a slow page takes its time.
const QUICK_US: u64 = 2_000_000;
/// Fewer requests with a referer show nothing.
const LED_MIN: u64 = 20;
/// Fewer clients may be one program.
const CLIENTS_MIN: usize = 5;
/// Share of the requests with a referer that come right after the page they name.
const QUICK_SHARE_MIN: f64 = 0.7;
/// More requests than this per page view that they name, for most clients; a page that fetches its
/// data calls once or twice.
const PER_VIEW_MIN: u32 = 2;
/// From this share of its requests being named as a referer on, a template is of documents: of
/// fifty prefetched pages one is looked at.
const DOCUMENT_SHARE_MIN: f64 = 0.02;
/// What has an asset's extension is a page only when hardly ever asked for right after another,
const UNLED_SHARE_MIN: f64 = 0.9;
/// and when this share of its requests leads to a page: an image found by a search engine leads
/// nowhere. Styles and scripts never are, because they lead to what they load, and in old browsers
/// to where their menus lead.
const PAGE_SHARE_MIN: f64 = 0.2;

/// How a template is asked for, by client. Shares are means over clients: one that asks a thousand
/// times has one voice.
#[derive(Clone, Debug, Default)]
pub struct ClassEvidence {
    by_client: HashMap<u32, Own>,
}

/// How one client asks for a template.
#[derive(Clone, Debug, Default)]
struct Own {
    requests: u32,
    /// With a referer that it had asked for.
    led: u32,
    /// Of those, right after it.
    quick: u32,
    /// Page views that led here, by the step that was the view.
    views: HashSet<u32>,
    /// Requests that led to others, by step.
    documents: HashSet<u32>,
    /// Of those, to other targets that look like pages.
    ways: HashSet<u32>,
}

impl ClassEvidence {
    /// May what looks like a page be taken for an asset?
    pub fn is_asset(&self) -> bool {
        let clients = self.count(|own| own.led > 0);
        let requests: u64 = self.by_client.values().map(|own| u64::from(own.led)).sum();
        !(self.documents_of() >= CLIENTS_MIN && self.document_share() >= DOCUMENT_SHARE_MIN)
            && requests >= LED_MIN
            && clients >= CLIENTS_MIN
            && self.mean(|own| own.quick, |own| own.led) >= QUICK_SHARE_MIN
            && 2 * self.count(|own| own.led > PER_VIEW_MIN * own.views.len() as u32) > clients
    }

    /// May what looks like an asset be taken for a page?
    pub fn is_page(&self) -> bool {
        let requests: u64 = self.by_client.values().map(|own| u64::from(own.requests)).sum();
        requests >= LED_MIN
            && self.count(|own| own.quick < own.requests) >= CLIENTS_MIN
            && self.mean(|own| own.requests - own.quick, |own| own.requests) >= UNLED_SHARE_MIN
            && self.count(|own| !own.ways.is_empty()) >= CLIENTS_MIN
            && self.mean(|own| own.ways.len() as u32, |own| own.requests) >= PAGE_SHARE_MIN
    }

    fn documents_of(&self) -> usize {
        self.count(|own| !own.documents.is_empty())
    }

    fn document_share(&self) -> f64 {
        self.mean(|own| own.documents.len() as u32, |own| own.requests)
    }

    fn count(&self, holds: impl Fn(&Own) -> bool) -> usize {
        self.by_client.values().filter(|own| holds(own)).count()
    }

    /// Mean over the clients that have `all` of their own `part / all`; 0 where none has. In parts
    /// per million, because a hash map's order must not show in a sum of floats.
    fn mean(&self, part: impl Fn(&Own) -> u32, all: impl Fn(&Own) -> u32) -> f64 {
        let clients = self.by_client.values().filter(|own| all(own) > 0);
        let (sum, clients) = clients.fold((0, 0_u64), |(sum, clients), own| {
            (sum + u64::from(part(own)) * 1_000_000 / u64::from(all(own)), clients + 1)
        });
        sum as f64 / 1e6 / (clients as f64).max(1.0)
    }
}

/// Gathers the evidence of each group of targets; `groups` says which a target belongs to.
pub fn gather(site: &Site, groups: &[Option<usize>], count: usize) -> Vec<ClassEvidence> {
    let mut evidence = vec![ClassEvidence::default(); count];
    let mut is_referer = vec![false; groups.len()];
    site.walk(|step| {
        if let Some(is_referer) = is_referer.get_mut(step.referer as usize) {
            *is_referer = true;
        }
    });
    // When each client last asked for what is a referer somewhere, and as which step.
    let mut last: HashMap<(u32, u32), (Timestamp, u32)> = HashMap::new();
    site.walk_parts(0..PARTS, |place, step| {
        if step.target == NONE || !teaches(site, step.client as usize) {
            return;
        }
        let view = last.get(&(step.client, step.referer)).copied();
        let is_quick = view.is_some_and(|(at, _)| step.event.at.micros_since(at) <= QUICK_US);
        let group = |target: u32| groups.get(target as usize).copied().flatten();
        if let Some(group) = group(step.target) {
            let own = evidence[group].by_client.entry(step.client).or_default();
            own.requests += 1;
            own.quick += u32::from(is_quick);
            if let Some((_, view)) = view {
                own.led += 1;
                own.views.insert(view);
            }
        }
        if let (Some((_, view)), Some(group)) = (view, group(step.referer)) {
            let own = evidence[group].by_client.entry(step.client).or_default();
            own.documents.insert(view);
            if step.event.prior() == Class::Page && step.target != step.referer {
                own.ways.insert(view);
            }
        }
        if is_referer.get(step.target as usize) == Some(&true) {
            last.insert((step.client, step.target), (step.event.at, place as u32));
        }
    });
    evidence
}
