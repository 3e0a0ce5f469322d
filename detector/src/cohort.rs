//! What the newcomers of one network do together with one browser.
//!
//! A scraper that spreads over the addresses of a /24 makes ten requests from each: too few to
//! judge one of them by. So page requests of clients who have few pages yet are also pushed into
//! the [`Window`] of their **cohort**, all clients of a /24 (IPv6: /48) that name the same user
//! agent, as if they were one. Who has a history is judged by it and is no member any more; so a
//! cohort costs nothing on most requests, and no client can fill one.
//!
//! ```text
//!                    one client             a second one             three of the last two days
//!  place, 32 bytes ───────────────► alone ───────────────► Cohort ──────────────────────────────► has a say
//! ```
//!
//! While its members are fewer than three it says nothing. What it may do is [`crate::policy`]'s:
//! limit, never block.
//!
//! **Bounded**: an eighth as many places as there are clients, in as many rings as the table has; a
//! cohort's ring is its clients' ([`crate::state::table::RINGS`]), so it meets nobody of another. When a
//! ring is full a few places are looked at, and one goes where nobody is limited and nobody has
//! peers, the longest silent first.
//!
//! **Order**: a window is a matter of order, and so its members' events must come to a replay in
//! the order in which they came here. Clients' own clocks do not say that when two threads serve
//! two members at once. So no two events of different members happen in the same microsecond: the
//! one that comes second gets the time after the first's.
//!
//! Newcomers who write to one path are watched beside it ([`endpoint`]), in the same rings under
//! the same locks.
//!
//! Cost: 60 ns for a client that is alone, a push for a member's page, and a score (0.5 µs) for one
//! page in four.

pub mod endpoint;

use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use crate::client::ClientKey;
use crate::event::{AgentKey, Event, Outcome};
use crate::policy::{Ban, Standing};
use crate::site_profile::SiteProfile;
use crate::state::index::Index;
use crate::state::table::RINGS;
use crate::time::Timestamp;
use crate::window::{FORGET_US, Window};

use endpoint::{Endpoint, Endpoints};

/// A client with fewer pages than this is a member. At twelve to sixteen pages a client's own score
/// is about as good as it gets; spread scrapers use an address for a dozen requests.
pub const FEW_PAGES: u32 = 16;
/// See [`Cohort::is_due`].
const SCORED_ONE_IN: u32 = 4;
/// Fewer members have no say: one is the client itself, two are a telephone and a tablet.
const MEMBERS_MIN: usize = 3;
/// Of as many clients there is room for one cohort: most clients are alone with their browser in
/// their network, and most networks do not last.
const CLIENTS_A_COHORT: usize = 8;
/// Places looked at for one eviction, as for clients.
const CANDIDATES: usize = 8;
/// How far a member's clock is moved at most. Threads overtake each other by less; a log that jumps
/// back further than this is not to be believed about order.
const LAG_MAX_US: u64 = 1_000_000;

/// All cohorts, bounded.
pub struct Cohorts {
    rings: Box<[Mutex<Ring>]>,
    hasher: SeedableRandomState,
}

static SHARED: SharedSeed = SharedSeed::from_u64(0x636f_686f_7274_7321);

struct Ring {
    index: Index,
    places: Vec<Place>,
    capacity: usize,
    hand: usize,
    endpoints: Endpoints,
}

/// Which peers of a client's somebody looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its network's newcomers with its browser.
    pub network: bool,
    /// Those who write to this path, [`Event::write`]; 0 is none.
    pub write: u16,
}

/// What there is of it.
pub struct Peers<'a> {
    /// The network's.
    pub place: Option<&'a mut Place>,
    /// The path's.
    pub endpoint: Option<&'a mut Endpoint>,
}

/// Where a cohort is, or will be when a second client comes.
pub struct Place {
    hash: u64,
    last_at: Timestamp,
    /// Who was here last, and who alone until now, of the network's hosts.
    last_by: u16,
    first: u16,
    cohort: Option<Box<Cohort>>,
}

const _: () = assert!(size_of::<Place>() <= 32);

/// Two clients or more.
#[derive(Clone, Debug)]
pub struct Cohort {
    window: Window,
    /// What the policy remembers of it.
    pub standing: Standing,
    members: Members,
}

