//! The requests of one visitor, one after another.
//!
//! A behaviour decides what its visitor does next. It may plan ahead, such as a page and its images
//! over the next second; an agenda puts the planned requests in order. Nothing is planned for a
//! time before the behaviour's own "now". So all requests up to that time can be returned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::dice::{Dice, micros};
use super::population::Population;
use super::site::Site;

/// One request of a visitor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VisitStep {
    /// Microseconds since the start of the visitor's previous request, or, for the first one, since
    /// the start of the visit.
    pub wait_us: u64,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// URL-encoded body of a POST.
    pub form: Option<String>,
    /// `Referer` header: the page that the request comes from, as an absolute URL.
    pub referer: Option<Arc<str>>,
    /// Whether it is something that a browser loads by itself: images, style, script.
    pub is_asset: bool,
}

/// How long visits are and how fast visitors move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tempo {
    /// For a day's log: people come and go, bots finish and leave, speeds vary widely.
    Day,
    /// For a demonstration of half a minute: nobody leaves, people are quick (median 3 s a page),
    /// and bots work all the time.
    Live,
}

/// The visit of one visitor: a sequence of [`VisitStep`]s, which may be endless.
pub struct Visit {
    population: Population,
    user_agent: &'static str,
    behaviour: Box<dyn Behave>,
    site: Arc<Site>,
    dice: Dice,
    agenda: Agenda,
    sent_us: u64,
    is_over: bool,
}

/// The behaviour of a visitor.
pub(super) trait Behave: Send {
    /// Acts once: sends requests and lets time pass. `false` when the visit is over.
    fn act(&mut self, turn: &mut Turn<'_>) -> bool;
}

/// What a behaviour works with while it acts: the site, random draws, and methods that send
/// requests.
pub(super) struct Turn<'a> {
    pub(super) site: &'a Site,
    pub(super) dice: &'a mut Dice,
    agenda: &'a mut Agenda,
}

/// The planned requests of a visit, earliest first.
#[derive(Default)]
struct Agenda {
    /// The visitor's own time, in microseconds since the visit began.
    now_us: u64,
    /// Time, running number and request.
    planned: BinaryHeap<Reverse<(u64, u64, VisitStep)>>,
    count: u64,
}

impl Visit {
    /// A visitor of this population. Its speed, habits and choices all come from `seed`.
    pub fn new(population: Population, site: &Arc<Site>, seed: u64, tempo: Tempo) -> Self {
        Self::behaving(population, site, seed, |dice| population.behaviour(site, tempo, dice))
    }

    /// A visitor who counts as one of this population, with a behaviour of its own.
    pub(super) fn behaving(
        population: Population,
        site: &Arc<Site>,
        seed: u64,
        behaviour: impl FnOnce(&mut Dice) -> Box<dyn Behave>,
    ) -> Self {
        let mut dice = Dice::nth(seed, population as u64);
        let user_agent = population.user_agent(&mut dice);
        let behaviour = behaviour(&mut dice);
        let agenda = Agenda::default();
        Self {
            population,
            user_agent,
            behaviour,
            site: Arc::clone(site),
            dice,
            agenda,
            sent_us: 0,
            is_over: false,
        }
    }

    /// The visitor's population.
    pub fn population(&self) -> Population {
        self.population
    }

    /// The `User-Agent` header that the visitor sends.
    pub fn user_agent(&self) -> &'static str {
        self.user_agent
    }
}

impl Iterator for Visit {
    type Item = VisitStep;

    fn next(&mut self) -> Option<VisitStep> {
        loop {
            if let Some((at_us, mut step)) = self.agenda.take_due(self.is_over) {
                // Two requests in the same microsecond would have a gap of zero, so the second is
                // sent a microsecond later.
                step.wait_us = at_us.saturating_sub(self.sent_us).max(1);
                self.sent_us += step.wait_us;
                return Some(step);
            }
            if self.is_over {
                return None;
            }
            let mut turn =
                Turn { site: &self.site, dice: &mut self.dice, agenda: &mut self.agenda };
            self.is_over = !self.behaviour.act(&mut turn);
        }
    }
}

impl Agenda {
    fn add(&mut self, at_us: u64, step: VisitStep) {
        self.count += 1;
        self.planned.push(Reverse((at_us, self.count, step)));
    }

    /// Takes the earliest planned request, if no earlier one can still be planned.
    fn take_due(&mut self, is_over: bool) -> Option<(u64, VisitStep)> {
        let Reverse((at_us, _, _)) = self.planned.peek()?;
        if *at_us > self.now_us && !is_over {
            return None;
        }
        self.planned.pop().map(|Reverse((at_us, _, step))| (at_us, step))
    }
}

