//! Bans, apart from the windows: a client whose window was evicted is still banned, and its offences still count.

use dashmap::DashMap;

use crate::client::ClientKey;
use crate::policy::Ban;
use crate::time::Timestamp;

/// Bounded `ClientKey → Ban`. 40 bytes a ban. Only looked at when a client is new to the window table.
pub struct Bans {
    bans: DashMap<ClientKey, Ban>,
    capacity: usize,
}

impl Bans {
    /// At most `capacity` bans; further ones are kept with the client's window only.
    pub fn new(capacity: usize) -> Self {
        Self { bans: DashMap::new(), capacity }
    }

    /// The client's ban, expired or not; [`Ban::NONE`] if there was none.
    pub fn find(&self, client: ClientKey) -> Ban {
        if self.bans.is_empty() {
            return Ban::NONE;
        }
        self.bans.get(&client).map_or(Ban::NONE, |ban| *ban)
    }

    /// Remembers a ban.
    pub fn insert(&self, client: ClientKey, ban: Ban) {
        if self.bans.len() < self.capacity || self.bans.contains_key(&client) {
            self.bans.insert(client, ban);
        }
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
        bans.insert(key("192.0.2.1"), ban(10));
        bans.insert(key("192.0.2.2"), ban(20));
        bans.insert(key("192.0.2.3"), ban(30));
        assert_eq!(bans.find(key("192.0.2.3")), Ban::NONE);
        bans.insert(key("192.0.2.1"), ban(40));
        assert_eq!(bans.find(key("192.0.2.1")), ban(40));
        assert_eq!(bans.in_force(Timestamp::from_secs(25)), 1);
        bans.sweep(Timestamp::from_secs(25), 4_000_000);
        assert_eq!(bans.find(key("192.0.2.2")), Ban::NONE);
    }
}
