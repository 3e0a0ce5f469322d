//! Proxies that nobody has declared in `trusted_proxies`.
//!
//! Behind such a proxy every visitor comes from one address. One bot there would get the whole shop
//! limited and banned, and nothing would look wrong until then. A proxy gives itself away by the
//! forwarding headers (`X-Forwarded-For` and its kin) of nearly all its requests. So whoever is
//! taken for one is never refused, and the gate says so until it is told whom to trust.
//!
//! A client can send such a header as well, and must not buy its way past the gate with it:
//!
//! - **A private address** (loopback, RFC 1918, RFC 6598, link-local, IPv6 unique local) is not a
//!   visitor from the internet. Each is counted by itself, and is taken for a proxy while most of
//!   its requests are forwarded.
//! - **Public addresses** are taken for proxies all together or not at all: only while nearly every
//!   request ([`SHARE_OF_ALL`]) in each of the last [`HOURS`] hours that had any is forwarded. A
//!   shop whose visitors connect directly has a history of requests without the header, so a bot
//!   that sends it changes nothing, however many requests it makes in an hour.
//!
//! Cost: nothing for a public peer that sends no such header; a look into a small map for a private
//! peer that is not trusted.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use dashmap::DashMap;
use detector::Timestamp;
use parking_lot::Mutex;

/// Private addresses that are counted; more proxies than a shop has. When there are more, the
/// others are judged as ever.
const PEERS_MAX: usize = 4_096;
/// A peer's counts are halved here, so that what it does now outweighs what it once did.
const COUNT_MAX: u32 = 1 << 14;
/// Share of all requests from which on public peers are taken for proxies, in per cent.
const SHARE_OF_ALL: u64 = 95;
/// Hours that are remembered: a day and its night.
const HOURS: usize = 24;
/// An hour with fewer requests says nothing.
const HOUR_REQUESTS_MIN: u64 = 200;
const HOUR_US: i64 = 3_600_000_000;

/// Counts of requests by whether they were forwarded.
#[derive(Debug, Default)]
struct Counts {
    forwarded: AtomicU32,
    direct: AtomicU32,
}

/// Who is taken for a proxy although nobody has declared it.
#[derive(Debug, Default)]
pub struct UndeclaredProxies {
    private: DashMap<IpAddr, Counts>,
    /// Forwarded requests of public peers that are not trusted.
    forwarded: AtomicU64,
    public_are_proxies: AtomicBool,
    hours: Mutex<Hours>,
    /// The last public peer of such a request, to name one.
    example: Mutex<Option<IpAddr>>,
}

/// Requests by hour: all, and those that were forwarded.
#[derive(Debug, Default)]
struct Hours {
    hour: i64,
    counts: [[u64; 2]; HOURS],
    /// The totals when they were last looked at.
    before: [u64; 2],
}

/// Which peers are taken for proxies, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undeclared {
    /// Some of their addresses, smallest first.
    pub examples: Vec<IpAddr>,
    /// How many there are; of public ones, which are not counted one by one, none.
    pub private: usize,
    /// Are public addresses taken for proxies?
    pub are_public: bool,
}

impl UndeclaredProxies {
    /// Takes in a request of a peer that is not trusted. Is the peer taken for a proxy?
    pub fn note(&self, peer: IpAddr, is_forwarded: bool) -> bool {
        if is_private(peer) {
            return self.note_private(peer, is_forwarded);
        }
        if !is_forwarded {
            return false;
        }
        self.forwarded.fetch_add(1, Ordering::Relaxed);
        let is_proxy = self.public_are_proxies.load(Ordering::Relaxed);
        if is_proxy && let Some(mut example) = self.example.try_lock() {
            *example = Some(peer);
        }
        is_proxy
    }

    fn note_private(&self, peer: IpAddr, is_forwarded: bool) -> bool {
        if let Some(counts) = self.private.get(&peer) {
            return counts.note(is_forwarded);
        }
        if self.private.len() >= PEERS_MAX {
            return false;
        }
        self.private.entry(peer).or_default().note(is_forwarded)
    }

    /// Looks at the last hours. To be called about once a second, with the number of requests of
    /// all peers so far.
    pub fn tick(&self, now: Timestamp, requests: u64) {
        let mut hours = self.hours.lock();
        let totals = [requests, self.forwarded.load(Ordering::Relaxed)];
        hours.add(now.as_micros().div_euclid(HOUR_US), totals);
        let are_proxies = hours.are_nearly_all_forwarded();
        self.public_are_proxies.store(are_proxies, Ordering::Relaxed);
        if !are_proxies {
            *self.example.lock() = None;
        }
    }

    /// Who is taken for a proxy now; `None` when nobody is.
    pub fn report(&self) -> Option<Undeclared> {
        let proxies = self.private.iter().filter(|entry| entry.value().is_proxy());
        let mut examples: Vec<IpAddr> = proxies.map(|entry| *entry.key()).collect();
        let private = examples.len();
        let are_public = self.public_are_proxies.load(Ordering::Relaxed);
        examples.extend(*self.example.lock());
        examples.sort_unstable();
        examples.truncate(3);
        (private > 0 || are_public).then_some(Undeclared { examples, private, are_public })
    }
}

