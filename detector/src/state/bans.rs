//! The bans, kept apart from the windows: a client whose window was evicted is still banned, and
//! its offences still count.
//!
//! A client has one ban for each mode. What shadow mode makes shows what would happen: it neither
//! replaces nor outlives what enforce mode made or an administrator imposed, it is no ban while the
//! gate enforces, and it makes room when a real ban needs it.
//!
//! There is a map from client to ban, and beside it the same bans ordered by their end. So
//! sweeping, and making room in a full table, look only at bans that have expired and never walk
//! over all of them. A ban takes about 100 bytes.
//!
//! Every ban that is made or lifted is a numbered [`BanChange`]. Readers fetch the changes at their
//! own pace ([`Bans::changes`]): an administrator's page, a firewall export, other gates. The last
//! [`CHANGES_KEPT`] changes are kept; a reader that comes too late is told how many it has missed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;

use crate::client::ClientKey;
use crate::mode::Mode;
use crate::policy::Ban;
use crate::time::Timestamp;

/// How many changes a reader may be behind: an attack of some thousand addresses between two reads.
/// Each takes 64 bytes.
pub const CHANGES_KEPT: usize = 8_192;

/// The bounded table `ClientKey → Ban`. It is read only when a client is new to the table of
/// clients.
pub struct Bans {
    bans: DashMap<Place, Ban>,
    order: Mutex<Order>,
    capacity: usize,
    dropped: AtomicU64,
}

/// Whose ban, and in which mode it was made.
type Place = (ClientKey, Mode);

/// The bans ordered by their end, and the last changes. Locked when a ban is made or lifted and
/// when bans are swept, never for a request that changes none.
#[derive(Default)]
struct Order {
    /// Bans that are in force, as far as time has been told.
    in_force: [BTreeSet<(Timestamp, ClientKey)>; Mode::ALL.len()],
    /// Bans that have ended and whose offences still count.
    ended: [BTreeSet<(Timestamp, ClientKey)>; Mode::ALL.len()],
    changes: VecDeque<BanChange>,
    next: u64,
}

/// A ban that was made, made longer, or lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanChange {
    /// The number of the change; they count from 0 without gaps.
    pub number: u64,
    /// When it happened, in the time of events.
    pub at: Timestamp,
    /// Whose ban it is.
    pub client: ClientKey,
    /// The ban; `None` when it was lifted.
    pub ban: Option<Ban>,
}

/// The answer to a reader of changes: those that are kept, and how many are missing before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BanChanges {
    /// Changes that were asked for and are no longer kept.
    pub missed: u64,
    /// The changes that are kept, oldest first.
    pub changes: Vec<BanChange>,
    /// The number to ask for next time.
    pub next: u64,
}

impl Bans {
    /// A table of at most `capacity` bans. Further bans are kept with the client's window only.
    pub fn new(capacity: usize) -> Self {
        let (bans, order) = (DashMap::new(), Mutex::default());
        Self { bans, order, capacity, dropped: AtomicU64::new(0) }
    }

    /// The client's ban as it counts in this mode, expired or not; [`Ban::NONE`] if there is none.
    /// In shadow mode it is the one that ends last, in enforce mode never one made in shadow mode.
    pub fn find(&self, client: ClientKey, mode: Mode) -> Ban {
        let made_in = |mode| self.bans.get(&(client, mode)).map(|ban| *ban);
        let enforced = made_in(Mode::Enforce);
        let provisional = (mode == Mode::Shadow).then(|| made_in(Mode::Shadow)).flatten();
        enforced.into_iter().chain(provisional).max_by_key(|ban| ban.until).unwrap_or(Ban::NONE)
    }

    /// Remembers a ban made at `at`. When the table is full, a ban that has ended makes room, or
    /// one made in shadow mode for one that was not. If there is none, the new one is counted as
    /// dropped and the result is false.
    pub fn insert(&self, client: ClientKey, ban: Ban, at: Timestamp) -> bool {
        let mut order = self.lock();
        // Announced even if there is no room, because the client's window has the ban.
        order.announce(at, client, Some(ban));
        order.end(at);
        let before = self.bans.get(&(client, ban.mode)).map(|ban| *ban);
        if let Some(before) = before {
            order.strike(client, before);
        } else if self.bans.len() >= self.capacity {
            let Some(place) = order.make_room(ban.mode) else {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return false;
            };
            self.bans.remove(&place);
        }
        order.in_force[ban.mode as usize].insert((ban.until, client));
        self.bans.insert((client, ban.mode), ban);
        true
    }

