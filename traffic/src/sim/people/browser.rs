//! A person's browser: referers, images in bursts, a cache. Also how long a person thinks.
//!
//! After a page the browser loads its style, its script and the pictures in view, some milliseconds
//! apart. More pictures follow while the person scrolls. What is in the cache is not requested
//! again, and a returning customer comes with a warm cache. So loading images makes a person
//! likely, but proves nothing.

use std::collections::HashSet;
use std::sync::Arc;

use crate::sim::dice::Dice;
use crate::sim::site::{PageKind, Site, api};
use crate::sim::visit::{Tempo, Turn};

/// The kind of front end, which decides what the shop's own server sees of a person's clicks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Front {
    /// Pages with pictures, style and script.
    Pages,
    /// Pages only; the rest comes from a CDN.
    PagesOnly,
    /// One page with pictures, then API calls. Products in view are prefetched.
    SinglePage,
    /// The API calls of an app.
    App,
}

/// One person's browser.
#[derive(Debug)]
pub(in crate::sim) struct Browser {
    /// The URL of the page that is open.
    page: Option<Arc<str>>,
    cached: HashSet<u64>,
    is_warm: bool,
    /// Pictures in view before scrolling: a phone shows 2, a large screen 12.
    in_view: usize,
    /// Time until the first bytes of a page arrive.
    latency_s: f64,
    front: Front,
    /// Targets that have been prefetched and not opened yet.
    ahead: HashSet<String>,
    /// Whether the first page has been loaded. A single-page front end makes API calls afterwards.
    is_started: bool,
}

/// How long a person thinks before the next click.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Thinking {
    median_s: f64,
    sigma: f64,
    /// Share of clicks that follow at once: a wrong page, a known way, impatience.
    hasty_share: f64,
    /// Share of clicks that follow a long interruption, such as a phone call.
    pause_share: f64,
}

impl Browser {
    pub(in crate::sim) fn new(dice: &mut Dice) -> Self {
        Self {
            page: None,
            cached: HashSet::new(),
            // A quarter to a third of a shop's visits are returns.
            is_warm: dice.chance(0.3),
            in_view: 2 + dice.below(11),
            latency_s: dice.log_between(0.01, 0.15),
            front: Front::Pages,
            ahead: HashSet::new(),
            is_started: false,
        }
    }

    /// Sets the kind of front end.
    pub(in crate::sim) fn show(&mut self, front: Front) {
        self.front = front;
    }

    /// Sets where the person comes from: a search engine, or no known page.
    pub(in crate::sim) fn arrive(&mut self, dice: &mut Dice) {
        self.page = dice.chance(0.6).then(|| Arc::from(dice.pick(REFERERS)));
    }

    /// Opens a page, loads what it needs, and returns what it is.
    pub(in crate::sim) fn open(&mut self, turn: &mut Turn<'_>, target: &str) -> PageKind {
        if !self.ahead.remove(target) {
            turn.get(self.asked(target), self.referer());
        }
        self.is_started = true;
        let kind = turn.site.respond("GET", target, None).kind;
        self.page = Some(Arc::from(format!("https://{}{target}", Site::HOST)));
        self.load(turn, &kind);
        kind
    }

    /// Sends a form, and follows a redirect.
    pub(in crate::sim) fn submit(
        &mut self,
        turn: &mut Turn<'_>,
        target: &str,
        form: String,
    ) -> PageKind {
        let reply = turn.site.respond("POST", target, Some(&form));
        turn.post(&self.asked(target), form, self.referer());
        match reply.location {
            Some(location) => {
                turn.pause(self.latency_s, 0.3);
                self.open(turn, location)
            }
            None => reply.kind,
        }
    }

    /// Requests something in the background that is not a page.
    pub(in crate::sim) fn fetch(&self, turn: &mut Turn<'_>, target: String) {
        turn.get(self.asked(&target), self.referer());
    }

    /// The target as this front end requests it: an API call or the page itself.
    fn asked(&self, target: &str) -> String {
        let is_call =
            self.front == Front::App || (self.front == Front::SinglePage && self.is_started);
        match target {
            "/" if is_call => "/api/v1/home".to_owned(),
            target if is_call => api::named(target),
            target => target.to_owned(),
        }
    }

    fn referer(&self) -> Option<Arc<str>> {
        if self.front == Front::App { None } else { self.page.clone() }
    }

