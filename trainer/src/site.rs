//! One site: its traffic, its clients, and what is known of both.
//!
//! A log line takes 72 bytes, and each distinct target its text once. Steps are kept as the log has
//! them and never changed, so that copies of a site share them. What the site profile says of a
//! target (page or asset, which template) is applied to a step when a walk comes to it.

use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use detector::url::{Shape, split};
use detector::{AssetCredit, Class, ClientKey, Event, ProfilePlace, SiteProfile, Timestamp};
use traffic::replay::{self, PARTS, Traffic, TrafficInMemory, TrafficStep};

use crate::label::{Label, Labelled};
use crate::site_profile::fold::{PROFILE_FOLDS, fold_of};
use crate::targets::Targets;

/// The key that URLs are hashed with offline. Any fixed one makes training reproducible.
pub const OFFLINE_HASH_KEY: u64 = 0x6b69_646f;

/// A log line of a site, as it is driven through the detector, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is driven.
    pub line: replay::LogStep,
    /// The client, as an index into [`Site::clients`].
    pub client: u32,
    /// The client's own count of events, which orders those of one microsecond. 0 where the log has
    /// none.
    pub seq: u32,
    /// What was asked for, as an index into [`Site::targets`];
    /// [`NONE`](crate::targets::NONE) for a line that only says how a request ended.
    pub target: u32,
    /// The page of this site that sent the client here, according to its referer: an index into
    /// [`Site::targets`]. [`NONE`](crate::targets::NONE) without a referer, and where nobody had
    /// asked for that page yet.
    pub referer: u32,
}

impl Step {
    /// The request, if this step has one.
    pub fn request(&self) -> Option<&Event> {
        self.line.is_request().then_some(&self.line.event)
    }
}

impl Deref for Step {
    type Target = replay::LogStep;

    fn deref(&self) -> &replay::LogStep {
        &self.line
    }
}

impl DerefMut for Step {
    fn deref_mut(&mut self) -> &mut replay::LogStep {
        &mut self.line
    }
}

impl TrafficStep for Step {
    fn order(&self) -> (Timestamp, u32) {
        (self.line.event.at, self.seq)
    }

    fn client(&self) -> ClientKey {
        self.line.event.client
    }
}

/// One client of a site.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its key.
    pub key: ClientKey,
    /// What the log's client field held when the client was first seen.
    pub name: String,
    /// What is known of the client, and from whom.
    pub labelled: Labelled,
    /// When it was first seen.
    pub first_at: Timestamp,
    /// Page requests in all.
    pub pages: u32,
}

/// A site: its traffic in order of time, and its clients.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Name, for reports.
    pub name: String,
    /// Its log lines as they were read. [`Site::walk`] applies the site profile to them.
    pub traffic: Arc<TrafficInMemory<Step>>,
    /// Clients in order of first appearance in the files.
    pub clients: Vec<Client>,
    /// What was asked for.
    pub targets: Arc<Targets>,
    /// Time step of its log, in µs.
    pub resolution_us: u32,
    /// The profiles that its clients are measured with. None; or one for everybody; or for each
    /// fold of clients ([`crate::site_profile::fold_of`]) one that was learnt without them, and
    /// last the one that is shipped.
    pub profiles: Vec<Arc<SiteProfile>>,
    /// Which clients are kept apart to prove a budget; empty if nobody is. They teach no profile
    /// and are measured with the one that is shipped, as clients who come later will be.
    pub apart: Vec<bool>,
    /// What the profile says of each target, in the order of `targets`; empty without a profile.
    places: Arc<Vec<ProfilePlace>>,
    /// [`SiteProfile::assets_alone`] of the profile.
    assets_alone: Option<u16>,
    /// Walks stop before the first step of this time or later.
    end: Option<Timestamp>,
    /// Whose steps walks leave out; empty where they leave nobody out.
    is_hidden: Arc<Vec<bool>>,
}

impl Site {
    /// A site without a profile.
    pub fn new(
        name: &str,
        traffic: TrafficInMemory<Step>,
        clients: Vec<Client>,
        targets: Targets,
        resolution_us: u32,
    ) -> Self {
        Self {
            name: name.to_owned(),
            traffic: Arc::new(traffic),
            clients,
            targets: Arc::new(targets),
            resolution_us,
            ..Self::default()
        }
    }

    /// The site with its traffic before a time. Clients and their labels stay.
    #[must_use]
    pub fn before(&self, end: Timestamp) -> Self {
        Self { end: Some(end), ..self.clone() }
    }

    /// The site with the traffic of some clients only. Clients and their labels stay.
    #[must_use]
    pub fn of_clients(&self, takes: impl Fn(ClientKey) -> bool) -> Self {
        let is_hidden =
            |(index, client): (usize, &Client)| self.is_hidden(index) || !takes(client.key);
        let is_hidden = self.clients.iter().enumerate().map(is_hidden).collect();
        Self { is_hidden: Arc::new(is_hidden), ..self.clone() }
    }

