//! Proxies that nobody has declared in `trusted_proxies`.
//!
//! Behind such a proxy every visitor has one address. One bot there would get the whole shop
//! limited and banned. A proxy gives itself away by the forwarding headers (`X-Forwarded-For` and
//! its kin) of nearly all its requests. So a peer that is taken for one is never refused, and the
//! gate warns until it is declared. A bot can send such a header too, and must gain nothing by it.
//!
//! - **A private peer** (loopback, RFC 1918, RFC 6598, link-local, IPv6 unique local) is taken for
//!   a proxy if 95 % of its requests are forwarded. Among its first twenty, one may be direct.
//!   Health checks (direct requests for fewer than eight paths) count for nothing.
//! - **A public peer** must meet three conditions. 95 % of its own requests are forwarded, as
//!   above. They name four clients or more within two days, once it has sent twenty. And visitors
//!   do not come directly: on average over the hours of the last day, four in five requests of all
//!   public peers are forwarded ([`History`]).
//!
//! The third condition refutes a bot: it can choose its headers and its rate, but not how visitors
//! came before. Every hour weighs the same, so after a day of direct visitors a bot must make
//! nearly all requests for a day and a half, and is refused all the while. Visitors of trusted
//! peers count as direct ones, a sixteenth each. Direct requests that the allow list lets pass do
//! not.
//!
//! Cost: one look into a small map for a peer that is private or sends the header; for all others
//! as well while a public peer sends it, and else one addition.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use detector::Timestamp;
use parking_lot::Mutex;

use crate::identity::TrustedProxies;
use crate::peers::{Peer, Peers, REQUESTS_MIN, Via};

/// An hour counts when it is over and has at least so many requests; a quiet one is lengthened.
const PERIOD_REQUESTS_MIN: u64 = REQUESTS_MIN as u64;
const PERIOD_US: i64 = 3_600_000_000;
/// The average is over about so many periods: a day and its night.
const PERIODS: f64 = 24.0;
/// From this share of forwarded requests on, visitors come through proxies. Whoever knows a shop's
/// own address, scanners mostly, comes directly as well.
const SHARE: f64 = 0.8;
/// Addresses that a warning names.
const NAMED: usize = 3;

/// Who is taken for a proxy although nobody has declared it.
#[derive(Debug, Default)]
pub struct UndeclaredProxies {
    private: Peers,
    public: Peers,
    history: History,
}

/// How the requests of public peers have come, hour by hour.
#[derive(Debug, Default)]
struct History {
    forwarded: AtomicU64,
    /// With a sixteenth of those of trusted peers.
    direct: AtomicU64,
    /// A [`Way`].
    way: AtomicU8,
    past: Mutex<Past>,
}

#[derive(Debug, Default)]
struct Past {
    began: Option<Timestamp>,
    /// Periods that are over.
    periods: f64,
    /// The average of their shares of forwarded requests.
    share: f64,
}

/// How visitors come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Directly.
    Direct,
    /// Directly in the past, while most requests of the current hour are forwarded.
    DirectBefore,
    /// Through proxies.
    Proxies,
}

/// Which peers are taken for proxies, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undeclared {
    /// Peers whose requests pass unjudged, the busiest first.
    pub proxies: Vec<IpAddr>,
    /// Public peers that may be proxies and are judged, since visitors came directly before. Only
    /// while most requests of public peers are forwarded.
    pub judged: Vec<IpAddr>,
}

impl UndeclaredProxies {
    /// Counts a request of a peer that is not trusted. Is the peer taken for a proxy?
    pub fn note(&self, peer: IpAddr, via: Via<'_>) -> bool {
        if is_private(peer) {
            return self.private.note(peer, via).is_some_and(|peer| peer.is_nearly_all_forwarded());
        }
        let known = match via {
            Via::Forwarded(_) => {
                self.history.forwarded.fetch_add(1, Ordering::Relaxed);
                self.public.note(peer, via)
            }
            // The own request of a peer that speaks for others says nothing of visitors' ways.
            Via::Direct(_) => self.public.note_known(peer, via).or_else(|| {
                self.history.direct.fetch_add(1, Ordering::Relaxed);
                None
            }),
        };
        known.is_some_and(|peer| may_be_proxy(&peer)) && self.history.way() == Way::Proxies
    }

    /// Counts a visitor's request that came through a trusted proxy, to be called for one in 16.
    ///
    /// Where visitors come through declared proxies, a public peer that is none of them is no proxy
    /// either, unless it carries a good part of them: a fourth of what the declared ones carry is
    /// four in five of its requests and a sixteenth of theirs.
    pub fn note_declared(&self) {
        self.history.direct.fetch_add(1, Ordering::Relaxed);
    }

