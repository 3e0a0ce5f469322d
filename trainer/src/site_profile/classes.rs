//! Page or asset, template by template: by the answers' content types where the log has them,
//! otherwise from how browsers ask for it.
//!
//! A page pulls its assets in by itself: each comes with the page's address as referer, soon after
//! that page, and several to a page. A document names itself when it is the referer of what
//! follows; an image or an API call never does. In doubt the prior holds: an asset taken for a page
//! makes people look like scrapers, and a page taken for an asset makes scrapers invisible.
//!
//! On a fast way "soon" is two seconds. On a slow one, and where pictures load as they are scrolled
//! to, it is twenty. In twenty seconds a person follows several links of one list, too. So what
//! comes that slowly must show more: many *different* addresses to a view (a call that repeats is
//! one), hardly ever asked for without a page, hardly ever the referer of anything, and no name of
//! an API.
//!
//! Prefetched pages come as assets do. They stay pages because those that are then looked at refer
//! to what they load.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};

use detector::url::split;
use detector::{Class, Method, Timestamp};
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
/// "Soon after" a page: what lies far down a page that loads slowly has come by then.
const SOON_US: u64 = 20_000_000;
/// Share of the requests with a referer that come right after, or soon after, the page they name.
const QUICK_SHARE_MIN: f64 = 0.7;
/// More requests than this per page view that they name, for most clients; a page that fetches its
/// data calls once or twice.
const PER_VIEW_MIN: u32 = 2;
/// What comes soon and not right after has at least so many different addresses to a view, for most
/// clients: who opens links of a list in tabs opens two or three,
const PER_VIEW_SLOW_MIN: u32 = 4;
/// or so many below a directory for pictures, because a product's page shows a few,
const PICTURES_PER_VIEW_SLOW_MIN: u32 = 2;
/// and this share of its requests names a page that the client had asked for: people come to pages
/// from elsewhere as well.
const LED_SHARE_MIN: f64 = 0.7;
/// It is named as a referer by less than this: an image opened by itself.
const DOCUMENT_SHARE_SLOW_MAX: f64 = 0.005;
/// Segments that name an API. Its calls can come as pictures do, and each may be a person's click.
const API_SEGMENTS: &[&str] = &[
    "ajax", "api", "graphql", "gateway", "json", "rest", "rpc", "services", "v1", "v2", "v3",
    "wp-json",
];
/// Segments that name a directory for pictures.
const PICTURE_SEGMENTS: &[&str] = &[
    "avatar",
    "avatars",
    "icon",
    "icons",
    "image",
    "images",
    "img",
    "imgs",
    "logo",
    "logos",
    "media",
    "photo",
    "photos",
    "pic",
    "pics",
    "picture",
    "pictures",
    "thumb",
    "thumbnail",
    "thumbnails",
    "thumbs",
];
/// Answers with a content type from which on it decides, and the share of them that must agree.
const TYPED_MIN: u64 = 5;
const TYPED_SHARE_MIN: f64 = 0.95;
/// From this share of its requests being named as a referer on, a template is of documents: of
/// fifty prefetched pages one is looked at.
const DOCUMENT_SHARE_MIN: f64 = 0.02;
/// What has an asset's extension is a page only when hardly ever asked for right after another,
const UNLED_SHARE_MIN: f64 = 0.9;
/// and when this share of its requests leads to a page: an image found by a search engine leads
/// nowhere. Styles and scripts never are, because they lead to what they load, and in old browsers
/// to where their menus lead.
const PAGE_SHARE_MIN: f64 = 0.2;

/// Paths of a view that are remembered, so that what is asked for again and again counts once.
const RECENT: usize = 8;

/// How a template is asked for, by client. Shares are means over clients: one that asks a thousand
/// times has one voice.
#[derive(Clone, Debug, Default)]
pub struct ClassEvidence {
    by_client: HashMap<u32, Own>,
    /// Answers that were assets, and documents, by their content type.
    answers: [u64; 2],
}

/// How one client asks for a template.
#[derive(Clone, Debug, Default)]
struct Own {
    requests: u32,
    /// With a referer that it had asked for.
    led: u32,
    /// Of those, right after it.
    quick: u32,
    /// Of those led, soon after it, and not sent to change anything.
    soon: u32,
    /// Of those led, with another path than the last few of that view.
    different: u32,
    /// The view that led here last, and the last paths that it led to.
    view: u32,
    recent: [u32; RECENT],
    /// Page views that led here, by the step that was the view.
    views: HashSet<u32>,
    /// Requests that led to others, by step.
    documents: HashSet<u32>,
    /// Of those, to other targets that look like pages.
    ways: HashSet<u32>,
}