impl Turn<'_> {
    /// Lets this many seconds pass.
    pub(super) fn wait(&mut self, secs: f64) {
        self.agenda.now_us += micros(secs);
    }

    /// Lets a lognormal time pass, given its median in seconds and the standard deviation of its
    /// logarithm.
    pub(super) fn pause(&mut self, median_s: f64, sigma: f64) {
        let secs = self.dice.lognormal(median_s, sigma);
        self.wait(secs);
    }

    /// The visitor's own time, in microseconds since its visit began.
    pub(super) fn now_us(&self) -> u64 {
        self.agenda.now_us
    }

    /// Requests a page now.
    pub(super) fn get(&mut self, target: String, referer: Option<Arc<str>>) {
        self.plan(
            0.0,
            VisitStep { wait_us: 0, method: "GET", target, form: None, referer, is_asset: false },
        );
    }

    /// Requests something other than an asset, `after` seconds from now, as scripts do.
    pub(super) fn get_after(&mut self, after: f64, target: String, referer: Option<Arc<str>>) {
        self.plan(
            after,
            VisitStep { wait_us: 0, method: "GET", target, form: None, referer, is_asset: false },
        );
    }

    /// Requests a page at this time, in microseconds since the visit began. It must not be before
    /// the beginning of this act.
    pub(super) fn get_at(&mut self, at_us: u64, target: String) {
        let step = VisitStep {
            wait_us: 0,
            method: "GET",
            target,
            form: None,
            referer: None,
            is_asset: false,
        };
        self.agenda.add(at_us, step);
    }

    /// Sends a request of another visit now.
    pub(super) fn repeat(&mut self, step: VisitStep) {
        self.plan(0.0, step);
    }

    /// Sends a form now.
    pub(super) fn post(&mut self, target: &str, form: String, referer: Option<Arc<str>>) {
        let target = target.to_owned();
        self.plan(
            0.0,
            VisitStep {
                wait_us: 0,
                method: "POST",
                target,
                form: Some(form),
                referer,
                is_asset: false,
            },
        );
    }

    /// Requests an asset `after` seconds from now.
    pub(super) fn get_asset(&mut self, after: f64, target: String, referer: Option<Arc<str>>) {
        self.plan(
            after,
            VisitStep { wait_us: 0, method: "GET", target, form: None, referer, is_asset: true },
        );
    }

    fn plan(&mut self, after: f64, step: VisitStep) {
        let at_us = self.agenda.now_us + if after > 0.0 { micros(after) } else { 0 };
        self.agenda.add(at_us, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A visitor's requests in its first `secs` seconds, each with the microseconds since the
    /// start.
    fn steps(population: Population, seed: u64, secs: u64) -> Vec<(u64, VisitStep)> {
        let mut at_us = 0;
        Visit::new(population, &Arc::new(Site::new(1)), seed, Tempo::Live)
            .map(|step| {
                at_us += step.wait_us;
                (at_us, step)
            })
            .take_while(|(at_us, _)| *at_us < secs * 1_000_000)
            .collect()
    }

    fn page_count(population: Population, seed: u64, secs: u64) -> usize {
        steps(population, seed, secs).iter().filter(|(_, step)| !step.is_asset).count()
    }

    #[test]
    fn the_same_seed_repeats_the_visit_and_time_always_moves() {
        for population in Population::ALL {
            let visit = steps(population, 5, 60);
            assert_eq!(visit, steps(population, 5, 60), "{population}");
            assert_ne!(visit, steps(population, 6, 60), "{population}");
            assert!(visit.iter().all(|(_, step)| step.wait_us > 0), "{population}");
            assert!(visit.windows(2).all(|pair| pair[0].0 < pair[1].0), "{population}");
        }
    }

    #[test]
    fn half_a_minute_is_enough_to_see_most_people_on_six_pages() {
        for population in [Population::Shopper, Population::GalleryShopper] {
            let enough = (0..200).filter(|seed| page_count(population, *seed, 30) >= 6).count();
            assert!(enough >= 150, "{population}: {enough} of 200");
        }
    }

    #[test]
    fn live_bots_hold_the_speed_they_are_given() {
        let check = |population, slowest: f64, fastest: f64| {
            for seed in 0..20 {
                let per_second = page_count(population, seed, 60) as f64 / 60.0;
                assert!(
                    (slowest..=fastest).contains(&per_second),
                    "{population} {seed}: {per_second} a second"
                );
            }
        };
        check(Population::Scraper, 3.0, 10.5);
        check(Population::SlowScraper, 0.25, 0.6);
        check(Population::MemorylessScraper, 0.9, 4.2);
        check(Population::Poller, 0.6, 3.8);
        check(Population::BruteForcer, 0.7, 6.5);
        check(Population::Scanner, 3.0, 12.5);
    }

    #[test]
    fn people_load_pictures_once_and_bots_load_none() {
        for seed in 0..40 {
            let visit = steps(Population::Shopper, seed, 300);
            let mut assets: Vec<&str> = visit
                .iter()
                .filter(|(_, step)| step.is_asset)
                .map(|(_, step)| step.target.as_str())
                .collect();
            let count = assets.len();
            assets.sort_unstable();
            assets.dedup();
            assert_eq!(assets.len(), count, "shopper {seed} loaded a picture twice");
            assert!(steps(Population::Scraper, seed, 30).iter().all(|(_, step)| !step.is_asset));
        }
    }

    #[test]
    fn some_people_buy_some_log_in_and_some_mistype() {
        let site = Site::new(1);
        let (mut bought, mut logged_in, mut mistyped) = (0, 0, 0);
        for seed in 0..200 {
            for (_, step) in steps(Population::Shopper, seed, 120) {
                let status = site.respond(step.method, &step.target, step.form.as_deref()).status;
                bought += usize::from(step.target == "/checkout/complete" && status == 200);
                logged_in +=
                    usize::from(step.method == "POST" && step.target == "/login" && status == 303);
                mistyped += usize::from(status == 401);
            }
        }
        assert!(
            bought >= 10 && logged_in >= 10 && mistyped >= 1,
            "{bought} {logged_in} {mistyped}"
        );
    }
}
