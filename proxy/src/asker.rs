//! Who asks, and what is read of his headers, from Pingora's session.

use std::net::{IpAddr, Ipv4Addr};

use gate::RequestHeaders;
use pingora::http::RequestHeader;
use pingora::proxy::Session;

/// The other end of the connection; `None` on a unix socket. A connection that is gone already has
/// no address any more: nobody waits for its answer, and all of them together are one client.
pub(crate) fn peer(session: &Session) -> Option<IpAddr> {
    match session.client_addr() {
        Some(address) => address.as_inet().map(|address| address.ip()),
        None => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    }
}

/// What the gate reads of a request's headers.
pub(crate) fn headers_of(request: &RequestHeader) -> RequestHeaders<'_> {
    let lines = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    RequestHeaders::read(lines)
}
