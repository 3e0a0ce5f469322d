//! Who a request is from, where proxies stand between: walks a list of addresses such as
//! `X-Forwarded-For` past the proxies that are trusted. The live gate and the readers of logs use
//! this one walk, so both find the same client.
//!
//! The list grows to the right: each hop adds the address that it saw. So it is walked from the
//! right, and believed only while the hop that wrote it is trusted. What stands further left was
//! written by strangers.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Networks whose word about their clients is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk<'a> {
    /// The last hop that was believed.
    pub client: IpAddr,
    /// The entry of the list that names this hop; `None` if no entry was believed.
    pub entry: Option<&'a [u8]>,
    /// Whether all entries up to it could be read.
    pub is_readable: bool,
}

/// Walks the lists in order, the last one first, each from the right. `nearest` is who handed them
/// over, and is trusted.
pub fn walk<'a>(
    nearest: IpAddr,
    lists: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &TrustedProxies,
) -> Walk<'a> {
    let mut walk = Walk { client: nearest, entry: None, is_readable: true };
    let entries = lists.rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    // Empty list elements mean nothing and are to be ignored (RFC 9110, 5.6.1.2).
    for entry in entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty()) {
        let Some(hop) = address(entry).filter(|hop| !hop.is_unspecified()) else {
            return Walk { is_readable: false, ..walk };
        };
        walk = Walk { client: hop, entry: Some(entry), is_readable: true };
        if !trusted.contains(hop) {
            break;
        }
    }
    walk
}

/// An address, with or without a port, IPv6 with or without brackets. An IPv4 address that is
/// mapped into IPv6 is the IPv4 address.
pub fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(ip) = bare {
        return ip.parse::<Ipv6Addr>().ok().map(|ip| IpAddr::V6(ip).to_canonical());
    }
    let ip =
        text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}
