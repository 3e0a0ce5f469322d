//! Bounded `ClientKey → Client`.
//!
//! A dashmap of boxed clients (an entry is 24 bytes, so growing it moves little) beside one ring of keys per shard,
//! over which a clock hand goes when the table is full: of the next few clients it evicts the one that is harmless and
//! longest idle. A client under suspicion goes last; its ban lives in [`crate::bans`] and survives even that.
//!
//! Locks: a ring's mutex is taken first, then a map shard, never the other way round, and never two rings.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use crate::client::ClientKey;
use crate::policy::Standing;
use crate::time::Timestamp;
use crate::window::Window;

/// What is kept of one client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its recent past.
    pub window: Window,
    /// What the policy remembers of it.
    pub standing: Standing,
}

/// Law 5: bytes per client are a constant, and just what an allocator hands out without waste. With the map's entry (25
/// bytes, at its emptiest 57) and the ring's key (16) this stays below 640.
const _: () = assert!(size_of::<Client>() <= 512);

/// Clients looked at for one eviction: enough that a suspect is nearly never the best of them.
const CANDIDATES: usize = 8;
/// Rings, and map shards: two cores rarely meet on one of 64.
const RINGS: usize = 64;

/// The bounded table.
pub struct Table {
    clients: DashMap<ClientKey, Box<Client>, SeedableRandomState>,
    rings: Vec<Mutex<Ring>>,
    ring_capacity: usize,
    count: AtomicUsize,
    evictions: AtomicU64,
}

#[derive(Default)]
struct Ring {
    keys: Vec<ClientKey>,
    hand: usize,
}

static SHARED: SharedSeed = SharedSeed::from_u64(0x6761_7465_6b65_6570);

impl Table {
    /// A table for at most about `capacity` clients (rounded up to a multiple of 64), hashing keys with a secret.
    pub fn new(capacity: usize, hash_key: u64) -> Self {
        let ring_capacity = capacity.div_ceil(RINGS).max(1);
        let hasher = SeedableRandomState::with_seed(hash_key, &SHARED);
        Self {
            clients: DashMap::with_capacity_and_hasher_and_shard_amount(ring_capacity * RINGS, hasher, RINGS),
            rings: (0..RINGS).map(|_| Mutex::new(Ring::default())).collect(),
            ring_capacity,
            count: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// Runs `act` on the client, which is made by `create` when it is not known.
    pub fn with<T>(
        &self,
        key: ClientKey,
        at: Timestamp,
        create: impl FnOnce() -> Client,
        act: impl Fn(&mut Client) -> T,
    ) -> T {
        if let Some(mut client) = self.clients.get_mut(&key) {
            return act(&mut client);
        }
        let mut ring = self.ring(key);
        if !self.clients.contains_key(&key) {
            self.make_room(&mut ring, key, at);
        }
        let mut client = self.clients.entry(key).or_insert_with(|| Box::new(create()));
        drop(ring);
        act(&mut client)
    }

    /// Runs `act` on the client if it is known.
    pub fn with_known<T>(&self, key: ClientKey, act: impl FnOnce(&mut Client) -> T) -> Option<T> {
        self.clients.get_mut(&key).map(|mut client| act(&mut client))
    }

    /// Clients held.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Is nobody held?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most clients it will hold.
    pub fn capacity(&self) -> usize {
        self.ring_capacity * RINGS
    }

    /// Clients evicted so far.
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    fn ring(&self, key: ClientKey) -> MutexGuard<'_, Ring> {
        // The high bits: dashmap takes its shard from others.
        let index = (self.clients.hasher().hash_one(key) >> 20) as usize % RINGS;
        // A panic elsewhere cannot leave a ring half changed: its two fields are independent.
        self.rings[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the key into the ring, in an evicted client's place when the ring is full.
    fn make_room(&self, ring: &mut Ring, key: ClientKey, at: Timestamp) {
        if ring.keys.len() < self.ring_capacity {
            ring.keys.push(key);
            self.count.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let slots = (0..CANDIDATES.min(ring.keys.len())).map(|step| (ring.hand + step) % ring.keys.len());
        let victim = slots.min_by_key(|&slot| self.worth(ring.keys[slot], at)).unwrap_or(0);
        self.clients.remove(&ring.keys[victim]);
        ring.keys[victim] = key;
        ring.hand = (ring.hand + CANDIDATES) % ring.keys.len();
        self.evictions.fetch_add(1, Ordering::Relaxed);
    }

    /// How much keeping a client is worth: suspects most, then whoever was here last.
    fn worth(&self, key: ClientKey, at: Timestamp) -> (bool, Timestamp) {
        match self.clients.get(&key) {
            Some(client) => (client.standing.is_suspect(at), client.window.last_at()),
            None => (false, Timestamp::from_micros(i64::MIN)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Ban, Standing};

    fn key(i: u32) -> ClientKey {
        ClientKey::from_ip(std::net::Ipv4Addr::from(i).into())
    }

    fn client(at: Timestamp, banned_until: Timestamp) -> Client {
        Client { window: Window::new(at), standing: Standing::new(Ban { until: banned_until, offences: 1 }) }
    }

    #[test]
    fn the_table_never_grows_beyond_its_capacity() {
        let table = Table::new(1_000, 1);
        for i in 0..50_000 {
            let at = Timestamp::from_secs(i64::from(i));
            table.with(key(i), at, || client(at, Timestamp::default()), |_| ());
        }
        assert!(table.clients.len() <= table.capacity());
        assert_eq!(table.len(), table.clients.len());
        assert!(table.capacity() < 1_064);
        assert_eq!(table.evictions(), 50_000 - table.len() as u64);
    }

    #[test]
    fn suspects_are_not_washed_out() {
        let table = Table::new(6_400, 1);
        let forever = Timestamp::from_secs(1_000_000_000);
        for i in 0..100 {
            table.with(key(i), Timestamp::from_secs(0), || client(Timestamp::from_secs(0), forever), |_| ());
        }
        for i in 1_000..200_000 {
            let at = Timestamp::from_secs(i64::from(i));
            table.with(key(i), at, || client(at, Timestamp::default()), |_| ());
        }
        assert!((0..100).all(|i| table.with_known(key(i), |_| ()).is_some()));
    }

    #[test]
    fn many_threads_keep_the_bound() {
        let table = Table::new(640, 1);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let table = &table;
                scope.spawn(move || {
                    for i in 0..20_000_u32 {
                        let at = Timestamp::from_secs(i64::from(i));
                        table.with(key(i % 5_000 + thread), at, || client(at, Timestamp::default()), |_| ());
                    }
                });
            }
        });
        assert_eq!(table.len(), table.clients.len());
        assert!(table.len() <= 640);
    }
}