    /// Loads what a script requests after a page: the data beside a product, and in a single-page
    /// front end every product in view.
    fn load_data(&mut self, turn: &mut Turn<'_>, kind: &PageKind, in_view: &[u32]) {
        let targets: Vec<String> = match kind {
            PageKind::Product(id) => {
                vec![
                    format!("/api/v1/products/{id}/reviews?page=1"),
                    format!("/api/v1/recommendations?product={id}"),
                ]
            }
            _ if self.front == Front::SinglePage => {
                let targets = in_view.iter().map(|id| format!("/p/{id}"));
                targets
                    .filter(|target| self.ahead.insert(target.clone()))
                    .map(|target| api::named(&target))
                    .collect()
            }
            _ => Vec::new(),
        };
        let mut after = self.latency_s + turn.dice.exponential(0.05);
        for target in targets {
            turn.get_after(after, target, self.referer());
            after += turn.dice.exponential(0.02);
        }
    }

    /// Looks at one picture of a product, and loads it unless it is in the cache.
    pub(in crate::sim) fn look_at_picture(&mut self, turn: &mut Turn<'_>, id: u32, number: u8) {
        self.load_image(turn, 0.0, id, number);
    }

    /// Loads what a page needs: style, script, pictures, data.
    fn load(&mut self, turn: &mut Turn<'_>, kind: &PageKind) {
        match self.front {
            Front::Pages => {}
            Front::PagesOnly => return,
            Front::SinglePage => {
                let in_view = products_on(turn.site, kind).unwrap_or_default();
                self.load_data(turn, kind, &in_view);
            }
            Front::App => return self.load_data(turn, kind, &[]),
        }
        let mut after = self.latency_s * turn.dice.between(0.8, 2.0);
        for (key, target) in [(1, "/assets/app.css"), (2, "/assets/app.js"), (3, "/favicon.ico")] {
            if self.cached.insert(key) && !self.is_warm {
                turn.get_asset(after, target.to_owned(), self.page.clone());
                after += turn.dice.exponential(0.006);
            }
        }
        let Some(pictures) = products_on(turn.site, kind) else { return };
        // The person scrolls down a part of this page, a screen at a time.
        let seen = (self.in_view + turn.dice.exponential(self.in_view as f64) as usize)
            .min(pictures.len());
        for (index, id) in pictures.into_iter().take(seen).enumerate() {
            let screens_down = index / self.in_view;
            after += turn.dice.exponential(0.012);
            if screens_down > 0 && index % self.in_view == 0 {
                after += turn.dice.lognormal(0.7, 0.5);
            }
            self.load_image(turn, after, id, 1);
        }
    }

    fn load_image(&mut self, turn: &mut Turn<'_>, after: f64, id: u32, number: u8) {
        if matches!(self.front, Front::PagesOnly | Front::App) {
            return;
        }
        let is_new = self.cached.insert(u64::from(id) << 8 | u64::from(number));
        // For a returning customer, a picture is often still in the cache.
        if is_new && !(self.is_warm && turn.dice.chance(0.5)) {
            turn.get_asset(after, format!("/img/p/{id}-{number}.jpg"), self.page.clone());
        }
    }
}

/// The products that a page shows, from top to bottom.
fn products_on(site: &Site, kind: &PageKind) -> Option<Vec<u32>> {
    match kind {
        PageKind::Home => Some(site.featured()),
        PageKind::Category(_, _, _, listing) | PageKind::Search(_, listing) => {
            Some(listing.products.clone())
        }
        PageKind::Product(id) => {
            let mut products = vec![*id];
            products.extend(site.related(*id));
            Some(products)
        }
        _ => None,
    }
}

impl Thinking {
    /// The thinking times of one person. Each person has a median of its own, and each time varies
    /// around it.
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let (median_s, spread, pause_share) = match tempo {
            Tempo::Day => (4.5, 0.6, 0.03),
            Tempo::Live => (2.8, 0.2, 0.0),
        };
        Self {
            median_s: dice.lognormal(median_s, spread).clamp(1.2, 40.0),
            // Dwell times on pages are heavy-tailed: σ of the logarithm near 1 (Liu, White &
            // Dumais, SIGIR 2010, fit Weibulls with shape below 1).
            sigma: dice.between(0.7, 1.1),
            hasty_share: dice.between(0.05, 0.25),
            pause_share,
        }
    }

    /// Makes the person hurry.
    pub(in crate::sim) fn hurried(self) -> Self {
        Self { median_s: self.median_s * 0.6, hasty_share: self.hasty_share + 0.1, ..self }
    }

    /// Lets the time until the next click pass.
    pub(in crate::sim) fn pause(&self, turn: &mut Turn<'_>) {
        let secs = self.draw(turn.dice);
        turn.wait(secs);
    }

    fn draw(&self, dice: &mut Dice) -> f64 {
        if dice.chance(self.pause_share) {
            return dice.log_between(20.0, 900.0);
        }
        if dice.chance(self.hasty_share) {
            return dice.lognormal(0.6, 0.5);
        }
        // Nobody sees, understands and clicks a page in less than 0.25 s.
        0.25 + dice.lognormal(self.median_s, self.sigma)
    }
}

const REFERERS: &[&str] =
    &["https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/"];