    fn is_hidden(&self, client: usize) -> bool {
        self.is_hidden.get(client).copied().unwrap_or(false)
    }

    /// The site with other traffic of the same clients and targets, such as a part of its own.
    #[must_use]
    pub fn with_traffic(&self, traffic: TrafficInMemory<Step>) -> Self {
        Self { traffic: Arc::new(traffic), ..self.clone() }
    }

    /// Calls `visit` with each step in order of time, as the site profile has it.
    pub fn walk(&self, mut visit: impl FnMut(&Step)) {
        self.walk_parts(0..PARTS, |_, step| visit(step));
    }

    /// Calls `visit` with each step of these parts of the clients ([`PARTS`]) in order of time, as
    /// the site profile has it, and with its place among the steps of all parts.
    pub fn walk_parts(&self, parts: Range<usize>, mut visit: impl FnMut(u64, &Step)) {
        let mut credits = match self.places.is_empty() {
            true => Vec::new(),
            false => vec![AssetCredit::NEW; self.clients.len()],
        };
        let Ok(()) = self.traffic.walk(parts, |place, step| {
            let is_late = self.end.is_some_and(|end| step.event.at >= end);
            if is_late || self.is_hidden(step.client as usize) {
                return;
            }
            match self.places.get(step.target as usize) {
                Some(known) => {
                    let credit = &mut credits[step.client as usize];
                    visit(place, &self.placed(step, known, credit));
                }
                None => visit(place, step),
            }
        });
    }

    /// The step as a gate sees the request that has this profile: page or asset as it was learnt,
    /// otherwise as its URL looks.
    fn placed(&self, step: &Step, place: &ProfilePlace, credit: &mut AssetCredit) -> Step {
        let mut step = *step;
        let prior = step.event.prior();
        (step.event.page, step.event.template) = (place.page, place.template);
        step.event.class = place.class.unwrap_or(prior);
        step.event.learnt = place.class.filter(|class| *class != prior);
        step.event.class = credit.class(&step.line.event, self.assets_alone);
        // What looks like an asset was noted without a shape, and what is learnt to be a page has
        // one at a gate.
        if (place.class, prior) == (Some(Class::Page), Class::Asset)
            && let Some(target) = self.targets.get(step.target)
        {
            let (path, query) = split(target);
            step.event.shape = Shape::of(path, query).naming(step.event.shape.names);
        }
        step
    }

    /// Times of the first and the last step.
    pub fn span(&self) -> Option<[Timestamp; 2]> {
        if self.end.is_none() && self.is_hidden.is_empty() {
            return self.traffic.ends().map(|ends| ends.map(|step| step.event.at));
        }
        let mut span: Option<[Timestamp; 2]> = None;
        self.walk(|step| {
            let first = span.map_or(step.event.at, |[first, _]| first);
            span = Some([first, step.event.at]);
        });
        span
    }

    /// Measures all clients with this profile.
    pub fn use_profile(&mut self, profile: Arc<SiteProfile>) {
        self.apply_profile(&profile);
        self.profiles = vec![profile];
        self.apart = Vec::new();
    }

    /// The profile that a client is measured with.
    pub fn profile_for(&self, client: usize) -> Option<&SiteProfile> {
        let profile = if self.is_apart(client) || self.profiles.len() < PROFILE_FOLDS {
            self.profiles.last()
        } else {
            self.profiles.get(fold_of(self.clients[client].key, PROFILE_FOLDS))
        };
        profile.map(Arc::as_ref)
    }

    /// Is this client kept apart to prove a budget?
    pub fn is_apart(&self, client: usize) -> bool {
        self.apart.get(client).copied().unwrap_or(false)
    }

    /// How many clients have this label.
    pub fn count(&self, label: Label) -> u64 {
        self.clients.iter().filter(|client| client.labelled.label == label).count() as u64
    }

    /// From now on walks see each request as a gate with this profile does, and each client has as
    /// many pages as the profile says.
    pub fn apply_profile(&mut self, profile: &SiteProfile) {
        self.places = Arc::new(self.places(profile));
        self.assets_alone = profile.assets_alone();
        let mut pages = vec![0_u32; self.clients.len()];
        self.walk(|step| {
            let is_page = step.is_request() && step.event.class == Class::Page;
            pages[step.client as usize] += u32::from(is_page);
        });
        for (client, pages) in self.clients.iter_mut().zip(pages) {
            client.pages = pages;
        }
    }

    /// Where each target falls, in the order of [`Site::targets`].
    pub fn places(&self, profile: &SiteProfile) -> Vec<ProfilePlace> {
        let place = |target| {
            let (path, query) = split(target);
            profile.place(path, query)
        };
        self.targets.iter().map(place).collect()
    }
}
