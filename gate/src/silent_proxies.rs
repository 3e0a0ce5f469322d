//! Trusted proxies that do not say whose requests they forward.
//!
//! A trusted proxy's own requests pass unjudged. If nginx is trusted but has no `proxy_set_header
//! X-Forwarded-For`, every visitor's request looks like its own, and the gate is switched off
//! without a word. So requests of trusted peers that name no client are counted against those that
//! name one. There is a warning in two cases:
//!
//! - no trusted peer has named a client yet, and there were twenty requests;
//! - 95 % of a peer's requests name none, and they ask for eight paths or more within an hour or
//!   two, as visitors do and health checks do not.
//!
//! Cost where all is well: two flags that are read.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use detector::Timestamp;

use crate::peers::{Peer, Peers, REQUESTS_MIN, Via};

/// Addresses that a warning names.
const NAMED: usize = 3;

/// Trusted peers by whether they name clients.
#[derive(Debug, Default)]
pub struct SilentProxies {
    /// Peers that sent requests without a client's name.
    peers: Peers,
    /// Requests that name nobody, until one does.
    silent: AtomicU32,
    has_any_named: AtomicBool,
    /// Is there a peer whose requests without a name are like visitors'? Then the others count too.
    is_any_suspect: AtomicBool,
}

/// Which trusted proxies name no clients, for people: the busiest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent(pub Vec<IpAddr>);

impl SilentProxies {
    /// Counts a request of a trusted peer. `peer` is `None` on a unix socket.
    pub fn note(&self, peer: Option<IpAddr>, names_client: bool, target: &[u8]) {
        let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        if names_client {
            if !self.has_any_named.load(Ordering::Relaxed) {
                self.has_any_named.store(true, Ordering::Relaxed);
            }
            if self.is_any_suspect.load(Ordering::Relaxed) {
                self.peers.note_known(peer, Via::Forwarded(b""));
            }
            return;
        }
        if !self.has_any_named.load(Ordering::Relaxed) {
            self.silent.fetch_add(1, Ordering::Relaxed);
        }
        let noted = self.peers.note(peer, Via::Direct(target));
        if noted.is_some_and(|peer| peer.asks_like_visitors()) {
            self.is_any_suspect.store(true, Ordering::Relaxed);
        }
    }

    /// Lets time pass. To be called about once a second.
    pub fn tick(&self, now: Timestamp) {
        self.peers.tick(now);
        self.is_any_suspect.store(self.peers.any(Peer::asks_like_visitors), Ordering::Relaxed);
    }

    /// To be called when other proxies are trusted.
    pub fn restart(&self) {
        self.peers.retain(|_| false);
        self.silent.store(0, Ordering::Relaxed);
        self.has_any_named.store(false, Ordering::Relaxed);
    }

    /// Who names no clients; `None` when everybody does.
    pub fn report(&self) -> Option<Silent> {
        let is_any_named = self.has_any_named.load(Ordering::Relaxed);
        let is_nobody = !is_any_named && self.silent.load(Ordering::Relaxed) >= REQUESTS_MIN;
        let found = self.peers.busiest(|_, peer: &Peer| is_nobody || peer.is_nearly_all_direct());
        (!found.is_empty()).then_some(Silent(found))
    }
}

impl std::fmt::Display for Silent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |peer: &IpAddr| match peer.is_unspecified() {
            true => "unix socket".to_owned(),
            false => peer.to_string(),
        };
        let named: Vec<String> = self.0.iter().take(NAMED).map(name).collect();
        write!(
            f,
            "nearly all requests of a trusted proxy ({}) name no client, so its visitors pass \
             unjudged or count as one: it sends no X-Forwarded-For, an unreadable one, or only \
             addresses of trusted_proxies. Have it send the visitor's address, in nginx with \
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for",
            named.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_proxy_that_names_nobody_is_noticed_whatever_it_asks_for() {
        let proxies = SilentProxies::default();
        for number in 0..20 {
            assert_eq!(proxies.report(), None, "{number}");
            proxies.note(ip("127.0.0.1"), false, b"/p/1");
        }
        let warning = proxies.report().unwrap().to_string();
        assert!(
            warning.contains("(127.0.0.1)") && warning.contains("X-Forwarded-For"),
            "{warning}"
        );
        proxies.note(ip("127.0.0.1"), true, b"/p/1");
        assert_eq!(proxies.report(), None, "the other twenty were its health checks");
        proxies.restart();
        (0..20).for_each(|_| proxies.note(None, false, b"/"));
        assert!(proxies.report().unwrap().to_string().contains("(unix socket)"));
    }

    #[test]
    fn one_of_two_proxies_that_names_nobody_is_noticed_and_a_health_check_is_not() {
        let proxies = SilentProxies::default();
        let (good, bad, standby) = (ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3"));
        for second in 0..7_200_i64 {
            proxies.note(good, true, b"/");
            proxies.note(good, false, b"/health?probe=7");
            proxies.note(standby, false, if second % 2 == 0 { b"/live" } else { b"/ready" });
            if second < 3_600 {
                proxies.note(bad, false, format!("/p/{}", second % 40).as_bytes());
            } else {
                proxies.note(bad, true, b"/");
            }
            proxies.tick(Timestamp::from_secs(second));
            let expect = (60..3_600).contains(&second).then(|| Silent(vec![bad.unwrap()]));
            if !(7..60).contains(&second) && !(3_600..3_900).contains(&second) {
                assert_eq!(proxies.report(), expect, "{second}");
            }
        }
    }

    #[test]
    fn a_proxy_whose_admin_asks_for_pages_himself_is_none_of_them() {
        let proxies = SilentProxies::default();
        for number in 0..1_000 {
            proxies.note(ip("10.0.0.1"), number % 10 != 0, format!("/p/{number}").as_bytes());
        }
        assert_eq!(proxies.report(), None);
    }
}
