//! Simulates a crowd: many visits on one clock, answered by the shop.
//!
//! People come by the hour of the day, as in real shops: few at four in the morning, most in the
//! afternoon and evening. Bots come at any time. Each visitor has an address of its own, from
//! ranges that belong to nobody:
//!
//! - people: mostly the benchmarking range 198.18.0.0/15 (RFC 2544)
//! - bots: first the documentation ranges 198.51.100.0/24 and 203.0.113.0/24 (RFC 5737)
//! - both: 2001:db8::/32 (RFC 3849), with a /64 for each visitor
//!
//! [`super::network`] has the visitors who spread over a network or share one.
//!
//! Cost: about a microsecond and 200 bytes a request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use detector::{ClientKey, Request, Timestamp};

use super::dice::{Dice, micros, mix as scatter};
use super::network::Exit;
use super::population::{Population, Truth};
use super::site::{PageKind, Site};
use super::visit::{Tempo, Visit, VisitStep};

/// How many visitors of each population come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    counts: [usize; Population::ALL.len()],
}

/// One request of the simulated crowd, with its answer and the population that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimRequest {
    /// When it arrived at the shop.
    pub at: Timestamp,
    /// How long the shop took to answer, in microseconds.
    pub took_us: u32,
    /// The address that the request comes from.
    pub client: IpAddr,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Approximate bytes of the answer's body.
    pub bytes: u32,
    /// `Referer` header.
    pub referer: Option<Arc<str>>,
    /// `User-Agent` header.
    pub user_agent: &'static str,
    /// The population of the visitor.
    pub population: Population,
}

impl Default for Mix {
    fn default() -> Self {
        Self { counts: [0; Population::ALL.len()] }
    }
}

impl Mix {
    /// No visitors.
    pub fn new() -> Self {
        Self::default()
    }

    /// This many people, of whom one in seven opens many tabs, and this many bots, spread evenly
    /// over the demo's bad populations.
    pub fn of(people: usize, bots: usize) -> Self {
        let gallery = people / 7;
        let mut mix = Self::new()
            .with(Population::Shopper, people - gallery)
            .with(Population::GalleryShopper, gallery);
        let bad: Vec<Population> =
            Population::OF_THE_DEMO.iter().copied().filter(|p| p.truth() == Truth::Bad).collect();
        for index in 0..bots {
            mix.counts[bad[index % bad.len()] as usize] += 1;
        }
        mix
    }

    /// Sets the number of visitors of one population.
    pub fn with(mut self, population: Population, count: usize) -> Self {
        self.counts[population as usize] = count;
        self
    }

    /// The number of visitors of one population.
    pub fn count(&self, population: Population) -> usize {
        self.counts[population as usize]
    }
}

impl SimRequest {
    /// When the answer was complete, which is the time that web servers log.
    pub fn completed_at(&self) -> Timestamp {
        self.at.plus_micros(u64::from(self.took_us))
    }

    /// The request as the gate would hand it to the detector.
    pub fn as_request(&self) -> Request<'_> {
        Request {
            client: ClientKey::from_ip(self.client),
            at: self.at,
            method: self.method,
            target: &self.target,
            fetch_dest: None,
            agent: Some(self.user_agent.as_bytes()),
            is_proxys: false,
            recorded: None,
        }
    }

    /// The true label of the visitor.
    pub fn truth(&self) -> Truth {
        self.population.truth()
    }
}

/// All requests of the crowd between `start` and `start + span_us`, in order of arrival.
pub fn simulate(
    site: &Arc<Site>,
    seed: u64,
    start: Timestamp,
    mix: &Mix,
    span_us: u64,
) -> Vec<SimRequest> {
    let mut requests = Vec::new();
    let mut people = 0;
    let mut bots = 0;
    for population in Population::ALL {
        for index in 0..mix.count(population) {
            let visitor_seed = scatter(seed ^ ((population as u64) << 48) ^ index as u64);
            let exit = Exit::of(population, index, visitor_seed, || match population.truth() {
                Truth::Human => address_of_person(seed, &mut people),
                Truth::Bad | Truth::Welcome => address_of_bot(seed, &mut bots),
            });
            visit(site, visitor_seed, population, exit, start, span_us, &mut requests);
        }
    }
    requests.sort_by_key(|request| (request.at, request.client));
    requests
}

