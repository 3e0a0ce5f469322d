//! A bounded count of requests for each peer, by whether they come with a forwarding header.
//!
//! A peer is the other end of a connection. A proxy's visitors ask for many paths and come from
//! many addresses, while its own health checks ask for a few paths again and again. So a peer also
//! has two small sets, of the paths of its direct requests and of the clients it speaks for. Each
//! is a bitmap of 64 hashes, which counts exactly enough for "at least eight".
//!
//! **Ageing**: counts are halved every hour, paths are remembered for one to two hours, clients for
//! one to two days. **Bound**: [`PEERS_MAX`] peers of about 100 bytes. When they are reached,
//! newcomers are not counted until the next tick has dropped the half with the fewest requests. So
//! a flood of new addresses drops itself and not a proxy.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use detector::Timestamp;
use parking_lot::Mutex;

/// More proxies than a shop has, and the edges of a content delivery network.
const PEERS_MAX: usize = 4_096;
/// With fewer requests a share says little: one in twenty is the smallest that can be seen.
pub(crate) const REQUESTS_MIN: u32 = 20;
/// More direct requests than one in so many, and a peer is not a proxy: it is one if nearly all of
/// its requests, 95 %, are forwarded.
const DIRECT_ONE_IN: u32 = 20;
/// Paths from which on direct requests are visitors': a health check asks for one or two, a probe
/// of liveness and readiness for each of several names still for fewer.
const PATHS_MIN: u32 = 8;
/// A household or one bot that changes its network has fewer addresses.
const CLIENTS_MIN: u32 = 4;
const HOUR_US: i64 = 3_600_000_000;
/// Clients are remembered longer than counts: at night few come.
const CLIENT_HOURS: i64 = 24;

/// What is known of one peer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peer {
    /// Requests with a forwarding header.
    forwarded: u32,
    /// Requests without one that may be visitors'.
    direct: u32,
    /// Clients it spoke for, of this day and the last.
    clients: [u64; 2],
    /// Paths of requests without the header, of this hour and the last.
    paths: [u64; 2],
}

/// Counts of many peers.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    by_address: DashMap<IpAddr, Peer>,
    hasher: RandomState,
    /// How many there are, so that nobody waits for a lock to learn that there are none.
    len: AtomicUsize,
    ticked: Mutex<Option<Timestamp>>,
}

