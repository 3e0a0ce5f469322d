//! Who is exported, and what has changed since somebody last asked.
//!
//! It holds at most so many bans; if there are more, those that end last. If more become banned
//! within a minute than anybody believes, a breaker opens: whoever made that happen, a model or an
//! operator, is likelier wrong than right about thousands of addresses. Then nothing is added until
//! a reload; what is exported still ends and is still lifted.

use std::collections::{BTreeMap, HashSet, VecDeque};

use ipnet::IpNet;

/// A reader that is further behind gets the whole list.
const CHANGES_KEPT: usize = 16_384;
const MINUTE_US: i64 = 60_000_000;

/// How much is exported at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bans at once.
    pub bans_max: usize,
    /// New bans within a minute, above which the breaker opens.
    pub bans_per_minute_max: usize,
}

/// A ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banned {
    /// An IPv4 address alone, or an IPv6 /64.
    pub network: IpNet,
    /// Its end, in µs of the time of events.
    pub until_us: i64,
}

/// What a reader has to do to be up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// It knows nothing that counts any more: `added` is everything.
    pub is_whole: bool,
    /// Bans that are new, or end at another time, with the number of the change.
    pub added: Vec<(u64, Banned)>,
    /// Bans that have ended or were lifted.
    pub removed: Vec<(u64, IpNet)>,
    /// The number to ask with next time.
    pub next: u64,
}

/// The exported bans.
#[derive(Debug)]
pub struct Ledger {
    bounds: Bounds,
    /// Each with the number of its last change.
    banned: BTreeMap<IpNet, (u64, i64)>,
    changes: VecDeque<(u64, IpNet)>,
    next: u64,
    /// When bans were added within the last minute.
    added_at: VecDeque<i64>,
    is_open: bool,
    left_out: usize,
}

