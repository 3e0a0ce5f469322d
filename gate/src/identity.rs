//! Who is asking: the peer, or whom trusted proxies say they speak for.
//!
//! `X-Forwarded-For` grows to the right, each hop adding the address it saw. So it is walked from
//! the right and believed only while the hop that wrote it is one of ours; the first address that
//! is not ours is the client. The walk is `traffic::forwarded`, because logs are read by it too.
//! Whatever stands further left was written by strangers. What cannot be
//! read ends the walk: the last hop that was believed is then the client. Such a request is judged,
//! because a proxy may pass on what a client wrote; all of them together are one client.
//!
//! A request without the header, or with our own proxies' addresses alone, is a proxy's own, a
//! health check for instance. Nobody is judged by it: who bans a balancer takes the shop out. So
//! `trusted_proxies` names the proxies, and not a network in which clients live.

use std::net::{IpAddr, Ipv6Addr};

use detector::ClientKey;
pub use traffic::forwarded::TrustedProxies;
use traffic::forwarded::{Walk, walk};

/// Who asks, and through whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address the request is counted for; `::` where nobody has one.
    pub ip: IpAddr,
    /// The other end of the connection; `None` where it has no IP address, as on a unix socket.
    pub peer: Option<IpAddr>,
    /// Whether the peer is one of ours, so that its `X-Forwarded-*` may be passed on.
    pub peer_trusted: bool,
    /// Is this a proxy's own request, a health check for instance? Then nobody is to be judged by
    /// it: a balancer that is refused takes the shop out.
    pub is_proxys: bool,
    /// Is `ip` the address of somebody other than our own proxies? A proxy that is trusted is
    /// expected to name one.
    pub names_client: bool,
}

impl Caller {
    /// Works out who is asking, from every `X-Forwarded-For` in order.
    ///
    /// A peer without an IP address sits at a unix socket. Whoever may open that has the file's
    /// permission, so he is trusted like a proxy that is named.
    pub fn identify<'a>(
        peer: Option<IpAddr>,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
        trusted: &TrustedProxies,
    ) -> Self {
        let peer = peer.map(|peer| peer.to_canonical());
        let peer_trusted = peer.is_none_or(|peer| trusted.contains(peer));
        let unnamed = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let nearest = peer.unwrap_or(unnamed);
        if !peer_trusted {
            return Self { ip: nearest, peer, peer_trusted, is_proxys: false, names_client: true };
        }
        let Walk { client: ip, is_readable, .. } = walk(nearest, forwarded_for, trusted);
        let names_client = ip != unnamed && !trusted.contains(ip);
        Self { ip, peer, peer_trusted, is_proxys: is_readable && !names_client, names_client }
    }

    /// The key the detector counts under.
    pub fn key(&self) -> ClientKey {
        ClientKey::from_ip(self.ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identify(peer: &str, headers: &[&str]) -> Caller {
        let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|network| network.parse().unwrap());
        let values = headers.iter().map(|value| value.as_bytes());
        let peer = peer.parse().unwrap();
        let caller = Caller::identify(Some(peer), values, &TrustedProxies::new(trusted.to_vec()));
        let is_ours =
            ["10.", "2001:db8:ffff:"].iter().any(|net| caller.ip.to_string().starts_with(net));
        assert_eq!(caller.names_client, !is_ours, "{caller:?}");
        assert!(!caller.is_proxys || is_ours, "{caller:?}");
        caller
    }

    fn client(peer: &str, headers: &[&str]) -> String {
        identify(peer, headers).ip.to_string()
    }

    #[test]
    fn who_has_no_address_is_trusted_and_without_a_word_is_the_proxy_itself() {
        let identify = |headers: &[&str]| {
            let values = headers.iter().map(|value| value.as_bytes());
            Caller::identify(None, values, &TrustedProxies::default())
        };
        let caller = identify(&["192.0.2.7"]);
        assert_eq!((caller.ip.to_string().as_str(), caller.is_proxys), ("192.0.2.7", false));
        assert!(caller.peer_trusted && caller.names_client && identify(&[]).is_proxys);
        let unreadable = identify(&["unix:"]);
        assert!(!unreadable.names_client && !unreadable.is_proxys, "judged: {unreadable:?}");
    }

    #[test]
    fn the_client_is_the_first_address_from_the_right_that_is_not_ours() {
        let check = |peer, headers: &[&str], expect| {
            assert_eq!(client(peer, headers), expect, "{peer} {headers:?}")
        };
        check("192.0.2.1", &[], "192.0.2.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["192.0.2.7"], "192.0.2.7");
        check("10.0.0.1", &["198.51.100.9, 192.0.2.7"], "192.0.2.7");
        check("10.0.0.1", &["198.51.100.9, 192.0.2.7, 10.0.0.2"], "192.0.2.7");
        check("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3");
        for headers in [&[][..], &["10.0.0.2"], &["10.0.0.3, 10.0.0.2"], &["", " ,"]] {
            assert!(identify("10.0.0.1", headers).is_proxys, "{headers:?}");
        }
    }

    #[test]
    fn a_stranger_cannot_name_somebody_else() {
        assert_eq!(client("192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
    }

    #[test]
    fn several_headers_are_one_list() {
        assert_eq!(client("10.0.0.1", &["198.51.100.9", "192.0.2.7, 10.0.0.2"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["192.0.2.7", "10.0.0.2", "10.0.0.3"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["192.0.2.7", ""]), "192.0.2.7");
    }

    #[test]
    fn spaces_ports_and_brackets_are_read() {
        let check = |value, expect| assert_eq!(client("10.0.0.1", &[value]), expect, "{value:?}");
        check("  192.0.2.7 \t", "192.0.2.7");
        check("192.0.2.7:4711", "192.0.2.7");
        check("2001:db8::7", "2001:db8::7");
        check("[2001:db8::7]", "2001:db8::7");
        check("[2001:db8::7]:443", "2001:db8::7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("192.0.2.7,, ,", "192.0.2.7");
    }

    #[test]
    fn garbage_ends_the_walk_at_the_last_hop_that_was_believed_and_is_judged() {
        let check = |value, expect: &str| {
            let caller = identify("10.0.0.1", &[value]);
            assert_eq!(caller.ip.to_string(), expect, "{value:?}");
            assert!(!caller.is_proxys && !caller.names_client, "{caller:?}");
        };
        check("unknown", "10.0.0.1");
        check("192.0.2.7, unknown", "10.0.0.1");
        check("192.0.2.7, _hidden, 10.0.0.2", "10.0.0.2");
        check("192.0.2.7, 1.2.3.4.5, 10.0.0.2", "10.0.0.2");
        check("[192.0.2.7]", "10.0.0.1");
        check("fe80::1%eth0", "10.0.0.1");
        check("\u{fffd}", "10.0.0.1");
        check("192.0.2.7:port", "10.0.0.1");
        check("192.0.2.7, ::", "10.0.0.1");
        check("0.0.0.0:80", "10.0.0.1");
    }

    #[test]
    fn a_mapped_peer_is_the_ipv4_proxy_it_is() {
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("2001:db8:ffff::1", &["192.0.2.7"]), "192.0.2.7");
    }
}