/// Simulates one visit and appends its requests to `out`.
fn visit(
    site: &Arc<Site>,
    seed: u64,
    population: Population,
    mut exit: Exit,
    start: Timestamp,
    span_us: u64,
    out: &mut Vec<SimRequest>,
) {
    let mut dice = Dice::new(seed);
    let visit = Visit::new(population, site, dice.bits(), Tempo::Day);
    let user_agent = visit.user_agent();
    let mut since_start_us = match population.truth() {
        Truth::Human => arrival(start, span_us, &mut dice),
        Truth::Bad | Truth::Welcome => (dice.unit() * span_us as f64) as u64,
    };
    for step in visit {
        since_start_us = since_start_us.saturating_add(step.wait_us);
        if since_start_us >= span_us {
            return;
        }
        let at = start.plus_micros(since_start_us);
        out.push(answered(site, step, at, &mut exit, (user_agent, population), &mut dice));
    }
}

/// One request of a visitor together with the shop's answer.
pub(super) fn answered(
    site: &Site,
    step: VisitStep,
    at: Timestamp,
    exit: &mut Exit,
    (user_agent, population): (&'static str, Population),
    dice: &mut Dice,
) -> SimRequest {
    let reply = site.respond(step.method, &step.target, step.form.as_deref());
    SimRequest {
        at,
        took_us: took_us(&reply.kind, dice),
        client: exit.address(dice),
        method: step.method,
        target: step.target,
        status: reply.status,
        bytes: reply.bytes,
        referer: step.referer,
        user_agent,
        population,
    }
}

/// When a person comes, in microseconds after `start`. It follows the hour of the day, and is drawn
/// by rejection.
pub(super) fn arrival(start: Timestamp, span_us: u64, dice: &mut Dice) -> u64 {
    const DAY_S: f64 = 86_400.0;
    const QUIETEST_S: f64 = 4.0 * 3_600.0;
    loop {
        let since_start_us = (dice.unit() * span_us as f64) as u64;
        let second = start.plus_micros(since_start_us).as_secs().rem_euclid(86_400) as f64;
        // At the quietest hour, a tenth of the visitors of the busiest hour come.
        let liveliness =
            0.55 - 0.45 * (std::f64::consts::TAU * (second - QUIETEST_S) / DAY_S).cos();
        if dice.chance(liveliness) {
            return since_start_us;
        }
    }
}

/// How long an answer takes, in microseconds: files are fast, pages slower, searches slowest.
pub(super) fn took_us(kind: &PageKind, dice: &mut Dice) -> u32 {
    let median_s = match kind {
        PageKind::Image(..)
        | PageKind::Style
        | PageKind::Script
        | PageKind::Favicon
        | PageKind::Robots => 0.0008,
        PageKind::Search(..) | PageKind::CheckoutComplete => 0.045,
        PageKind::NotFound | PageKind::WrongMethod => 0.004,
        _ => 0.018,
    };
    u32::try_from(micros(dice.lognormal(median_s, 0.5)).min(20_000_000)).unwrap_or(u32::MAX)
}

/// The address of the next person; `count` is how many have been given.
pub(super) fn address_of_person(seed: u64, count: &mut u32) -> IpAddr {
    let index = *count;
    *count += 1;
    // One in five comes by IPv6. Multiplying by an odd number and adding permutes the range, so no
    // address is given twice.
    if index % 5 == 4 {
        return address_v6(seed, index);
    }
    let offset = index.wrapping_mul(0x9e37).wrapping_add(scatter(seed) as u32) % (1 << 17);
    IpAddr::V4(Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + offset))
}

/// The address of the next bot; `count` is how many have been given.
pub(super) fn address_of_bot(seed: u64, count: &mut u32) -> IpAddr {
    let index = *count;
    *count += 1;
    // The hosts 1 to 254 of two networks come first, then IPv6.
    if index % 5 == 4 || index >= 600 {
        return address_v6(seed, 0x8000_0000 | index);
    }
    let rank = (index - index / 5).wrapping_add(scatter(seed) as u32 % 508) % 508;
    let host = (1 + rank % 254) as u8;
    IpAddr::V4(if rank < 254 {
        Ipv4Addr::new(198, 51, 100, host)
    } else {
        Ipv4Addr::new(203, 0, 113, host)
    })
}

