//! What the shop is told about the client: `X-Forwarded-For`, `-Proto` and `-Host`.
//!
//! A trusted peer's list is continued with the peer's own address; a stranger's is replaced by it, together with every
//! other header in which a stranger could claim to be a proxy. So the shop may believe what arrives from the gate.

use http::header::{HOST, HeaderName, HeaderValue};
use pingora::Result;
use pingora::http::RequestHeader;

use crate::identity::{Caller, X_FORWARDED_FOR};

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Headers by which shops' frameworks learn of proxies, besides the three that are set anyway.
const CLAIMS: [&str; 4] = ["forwarded", "x-real-ip", "x-forwarded-port", "x-forwarded-server"];
/// The gate's listeners speak plain HTTP; whoever ends TLS in front of it says so and is trusted.
const PROTO: &str = "http";

/// Writes the headers into a request on its way to the shop.
pub(crate) fn stamp(request: &mut RequestHeader, caller: &Caller) -> Result<()> {
    let peer = caller.peer.to_string();
    if !caller.peer_trusted {
        for claim in CLAIMS {
            request.remove_header(claim);
        }
        request.insert_header(X_FORWARDED_FOR, peer)?;
        request.insert_header(X_FORWARDED_PROTO, PROTO)?;
        return insert_host(request);
    }
    request.insert_header(X_FORWARDED_FOR, continued(request, &peer))?;
    if !request.headers.contains_key(&X_FORWARDED_PROTO) {
        request.insert_header(X_FORWARDED_PROTO, PROTO)?;
    }
    match request.headers.contains_key(&X_FORWARDED_HOST) {
        true => Ok(()),
        false => insert_host(request),
    }
}

fn continued(request: &RequestHeader, peer: &str) -> Vec<u8> {
    let mut list = Vec::with_capacity(64);
    for value in request.headers.get_all(X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes) {
        list.extend_from_slice(value.trim_ascii());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(peer.as_bytes());
    list
}

fn insert_host(request: &mut RequestHeader) -> Result<()> {
    match request.headers.get(HOST).cloned() {
        Some(host) => request.insert_header(X_FORWARDED_HOST, host),
        None => {
            request.remove_header(&X_FORWARDED_HOST);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(trusted: bool, headers: &[(&'static str, &str)]) -> RequestHeader {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("host", "shop.example").unwrap();
        for (name, value) in headers {
            request.append_header(*name, *value).unwrap();
        }
        let peer = "10.0.0.1".parse().unwrap();
        stamp(&mut request, &Caller { ip: peer, peer, peer_trusted: trusted }).unwrap();
        request
    }

    fn header(request: &RequestHeader, name: &str) -> String {
        let values: Vec<_> = request.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        values.join(" | ")
    }

    #[test]
    fn a_strangers_claims_are_replaced() {
        let claims = [
            ("x-forwarded-for", "198.51.100.1"),
            ("x-forwarded-for", "198.51.100.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("x-real-ip", "198.51.100.1"),
            ("forwarded", "for=198.51.100.1"),
        ];
        let request = stamped(false, &claims);
        assert_eq!(header(&request, "x-forwarded-for"), "10.0.0.1");
        assert_eq!(header(&request, "x-forwarded-proto"), "http");
        assert_eq!(header(&request, "x-forwarded-host"), "shop.example");
        assert_eq!(header(&request, "x-real-ip"), "");
        assert_eq!(header(&request, "forwarded"), "");
    }

    #[test]
    fn a_trusted_list_is_continued() {
        let claims =
            [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-for", "10.0.0.2"), ("x-forwarded-proto", "https")];
        let request = stamped(true, &claims);
        assert_eq!(header(&request, "x-forwarded-for"), "192.0.2.7, 10.0.0.2, 10.0.0.1");
        assert_eq!(header(&request, "x-forwarded-proto"), "https");
        assert_eq!(header(&request, "x-forwarded-host"), "shop.example");
    }

    #[test]
    fn a_trusted_peer_that_says_nothing_is_filled_in() {
        let request = stamped(true, &[]);
        assert_eq!(header(&request, "x-forwarded-for"), "10.0.0.1");
        assert_eq!(header(&request, "x-forwarded-proto"), "http");
    }
}
