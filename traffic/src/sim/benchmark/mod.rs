//! The benchmark: one site, and the visits of each population to it.
//!
//! All populations visit one site, as in a real shop. It has 20,000 products whose popularity
//! follows a Zipf law, 24 categories, search, galleries of 30 pictures, cart, checkout, login, and
//! an API for the app.
//!
//! [`simulate_benchmark`] simulates one population at a time, so that a caller can count clients by
//! population and needs memory for one only. Visitors have numbers. A number and a seed always give
//! the same visitor, to the microsecond, whichever others are simulated. So a crowd of any size can
//! be made in pieces. Pieces of several populations can be mixed, because they share no addresses.
//!
//! | population | one visitor is |
//! |---|---|
//! | `carrier_nat` | one address with 500 people |
//! | `office_nat` | one address with 50 people |
//! | `botnet_scraper` | one address; the first 50,000 are one crawl |
//! | `carrier_24` | one person; 250 consecutive numbers are one /24 |
//! | `spread_scraper`, `distributed_brute_forcer` | one campaign of many addresses |
//! | all others | one person or program with one address |
//!
//! A visit lasts a day at most. People come by the hour of the day, bots within the first half of
//! the day.

mod addresses;
mod day;

pub use day::{BENCHMARK_PEOPLE, simulate_benchmark_day};

use std::ops::Range;
use std::sync::Arc;

use detector::Timestamp;

use super::bots::scheduler::Scheduler;
use super::crowd::{SimRequest, answered, arrival};
use super::dice::{Dice, mix as scatter};
use super::network::Exit;
use super::population::{Population, Truth};
use super::site::Site;
use super::visit::{Tempo, Visit};

/// The longest visit: a day, in microseconds.
pub const BENCHMARK_SPAN_US: u64 = 24 * HOUR_US;

const HOUR_US: u64 = 60 * MINUTE_US;
const MINUTE_US: u64 = 60_000_000;
const PRODUCTS: usize = 20_000;
const IMAGES: u8 = 30;
/// People behind one address of a carrier.
const CARRIER_PEOPLE: u64 = 500;
/// People behind one address of an office.
const OFFICE_PEOPLE: u64 = 50;

/// The site of the benchmark: 20,000 products with 30 pictures each.
pub fn benchmark_site(seed: u64) -> Arc<Site> {
    Arc::new(Site::full(own(seed), PRODUCTS, IMAGES))
}

/// All requests that these visitors of a population make on the day that begins at `start`, in
/// order of arrival. Visitors are numbered from 0, and below two million.
pub fn simulate_benchmark(
    site: &Arc<Site>,
    population: Population,
    seed: u64,
    start: Timestamp,
    visitors: Range<usize>,
) -> Vec<SimRequest> {
    let mut day =
        Day { site, seed: own(seed), start, span_us: BENCHMARK_SPAN_US, requests: Vec::new() };
    for index in visitors {
        day.receive(population, index, |seed| Visit::new(population, site, seed, Tempo::Day));
    }
    day.sorted()
}

/// All requests of programs that send one every `period_s` seconds ± `jitter`, in order of arrival.
/// `jitter` is a share of the period, from 0 to 1.
///
/// Each program sends 150 to 250 requests, however long that takes. Every pair of period and jitter
/// has a seed of its own. Addresses are those of the scheduler population with the nearest jitter,
/// so pairs must not be mixed.
pub fn simulate_scheduler(
    site: &Arc<Site>,
    period_s: f64,
    jitter: f64,
    seed: u64,
    start: Timestamp,
    visitors: Range<usize>,
) -> Vec<SimRequest> {
    let population = match jitter {
        ..0.05 => Population::Scheduler0,
        ..0.2 => Population::Scheduler10,
        ..0.4 => Population::Scheduler30,
        _ => Population::Scheduler50,
    };
    let seed = scatter(scatter(own(seed) ^ period_s.to_bits()) ^ jitter.to_bits());
    let mut day = Day { site, seed, start, span_us: u64::MAX, requests: Vec::new() };
    for index in visitors {
        day.receive(population, index, |seed| {
            Visit::behaving(population, site, seed, |dice| {
                Box::new(Scheduler::with(period_s, jitter, site, Tempo::Day, dice))
            })
        });
    }
    day.sorted()
}

/// A seed that is used for nothing but the benchmark.
fn own(seed: u64) -> u64 {
    b"benchmark".iter().fold(scatter(seed), |seed, byte| scatter(seed ^ u64::from(*byte)))
}

/// A day on which visits are simulated, with all requests so far.
struct Day<'a> {
    site: &'a Arc<Site>,
    seed: u64,
    start: Timestamp,
    span_us: u64,
    requests: Vec<SimRequest>,
}

impl Day<'_> {
    /// Simulates the visit of one visitor, or of all people behind its address.
    fn receive(&mut self, population: Population, index: usize, visit: impl Fn(u64) -> Visit) {
        let seed = scatter(self.seed ^ ((population as u64) << 48) ^ index as u64);
        let mut exit = addresses::exit(population, index, self.seed);
        for person in 0..people_behind(population) {
            let mut dice = Dice::nth(seed, person);
            let visit = visit(dice.bits());
            let since_start_us = self.begin(population, &mut dice);
            self.follow(visit, since_start_us, &mut exit, &mut dice);
        }
    }

    fn follow(&mut self, visit: Visit, mut since_start_us: u64, exit: &mut Exit, dice: &mut Dice) {
        let population = visit.population();
        let mut user_agent = visit.user_agent();
        for step in visit {
            since_start_us = since_start_us.saturating_add(step.wait_us);
            if since_start_us >= self.span_us {
                return;
            }
            if population == Population::RotatingScraper {
                user_agent = population.user_agent(dice);
            }
            let at = self.start.plus_micros(since_start_us);
            self.requests.push(answered(self.site, step, at, exit, (user_agent, population), dice));
        }
    }

    /// When a visit begins, in microseconds after the start of the day.
    fn begin(&self, population: Population, dice: &mut Dice) -> u64 {
        let hours =
            |dice: &mut Dice, from: f64, to: f64| (dice.between(from, to) * HOUR_US as f64) as u64;
        match population {
            // The sale opens at noon.
            Population::SaleShopper => hours(dice, 12.0, 12.0 + 1.0 / 60.0),
            // In the evening, when most people shop.
            Population::SharedShopper => hours(dice, 19.0, 23.0),
            // Half of them at lunch, the rest from nine to six.
            Population::OfficeWorker if dice.chance(0.5) => hours(dice, 12.0, 13.0),
            Population::OfficeWorker => hours(dice, 9.0, 18.0),
            // At a full minute.
            Population::CronBurster => hours(dice, 0.0, 12.0) / MINUTE_US * MINUTE_US,
            // Robots have been there since before the day began.
            _ if population.truth() == Truth::Welcome => hours(dice, 0.0, 0.25),
            Population::TricklingScraper
            | Population::SlowBruteForcer
            | Population::PriceMonitor => hours(dice, 0.0, 2.0),
            _ if population.truth() == Truth::Human => arrival(self.start, BENCHMARK_SPAN_US, dice),
            _ => hours(dice, 0.0, 12.0),
        }
    }

    fn sorted(mut self) -> Vec<SimRequest> {
        self.requests.sort_by(|a, b| (a.at, a.client, &a.target).cmp(&(b.at, b.client, &b.target)));
        self.requests
    }
}

/// How many people visit from one address.
fn people_behind(population: Population) -> u64 {
    match population {
        Population::SharedShopper => CARRIER_PEOPLE,
        Population::OfficeWorker => OFFICE_PEOPLE,
        _ => 1,
    }
}
