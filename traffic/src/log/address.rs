//! Finds the address in a field, however it is dressed.
//!
//! ```text
//! 192.0.2.7:4711   [2001:db8::7]:443   "192.0.2.7"   192.0.2.7,   fe80::1%eth0   (192.0.2.7)
//! ```

use std::net::IpAddr;

use super::fields::Span;
use crate::forwarded::{self, TrustedProxies};

/// The address in a field, and where it is in it: without port, brackets, zone, quotes and commas.
pub(super) fn bare(field: &str) -> Option<(IpAddr, &str)> {
    let inner = field
        .trim_matches(|char: char| matches!(char, '"' | '\'' | '(' | ')' | ',' | ';' | ' '))
        .trim_end_matches(':');
    // The usual case first: a line is rarely dressed.
    if let Ok(ip) = inner.parse::<IpAddr>() {
        return Some((ip.to_canonical(), inner));
    }
    let (host, _) = match inner.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        // An IPv4 address or a zone; a colon alone cannot end an IPv6 address.
        None => inner.split_once(':').unwrap_or((inner, "")),
    };
    let host = match host.parse::<IpAddr>() {
        Ok(_) => host,
        Err(_) => inner.trim_start_matches('[').split(['%', ']']).next()?,
    };
    let rest = inner.trim_start_matches('[').get(host.len()..)?;
    let port = rest.rsplit_once(':').map_or("", |(_, port)| port);
    let is_dress = rest.starts_with([':', '%', ']']) && port.bytes().all(|b| b.is_ascii_digit());
    let ip = host.parse::<IpAddr>().ok().filter(|_| is_dress)?;
    Some((ip.to_canonical(), host))
}

/// Whether a field consists of the characters of an address alone, without a port. It is quick,
/// because every line of a log is asked.
pub(super) fn is_plain(field: &str) -> bool {
    let (mut has_dot, mut has_colon) = (false, false);
    for byte in field.bytes() {
        match byte {
            b'.' => has_dot = true,
            b':' => has_colon = true,
            _ if byte.is_ascii_hexdigit() => {}
            _ => return false,
        }
    }
    has_dot != has_colon
}

/// Whether a field is a list of one or more addresses.
pub(super) fn is_list(field: &str) -> bool {
    let mut entries =
        field.trim_matches(['"', '(', ')']).split(',').filter(|entry| !entry.trim().is_empty());
    let first = entries.next().is_some_and(|entry| bare(entry.trim()).is_some());
    // Later hops may hide their name (RFC 7239, 6).
    first && entries.all(|entry| is_entry(entry.trim()))
}

fn is_entry(entry: &str) -> bool {
    bare(entry).is_some() || matches!(entry, "unknown" | "-") || entry.starts_with('_')
}

/// How clients are told from the fields of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientRule {
    /// Whether the client must be an address. It is not where the server logs names.
    pub(super) is_address: bool,
    /// The proxies whose lists are believed.
    pub(super) trusted: TrustedProxies,
}

/// The client of a line, as positions in its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) client: Span,
    /// A list of other addresses that was not believed, because nobody is trusted who wrote it.
    pub(super) other: Option<Span>,
}

/// Why no client was found.
pub(super) const EXPECTED: &str = "an address (the client would be this)";
pub(super) const EXPECTED_ONE: &str =
    "one address (--trusted-proxy says whose addresses are passed over)";

impl ClientRule {
    /// Finds the client from who was connected and from the list that came with the request. Either
    /// may be missing. The error is what was expected in the field that is returned with it.
    pub(super) fn find(
        &self,
        text: &str,
        peer: Option<Span>,
        list: Option<Span>,
    ) -> Result<Found, (&'static str, Span)> {
        let is_set = |span: &Span| !matches!(span.of(text).trim(), "" | "-" | "\"-\"" | "(-)");
        let (peer, list) = (peer.filter(is_set), list.filter(is_set));
        match (peer, list) {
            (Some(peer), None) if peer.of(text).contains(',') => self.of_list(text, peer),
            (None, Some(list)) => self.of_list(text, list),
            (None, None) => Err((EXPECTED, Span::default())),
            (Some(peer), list) => {
                let Some((ip, address)) = bare(peer.of(text)) else {
                    let found = Found { client: peer, other: list };
                    return if self.is_address { Err((EXPECTED, peer)) } else { Ok(found) };
                };
                let near = peer.sub(text, address);
                let Some(list) = list else { return Ok(Found { client: near, other: None }) };
                if self.trusted.contains(ip) {
                    let lists = std::iter::once(trimmed(list.of(text)).as_bytes());
                    let entry = forwarded::walk(ip, lists, &self.trusted).entry;
                    let client = entry.and_then(|entry| span_of(text, list, entry));
                    return Ok(Found { client: client.unwrap_or(near), other: None });
                }
                // Where the server has put the client in place already, the list begins with it.
                let first = list.of(text).split(',').next().and_then(|first| bare(first.trim()));
                let holds_peer = first.is_some_and(|(first, _)| first == ip);
                let other = (!holds_peer && is_list(list.of(text))).then_some(list);
                Ok(Found { client: near, other })
            }
        }
    }

