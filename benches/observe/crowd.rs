//! The traffic of the bench: visits of a simulated crowd, walked through by any number of clients.

use std::net::Ipv4Addr;
use std::sync::Arc;

use detector::{AllowList, Class, ClientKey, Event, Timestamp, UrlHasher};
use traffic::sim::{Dice, Mix, SimRequest, Site, simulate};

use super::support::{Zipf, scattered};

/// 2026-11-21, midnight UTC. The warm-up of the clients ends here, and measuring begins.
pub const START: Timestamp = Timestamp::from_secs(1_795_219_200);
/// An arbitrary key, fixed so that every run hashes alike.
pub const HASH_KEY: u64 = 7;
/// Pages that each client has requested before the clock starts: one more than the policy wants
/// before it judges a client.
const PAGES_BEFORE: usize = 6;
/// Requests of a visit that are used before it starts again. They fill several windows.
const STEPS_MAX: usize = 400;

/// The key of a client: an address from 11.0.0.0 on, in a network far from its neighbours'.
pub fn client_key(index: usize) -> ClientKey {
    ClientKey::from_ip(Ipv4Addr::from_bits(0x0b00_0000 + scattered(index as u32)).into())
}

/// The visits of a simulated crowd, without client keys.
pub struct Crowd {
    /// Visits of at least [`PAGES_BEFORE`] pages.
    visits: Vec<Vec<Step>>,
    /// The requests that the visits were made of.
    pub requests: Vec<SimRequest>,
}

/// One request of a visit.
#[derive(Clone, Copy)]
pub struct Step {
    pub gap_us: u64,
    pub event: Event,
    pub status: u16,
}

impl Crowd {
    /// Three hours of a simulated shop, bots included.
    pub fn simulated() -> Self {
        let site = Arc::new(Site::new(1));
        let requests = simulate(&site, 1, START, &Mix::of(600, 60), 3 * 3_600 * 1_000_000);
        let (hasher, allow) = (UrlHasher::new(HASH_KEY), AllowList::default());
        let mut by_client: std::collections::BTreeMap<_, (Timestamp, Vec<Step>)> =
            std::collections::BTreeMap::new();
        for request in &requests {
            let (last_at, visit) =
                by_client.entry(request.client).or_insert((request.at, Vec::new()));
            if visit.len() < STEPS_MAX {
                let event = Event::new(&request.as_request(), &hasher, &allow, None);
                visit.push(Step {
                    gap_us: request.at.micros_since(*last_at),
                    event,
                    status: request.status,
                });
                *last_at = request.at;
            }
        }
        let pages =
            |visit: &[Step]| visit.iter().filter(|step| step.event.class == Class::Page).count();
        let visits = by_client
            .into_values()
            .map(|(_, visit)| visit)
            .filter(|visit| pages(visit) >= PAGES_BEFORE);
        Self { visits: visits.collect(), requests }
    }

    /// Its size in one line.
    pub fn describe(&self) -> String {
        let steps: usize = self.visits.iter().map(Vec::len).sum();
        let pages =
            self.visits.iter().flatten().filter(|step| step.event.class == Class::Page).count();
        format!(
            "{} visits of {PAGES_BEFORE} pages or more, {steps} requests, {:.0} % of them pages",
            self.visits.len(),
            pages as f64 / steps as f64 * 100.0
        )
    }

    /// The visit that a client walks through.
    pub fn visit_of(&self, client: usize) -> &[Step] {
        &self.visits[client % self.visits.len()]
    }

    /// The number of steps after which a client has requested [`PAGES_BEFORE`] pages.
    pub fn steps_before(visit: &[Step]) -> usize {
        let pages = visit.iter().enumerate().filter(|(_, step)| step.event.class == Class::Page);
        pages.map(|(index, _)| index + 1).nth(PAGES_BEFORE - 1).unwrap_or(visit.len())
    }
}

/// The requests to measure with. After the last, they start again at a later time.
pub struct Ring {
    pub steps: Vec<(Event, u16)>,
    /// Time between two requests, such that a client comes once in ten minutes on average. The
    /// busiest few come all the time.
    step_us: u64,
}

impl Ring {
    /// So many requests of so many clients, drawn by Zipf's law.
    pub fn new(crowd: &Crowd, clients: usize, length: usize) -> Self {
        let zipf = Zipf::new(clients);
        let mut dice = Dice::new(3);
        let mut cursors: Vec<u32> =
            (0..clients).map(|client| Crowd::steps_before(crowd.visit_of(client)) as u32).collect();
        let steps = (0..length).map(|_| {
            // An odd prime spreads the ranks over clients, so that busy clients are not neighbours
            // in memory.
            let client = (zipf.draw(&mut dice) as u64 * 2_654_435_761 % clients as u64) as usize;
            let visit = crowd.visit_of(client);
            let step = visit[cursors[client] as usize % visit.len()];
            cursors[client] += 1;
            (Event { client: client_key(client), ..step.event }, step.status)
        });
        Self { steps: steps.collect(), step_us: 600_000_000 / clients as u64 }
    }

    /// The `index`-th request since the start.
    pub fn event(&self, index: u64) -> (Event, u16) {
        let (event, status) = self.steps[index as usize % self.steps.len()];
        (Event { at: START.plus_micros(index * self.step_us), ..event }, status)
    }
}
