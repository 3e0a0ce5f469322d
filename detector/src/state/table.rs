//! The bounded table of clients: `ClientKey → ClientState`.
//!
//! A client is a [newcomer](crate::state::newcomer) first, in about 100 bytes, and has a window
//! when it stays. Places are spread over shards ([`crate::state::shard`]), each with its own lock.
//! While a shard has room, every client gets a place.
//!
//! When a shard is full, its [doorkeeper](crate::state::doorkeeper) decides. A client that was not
//! seen lately is only noted. One that returns takes the place of a client that is idle or has just
//! come itself. So keys that come once cost nothing and evict nobody. Limited and banned clients
//! are evicted last, and their bans survive even that in [`crate::state::bans`].

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use crate::client::ClientKey;
use crate::policy::Ban;
use crate::state::client_state::ClientState;
use crate::state::shard::{Admission, Shard};
use crate::time::Timestamp;

pub use crate::state::shard::BYTES_BESIDE;

/// Number of rings. A ring is one shard, or several in a large table. Clients of different rings
/// never evict one another.
///
/// All clients of a network are in one ring, and so is their cohort ([`crate::cohort`]). A client's
/// ring does not depend on the secret, so it has the same clients in a replay.
pub const RINGS: usize = 64;
/// About how many clients a shard holds: many, so that shards fill evenly, and few, so that two
/// cores rarely wait for one lock.
const CLIENTS_PER_SHARD: usize = 4_096;

/// The bounded table.
pub struct Table {
    shards: Vec<Mutex<Shard>>,
    hasher: SeedableRandomState,
    rings: SeedableRandomState,
    shard_capacity: usize,
    count: AtomicUsize,
    evictions: AtomicU64,
}

static SHARED: SharedSeed = SharedSeed::from_u64(0x6761_7465_6b65_6570);

impl Table {
    /// A table for `capacity` clients, rounded up to a multiple of its shards. Keys are hashed with
    /// the secret `hash_key`.
    pub fn new(capacity: usize, hash_key: u64) -> Self {
        let shards = (capacity / CLIENTS_PER_SHARD).next_power_of_two().max(RINGS);
        let shard_capacity = capacity.div_ceil(shards).max(1);
        Self {
            shards: (0..shards).map(|_| Mutex::new(Shard::new(shard_capacity))).collect(),
            hasher: SeedableRandomState::with_seed(hash_key, &SHARED),
            rings: SeedableRandomState::with_seed(0, &SHARED),
            shard_capacity,
            count: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// Runs `act` on the state of this client. A client without a place gets one, with its earlier
    /// `ban` and with a window in steps of `resolution_us` µs. `None` when there is no place for
    /// it.
    pub fn with<T>(
        &self,
        key: ClientKey,
        at: Timestamp,
        resolution_us: u32,
        ban: impl FnOnce() -> Ban,
        act: impl FnOnce(&mut ClientState) -> T,
    ) -> Option<T> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(key, hash);
        if let Some(place) = shard.find(key, hash) {
            return Some(act(shard.state(place)));
        }
        let place = match shard
            .admit(key, hash, at, ban(), resolution_us, |key| self.hasher.hash_one(key))
        {
            Admission::Noted => return None,
            Admission::Seated(place) => {
                self.count.fetch_add(1, Ordering::Relaxed);
                place
            }
            Admission::Evicted(place) => {
                self.evictions.fetch_add(1, Ordering::Relaxed);
                place
            }
        };
        Some(act(shard.state(place)))
    }

    /// Runs `act` on the state of this client if it has a place.
    pub fn with_known<T>(
        &self,
        key: ClientKey,
        act: impl FnOnce(&mut ClientState) -> T,
    ) -> Option<T> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(key, hash);
        shard.find(key, hash).map(|place| act(shard.state(place)))
    }

    /// Clients held.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Is nobody held?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most clients it can hold.
    pub fn capacity(&self) -> usize {
        self.shard_capacity * self.shards.len()
    }

    /// Clients evicted so far.
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// Which of the [`RINGS`] a client is in.
    pub fn ring_of(&self, key: ClientKey) -> usize {
        self.rings.hash_one(key.network()) as usize % RINGS
    }