/// An address in a /64 of its own for every index.
pub(super) fn address_v6(seed: u64, index: u32) -> IpAddr {
    let network = index.wrapping_mul(0x9e37_79b1).wrapping_add(scatter(seed) as u32);
    let bits = 0x2001_0db8_u128 << 96
        | u128::from(network) << 64
        | u128::from(scatter(u64::from(network)));
    IpAddr::V6(Ipv6Addr::from_bits(bits))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashSet};

    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_763_683_200);
    const DAY_US: u64 = 86_400_000_000;

    fn crowd(seed: u64, mix: &Mix) -> Vec<SimRequest> {
        simulate(&Arc::new(Site::new(seed)), seed, START, mix, DAY_US)
    }

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_seed_another() {
        let mix = Mix::of(60, 12);
        assert_eq!(crowd(1, &mix), crowd(1, &mix));
        assert_ne!(crowd(1, &mix), crowd(2, &mix));
    }

    #[test]
    fn requests_come_in_order_within_the_span() {
        let requests = crowd(3, &Mix::of(100, 30));
        assert!(requests.windows(2).all(|pair| pair[0].at <= pair[1].at));
        assert!(
            requests
                .iter()
                .all(|request| request.at >= START && request.at.micros_since(START) < DAY_US)
        );
    }

    #[test]
    fn every_visitor_has_an_address_of_its_own() {
        let mut people = 0;
        let mut bots = 0;
        let mut seen = HashSet::new();
        for _ in 0..50_000 {
            assert!(seen.insert(detector::ClientKey::from_ip(address_of_person(9, &mut people))));
        }
        for _ in 0..5_000 {
            assert!(seen.insert(detector::ClientKey::from_ip(address_of_bot(9, &mut bots))));
        }
    }

    #[test]
    fn people_seldom_see_an_error_and_each_population_leaves_its_trace() {
        let requests = crowd(4, &Mix::of(700, 120));
        let mut errors: BTreeMap<Population, (usize, usize)> = BTreeMap::new();
        let mut pages: BTreeMap<(Population, IpAddr), Vec<&str>> = BTreeMap::new();
        for request in &requests {
            let (bad, all) = errors.entry(request.population).or_default();
            *bad += usize::from(request.status >= 400);
            *all += 1;
            if !request.target.starts_with("/img/") && !request.target.starts_with("/assets/") {
                pages
                    .entry((request.population, request.client))
                    .or_default()
                    .push(&request.target);
            }
        }
        let share = |population| {
            let (bad, all) = errors[&population];
            bad as f64 / all as f64
        };
        assert!(share(Population::Shopper) < 0.01, "shoppers: {}", share(Population::Shopper));
        assert_eq!(share(Population::GalleryShopper), 0.0);
        assert!(share(Population::BruteForcer) > 0.4);
        assert!(share(Population::Scanner) > 0.9);
        assert_eq!(share(Population::Scraper), 0.0);
        for ((population, client), targets) in &pages {
            let distinct = targets.iter().collect::<BTreeSet<_>>().len();
            match population {
                Population::Scraper | Population::SlowScraper | Population::MemorylessScraper
                    if targets.len() < 2_000 =>
                {
                    assert!(
                        distinct as f64 >= 0.93 * targets.len() as f64,
                        "{client}: {distinct} of {}",
                        targets.len()
                    );
                }
                Population::Poller => assert!(distinct <= 3, "{client}: {distinct}"),
                _ => {}
            }
        }
        let clicks: Vec<usize> = pages
            .iter()
            .filter(|((p, _), _)| *p == Population::Shopper)
            .map(|(_, t)| t.len())
            .collect();
        let mean = clicks.iter().sum::<usize>() as f64 / clicks.len() as f64;
        assert!((8.0..22.0).contains(&mean), "pages a shopper: {mean}");
    }
}