    /// A list whose peer is not in the log. Whoever handed it over is trusted, as a peer at a unix
    /// socket is at the gate; of several entries somebody must say which ones are proxies.
    fn of_list(&self, text: &str, list: Span) -> Result<Found, (&'static str, Span)> {
        let entries = trimmed(list.of(text));
        if self.trusted.is_empty() && entries.trim_end_matches(',').contains(',') {
            return Err((EXPECTED_ONE, list));
        }
        let nobody = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
        let walk = forwarded::walk(nobody, std::iter::once(entries.as_bytes()), &self.trusted);
        let client = walk.entry.and_then(|entry| span_of(text, list, entry)).or_else(|| {
            // The gate does not read a zone; a log writes one.
            bare(entries).map(|(_, address)| list.sub(text, address))
        });
        match client {
            Some(client) => Ok(Found { client, other: None }),
            None if self.is_address => Err((EXPECTED, list)),
            None => Ok(Found { client: list, other: None }),
        }
    }
}

fn trimmed(list: &str) -> &str {
    list.trim_matches(['"', '(', ')', ' '])
}

/// The bare address of an entry of a list.
fn span_of(text: &str, list: Span, entry: &[u8]) -> Option<Span> {
    let (_, address) = bare(std::str::from_utf8(entry).ok()?)?;
    Some(list.sub(text, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_under_its_dress() {
        let check = |field: &str, expect: Option<&str>| {
            assert_eq!(bare(field).map(|(_, address)| address), expect, "{field}");
        };
        for field in ["192.0.2.7", "192.0.2.7:4711", "\"192.0.2.7\"", "192.0.2.7,", "(192.0.2.7)"] {
            check(field, Some("192.0.2.7"));
        }
        for field in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:443", "2001:db8::7,"] {
            check(field, Some("2001:db8::7"));
        }
        check("fe80::1%eth0", Some("fe80::1"));
        check("[fe80::1%eth0]:80", Some("fe80::1"));
        check("192.0.2.7%1", Some("192.0.2.7"));
        for field in
            ["", "-", "Nov", "nginx:", "10:00:04", "shop.example", "548000", "1.2.3", "::x"]
        {
            check(field, None);
        }
    }

    #[test]
    fn a_client_is_found_as_the_gate_finds_it() {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let check = |peer: &str, list: &str, trusted: &TrustedProxies, expect: Option<&str>| {
            let text = format!("{peer}|{list}");
            let peer_span = Span::new(0, peer.len());
            let list_span = Span::new(peer.len() + 1, text.len());
            let rule = ClientRule { is_address: true, trusted: trusted.clone() };
            let found = rule.find(&text, Some(peer_span), Some(list_span));
            assert_eq!(found.ok().map(|found| found.client.of(&text)), expect, "{text}");
        };
        check("10.0.0.1:80", "198.51.100.9, 192.0.2.7:99, 10.0.0.2", &trusted, Some("192.0.2.7"));
        check("192.0.2.1", "198.51.100.9", &trusted, Some("192.0.2.1"));
        check("10.0.0.1", "-", &trusted, Some("10.0.0.1"));
        check("-", "198.51.100.9, 10.0.0.2", &trusted, Some("198.51.100.9"));
        check("-", "198.51.100.9, 192.0.2.7", &TrustedProxies::default(), None);
        check("-", "198.51.100.9", &TrustedProxies::default(), Some("198.51.100.9"));
        check("198.51.100.9,10.0.0.2", "-", &trusted, Some("198.51.100.9"));
        check("Nov", "-", &trusted, None);
        check("-", "-", &trusted, None);
    }
}
