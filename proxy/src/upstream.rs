//! The shop: its URL, the addresses behind the name, and the connection options.
//!
//! Pingora connects to addresses and panics on a name that does not resolve, so names are resolved
//! here: once before anything starts, and again by the timer, so that a shop that moved is found.
//! All addresses are kept: `localhost` is `::1` first on many machines while the shop listens on
//! `127.0.0.1`, so a refused connection tries the next one.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora::upstreams::peer::HttpPeer;

use crate::config::timeouts::Timeouts;
use crate::tunnel::TunnelConnector;

/// Keeps Pingora from sharing connections between tunnels and other requests, whose key is 0.
const TUNNELS: u64 = 1;
/// How often Pingora may try a request: once for each address a name usually has (IPv6 and IPv4),
/// twice.
pub(crate) const TRIES_MAX: usize = 4;
/// How long the timer waits between two looks at the upstream's name: as long as typical DNS
/// records live at least.
pub(crate) const RESOLVE_EVERY: Duration = Duration::from_secs(30);

/// `http://host:port` or `https://host:port`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamUrl {
    tls: bool,
    host: String,
    port: u16,
}

/// Why a URL names no upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither `http://` nor `https://`.
    #[error("expected http:// or https:// in front")]
    Scheme,
    /// Nothing a socket can connect to.
    #[error("expected a host, and after a colon a port from 1 to 65535")]
    Host,
    /// More than scheme, host and port.
    #[error(
        "expected scheme, host and port only: paths pass through unchanged, and credentials are \
            not sent"
    )]
    Extra,
}

impl UpstreamUrl {
    /// Checks a URL.
    ///
    /// # Errors
    /// Says which part is not as expected.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(UrlError::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err(UrlError::Extra);
        }
        let authority: http::uri::Authority = authority.parse().map_err(|_| UrlError::Host)?;
        let host = authority.host();
        let named_port = &authority.as_str()[host.len()..];
        let port = match (named_port, tls) {
            ("", false) => 80,
            ("", true) => 443,
            (port, _) => port[1..].parse().ok().filter(|port| *port > 0).ok_or(UrlError::Host)?,
        };
        if host.is_empty() {
            return Err(UrlError::Host);
        }
        Ok(Self { tls, host: host.to_owned(), port })
    }

    /// The addresses behind the name. Blocks on the system's resolver.
    pub(crate) fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<_> = (host, self.port).to_socket_addrs()?.collect();
        if addresses.is_empty() {
            return Err(std::io::Error::other("the name has no address"));
        }
        Ok(addresses)
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.tls { "https" } else { "http" }, self.host, self.port)
    }
}

/// The shop as the gate connects to it.
#[derive(Debug)]
pub(crate) struct Upstream {
    url: UpstreamUrl,
    timeouts: Timeouts,
    peers: ArcSwap<Vec<HttpPeer>>,
    /// The address that worked last: where the next request begins.
    preferred: AtomicUsize,
}

impl Upstream {
    /// Resolves the name, so that a shop nobody can find is an error before anything starts.
    pub(crate) fn new(url: UpstreamUrl, timeouts: Timeouts) -> std::io::Result<Self> {
        let peers = peers(&url, &timeouts, url.resolve()?);
        Ok(Self {
            url,
            timeouts,
            peers: ArcSwap::from_pointee(peers),
            preferred: AtomicUsize::new(0),
        })
    }

    /// Where to send a request: the address that worked last. A request that asks for an upgrade
    /// goes there by a connection of its own kind, see [`crate::tunnel`].
    pub(crate) fn peer(&self, upgrade: bool) -> Box<HttpPeer> {
        let peers = self.peers.load();
        let mut peer =
            Box::new(peers[self.preferred.load(Ordering::Relaxed) % peers.len()].clone());
        if upgrade {
            peer.options.custom_l4 = Some(Arc::new(TunnelConnector));
            peer.group_key = TUNNELS;
        }
        peer
    }

    /// Takes note that `failed` cannot be connected to: the next request begins at the address
    /// after it. Returns whether this request, having failed `failures` times, has an address left
    /// to try.
    pub(crate) fn fail(&self, failed: &HttpPeer, failures: usize) -> bool {
        let peers = self.peers.load();
        if let Some(index) = peers.iter().position(|peer| peer._address == failed._address) {
            self.preferred.store((index + 1) % peers.len(), Ordering::Relaxed);
        }
        failures < peers.len()
    }

    /// Resolves the name again. What cannot be resolved now keeps its last addresses.
    pub(crate) fn refresh(&self) {
        match self.url.resolve() {
            Ok(addresses) => {
                self.peers.store(Arc::new(peers(&self.url, &self.timeouts, addresses)))
            }
            Err(error) => {
                tracing::warn!(upstream = %self.url, %error, "cannot resolve the upstream, keeping \
                    its addresses")
            }
        }
    }
}

fn peers(url: &UpstreamUrl, timeouts: &Timeouts, addresses: Vec<SocketAddr>) -> Vec<HttpPeer> {
    addresses.into_iter().map(|address| peer(url, timeouts, address)).collect()
}

/// Every time-out is explicit: Pingora's defaults are none.
fn peer(url: &UpstreamUrl, timeouts: &Timeouts, address: SocketAddr) -> HttpPeer {
    let mut peer = HttpPeer::new(address, url.tls, url.host.clone());
    peer.options.connection_timeout = Some(timeouts.connect);
    peer.options.total_connection_timeout = Some(timeouts.connect);
    peer.options.read_timeout = Some(timeouts.read);
    peer.options.write_timeout = Some(timeouts.write);
    peer.options.idle_timeout = Some(timeouts.idle);
    peer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_scheme_host_and_port() {
        let check = |text: &str, expect: Result<&str, UrlError>| {
            assert_eq!(
                UpstreamUrl::parse(text).map(|url| url.to_string()),
                expect.map(str::to_owned),
                "{text}"
            );
        };
        check("http://127.0.0.1:3000", Ok("http://127.0.0.1:3000"));
        check("http://shop/", Ok("http://shop:80"));
        check("HTTPS://shop.example", Ok("https://shop.example:443"));
        check("http://[::1]:3000", Ok("http://[::1]:3000"));
        check("127.0.0.1:3000", Err(UrlError::Scheme));
        check("ftp://shop", Err(UrlError::Scheme));
        check("http://", Err(UrlError::Host));
        check("http://shop:0", Err(UrlError::Host));
        check("http://shop:http", Err(UrlError::Host));
        check("http://shop:", Err(UrlError::Host));
        check("http://shop/api", Err(UrlError::Extra));
        check("http://me:secret@shop", Err(UrlError::Extra));
    }
}
