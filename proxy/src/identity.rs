//! Who is asking: the peer, or whom trusted proxies say they speak for.
//!
//! `X-Forwarded-For` grows to the right, each hop adding the address it saw. So it is walked from
//! the right and believed only while the hop that wrote it is one of ours; the first address that
//! is not ours is the client. Whatever stands further left was written by strangers. What cannot be
//! read ends the walk: the last hop that was believed is then the client, which blames a proxy of
//! ours rather than an address somebody made up.

use std::net::{IpAddr, SocketAddr};

use detector::ClientKey;
use http::header::{HeaderName, HeaderValue};
use ipnet::IpNet;

/// The header this module reads and [`crate::forward`] writes.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Networks whose word about their clients is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These and no others.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether an address is one of ours. A handful of networks at most, so a scan is quickest.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip))
    }
}

/// Who asks, and through whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address the request is counted for.
    pub ip: IpAddr,
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whether the peer is one of ours, so that its `X-Forwarded-*` may be passed on.
    pub peer_trusted: bool,
}

impl Caller {
    /// Works out who is asking, from every `X-Forwarded-For` in order.
    pub fn identify<'a>(
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a HeaderValue>,
        trusted: &TrustedProxies,
    ) -> Self {
        let peer = peer.to_canonical();
        let peer_trusted = trusted.contains(peer);
        let ip = if peer_trusted { walk(peer, forwarded_for, trusted) } else { peer };
        Self { ip, peer, peer_trusted }
    }

    /// The key the detector counts under.
    pub fn key(&self) -> ClientKey {
        ClientKey::from_ip(self.ip)
    }
}

fn walk<'a>(
    peer: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a HeaderValue>,
    trusted: &TrustedProxies,
) -> IpAddr {
    let mut client = peer;
    let values = forwarded_for.rev().map(HeaderValue::as_bytes);
    let entries = values.flat_map(|value| value.rsplit(|byte| *byte == b','));
    // Empty list elements mean nothing and are to be ignored (RFC 9110, 5.6.1.2).
    for entry in entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty()) {
        let Some(hop) = parse(entry) else { break };
        client = hop;
        if !trusted.contains(hop) {
            break;
        }
    }
    client
}

/// An address, with or without a port, IPv6 with or without brackets.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(ip) = bare {
        return ip.parse::<std::net::Ipv6Addr>().ok().map(|ip| IpAddr::V6(ip).to_canonical());
    }
    let ip =
        text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|network| network.parse().unwrap());
        let values: Vec<_> = headers
            .iter()
            .map(|value| HeaderValue::from_bytes(value.as_bytes()).unwrap())
            .collect();
        Caller::identify(
            peer.parse().unwrap(),
            values.iter(),
            &TrustedProxies::new(trusted.to_vec()),
        )
        .ip
        .to_string()
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
    fn garbage_ends_the_walk_at_the_last_hop_that_was_believed() {
        let check = |value, expect| assert_eq!(client("10.0.0.1", &[value]), expect, "{value:?}");
        check("unknown", "10.0.0.1");
        check("192.0.2.7, unknown", "10.0.0.1");
        check("192.0.2.7, _hidden, 10.0.0.2", "10.0.0.2");
        check("192.0.2.7, 1.2.3.4.5, 10.0.0.2", "10.0.0.2");
        check("[192.0.2.7]", "10.0.0.1");
        check("fe80::1%eth0", "10.0.0.1");
        check("\u{fffd}", "10.0.0.1");
        check("192.0.2.7:port", "10.0.0.1");
    }

    #[test]
    fn a_mapped_peer_is_the_ipv4_proxy_it_is() {
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("2001:db8:ffff::1", &["192.0.2.7"]), "192.0.2.7");
    }
}