    /// Lets time pass. To be called about once a second.
    pub fn tick(&self, now: Timestamp) {
        self.private.tick(now);
        self.public.tick(now);
        self.history.tick(now);
    }

    /// To be called when other proxies are trusted: they are forgotten, and how visitors come has
    /// to be seen anew.
    pub fn forget(&self, trusted: &TrustedProxies) {
        self.private.retain(|peer| !trusted.contains(peer));
        self.public.retain(|peer| !trusted.contains(peer));
        self.history.restart();
    }

    /// Who is taken for a proxy now and sent something lately; `None` when nobody is.
    pub fn report(&self, trusted: &TrustedProxies) -> Option<Undeclared> {
        let busiest = |peers: &Peers, requests_min, holds: fn(&Peer) -> bool| {
            peers.busiest(|address, peer| {
                peer.requests() >= requests_min && holds(peer) && !trusted.contains(address)
            })
        };
        let mut proxies = busiest(&self.private, 1, Peer::is_nearly_all_forwarded);
        let mut judged = Vec::new();
        match self.history.way() {
            Way::Direct => {}
            Way::DirectBefore => judged = busiest(&self.public, REQUESTS_MIN, may_be_proxy),
            Way::Proxies => proxies.extend(busiest(&self.public, 1, may_be_proxy)),
        }
        let found = Undeclared { proxies, judged };
        (found != Undeclared::default()).then_some(found)
    }
}

/// Does a public peer look like a proxy, by itself?
fn may_be_proxy(peer: &Peer) -> bool {
    peer.is_nearly_all_forwarded() && peer.may_have_several_clients()
}

impl History {
    fn way(&self) -> Way {
        let ways = [Way::Direct, Way::DirectBefore, Way::Proxies];
        ways[usize::from(self.way.load(Ordering::Relaxed)).min(ways.len() - 1)]
    }

    fn tick(&self, now: Timestamp) {
        let mut past = self.past.lock();
        let began = *past.began.get_or_insert(now);
        let [forwarded, direct] =
            [&self.forwarded, &self.direct].map(|count| count.load(Ordering::Relaxed));
        let all = forwarded + direct;
        let share = (all >= PERIOD_REQUESTS_MIN).then(|| forwarded as f64 / all as f64);
        if let Some(share) = share
            && now.as_micros() - began.as_micros() >= PERIOD_US
        {
            past.began = Some(now);
            past.periods = PERIODS.min(past.periods + 1.0);
            past.share += (share - past.share) / past.periods;
            self.forwarded.fetch_sub(forwarded, Ordering::Relaxed);
            self.direct.fetch_sub(direct, Ordering::Relaxed);
        }
        let is_now = share.is_some_and(|share| share >= SHARE);
        let are_proxies = if past.periods > 0.0 { past.share >= SHARE } else { is_now };
        let way = match () {
            () if are_proxies => Way::Proxies,
            () if is_now => Way::DirectBefore,
            () => Way::Direct,
        };
        self.way.store(way as u8, Ordering::Relaxed);
    }

    fn restart(&self) {
        let mut past = self.past.lock();
        *past = Past::default();
        self.forwarded.store(0, Ordering::Relaxed);
        self.direct.store(0, Ordering::Relaxed);
        self.way.store(Way::Direct as u8, Ordering::Relaxed);
    }
}

impl std::fmt::Display for Undeclared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |peers: &[IpAddr], quote: &str| {
            let named = peers.iter().take(NAMED).map(|peer| format!("{quote}{peer}{quote}"));
            named.collect::<Vec<_>>().join(", ")
        };
        let others = |peers: &[IpAddr]| match peers.len().saturating_sub(NAMED) {
            0 => String::new(),
            others => format!(", and the networks of {others} others"),
        };
        if let proxies @ [_, ..] = &self.proxies[..] {
            write!(
                f,
                "requests come through a proxy that is not trusted ({}{}), so visitors cannot be \
                 told apart and those requests pass unjudged. Write in [client]: \
                 trusted_proxies = [{}]",
                list(proxies, ""),
                others(proxies),
                list(proxies, "\"")
            )?;
        }
        if let judged @ [_, ..] = &self.judged[..] {
            write!(
                f,
                "{}most requests come from {}{} with a forwarding header, and are judged as those \
                 of one client, because visitors came directly until now. If this is a proxy of \
                 yours, write in [client]: trusted_proxies = [{}]. If you do not know it, it may \
                 be a bot: leave it out",
                if self.proxies.is_empty() { "" } else { ". Besides, " },
                list(judged, ""),
                others(judged),
                list(judged, "\"")
            )?;
        }
        Ok(())
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
mod tests;