    fn shard(&self, key: ClientKey, hash: u64) -> MutexGuard<'_, Shard> {
        // A thread that panicked under this lock was working on a window. The index is sound: it
        // does not change after a place was handed out.
        self.shards[self.shard_of(key, hash)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client's shard: one of its network's ring, chosen by the low bits of the client's hash.
    /// Within the shard the high bits are used.
    fn shard_of(&self, key: ClientKey, hash: u64) -> usize {
        (hash as usize & (self.shards.len() - 1) & !(RINGS - 1)) | self.ring_of(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u32) -> ClientKey {
        ClientKey::from_ip(std::net::Ipv4Addr::from(i).into())
    }

    fn come(table: &Table, client: u32, at: i64, ban: Ban) -> bool {
        table.with(key(client), Timestamp::from_secs(at), 1, || ban, |_| ()).is_some()
    }

    fn is_held(table: &Table, client: u32) -> bool {
        table.with_known(key(client), |_| ()).is_some()
    }

    fn held(table: &Table) -> usize {
        table.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn the_table_never_grows_beyond_its_capacity() {
        let table = Table::new(1_000, 1);
        for i in 0..50_000 {
            // Twice, so that the doorkeeper lets them in.
            come(&table, i, i64::from(i), Ban::NONE);
            assert!(come(&table, i, i64::from(i), Ban::NONE));
        }
        assert!(held(&table) <= table.capacity());
        assert_eq!(table.len(), held(&table));
        assert!(table.capacity() < 1_064);
        assert_eq!(table.evictions(), 50_000 - table.len() as u64);
    }

    #[test]
    fn who_comes_once_to_a_full_table_pushes_out_nobody() {
        let table = Table::new(6_400, 1);
        let first: Vec<u32> = (0..100_000).filter(|&i| come(&table, i, 0, Ban::NONE)).collect();
        let full = table.len() as u64;
        let before = table.evictions();
        let mistaken = (100_000..200_000).filter(|&i| come(&table, i, 1, Ban::NONE)).count() as u64;
        assert_eq!(table.evictions() - before, mistaken);
        assert!(mistaken < 1_000, "{mistaken} of 100,000 strangers were taken for one who returns");
        assert_eq!(full, table.capacity() as u64);
        assert!(first.iter().filter(|&&i| is_held(&table, i)).count() > 5_400);
    }

    #[test]
    fn an_offender_gets_a_place_at_once() {
        let table = Table::new(64, 1);
        (0..10_000).for_each(|i| _ = come(&table, i, 0, Ban::NONE));
        assert!(come(
            &table,
            20_000,
            1,
            Ban { until: Timestamp::from_secs(9), offences: 1, ..Ban::NONE }
        ));
    }

    #[test]
    fn suspects_are_not_washed_out() {
        let table = Table::new(6_400, 1);
        let forever = Ban { until: Timestamp::from_secs(1_000_000_000), offences: 1, ..Ban::NONE };
        // Of different networks: those of one have a ring's places, no more.
        let suspects = || (0..100).map(|i| 0x0a00_0000 + i * 256);
        suspects().for_each(|i| _ = come(&table, i, 0, forever));
        for i in 1_000..100_000 {
            come(&table, i, i64::from(i), Ban::NONE);
            come(&table, i, i64::from(i), Ban::NONE);
        }
        assert!(table.evictions() > 90_000);
        assert!(suspects().all(|i| is_held(&table, i)));
    }

    #[test]
    fn many_threads_keep_the_bound() {
        let table = Table::new(640, 1);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let table = &table;
                scope.spawn(move || {
                    for i in 0..20_000_u32 {
                        come(table, i % 5_000 + thread, i64::from(i), Ban::NONE);
                    }
                });
            }
        });
        assert_eq!(table.len(), held(&table));
        assert!(table.len() <= 640);
    }

    #[test]
    fn large_tables_have_more_shards_and_the_same_rings() {
        let table = Table::new(1_000_000, 1);
        assert!((1_000_000..1_000_256).contains(&table.capacity()));
        assert_eq!(table.shards.len() % RINGS, 0);
        let mut used = std::collections::HashSet::new();
        for i in 0..100_000 {
            let shard = table.shard_of(key(i), table.hasher.hash_one(key(i)));
            assert_eq!(table.ring_of(key(i)), shard % RINGS);
            assert_eq!(
                table.ring_of(key(i)),
                table.ring_of(key(i & !0xff)),
                "a network lies in one ring"
            );
            used.insert(shard);
        }
        assert_eq!(used.len(), table.shards.len(), "all shards are used");
    }
}