impl Ledger {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            banned: BTreeMap::new(),
            changes: VecDeque::new(),
            // From 1 on, so that a reader who knows nothing asks with 0.
            next: 1,
            added_at: VecDeque::new(),
            is_open: false,
            left_out: 0,
        }
    }

    /// Takes in who is banned now.
    pub fn update(&mut self, now_us: i64, bans: &[Banned]) {
        let in_force: Vec<&Banned> = bans.iter().filter(|ban| ban.until_us > now_us).collect();
        let wanted: HashSet<IpNet> = in_force.iter().map(|ban| ban.network).collect();
        let known: Vec<IpNet> = self.banned.keys().copied().collect();
        for network in known.into_iter().filter(|network| !wanted.contains(network)) {
            self.banned.remove(&network);
            self.note(network);
        }
        while self.added_at.front().is_some_and(|at| *at <= now_us - MINUTE_US) {
            self.added_at.pop_front();
        }
        let mut by_end = in_force;
        by_end.sort_unstable_by_key(|ban| (std::cmp::Reverse(ban.until_us), ban.network));
        self.left_out = 0;
        for ban in by_end {
            let known = self.banned.get(&ban.network).map(|(_, until_us)| *until_us);
            match known {
                Some(until_us) if until_us == ban.until_us => continue,
                Some(_) => {}
                None if !self.has_room(now_us) => {
                    self.left_out += 1;
                    continue;
                }
                None => {}
            }
            let number = self.note(ban.network);
            self.banned.insert(ban.network, (number, ban.until_us));
        }
    }

    fn has_room(&mut self, now_us: i64) -> bool {
        if self.is_open || self.banned.len() >= self.bounds.bans_max {
            return false;
        }
        if self.added_at.len() >= self.bounds.bans_per_minute_max {
            self.is_open = true;
            tracing::error!(
                "more than {} bans within a minute: no further ban is exported until a reload",
                self.bounds.bans_per_minute_max
            );
            return false;
        }
        self.added_at.push_back(now_us);
        true
    }

    fn note(&mut self, network: IpNet) -> u64 {
        let number = self.next;
        self.next += 1;
        if self.changes.len() >= CHANGES_KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back((number, network));
        number
    }

    /// What has changed, from the change of this number on; 0 for everything.
    pub fn changes(&self, from: u64) -> Changes {
        let first = self.next - self.changes.len() as u64;
        if from < first.max(1) || from > self.next {
            let all = self.banned().zip(self.banned.values());
            let added = all.map(|(ban, (number, _))| (*number, ban)).collect();
            return Changes { is_whole: true, added, removed: Vec::new(), next: self.next };
        }
        let mut changes = Changes { next: self.next, ..Changes::default() };
        let mut seen = HashSet::new();
        // Of several changes of one network the last counts.
        for (number, network) in self.changes.iter().rev().take_while(|change| change.0 >= from) {
            if !seen.insert(*network) {
                continue;
            }
            match self.banned.get(network) {
                Some(&(_, until_us)) => {
                    changes.added.push((*number, Banned { network: *network, until_us }));
                }
                None => changes.removed.push((*number, *network)),
            }
        }
        changes
    }

    /// All of them, in the order of their addresses.
    pub fn banned(&self) -> impl Iterator<Item = Banned> {
        self.banned
            .iter()
            .map(|(network, (_, until_us))| Banned { network: *network, until_us: *until_us })
    }

    /// Has one of them ended?
    pub fn has_any_ended(&self, now_us: i64) -> bool {
        self.banned.values().any(|(_, until_us)| *until_us <= now_us)
    }

    /// The number of the next change.
    pub fn next_change(&self) -> u64 {
        self.next
    }

    /// Is the breaker open, and how many bans are left out?
    pub fn left_out(&self) -> (bool, usize) {
        (self.is_open, self.left_out)
    }

    /// Lets bans be added again.
    pub fn close_breaker(&mut self) {
        self.is_open = false;
        self.added_at.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn ban(number: u32, until_s: i64) -> Banned {
        let network = IpNet::from(std::net::IpAddr::V4(number.into()));
        Banned { network, until_us: until_s * SECOND }
    }

    fn ledger(bans_max: usize, bans_per_minute_max: usize) -> Ledger {
        Ledger::new(Bounds { bans_max, bans_per_minute_max })
    }

    /// What a reader holds who applies all changes.
    fn follow(held: &mut BTreeMap<IpNet, i64>, from: &mut u64, ledger: &Ledger) {
        let changes = ledger.changes(*from);
        if changes.is_whole {
            held.clear();
        }
        for (_, network) in changes.removed {
            held.remove(&network);
        }
        for (_, ban) in changes.added {
            held.insert(ban.network, ban.until_us);
        }
        *from = changes.next;
    }

    #[test]
    fn whoever_applies_the_changes_holds_what_is_banned() {
        let mut ledger = ledger(1_000, usize::MAX);
        let (mut held, mut from) = (BTreeMap::new(), 0);
        let (mut lazy, mut lazy_from) = (BTreeMap::new(), 0);
        for second in 0..400_i64 {
            // Each is banned for a while, some are lifted early, some are made longer.
            let bans: Vec<Banned> = (0..60)
                .filter(|number| (second + i64::from(*number) * 7) % 50 < 30)
                .map(|number| ban(number, second + 5 + (second / 90)))
                .chain((0..(second % 3) as u32 * 100).map(|number| ban(1_000 + number, second + 1)))
                .collect();
            ledger.update(second * SECOND, &bans);
            follow(&mut held, &mut from, &ledger);
            if second % 37 == 0 {
                follow(&mut lazy, &mut lazy_from, &ledger);
                assert_eq!(lazy, held, "{second}");
            }
            let in_force = bans.iter().filter(|ban| ban.until_us > second * SECOND);
            let expect: BTreeMap<_, _> = in_force.map(|ban| (ban.network, ban.until_us)).collect();
            assert_eq!(held, expect, "{second}");
        }
        assert!(ledger.changes(1).is_whole, "too far behind");
        assert!(ledger.changes(ledger.next_change() + 1).is_whole, "of another service's");
    }

    #[test]
    fn those_that_end_last_are_exported_where_not_all_fit() {
        let mut ledger = ledger(10, usize::MAX);
        let bans: Vec<_> = (0..100).map(|number| ban(number, 100 + i64::from(number))).collect();
        ledger.update(0, &bans);
        let held: Vec<_> = ledger.banned().collect();
        assert_eq!(held, bans[90..]);
        assert_eq!(ledger.left_out(), (false, 90));
    }

    #[test]
    fn too_many_in_a_minute_open_the_breaker_until_a_reload() {
        let mut ledger = ledger(1_000, 20);
        let mut bans: Vec<_> = (0..15).map(|number| ban(number, 500)).collect();
        ledger.update(0, &bans);
        bans.extend((15..30).map(|number| ban(number, 500)));
        ledger.update(61 * SECOND, &bans);
        assert_eq!((ledger.banned().count(), ledger.left_out()), (30, (false, 0)));
        bans.extend((30..40).map(|number| ban(number, 500)));
        ledger.update(62 * SECOND, &bans);
        assert_eq!((ledger.banned().count(), ledger.left_out()), (35, (true, 5)));
        bans.remove(0);
        ledger.update(300 * SECOND, &bans);
        assert_eq!((ledger.banned().count(), ledger.left_out()), (34, (true, 5)), "lifted");
        ledger.close_breaker();
        ledger.update(301 * SECOND, &bans);
        assert_eq!((ledger.banned().count(), ledger.left_out()), (39, (false, 0)));
        ledger.update(500 * SECOND, &bans);
        assert_eq!(ledger.banned().count(), 0, "ended");
    }
}
