//! Bans, apart from the windows: a client whose window was evicted is still banned, and its
//! offences still count.

use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use crate::client::ClientKey;
use crate::policy::Ban;
use crate::time::Timestamp;

/// Bounded `ClientKey → Ban`. 40 bytes a ban. Only looked at when a client is new to the window
/// table.
pub struct Bans {
    bans: DashMap<ClientKey, Ban>,
    capacity: usize,
    dropped: AtomicU64,
}

impl Bans {
    /// At most `capacity` bans; further ones are kept with the client's window only.
    pub fn new(capacity: usize) -> Self {
        Self { bans: DashMap::new(), capacity, dropped: AtomicU64::new(0) }
    }

    /// The client's ban, expired or not; [`Ban::NONE`] if there was none.
    pub fn find(&self, client: ClientKey) -> Ban {
        self.bans.get(&client).map_or(Ban::NONE, |ban| *ban)
    }

    /// Remembers a ban made at `at`. When the table is full, bans that have expired make room.
    pub fn insert(&self, client: ClientKey, ban: Ban, at: Timestamp) {
        let is_full = || self.bans.len() >= self.capacity && !self.bans.contains_key(&client);
        if is_full() {
            self.sweep(at, 0);
        }
        if is_full() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            self.bans.insert(client, ban);
        }
    }

    /// The most it remembers.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bans that found no room, and so end with their client's window.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Forgets bans that expired more than `forget_us` µs before `now`.
    pub fn sweep(&self, now: Timestamp, forget_us: u64) {
        self.bans.retain(|_, ban| ban.until.plus_micros(forget_us) > now);
    }

    /// Bans in force at `now`.
    pub fn in_force(&self, now: Timestamp) -> usize {
        self.bans.iter().filter(|ban| ban.until > now).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_are_bounded_and_swept() {
        let bans = Bans::new(2);
        let ban = |secs| Ban { until: Timestamp::from_secs(secs), offences: 1 };
        let key = ClientKey::from_text;
        let at = Timestamp::from_secs;
        bans.insert(key("192.0.2.1"), ban(10), at(0));
        bans.insert(key("192.0.2.2"), ban(20), at(0));
        bans.insert(key("192.0.2.3"), ban(30), at(0));
        assert_eq!((bans.find(key("192.0.2.3")), bans.dropped()), (Ban::NONE, 1));
        bans.insert(key("192.0.2.3"), ban(30), at(11));
        assert_eq!(bans.find(key("192.0.2.3")), ban(30), "an expired one made room");
        bans.sweep(at(40), 0);
        bans.insert(key("192.0.2.2"), ban(20), at(0));
        bans.insert(key("192.0.2.1"), ban(40), at(0));
        assert_eq!(bans.find(key("192.0.2.1")), ban(40));
        assert_eq!(bans.in_force(Timestamp::from_secs(25)), 1);
        bans.sweep(Timestamp::from_secs(25), 4_000_000);
        assert_eq!(bans.find(key("192.0.2.2")), Ban::NONE);
    }
}