const _: () = assert!(size_of::<Cohort>() <= 536);

/// Up to three of the hosts that came today and yesterday. No hash: which of them are distinct must
/// not depend on a key.
#[derive(Clone, Copy, Debug, Default)]
struct Members {
    hosts: [[u16; MEMBERS_MIN]; 2],
    counts: [u8; 2],
    day: u16,
}

impl Cohorts {
    /// For a table of this many clients.
    pub fn new(clients: usize, hash_key: u64) -> Self {
        let capacity = (clients / CLIENTS_A_COHORT).div_ceil(RINGS).clamp(8, 1 << 15);
        Self {
            rings: (0..RINGS).map(|_| Mutex::new(Ring::new(capacity))).collect(),
            hasher: SeedableRandomState::with_seed(hash_key, &SHARED),
        }
    }

    /// Runs `act` on the place of this client's cohort, in the client's ring, with the time that
    /// its event counts for: `at`, or the microsecond after that of another member's which came
    /// before.
    pub fn with<T>(
        &self,
        ring: usize,
        (client, agent): (ClientKey, AgentKey),
        at: Timestamp,
        act: impl FnOnce(&mut Place, Timestamp) -> T,
    ) -> T {
        let hash = self.hasher.hash_one((client.network(), agent.0));
        let mut ring = self.lock(ring);
        let place = ring.place(hash, client.host(), at);
        let place = &mut ring.places[place];
        let at = place.order(client.host(), at);
        act(place, at)
    }

