//! Who is asking: the walk through `X-Forwarded-For`.

use std::net::{IpAddr, Ipv4Addr};

use detector::ClientKey;
use gate::identity::{Caller, TrustedProxies};
use http::HeaderValue;

/// An address that no input holds but by chance; a stranger claims it.
const CLAIMED: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 99));

/// The first line is the peer, a trusted proxy if it cannot be read; each other line is one
/// `X-Forwarded-For`.
///
/// A peer that is not trusted speaks for nobody but itself, several headers are one list, and what
/// stands left of the first stranger is not believed.
pub fn identity(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let peer = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok());
    let peer: IpAddr = peer.unwrap_or(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    let values: Vec<_> = lines.filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
    let networks = ["10.0.0.0/8", "2001:db8:ffff::/48"];
    let trusted = networks.map(|network| network.parse().expect("networks"));
    let trusted = TrustedProxies::new(trusted.to_vec());
    let identify = |values: &[HeaderValue]| {
        Caller::identify(Some(peer), values.iter().map(HeaderValue::as_bytes), &trusted)
    };

    let caller = identify(&values);
    let peer = peer.to_canonical();
    assert_eq!(caller.peer, Some(peer));
    assert_eq!(caller.peer_trusted, trusted.contains(peer));
    assert!(caller.peer_trusted || caller.ip == peer);
    assert_eq!(caller.is_proxys, caller.peer_trusted && trusted.contains(caller.ip));
    assert_eq!(caller.ip, caller.ip.to_canonical());
    assert_eq!(caller.key(), ClientKey::from_ip(caller.ip));

    let list = values.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    let list = HeaderValue::from_bytes(&list).expect("parts that may stand in a header");
    assert_eq!(identify(&[list]), caller, "several headers are one list");

    let stranger = HeaderValue::from_static("198.51.100.99, 10.0.0.9, 198.51.100.99");
    let claimed: Vec<_> = [stranger].into_iter().chain(values).collect();
    let claimed = identify(&claimed);
    let may_be_claimed = caller.is_proxys;
    assert!(claimed == caller || (may_be_claimed && claimed.ip == CLAIMED), "{claimed:?}");
}
