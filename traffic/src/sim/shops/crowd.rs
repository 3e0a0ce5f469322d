//! Simulates one or several days of a shop: who comes, from which addresses, and what the log
//! shows.
//!
//! Addresses are those of [`super::super::crowd`], with two exceptions. People behind a carrier's
//! NAT share up to 100 addresses of 198.19.255.0/24. A spread scraper has 192.0.2.0/24 (RFC 5737),
//! or the 256 networks of an IPv6 /56.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use detector::Timestamp;

use super::layout::Layout;
use super::{CROWD, Incident, Shop};
use crate::sim::crowd::{SimRequest, address_of_bot, address_of_person, arrival, took_us};
use crate::sim::dice::{Dice, micros, mix as scatter};
use crate::sim::population::{Population, Truth};
use crate::sim::site::{Reply, Site};
use crate::sim::visit::{Tempo, Visit, VisitStep};

/// The usual start of a simulation: Monday 2026-11-16, 00:00 UTC. Any day would do, as long as it
/// never changes.
pub const DEFAULT_START: Timestamp = Timestamp::from_secs(1_794_787_200);

const DAY_US: u64 = 86_400_000_000;
const HOUR_US: u64 = 3_600_000_000;
/// People behind one address of a carrier.
const PEOPLE_AN_ADDRESS: usize = 40;

/// All requests in the shop's log of `span_us` microseconds from `start`, in order of arrival.
/// `people` is how many people come a day; `None` means the shop's own number.
pub fn simulate_shop(
    shop: &Shop,
    seed: u64,
    start: Timestamp,
    span_us: u64,
    people: Option<usize>,
) -> Vec<SimRequest> {
    let seed = shop.name.bytes().fold(scatter(seed), |seed, byte| scatter(seed ^ u64::from(byte)));
    let site = Arc::new(Site::with_size(seed, shop.products, shop.categories));
    let layout =
        Layout { urls: shop.urls, assets: shop.assets, scripts: shop.scripts, site: &site };
    let days = span_us as f64 / DAY_US as f64;
    let mut day = Day {
        seed,
        start,
        span_us,
        layout,
        site: &site,
        addresses: Addresses::new(seed),
        requests: Vec::new(),
    };
    let guests =
        guests(shop, people.unwrap_or(shop.people) as f64 * days, days, &mut Dice::nth(seed, 0));
    day.addresses.shared =
        guests.iter().find(|(who, _)| *who == Population::SharedShopper).map_or(1, |(_, count)| {
            u8::try_from(count.div_ceil(PEOPLE_AN_ADDRESS).clamp(1, 100)).unwrap_or(100)
        });
    for (population, count) in guests {
        for index in 0..count {
            day.receive(population, index);
        }
    }
    day.requests.sort_by(|a, b| (a.at, a.client, &a.target).cmp(&(b.at, b.client, &b.target)));
    day.requests
}

/// How many visitors of each population come in all days together.
fn guests(shop: &Shop, people: f64, days: f64, dice: &mut Dice) -> Vec<(Population, usize)> {
    let shared = if let Incident::CarrierNat(share) = shop.incident { share } else { 0.0 };
    let mut guests = Vec::new();
    for (population, per_hundred) in CROWD {
        let expected = per_hundred / 100.0 * people;
        guests.push((
            population,
            match population.truth() {
                Truth::Human => (expected * (1.0 - shared)).round() as usize,
                // Some shops are scraped more, others polled more, but at least one bot of every
                // kind comes.
                _ => (expected * shop.bots * dice.lognormal(1.0, 0.5)).round().max(1.0) as usize,
            },
        ));
    }
    // One spread scraper is a whole campaign.
    guests.push((Population::SpreadScraper, (shop.bots.round() as usize).max(1)));
    match shop.incident {
        Incident::None => {}
        Incident::CarrierNat(share) => {
            guests.push((Population::SharedShopper, (people * share).round() as usize))
        }
        // Within one hour, ten times as many people as in an ordinary hour.
        Incident::FlashSale => {
            let an_hour = people / (24.0 * days.max(1.0 / 24.0));
            guests.push((Population::SaleShopper, (10.0 * an_hour).round() as usize));
        }
        Incident::HealthChecks(count) => guests.push((Population::HealthChecker, count)),
    }
    guests
}

/// The days on which visits are simulated, with all requests so far.
struct Day<'a> {
    seed: u64,
    start: Timestamp,
    span_us: u64,
    layout: Layout<'a>,
    site: &'a Arc<Site>,
    addresses: Addresses,
    requests: Vec<SimRequest>,
}

/// Gives out addresses, and counts those given.
struct Addresses {
    seed: u64,
    people: u32,
    bots: u32,
    /// How many addresses the people of a carrier share.
    shared: u8,
}

/// The addresses that one visitor's requests come from.
#[derive(Clone, Copy)]
enum From {
    /// One address for all requests.
    One(IpAddr),
    /// A whole network: 192.0.2.0/24 for the first such visitor, an IPv6 /56 for the others.
    Network(usize),
}

impl Addresses {
    fn new(seed: u64) -> Self {
        Self { seed, people: 0, bots: 0, shared: 1 }
    }

