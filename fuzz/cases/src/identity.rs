//! Who is asking: the walk through `X-Forwarded-For`.

use std::net::{IpAddr, Ipv4Addr};

use detector::ClientKey;
use gate::identity::{Caller, TrustedProxies};

/// An address that no input holds but by chance; a stranger claims it.
const CLAIMED: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 99));

/// The first line is the peer, who has no address if it cannot be read; each other line is one
/// `X-Forwarded-For`.
///
/// A peer that is not trusted speaks for nobody but itself, several headers are one list, and what
/// stands left of the first stranger is not believed. Nobody is judged by a proxy's own request.
pub fn identity(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let peer = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse::<IpAddr>().ok());
    let values: Vec<&[u8]> = lines.collect();
    let networks = ["10.0.0.0/8", "2001:db8:ffff::/48"];
    let trusted = networks.map(|network| network.parse().expect("networks"));
    let trusted = TrustedProxies::new(trusted.to_vec());
    let identify = |values: &[&[u8]]| Caller::identify(peer, values.iter().copied(), &trusted);

    let caller = identify(&values);
    assert_eq!(caller.peer, peer.map(|peer| peer.to_canonical()));
    assert_eq!(caller.peer_trusted, caller.peer.is_none_or(|peer| trusted.contains(peer)));
    assert!(caller.peer_trusted || caller.peer == Some(caller.ip));
    assert_eq!(caller.ip, caller.ip.to_canonical());
    assert_eq!(caller.key(), ClientKey::from_ip(caller.ip));
    let is_known = !caller.ip.is_unspecified() || caller.peer == Some(caller.ip);
    let names_client = !caller.peer_trusted || (is_known && !trusted.contains(caller.ip));
    assert_eq!(caller.names_client, names_client);
    assert!(!caller.is_proxys || !names_client);

    let list = values.join(&b", "[..]);
    assert_eq!(identify(&[&list]), caller, "several headers are one list");

    let claims: &[u8] = b"198.51.100.99, 10.0.0.9, 198.51.100.99";
    let claimed = identify(&[&[claims], &values[..]].concat());
    let may_be_claimed = caller.peer_trusted && caller.is_proxys;
    assert!(claimed == caller || (may_be_claimed && claimed.ip == CLAIMED), "{claimed:?}");
}