    /// The same with all peers that is wanted.
    pub fn meet<T>(
        &self,
        ring: usize,
        (client, agent): (ClientKey, AgentKey),
        mut at: Timestamp,
        wanted: Wanted,
        act: impl FnOnce(Peers<'_>, Timestamp) -> T,
    ) -> T {
        let mut ring = self.lock(ring);
        let place = wanted.network.then(|| {
            ring.place(self.hasher.hash_one((client.network(), agent.0)), client.host(), at)
        });
        let Ring { places, endpoints, .. } = &mut *ring;
        let mut place = place.map(|place| &mut places[place]);
        let mut endpoint = (wanted.write != 0).then(|| endpoints.of(wanted.write, client, at));
        if let Some(place) = &mut place {
            at = place.order(client.host(), at);
        }
        if let Some(endpoint) = &mut endpoint {
            at = endpoint.order(client, at);
        }
        if let Some(place) = &mut place {
            place.last_at = place.last_at.max(at);
        }
        act(Peers { place, endpoint }, at)
    }

    fn lock(&self, ring: usize) -> MutexGuard<'_, Ring> {
        // A panic while it was locked was a window's: the index is left alone after a place was
        // handed out.
        self.rings[ring % RINGS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most places there will be.
    pub fn capacity(&self) -> usize {
        (0..RINGS).map(|ring| self.lock(ring).capacity).sum()
    }

    /// Places taken.
    pub fn len(&self) -> usize {
        (0..RINGS).map(|ring| self.lock(ring).places.len()).sum()
    }

    /// Is no place taken?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Ring {
    fn new(capacity: usize) -> Self {
        Self {
            index: Index::new(capacity),
            places: Vec::new(),
            capacity,
            hand: 0,
            endpoints: Endpoints::default(),
        }
    }

    /// The cohort's place; where it has none, an empty one, or that of the least worthy of a few.
    fn place(&mut self, hash: u64, host: u16, at: Timestamp) -> usize {
        let found = self.index.find(hash, |place| self.places[place].hash == hash);
        found.unwrap_or_else(|| self.admit(Place::new(hash, host, at), at))
    }

    fn admit(&mut self, newcomer: Place, at: Timestamp) -> usize {
        let hash = newcomer.hash;
        let place = if self.places.len() < self.capacity {
            self.places.push(newcomer);
            self.places.len() - 1
        } else {
            let stride = self.capacity.div_ceil(CANDIDATES);
            let candidates =
                (0..self.capacity).step_by(stride).map(|step| (self.hand + step) % self.capacity);
            let victim = candidates.min_by_key(|&place| self.places[place].worth(at)).unwrap_or(0);
            self.hand = (self.hand + 1) % self.capacity;
            self.index.strike(self.places[victim].hash, victim);
            self.places[victim] = newcomer;
            victim
        };
        self.index.enter(hash, place);
        place
    }
}

/// The time that an event of `at` counts for which came after another client's of `last_at`.
fn after(last_at: Timestamp, at: Timestamp) -> Timestamp {
    let is_overtaken = at <= last_at && last_at.micros_since(at) < LAG_MAX_US;
    if is_overtaken { last_at.plus_micros(1) } else { at }
}

impl Place {
    fn new(hash: u64, host: u16, at: Timestamp) -> Self {
        Self { hash, last_at: at, last_by: host, first: host, cohort: None }
    }

    /// The time that the event of this host counts for.
    fn order(&mut self, host: u16, at: Timestamp) -> Timestamp {
        let at = if self.last_by == host { at } else { after(self.last_at, at) };
        if self.cohort.is_none() && at.micros_since(self.last_at) > FORGET_US {
            self.first = host;
        }
        self.last_at = self.last_at.max(at);
        self.last_by = host;
        at
    }

    fn worth(&self, at: Timestamp) -> (bool, bool, Timestamp) {
        let is_limited = self.cohort.as_ref().is_some_and(|cohort| cohort.standing.is_suspect(at));
        (is_limited, self.cohort.is_some(), self.last_at)
    }

    /// Takes a member's page in, and gives the cohort if it has a say. Time steps and memory as in
    /// [`Window::push_at_site`].
    pub fn push(
        &mut self,
        page: &Event,
        resolution_us: u32,
        memory: Option<&SiteProfile>,
    ) -> Option<&mut Cohort> {
        let host = page.client.host();
        if self.cohort.is_none() && host == self.first {
            return None;
        }
        let cohort =
            self.cohort.get_or_insert_with(|| Box::new(Cohort::new(self.first, self.last_at)));
        cohort.members.join(host, self.last_at);
        cohort.window.push_at_site(page, resolution_us, memory);
        (cohort.members.count() >= MEMBERS_MIN).then_some(cohort)
    }

    /// Takes in how a member's request ended.
    pub fn conclude(&mut self, outcome: &Outcome, resolution_us: u32) {
        if let Some(cohort) = &mut self.cohort {
            cohort.window.conclude(outcome, resolution_us);
        }
    }
}

impl Cohort {
    fn new(first: u16, at: Timestamp) -> Self {
        let mut members = Members::default();
        members.join(first, at);
        Self { window: Window::new(at), standing: Standing::new(Ban::NONE), members }
    }

    /// Is its last page one to score it at? Of the first ones each, later one in [`SCORED_ONE_IN`]:
    /// a score costs more than all else that a member's page does here, and a window of dozens of
    /// pages says the same a few pages later.
    pub fn is_due(&self) -> bool {
        let pages = self.window.pages();
        pages < FEW_PAGES || pages.is_multiple_of(SCORED_ONE_IN)
    }

    /// Its members' pages as if one client had asked for them.
    pub fn window(&self) -> &Window {
        &self.window
    }
}

impl Members {
    fn join(&mut self, host: u16, at: Timestamp) {
        let day = at.as_micros().div_euclid(FORGET_US as i64) as u16;
        match day.wrapping_sub(self.day) {
            0 => {}
            1 => {
                (self.hosts, self.counts) = ([[0; MEMBERS_MIN], self.hosts[0]], [0, self.counts[0]])
            }
            _ => (self.hosts, self.counts) = Default::default(),
        }
        self.day = day;
        let count = usize::from(self.counts[0]);
        if count < MEMBERS_MIN && !self.hosts[0][..count].contains(&host) {
            self.hosts[0][count] = host;
            self.counts[0] += 1;
        }
    }

    /// Distinct hosts, three at most of each day.
    fn count(&self) -> usize {
        let [today, yesterday] =
            [0, 1].map(|day| &self.hosts[day][..usize::from(self.counts[day])]);
        today.len() + yesterday.iter().filter(|host| !today.contains(host)).count()
    }
}

#[cfg(test)]
#[path = "cohort_tests.rs"]
mod tests;
