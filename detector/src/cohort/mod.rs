//! What the newcomers of one network do together with one browser.
//!
//! A scraper that spreads over the addresses of a /24 makes ten requests from each: too few to
//! judge any of them. So page requests of clients that have few pages yet are also pushed into the
//! [`Window`](crate::Window) of their **cohort**: all clients of a /24 (IPv6: /48) that name the
//! same user agent, as if they were one client. A client with a history is judged by its own window
//! and is no member any more. So a cohort costs nothing on most requests, and no client can fill
//! one.
//!
//! ```text
//!                          one client     a second one     three of the last two days
//!  place, 32 bytes free ─────────────► alone ─────────► Cohort ─────────► Cohort that is judged
//! ```
//!
//! A cohort of fewer than three members is not judged. What a judged one leads to is decided in
//! [`crate::policy`]: limit, never block.
//!
//! **Bounded**: there is one place for every eight clients, in as many rings as the table has
//! ([`RINGS`]). A cohort lies in its clients' ring, so it never meets clients of another. When a
//! ring is full, a few places are looked at and one of them is replaced: places where nobody is
//! limited go first, then those of one client, then the longest silent.
//!
//! **Order**: a window depends on the order of its events, so a replay must see the members' events
//! in the order in which they came here. The clients' own clocks do not say that when two threads
//! serve two members at once. So no two events of different members happen in the same microsecond:
//! the second one gets the time after the first one's.
//!
//! Newcomers that write to one path are watched in [`endpoint`], in the same rings under the same
//! locks.
//!
//! Cost: 60 ns for a client that is alone; for a member's page a push into the cohort's window, and
//! at one page in four a score (0.5 µs).

pub mod endpoint;
mod order;
mod place;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use crate::client::ClientKey;
use crate::event::AgentKey;
use crate::state::index::Index;
use crate::state::table::RINGS;
use crate::time::Timestamp;
use endpoint::{Endpoint, Endpoints};

pub use place::{Cohort, CohortPlace, FEW_PAGES};

/// There is room for one cohort for each eight clients: most clients are alone with their browser
/// in their network, and most networks do not last.
const CLIENTS_PER_COHORT: usize = 8;
/// Places looked at for one eviction, as many as for clients.
const CANDIDATES: usize = 8;

/// All cohorts, bounded.
pub struct Cohorts {
    rings: Box<[Mutex<Ring>]>,
    hasher: SeedableRandomState,
}

static SHARED: SharedSeed = SharedSeed::from_u64(0x636f_686f_7274_7321);

struct Ring {
    index: Index,
    places: Vec<CohortPlace>,
    capacity: usize,
    /// Where the next eviction begins to look.
    hand: usize,
    endpoints: Endpoints,
}

/// Which cohorts a request is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountedIn {
    /// In its network's newcomers with its browser?
    pub network: bool,
    /// In those who write to this path ([`Event::write`](crate::Event::write)); 0 is none.
    pub write: u16,
}

impl CountedIn {
    /// Not counted in any cohort.
    pub const NONE: Self = Self { network: false, write: 0 };
}

/// The cohorts that a request is counted in, locked.
pub struct Peers<'a> {
    /// The newcomers of its network with its browser.
    pub place: Option<&'a mut CohortPlace>,
    /// The newcomers that write to its path.
    pub endpoint: Option<&'a mut Endpoint>,
}

impl Cohorts {
    /// Room for the cohorts of a table of this many clients.
    pub fn new(clients: usize, hash_key: u64) -> Self {
        let capacity = (clients / CLIENTS_PER_COHORT).div_ceil(RINGS).clamp(8, 1 << 15);
        Self {
            rings: (0..RINGS).map(|_| Mutex::new(Ring::new(capacity))).collect(),
            hasher: SeedableRandomState::with_seed(hash_key, &SHARED),
        }
    }

    /// Runs `act` on the place of this client's cohort, in the client's ring, and with the time
    /// that its event counts for: `at`, or the microsecond after another member's earlier event.
    pub fn with<T>(
        &self,
        ring: usize,
        (client, agent): (ClientKey, AgentKey),
        at: Timestamp,
        act: impl FnOnce(&mut CohortPlace, Timestamp) -> T,
    ) -> T {
        let hash = self.hasher.hash_one((client.network(), agent.0));
        let mut ring = self.lock(ring);
        let place = ring.place(hash, client.host(), at);
        let place = &mut ring.places[place];
        let at = place.order(client.host(), at);
        act(place, at)
    }

    /// Runs `act` on the cohorts that this client is counted in, as [`Cohorts::with`] does. Both
    /// are under one lock, so the event has one time for both.
    pub fn with_peers<T>(
        &self,
        ring: usize,
        (client, agent): (ClientKey, AgentKey),
        mut at: Timestamp,
        counted_in: CountedIn,
        act: impl FnOnce(Peers<'_>, Timestamp) -> T,
    ) -> T {
        let mut ring = self.lock(ring);
        let place = counted_in.network.then(|| {
            ring.place(self.hasher.hash_one((client.network(), agent.0)), client.host(), at)
        });
        let Ring { places, endpoints, .. } = &mut *ring;
        let mut place = place.map(|place| &mut places[place]);
        let mut endpoint =
            (counted_in.write != 0).then(|| endpoints.of(counted_in.write, client, at));
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
        // A thread that panicked under this lock was working on a window. The index is sound: it
        // does not change after a place was handed out.
        self.rings[ring % RINGS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most places there can be.
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

    /// The place entered under this hash. If there is none, a new one; in a full ring it replaces
    /// the least worthy of a few.
    fn place(&mut self, hash: u64, host: u16, at: Timestamp) -> usize {
        let found = self.index.find(hash, |place| self.places[place].hash == hash);
        found.unwrap_or_else(|| self.admit(CohortPlace::new(hash, host, at), at))
    }

    fn admit(&mut self, newcomer: CohortPlace, at: Timestamp) -> usize {
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