    /// Forgets a client's bans and their offences at `at`. True if one was in force.
    pub fn remove(&self, client: ClientKey, at: Timestamp) -> bool {
        let mut order = self.lock();
        order.announce(at, client, None);
        let mut was_in_force = false;
        for mode in Mode::ALL {
            let Some((_, ban)) = self.bans.remove(&(client, mode)) else { continue };
            order.strike(client, ban);
            was_in_force |= ban.until > at;
        }
        was_in_force
    }

    /// The changes since, beginning with the one of number `from`.
    pub fn changes(&self, from: u64) -> BanChanges {
        let order = self.lock();
        let first = order.next - order.changes.len() as u64;
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        BanChanges {
            missed: first.saturating_sub(from),
            changes: order.changes.iter().skip(skip).copied().collect(),
            next: order.next,
        }
    }

    /// The bans in force at `now` that count in this mode, ordered by their end; in shadow mode a
    /// client may have two.
    pub fn list(&self, now: Timestamp, mode: Mode) -> Vec<(ClientKey, Ban)> {
        let mut order = self.lock();
        order.end(now);
        let mut found = Vec::new();
        let counts = |made_in: &Mode| mode == Mode::Shadow || *made_in == Mode::Enforce;
        for made_in in Mode::ALL.into_iter().filter(counts) {
            let bans = order.in_force[made_in as usize].iter();
            found.extend(bans.filter_map(|&(_, client)| {
                self.bans.get(&(client, made_in)).map(|ban| (client, *ban))
            }));
        }
        found.sort_unstable_by_key(|(client, ban)| (ban.until, *client));
        found
    }

    /// The most bans that are remembered.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bans that found no room, and so end with their client's window.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Forgets bans that ended `forget_us` µs or more before `now`.
    pub fn sweep(&self, now: Timestamp, forget_us: u64) {
        let mut order = self.lock();
        order.end(now);
        for mode in Mode::ALL {
            let ended = &mut order.ended[mode as usize];
            while let Some(&(until, client)) = ended.first()
                && until.plus_micros(forget_us) <= now
            {
                ended.pop_first();
                self.bans.remove(&(client, mode));
            }
        }
    }