impl Counts {
    fn note(&self, is_forwarded: bool) -> bool {
        let count = if is_forwarded { &self.forwarded } else { &self.direct };
        if count.fetch_add(1, Ordering::Relaxed) >= COUNT_MAX {
            for count in [&self.forwarded, &self.direct] {
                count.store(count.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
            }
        }
        self.is_proxy()
    }

    /// Most of its requests are forwarded. Not nearly all: a proxy's own health checks are not, and
    /// nobody who tries to slip past the gate has such an address.
    fn is_proxy(&self) -> bool {
        let [forwarded, direct] =
            [&self.forwarded, &self.direct].map(|count| count.load(Ordering::Relaxed));
        forwarded > direct
    }
}

impl Hours {
    fn add(&mut self, hour: i64, totals: [u64; 2]) {
        let passed = (hour - self.hour).clamp(0, HOURS as i64);
        for step in 1..=passed {
            self.counts[(self.hour + step).rem_euclid(HOURS as i64) as usize] = [0; 2];
        }
        if passed == HOURS as i64 {
            self.counts = [[0; 2]; HOURS];
        }
        self.hour = self.hour.max(hour);
        let slot = &mut self.counts[self.hour.rem_euclid(HOURS as i64) as usize];
        for ((count, total), before) in slot.iter_mut().zip(totals).zip(self.before) {
            *count += total.saturating_sub(before);
        }
        self.before = totals;
    }

    fn are_nearly_all_forwarded(&self) -> bool {
        let busy = || self.counts.iter().filter(|[all, _]| *all >= HOUR_REQUESTS_MIN);
        busy().next().is_some()
            && busy().all(|[all, forwarded]| forwarded * 100 >= all * SHARE_OF_ALL)
    }
}

impl std::fmt::Display for Undeclared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let examples: Vec<String> = self.examples.iter().map(ToString::to_string).collect();
        let line: Vec<String> = self.examples.iter().map(|ip| format!("\"{ip}\"")).collect();
        write!(
            f,
            "requests come through a proxy that is not trusted ({}), so visitors cannot be told \
             apart and those requests pass unjudged. Write in [client]: trusted_proxies = [{}]",
            examples.join(", "),
            line.join(", ")
        )
    }
}

/// Can this address not be a visitor's from the internet?
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_carrier_grade = a == 100 && (64..128).contains(&b); // RFC 6598
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || is_carrier_grade
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_private_peer_is_a_proxy_while_most_of_its_requests_are_forwarded() {
        let proxies = UndeclaredProxies::default();
        assert!(proxies.note(ip("127.0.0.1"), true), "from the first request on");
        assert!(!proxies.note(ip("10.0.0.9"), false));
        assert!(!proxies.note(ip("127.0.0.1"), false), "one of two");
        assert!(proxies.note(ip("127.0.0.1"), true));
        let report = proxies.report().unwrap();
        assert_eq!((report.private, &report.examples[..]), (1, &[ip("127.0.0.1")][..]));
        assert!(report.to_string().ends_with("trusted_proxies = [\"127.0.0.1\"]"), "{report}");
        (0..100_000).for_each(|_| _ = proxies.note(ip("127.0.0.1"), false));
        assert_eq!(proxies.report(), None);
        (0..20_000).for_each(|_| _ = proxies.note(ip("127.0.0.1"), true));
        assert!(proxies.report().is_some(), "what it does now counts more");
    }

    #[test]
    fn a_bot_that_sends_the_header_is_no_proxy() {
        let proxies = UndeclaredProxies::default();
        let (mut requests, mut taken) = (0, 0);
        for minute in 0..600_i64 {
            // A shop of 10 direct requests a minute; from the fifth hour on a flood with the header.
            let flood = if minute > 300 { 5_000 } else { 0 };
            for number in 0..10 + flood {
                requests += 1;
                taken += u32::from(proxies.note(ip("198.51.100.1"), number >= 10));
            }
            proxies.tick(Timestamp::from_secs(minute * 60), requests);
        }
        assert_eq!((taken, proxies.report()), (0, None));
    }

    #[test]
    fn a_network_of_proxies_in_front_is_noticed_and_forgotten() {
        let proxies = UndeclaredProxies::default();
        let mut requests = 0;
        let mut pass = |minutes: std::ops::Range<i64>, forwarded: u64| {
            let mut taken = 0;
            for minute in minutes {
                for number in 0..100 {
                    requests += 1;
                    taken += u32::from(proxies.note(ip("203.0.113.7"), number < forwarded));
                }
                proxies.tick(Timestamp::from_secs(minute * 60), requests);
            }
            taken
        };
        assert_eq!(pass(0..60, 98), 98 * 58, "from the third minute on");
        assert_eq!(pass(60..120, 30), 30 * 2, "until the hour has requests enough to be looked at");
        assert!(pass(26 * 60..27 * 60, 98) > 5_000, "a day later it is forgotten");
        let report = proxies.report().unwrap();
        assert_eq!((report.are_public, report.examples), (true, vec![ip("203.0.113.7")]));
    }

    #[test]
    fn private_addresses_are_those_of_no_visitor() {
        let check = |text, expect| assert_eq!(is_private(ip(text)), expect, "{text}");
        for text in ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.0.1"] {
            check(text, true);
        }
        for text in ["100.64.0.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"] {
            check(text, true);
        }
        for text in ["192.0.2.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::ffff:8.8.8.8"] {
            check(text, false);
        }
    }
}