    fn draw(&mut self, population: Population, index: usize, dice: &mut Dice) -> From {
        match (population, population.truth()) {
            (Population::SpreadScraper, _) => From::Network(index),
            (Population::SharedShopper, _) => {
                let host = 1 + dice.below(usize::from(self.shared)) as u8;
                From::One(Ipv4Addr::new(198, 19, 255, 100 + host).into())
            }
            (_, Truth::Human) => From::One(self.person()),
            _ => From::One(address_of_bot(self.seed, &mut self.bots)),
        }
    }

    fn person(&mut self) -> IpAddr {
        loop {
            let address = address_of_person(self.seed, &mut self.people);
            // This network is kept for the carrier.
            if !matches!(address, IpAddr::V4(v4) if v4.octets()[..3] == [198, 19, 255]) {
                return address;
            }
        }
    }
}

impl From {
    fn address(self, dice: &mut Dice) -> IpAddr {
        match self {
            Self::One(address) => address,
            Self::Network(0) => Ipv4Addr::new(192, 0, 2, 1 + dice.below(254) as u8).into(),
            Self::Network(index) => {
                let network = (index as u128) << 8 | dice.below(256) as u128;
                Ipv6Addr::from_bits(0x2001_0db8_ffff_u128 << 80 | network << 64 | 1).into()
            }
        }
    }
}

impl Day<'_> {
    /// Simulates the visit of one visitor.
    fn receive(&mut self, population: Population, index: usize) {
        let seed = scatter(self.seed ^ ((population as u64) << 48) ^ index as u64);
        let mut dice = Dice::new(seed);
        let visit = Visit::new(population, self.site, dice.bits(), Tempo::Day);
        let mut user_agent = visit.user_agent();
        let from = self.addresses.draw(population, index, &mut dice);
        let mut since_start_us = self.begin(population, &mut dice);
        let mut client = from.address(&mut dice);
        for step in visit {
            since_start_us = since_start_us.saturating_add(step.wait_us);
            if since_start_us >= self.span_us {
                return;
            }
            if population == Population::RotatingScraper {
                user_agent = population.user_agent(&mut dice);
            }
            // An address is kept for about a dozen requests, as with rented proxies.
            if dice.chance(1.0 / 12.0) {
                client = from.address(&mut dice);
            }
            let who = Who { client, user_agent, population };
            self.ask(since_start_us, step, who, &mut dice);
        }
    }

    /// Sends one request of a visitor. For a person, it also sends what the page's scripts request.
    fn ask(&mut self, since_start_us: u64, step: VisitStep, who: Who, dice: &mut Dice) {
        let reply = self.site.respond(step.method, &step.target, step.form.as_deref());
        if who.population.truth() == Truth::Human && reply.status == 200 && step.method == "GET" {
            for (after, target) in self.layout.fetched_after(&reply.kind, dice) {
                let own = target.strip_prefix('!').map(str::to_owned);
                let Some(target) = own.or_else(|| self.layout.target(&target)) else { continue };
                let fetched =
                    Reply { status: 200, bytes: 900, kind: reply.kind.clone(), location: None };
                let referer = Some(Arc::from(format!("https://{}/", Site::HOST)));
                self.note(
                    since_start_us + micros(after),
                    "GET",
                    target,
                    referer,
                    &fetched,
                    who,
                    dice,
                );
            }
        }
        if let Some(target) = self.layout.target(&step.target) {
            let referer = step.referer.map(|referer| Arc::from(self.layout.referer(&referer)));
            self.note(since_start_us, step.method, target, referer, &reply, who, dice);
        }
    }

    /// Adds a request, if it lies within the simulated span.
    #[expect(clippy::too_many_arguments, reason = "one line of a log has that many fields")]
    fn note(
        &mut self,
        since_start_us: u64,
        method: &'static str,
        target: String,
        referer: Option<Arc<str>>,
        reply: &Reply,
        Who { client, user_agent, population }: Who,
        dice: &mut Dice,
    ) {
        if since_start_us < self.span_us {
            self.requests.push(SimRequest {
                at: self.start.plus_micros(since_start_us),
                took_us: took_us(&reply.kind, dice),
                client,
                method,
                target,
                status: reply.status,
                bytes: reply.bytes,
                referer,
                user_agent,
                population,
            });
        }
    }

    /// When a visit begins, in microseconds after the start.
    fn begin(&self, population: Population, dice: &mut Dice) -> u64 {
        let within =
            |share: f64, dice: &mut Dice| (dice.unit() * share * self.span_us as f64) as u64;
        match (population, population.truth()) {
            (Population::SaleShopper, _) => {
                // The sale opens at noon, or in the middle of a span shorter than that.
                let opens_us =
                    if self.span_us > 13 * HOUR_US { 12 * HOUR_US } else { self.span_us / 2 };
                // Most people come within the first minutes, the rest within the hour.
                let after = if dice.chance(0.6) {
                    dice.exponential(300.0)
                } else {
                    dice.between(0.0, 3_600.0)
                };
                opens_us + micros(after.min(3_600.0))
            }
            // Health checks have been there since before the log begins.
            (Population::HealthChecker, _) => within(0.001, dice),
            (Population::TricklingScraper | Population::SlowBruteForcer, _) => within(0.1, dice),
            (_, Truth::Human) => arrival(self.start, self.span_us, dice),
            _ => within(1.0, dice),
        }
    }
}

/// Who sends a request.
#[derive(Clone, Copy)]
struct Who {
    client: IpAddr,
    user_agent: &'static str,
    population: Population,
}