    /// Bans that were made in this mode and are in force at `now`.
    pub fn in_force(&self, now: Timestamp, made_in: Mode) -> usize {
        let mut order = self.lock();
        order.end(now);
        order.in_force[made_in as usize].len()
    }

    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Order {
    /// Moves the bans that have ended by `now` from those in force to the ended ones.
    fn end(&mut self, now: Timestamp) {
        for (in_force, ended) in self.in_force.iter_mut().zip(&mut self.ended) {
            while let Some(&first) = in_force.first()
                && first.0 <= now
            {
                in_force.pop_first();
                ended.insert(first);
            }
        }
    }

    /// Strikes the ban that a new one, made in this mode, may replace.
    fn make_room(&mut self, mode: Mode) -> Option<Place> {
        let ended = Mode::ALL.into_iter().find_map(|made_in| {
            let (_, client) = self.ended[made_in as usize].pop_first()?;
            Some((client, made_in))
        });
        ended.or_else(|| match mode {
            Mode::Shadow => None,
            Mode::Enforce => {
                let (_, client) = self.in_force[Mode::Shadow as usize].pop_first()?;
                Some((client, Mode::Shadow))
            }
        })
    }

    fn strike(&mut self, client: ClientKey, ban: Ban) {
        let entry = (ban.until, client);
        if !self.in_force[ban.mode as usize].remove(&entry) {
            self.ended[ban.mode as usize].remove(&entry);
        }
    }

    fn announce(&mut self, at: Timestamp, client: ClientKey, ban: Option<Ban>) {
        if self.changes.len() >= CHANGES_KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(BanChange { number: self.next, at, client, ban });
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Cause;

    fn key(number: u32) -> ClientKey {
        ClientKey::from_ip(std::net::Ipv4Addr::from(number).into())
    }

    const fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn ban(secs: i64) -> Ban {
        Ban { until: at(secs), offences: 1, mode: Mode::Enforce, cause: Cause::Score }
    }

    #[test]
    fn bans_are_bounded_and_swept() {
        let bans = Bans::new(2);
        let find = |client| bans.find(key(client), Mode::Enforce);
        assert!(bans.insert(key(1), ban(10), at(0)) && bans.insert(key(2), ban(20), at(0)));
        assert!(!bans.insert(key(3), ban(30), at(0)));
        assert_eq!((find(3), bans.dropped()), (Ban::NONE, 1));
        assert!(bans.insert(key(3), ban(30), at(11)));
        assert_eq!((find(3), find(1)), (ban(30), Ban::NONE), "an expired one made room");
        bans.sweep(at(40), 0);
        bans.insert(key(2), ban(20), at(0));
        bans.insert(key(1), ban(40), at(0));
        assert_eq!((find(1), find(2), find(3)), (ban(40), ban(20), Ban::NONE));
        assert_eq!(bans.in_force(at(25), Mode::Enforce), 1);
        bans.sweep(at(23), 4_000_000);
        assert_eq!(find(2), ban(20), "its offences count for four seconds more");
        bans.sweep(at(25), 4_000_000);
        assert_eq!((find(2), find(1)), (Ban::NONE, ban(40)));
    }

    #[test]
    fn what_was_made_in_shadow_is_none_in_enforce() {
        let bans = Bans::new(9);
        let shadow = Ban { mode: Mode::Shadow, ..ban(10) };
        bans.insert(key(1), shadow, at(0));
        assert_eq!(bans.find(key(1), Mode::Shadow), shadow);
        assert_eq!(bans.find(key(1), Mode::Enforce), Ban::NONE);
        assert_eq!([Mode::Shadow, Mode::Enforce].map(|mode| bans.in_force(at(1), mode)), [1, 0]);
        assert_eq!(bans.list(at(1), Mode::Enforce), []);
        assert_eq!(bans.list(at(1), Mode::Shadow), [(key(1), shadow)]);
    }

    #[test]
    fn shadow_neither_replaces_a_real_ban_nor_takes_its_room() {
        let bans = Bans::new(2);
        let shadow = |secs| Ban { mode: Mode::Shadow, ..ban(secs) };
        let real = Ban { offences: 3, ..ban(10) };
        bans.insert(key(1), real, at(0));
        bans.insert(key(1), shadow(20), at(1));
        assert_eq!(bans.find(key(1), Mode::Enforce), real, "as it was");
        assert_eq!(bans.find(key(1), Mode::Shadow), shadow(20));
        assert!(!bans.insert(key(2), shadow(20), at(2)), "full");
        assert!(
            bans.insert(key(3), ban(20), at(2)),
            "a real one takes the provisional one's place"
        );
        assert_eq!(bans.find(key(1), Mode::Shadow), real);
        assert!(bans.remove(key(1), at(3)) && !bans.remove(key(1), at(3)));
        assert!(bans.insert(key(1), ban(4), at(3)) && !bans.remove(key(1), at(5)), "it had ended");
    }

    #[test]
    fn changes_are_numbered_and_who_is_late_is_told() {
        let bans = Bans::new(100_000);
        assert_eq!(bans.changes(0), BanChanges::default());
        bans.insert(key(1), ban(10), at(0));
        bans.remove(key(1), at(5));
        bans.remove(key(2), at(6));
        let heard = bans.changes(1);
        assert_eq!((heard.missed, heard.next, heard.changes.len()), (0, 3, 2));
        let lifted = BanChange { number: 1, at: at(5), client: key(1), ban: None };
        assert_eq!(heard.changes[0], lifted);
        (0..10_000).for_each(|client| _ = bans.insert(key(client), ban(10), at(7)));
        let late = bans.changes(3);
        assert_eq!((late.missed, late.changes.len()), (10_000 - CHANGES_KEPT as u64, CHANGES_KEPT));
        assert_eq!(late.changes[0].number, 3 + late.missed);
        assert_eq!(bans.changes(late.next).changes, []);
    }

    /// The two orders say of every client what the map says.
    #[test]
    fn the_orders_hold_each_ban_once() {
        let bans = Bans::new(50);
        let mut state = 5_u64;
        let mut dice = move |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % sides
        };
        for now in 0..20_000_i64 {
            let client = key(dice(120) as u32);
            match dice(10) {
                0 => _ = bans.remove(client, at(now)),
                1 => bans.sweep(at(now), 30_000_000),
                roll => {
                    let mode = if roll < 5 { Mode::Shadow } else { Mode::Enforce };
                    let ban = Ban { mode, ..ban(now + dice(60) as i64) };
                    bans.insert(client, ban, at(now));
                }
            }
            let order = bans.lock();
            let mut ordered = 0;
            for mode in Mode::ALL {
                let (in_force, ended) =
                    (&order.in_force[mode as usize], &order.ended[mode as usize]);
                ordered += in_force.len() + ended.len();
                for (until, client) in in_force.iter().chain(ended) {
                    assert_eq!(bans.bans.get(&(*client, mode)).unwrap().until, *until);
                }
            }
            assert_eq!(ordered, bans.bans.len());
            assert!(bans.bans.len() <= 50);
        }
    }
}