impl ClassEvidence {
    /// May what looks like a page be taken for an asset? `pattern` is its template.
    pub fn is_asset(&self, pattern: &str) -> bool {
        let [assets, documents] = self.answers;
        match () {
            () if self.are_typed(assets) => true,
            () if documents > assets => false,
            () if self.is_pulled_in() => true,
            () if names(pattern, API_SEGMENTS) => false,
            () if names(pattern, PICTURE_SEGMENTS) => {
                self.is_pulled_in_slowly(PICTURES_PER_VIEW_SLOW_MIN)
            }
            () => self.is_pulled_in_slowly(PER_VIEW_SLOW_MIN),
        }
    }

    /// Were nearly all answers of one kind, of which there were `count`?
    fn are_typed(&self, count: u64) -> bool {
        let all: u64 = self.answers.iter().sum();
        all >= TYPED_MIN && count as f64 >= TYPED_SHARE_MIN * all as f64
    }

    fn is_pulled_in(&self) -> bool {
        let clients = self.count(|own| own.led > 0);
        let requests: u64 = self.by_client.values().map(|own| u64::from(own.led)).sum();
        !(self.documents_of() >= CLIENTS_MIN && self.document_share() >= DOCUMENT_SHARE_MIN)
            && requests >= LED_MIN
            && clients >= CLIENTS_MIN
            && self.mean(|own| own.quick, |own| own.led) >= QUICK_SHARE_MIN
            && 2 * self.count(|own| own.led > PER_VIEW_MIN * own.views.len() as u32) > clients
    }

    fn is_pulled_in_slowly(&self, per_view_min: u32) -> bool {
        let clients = self.count(|own| own.led > 0);
        let requests: u64 = self.by_client.values().map(|own| u64::from(own.led)).sum();
        // Who was sent here by another site says nothing of how this site's pages load.
        let of_viewers = |own: &Own| if own.led > 0 { own.requests } else { 0 };
        let many = |own: &Own| own.different >= per_view_min * own.views.len() as u32;
        requests >= LED_MIN
            && clients >= CLIENTS_MIN
            && 2 * self.count(|own| own.led > 0 && many(own)) > clients
            && self.mean(|own| own.soon, |own| own.led) >= QUICK_SHARE_MIN
            && self.mean(|own| own.led, of_viewers) >= LED_SHARE_MIN
            && self.document_share() < DOCUMENT_SHARE_SLOW_MAX
    }

    /// May what looks like an asset be taken for a page?
    pub fn is_page(&self) -> bool {
        let requests: u64 = self.by_client.values().map(|own| u64::from(own.requests)).sum();
        let [assets, documents] = self.answers;
        assets <= documents
            && requests >= LED_MIN
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

impl Own {
    /// Notes a request that a view of this step led to.
    fn lead(&mut self, view: u32, path: u32, is_quick: bool, is_soon: bool) {
        self.led += 1;
        self.quick += u32::from(is_quick);
        self.soon += u32::from(is_soon);
        if self.views.insert(view) || self.view != view {
            (self.view, self.recent) = (view, [0; RECENT]);
        }
        if !self.recent.contains(&path) {
            self.different += 1;
            self.recent.rotate_right(1);
            self.recent[0] = path;
        }
    }
}

/// Is one of these words a segment of a template?
fn names(pattern: &str, words: &[&str]) -> bool {
    let path = pattern.split('?').next().unwrap_or(pattern);
    path.split('/').any(|segment| words.contains(&segment))
}

/// A hash of a target's path, never 0.
fn path_hash(target: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write(split(target).0.as_bytes());
    hasher.finish() as u32 | 1
}

/// Gathers the evidence of each group of targets; `groups` says which a target belongs to.
pub fn gather(site: &Site, groups: &[Option<usize>], count: usize) -> Vec<ClassEvidence> {
    let mut evidence = vec![ClassEvidence::default(); count];
    let mut paths = vec![0; groups.len()];
    for (target, group) in groups.iter().enumerate().filter_map(|(at, group)| Some((at, (*group)?)))
    {
        let answers = site.targets.answers(target as u32);
        for (sum, answers) in evidence[group].answers.iter_mut().zip(answers) {
            *sum += u64::from(answers);
        }
        paths[target] = site.targets.get(target as u32).map_or(1, path_hash);
    }
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
        let is_within =
            |micros: u64| view.is_some_and(|(at, _)| step.event.at.micros_since(at) <= micros);
        let is_quick = is_within(QUICK_US);
        let group = |target: u32| groups.get(target as usize).copied().flatten();
        if let Some(group) = group(step.target) {
            let own = evidence[group].by_client.entry(step.client).or_default();
            own.requests += 1;
            if let Some((_, view)) = view {
                let is_soon = is_within(SOON_US) && step.event.method == Method::Get;
                own.lead(view, paths[step.target as usize], is_quick, is_soon);
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