/// What a request shows of how it came.
#[derive(Clone, Copy, Debug)]
pub enum Via<'a> {
    /// With a forwarding header, for the client that this text names.
    Forwarded(&'a [u8]),
    /// Without one, for this target.
    Direct(&'a [u8]),
}

impl Peer {
    fn note(&mut self, via: Via<'_>, hasher: &RandomState) {
        let bit = |text: &[u8]| 1_u64 << (hasher.hash_one(text) % 64);
        match via {
            Via::Forwarded(client) => {
                self.clients[0] |= bit(client);
                self.forwarded = self.forwarded.saturating_add(1);
            }
            Via::Direct(target) => {
                self.paths[0] |= bit(path(target));
                if self.asks_like_visitors() {
                    self.direct = self.direct.saturating_add(1);
                }
            }
        }
    }

    /// Are nearly all of its requests forwarded? Among its first twenty one may be direct. At night
    /// there may be none but its health checks: its clients are remembered longer.
    pub(crate) fn is_nearly_all_forwarded(&self) -> bool {
        let all = self.requests().max(REQUESTS_MIN);
        let is_share_small = self.forwarded > self.direct && self.direct <= all / DIRECT_ONE_IN;
        self.clients != [0; 2] && (self.direct == 0 || is_share_small)
    }

    /// Are nearly all of its requests direct and for as many paths as visitors ask for?
    pub(crate) fn is_nearly_all_direct(&self) -> bool {
        self.direct >= REQUESTS_MIN && self.forwarded <= self.requests() / DIRECT_ONE_IN
    }

    /// Does it speak for several clients, or has it asked too little to say?
    pub(crate) fn may_have_several_clients(&self) -> bool {
        self.requests() < REQUESTS_MIN
            || (self.clients[0] | self.clients[1]).count_ones() >= CLIENTS_MIN
    }

    /// Are its direct requests for more paths than a health check has?
    pub(crate) fn asks_like_visitors(&self) -> bool {
        (self.paths[0] | self.paths[1]).count_ones() >= PATHS_MIN
    }

    /// Requests that count.
    pub(crate) const fn requests(&self) -> u32 {
        self.forwarded.saturating_add(self.direct)
    }

    fn age(&mut self, ends_a_day: bool) {
        self.forwarded /= 2;
        self.direct /= 2;
        self.paths = [0, self.paths[0]];
        if ends_a_day {
            self.clients = [0, self.clients[0]];
        }
    }

    fn is_forgotten(&self) -> bool {
        let Self { forwarded, direct, clients, paths } = self;
        [*forwarded, *direct] == [0; 2] && clients == &[0; 2] && paths == &[0; 2]
    }
}

impl Peers {
    /// Counts a request, and returns what is known with it; `None` when there is no room.
    pub(crate) fn note(&self, peer: IpAddr, via: Via<'_>) -> Option<Peer> {
        if let Some(known) = self.note_known(peer, via) {
            return Some(known);
        }
        if self.len.load(Ordering::Relaxed) >= PEERS_MAX {
            return None;
        }
        self.len.fetch_add(1, Ordering::Relaxed);
        let mut entry = self.by_address.entry(peer).or_default();
        entry.note(via, &self.hasher);
        Some(*entry)
    }

    /// Counts a request of a peer that is known already.
    pub(crate) fn note_known(&self, peer: IpAddr, via: Via<'_>) -> Option<Peer> {
        if self.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut known = self.by_address.get_mut(&peer)?;
        known.note(via, &self.hasher);
        Some(*known)
    }

    /// Lets an hour pass, or several, where one has since the last tick; drops the least where
    /// there are too many. To be called about once a second.
    pub(crate) fn tick(&self, now: Timestamp) {
        let before = self.ticked.lock().replace(now).unwrap_or(now);
        let hour = |at: Timestamp| at.as_micros().div_euclid(HOUR_US);
        // Whoever is silent for two days is forgotten.
        let ended = hour(before).max(hour(now) - 2 * CLIENT_HOURS)..hour(now);
        for hour in ended {
            self.by_address.retain(|_, peer| {
                peer.age((hour + 1) % CLIENT_HOURS == 0);
                !peer.is_forgotten()
            });
        }
        if self.by_address.len() >= PEERS_MAX {
            let mut requests: Vec<u32> =
                self.by_address.iter().map(|peer| peer.requests()).collect();
            let middle = requests.len() / 2;
            let (_, median, _) = requests.select_nth_unstable(middle);
            let median = *median;
            self.by_address.retain(|_, peer| peer.requests() > median);
        }
        // Two that met a newcomer at once have both counted it.
        self.len.store(self.by_address.len(), Ordering::Relaxed);
    }

    /// Forgets those for which this does not hold.
    pub(crate) fn retain(&self, keep: impl Fn(IpAddr) -> bool) {
        self.by_address.retain(|peer, _| keep(*peer));
        self.len.store(self.by_address.len(), Ordering::Relaxed);
    }

    /// Does this hold for any of them?
    pub(crate) fn any(&self, holds: impl Fn(&Peer) -> bool) -> bool {
        self.by_address.iter().any(|peer| holds(peer.value()))
    }

    /// Addresses for which this holds, those with the most requests first.
    pub(crate) fn busiest(&self, holds: impl Fn(IpAddr, &Peer) -> bool) -> Vec<IpAddr> {
        let peers = self.by_address.iter().filter(|entry| holds(*entry.key(), entry.value()));
        let mut found: Vec<(u32, IpAddr)> =
            peers.map(|entry| (entry.requests(), *entry.key())).collect();
        found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        found.into_iter().map(|(_, address)| address).collect()
    }
}

/// A target without its query: a health check may ask for another one each time.
fn path(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn ip(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    fn visit(peers: &Peers, peer: IpAddr, number: u64) -> Option<Peer> {
        peers.note(peer, Via::Direct(format!("/p/{number}").as_bytes()))
    }

    #[test]
    fn a_proxy_keeps_its_name_through_a_night_of_health_checks() {
        let peers = Peers::default();
        for number in 0..200_u64 {
            peers.note(ip(1), Via::Forwarded(&number.to_le_bytes()));
        }
        for second in 0..12 * HOUR {
            let path: &[u8] = if second % 2 == 0 { b"/health?t=1" } else { b"/ready" };
            let peer = peers.note(ip(1), Via::Direct(path)).unwrap();
            // Of its 200 requests of the day none is left after eight hours, but its clients are.
            assert!(peer.is_nearly_all_forwarded(), "{second}");
            peers.tick(Timestamp::from_secs(second + 1));
        }
        let peer = peers.note(ip(1), Via::Forwarded(b"192.0.2.1")).unwrap();
        assert!(peer.is_nearly_all_forwarded() && !peer.is_nearly_all_direct());
    }

    #[test]
    fn a_peer_with_one_direct_visit_in_ten_is_no_proxy() {
        let peers = Peers::default();
        let seen = (0..1_000).map(|number| match number % 10 {
            0 => visit(&peers, ip(1), number),
            _ => peers.note(ip(1), Via::Forwarded(b"192.0.2.1")),
        });
        let last = seen.last().flatten().unwrap();
        assert!(!last.is_nearly_all_forwarded() && !last.may_have_several_clients());
    }

    #[test]
    fn a_flood_of_addresses_drops_itself_and_no_proxy() {
        let peers = Peers::default();
        (0..100).for_each(|_| _ = peers.note(ip(0), Via::Forwarded(b"192.0.2.1")));
        for number in 1..20_000 {
            peers.note(ip(number), Via::Forwarded(b"192.0.2.1"));
            assert!(peers.by_address.len() <= PEERS_MAX);
            if number % 1_000 == 0 {
                peers.tick(Timestamp::from_secs(2));
            }
        }
        assert_eq!(peers.busiest(|_, _| true)[0], ip(0));
        assert!(peers.note_known(ip(0), Via::Forwarded(b"192.0.2.1")).is_some());
    }

    #[test]
    fn everybody_is_forgotten_after_two_days() {
        let peers = Peers::default();
        peers.note(ip(1), Via::Forwarded(b"192.0.2.1"));
        visit(&peers, ip(2), 1);
        let at = |hours: i64| Timestamp::from_secs(hours * HOUR);
        peers.tick(at(0));
        peers.tick(at(3));
        assert_eq!(peers.busiest(|_, _| true), [ip(1)], "who spoke for a client");
        peers.tick(at(50));
        assert_eq!(peers.len.load(Ordering::Relaxed), 0);
    }
}
