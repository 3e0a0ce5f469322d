//! What the shop is told about the client: `X-Forwarded-For` and `-Proto`. `Host` arrives as the
//! client sent it, so there is no `X-Forwarded-Host` to repeat it; a trusted peer's own is passed
//! on.
//!
//! A trusted peer's list is continued with the peer's own address; a stranger's is replaced by it,
//! together with every other header in which a stranger could claim to be a proxy. So the shop may
//! believe what arrives from the gate.

use std::io::Write as _;
use std::net::IpAddr;

use http::header::HeaderValue;
use pingora::http::RequestHeader;
use pingora::{ErrorType, OrErr, Result};

use gate::headers::ProxyHeaders;
use gate::identity::Caller;

/// Names to insert under: of static text no copy is made, of a `HeaderName` one would be.
const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
/// The gate's listeners speak plain HTTP; whoever ends TLS in front of it says so and is trusted.
const HTTP: HeaderValue = HeaderValue::from_static("http");
/// Longest text of an address: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
const IP_BYTES_MAX: usize = 45;
/// A list of five addresses or so; a longer one is put together on the heap.
const LIST_BYTES: usize = 128;

/// Writes the headers into a request on its way to the shop; `claims` are those that the client
/// came with.
pub(crate) fn stamp(
    request: &mut RequestHeader,
    caller: &Caller,
    claims: ProxyHeaders,
) -> Result<()> {
    if caller.peer_trusted {
        // Of a peer at a unix socket there is nothing to add to its list.
        if let Some(peer) = caller.peer {
            request.insert_header(FOR, continued(request, peer)?)?;
        }
        // Looked for here: a client can have had it struck out on the way from there to here
        // (`Connection: x-forwarded-proto`).
        if !request.headers.contains_key(PROTO) {
            request.insert_header(PROTO, HTTP)?;
        }
        return Ok(());
    }
    for claim in claims.replaced() {
        request.remove_header(claim);
    }
    request.insert_header(FOR, value(Text::of(caller.peer.unwrap_or(caller.ip)).bytes())?)?;
    request.insert_header(PROTO, HTTP)
}

fn continued(request: &RequestHeader, peer: IpAddr) -> Result<HeaderValue> {
    let values = request.headers.get_all(FOR).iter().map(|value| value.as_bytes().trim_ascii());
    let peer = Text::of(peer);
    let (mut few, mut length, mut many) = ([0; LIST_BYTES], 0, Vec::new());
    for part in values.flat_map(|value| [value, b", "]).chain([peer.bytes()]) {
        match few.get_mut(length..length + part.len()) {
            Some(place) if many.is_empty() => {
                place.copy_from_slice(part);
                length += part.len();
            }
            _ => {
                if many.is_empty() {
                    many.extend_from_slice(&few[..length]);
                }
                many.extend_from_slice(part);
            }
        }
    }
    value(if many.is_empty() { &few[..length] } else { &many })
}

fn value(text: &[u8]) -> Result<HeaderValue> {
    HeaderValue::from_bytes(text).or_err(ErrorType::InvalidHTTPHeader, "X-Forwarded-For")
}

/// An address as text, on the stack.
struct Text {
    bytes: [u8; IP_BYTES_MAX],
    length: usize,
}

impl Text {
    fn of(ip: IpAddr) -> Self {
        let mut text = Self { bytes: [0; IP_BYTES_MAX], length: 0 };
        match ip {
            IpAddr::V4(ip) => text.push_octets(ip.octets()),
            IpAddr::V6(ip) => {
                let mut rest = text.bytes.as_mut_slice();
                // There is room for every address.
                let _ = write!(rest, "{ip}");
                text.length = IP_BYTES_MAX - rest.len();
            }
        }
        text
    }

    /// By hand: formatting four numbers takes longer than inserting the header.
    fn push_octets(&mut self, octets: [u8; 4]) {
        for octet in octets {
            let digits = [octet / 100, octet / 10 % 10, octet % 10];
            let first = if octet >= 100 { 0 } else { 1 + usize::from(octet < 10) };
            digits[first..].iter().for_each(|digit| self.push(b'0' + digit));
            self.push(b'.');
        }
        self.length -= 1;
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asker::headers_of;

    fn caller(ip: std::net::IpAddr, peer_trusted: bool) -> Caller {
        Caller { ip, peer: Some(ip), peer_trusted, is_proxys: false, names_client: true }
    }

    fn stamped(trusted: bool, headers: &[(&'static str, &str)]) -> RequestHeader {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("host", "shop.example").unwrap();
        for (name, value) in headers {
            request.append_header(*name, *value).unwrap();
        }
        let peer = "10.0.0.1".parse().unwrap();
        let claims = headers_of(&request).proxy_headers;
        stamp(&mut request, &caller(peer, trusted), claims).unwrap();
        request
    }

    fn header(request: &RequestHeader, name: &str) -> String {
        let values: Vec<_> =
            request.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
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
        assert_eq!(header(&request, "x-forwarded-host"), "");
        assert_eq!(header(&request, "x-real-ip"), "");
        assert_eq!(header(&request, "forwarded"), "");
    }

    #[test]
    fn a_trusted_list_is_continued() {
        let claims = [
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-for", "10.0.0.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
        ];
        let request = stamped(true, &claims);
        assert_eq!(header(&request, "x-forwarded-for"), "192.0.2.7, 10.0.0.2, 10.0.0.1");
        assert_eq!(header(&request, "x-forwarded-proto"), "https");
        assert_eq!(header(&request, "x-forwarded-host"), "shop.example");
    }

    #[test]
    fn a_list_of_any_length_is_continued() {
        for entries in 0..40 {
            let list = vec!["192.0.2.100"; entries].join(", ");
            let request =
                stamped(true, &[("x-forwarded-for", &list), ("x-forwarded-for", " 10.0.0.2\t")]);
            assert_eq!(header(&request, "x-forwarded-for"), format!("{list}, 10.0.0.2, 10.0.0.1"));
        }
    }

    #[test]
    fn an_address_reads_as_everywhere() {
        for ip in [
            "0.0.0.0",
            "9.10.99.100",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db8:1:2:3:4:5:6",
            "::ffff:1.2.3.4",
        ] {
            assert_eq!(Text::of(ip.parse().unwrap()).bytes(), ip.as_bytes());
        }
        let longest = [0xffff; 8].map(|group: u16| format!("{group:x}")).join(":");
        assert_eq!(Text::of(longest.parse().unwrap()).bytes(), longest.as_bytes());
    }

    #[test]
    fn what_was_struck_out_on_the_way_is_filled_in() {
        let mut came = RequestHeader::build("GET", b"/", None).unwrap();
        came.insert_header("x-forwarded-proto", "https").unwrap();
        came.insert_header("x-real-ip", "198.51.100.1").unwrap();
        let claims = headers_of(&came).proxy_headers;
        for peer_trusted in [true, false] {
            let mut request = RequestHeader::build("GET", b"/", None).unwrap();
            let peer = "10.0.0.1".parse().unwrap();
            stamp(&mut request, &caller(peer, peer_trusted), claims).unwrap();
            assert_eq!(header(&request, "x-forwarded-proto"), "http");
            assert_eq!(header(&request, "x-forwarded-for"), "10.0.0.1");
        }
    }

    #[test]
    fn a_trusted_peer_that_says_nothing_is_filled_in() {
        let request = stamped(true, &[]);
        assert_eq!(header(&request, "x-forwarded-for"), "10.0.0.1");
        assert_eq!(header(&request, "x-forwarded-proto"), "http");
    }
}
