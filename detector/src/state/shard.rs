//! A part of the table of clients: places, an index that finds them, and a doorkeeper for when all
//! places are taken.
//!
//! Places are filled from the front. Each takes 32 bytes: the client's key, and a pointer to what
//! is kept of the client.

use crate::client::ClientKey;
use crate::policy::Ban;
use crate::state::client_state::ClientState;
use crate::state::doorkeeper::Doorkeeper;
use crate::state::index::Index;
use crate::state::newcomer::Newcomer;
use crate::time::Timestamp;
use crate::window::Window;

/// Clients looked at for one eviction: enough that hardly ever all of them are limited or banned.
const CANDIDATES: usize = 8;

struct ClientPlace {
    key: ClientKey,
    state: ClientState,
}

/// Bytes that a client takes beside the content of its [`ClientState`]: its place, up to four cells
/// of the index, up to eight bytes of the doorkeeper.
pub const BYTES_BESIDE: usize = size_of::<ClientPlace>() + 4 * size_of::<u32>() + 8;

/// A shard of the table, with room for up to `capacity` clients.
pub struct Shard {
    index: Index,
    places: Vec<ClientPlace>,
    capacity: usize,
    /// Where the next eviction begins to look.
    hand: usize,
    door: Doorkeeper,
}

/// Whether a new client got a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes, an empty one, of this number.
    Seated(usize),
    /// Yes, that of a client which was evicted, of this number.
    Evicted(usize),
    /// No, the doorkeeper only noted that it came.
    Noted,
}

impl Shard {
    /// A shard for `capacity` clients: at least 1, at most 2¹⁵.
    pub fn new(capacity: usize) -> Self {
        Self {
            index: Index::new(capacity),
            places: Vec::with_capacity(capacity),
            capacity,
            hand: 0,
            door: Doorkeeper::new(capacity),
        }
    }

    /// Clients held.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The state of the client at a place that [`Shard::find`] or [`Shard::admit`] returned.
    pub fn state(&mut self, place: usize) -> &mut ClientState {
        &mut self.places[place].state
    }

    /// The place of this client.
    pub fn find(&self, key: ClientKey, hash: u64) -> Option<usize> {
        self.index.find(hash, |place| self.places[place].key == key)
    }

    /// Gives a new client a place. In a full shard only a client that returns or has been banned
    /// before gets one: that of the least worthy of a few.
    pub fn admit(
        &mut self,
        key: ClientKey,
        hash: u64,
        at: Timestamp,
        ban: Ban,
        resolution_us: u32,
        hash_of: impl Fn(ClientKey) -> u64,
    ) -> Admission {
        let is_full = self.places.len() >= self.capacity;
        if is_full && ban == Ban::NONE && !self.door.knows(hash) {
            return Admission::Noted;
        }
        let state = if ban == Ban::NONE {
            ClientState::Newcomer(Box::new(Newcomer::new(resolution_us)))
        } else {
            ClientState::known(Window::new(at), ban)
        };
        if !is_full {
            self.places.push(ClientPlace { key, state });
            self.index.enter(hash, self.places.len() - 1);
            return Admission::Seated(self.places.len() - 1);
        }
        // Candidates lie far apart, because clients that came together have places side by side.
        let stride = self.capacity.div_ceil(CANDIDATES);
        let candidates =
            (0..self.capacity).step_by(stride).map(|step| (self.hand + step) % self.capacity);
        let victim =
            candidates.min_by_key(|&place| self.places[place].state.worth(at)).unwrap_or(0);
        self.hand = (self.hand + 1) % self.capacity;
        self.index.strike(hash_of(self.places[victim].key), victim);
        self.places[victim] = ClientPlace { key, state };
        self.index.enter(hash, victim);
        Admission::Evicted(victim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_secs(1_795_219_200);

    fn key(i: u32) -> ClientKey {
        ClientKey::from_ip(std::net::Ipv4Addr::from(i).into())
    }

    /// Few homes and few fingerprints, so that runs are long, wrap round and collide.
    fn bad_hash(key: ClientKey) -> u64 {
        let mixed = (key.to_bits() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed & 0xf000_0000_8000_0000 | mixed >> 48
    }

    #[test]
    fn the_index_finds_everybody_and_nobody_else() {
        for hash in
            [bad_hash, |key: ClientKey| (key.to_bits() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)]
        {
            let mut shard = Shard::new(50);
            let mut seated: Vec<Option<ClientKey>> = vec![None; 50];
            for i in 0..5_000_u32 {
                let newcomer = key(i * 7_919 % 3_001);
                if shard.find(newcomer, hash(newcomer)).is_some() {
                    assert!(seated.contains(&Some(newcomer)));
                    continue;
                }
                assert!(!seated.contains(&Some(newcomer)));
                let at = AT.plus_secs(u64::from(i));
                match shard.admit(newcomer, hash(newcomer), at, Ban::NONE, 1, hash) {
                    Admission::Seated(place) | Admission::Evicted(place) => {
                        seated[place] = Some(newcomer)
                    }
                    Admission::Noted => continue,
                }
                for (place, key) in seated.iter().enumerate() {
                    if let Some(key) = key {
                        assert_eq!(shard.find(*key, hash(*key)), Some(place));
                    }
                }
            }
            assert_eq!(shard.len(), 50);
            assert_eq!(shard.index.used(), 50, "no cell is left behind");
        }
    }
}
