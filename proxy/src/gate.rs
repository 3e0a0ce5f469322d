//! The gate: Pingora's hooks, each a line or two that hands over to whoever knows.
//!
//! Logic does not live here. A request is malformed or not ([`crate::refuse`]), is judged
//! ([`crate::keeper`]), is refused or forwarded ([`crate::forward`], [`crate::upstream`]), and ends
//! in [`ProxyHttp::logging`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::http::RequestHeader;
use pingora::modules::http::HttpModules;
use pingora::proxy::{ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result};

use crate::config::Timeouts;
use crate::enforce::Refusal;
use crate::forward;
use crate::identity::Caller;
use crate::keeper::{Keeper, Passage, now};
use crate::refuse::{self, Malformed};
use crate::told::{Claims, Told};
use crate::upstream::Upstream;

/// The proxy that judges.
pub(crate) struct Gate {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) timeouts: Timeouts,
    pub(crate) body_bytes_max: Option<u64>,
    /// The second in which an upstream failure was last logged: one line a second tells as much as
    /// five thousand.
    pub(crate) complained_s: AtomicI64,
}

/// What is known of a request while it is under way.
#[derive(Default)]
pub(crate) struct Visit {
    caller: Option<(Caller, Claims)>,
    passage: Option<Passage>,
    connect_failures: usize,
    body_bytes: u64,
}

impl Gate {
    /// Judges the request. The listeners are TCP, so there is always a peer to judge; what fails
    /// open is decided in the detector and nowhere else.
    fn judge(&self, session: &Session, told: &Told<'_>, visit: &mut Visit) -> Option<Refusal> {
        let peer = session.client_addr()?.as_inet()?.ip();
        let (caller, passage, ruling) = self.keeper.admit(peer, session.req_header(), told);
        (visit.caller, visit.passage) = (Some((caller, told.claims)), Some(passage));
        ruling.refusal()
    }
}

/// Explicit time-outs towards the client. Pingora keeps a connection open for ever once its first
/// request has come.
pub(crate) fn limit_downstream(session: &mut Session, timeouts: &Timeouts) {
    let downstream = session.as_downstream_mut();
    downstream.set_read_timeout(Some(timeouts.read));
    downstream.set_write_timeout(Some(timeouts.write));
    if downstream.get_keepalive().is_some() {
        downstream.set_keepalive(Some(timeouts.idle.as_secs()));
    }
}

#[async_trait]
impl ProxyHttp for Gate {
    type CTX = Visit;

    fn new_ctx(&self) -> Visit {
        Visit::default()
    }

    /// None: Pingora would add a compressor, switched off, to every request.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, visit: &mut Visit) -> Result<bool> {
        limit_downstream(session, &self.timeouts);
        let told = Told::by(&session.req_header().headers);
        if let Some(malformed) = Malformed::find(session.req_header(), &told, self.body_bytes_max) {
            self.keeper.metrics.malformed(malformed);
            refuse::reject(session, malformed).await?;
            return Ok(true);
        }
        let refusal = self.judge(session, &told, visit);
        let (Some(refusal), Some(passage)) = (refusal, &visit.passage) else {
            return Ok(false);
        };
        refuse::refuse(session, refusal, passage.id).await?;
        Ok(true)
    }

    /// Bodies stream through; one that was not announced is cut off where it becomes too large.
    async fn request_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        _: bool,
        visit: &mut Visit,
    ) -> Result<()> {
        visit.body_bytes += body.as_ref().map_or(0, |body| body.len() as u64);
        if self.body_bytes_max.is_some_and(|max| visit.body_bytes > max) {
            self.keeper.metrics.malformed(Malformed::LargeBody);
            return Err(
                Error::explain(ErrorType::HTTPStatus(413), "request body too large").into_down()
            );
        }
        Ok(())
    }

    async fn upstream_peer(&self, session: &mut Session, _: &mut Visit) -> Result<Box<HttpPeer>> {
        Ok(self.upstream.peer(session.is_upgrade_req()))
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        peer: &HttpPeer,
        visit: &mut Visit,
        mut e: Box<Error>,
    ) -> Box<Error> {
        visit.connect_failures += 1;
        e.set_retry(self.upstream.fail(peer, visit.connect_failures));
        e
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        up: &mut RequestHeader,
        visit: &mut Visit,
    ) -> Result<()> {
        visit.caller.as_ref().map_or(Ok(()), |(caller, claims)| forward::stamp(up, caller, *claims))
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, visit: &mut Visit) {
        if error.is_some_and(|error| *error.esource() == ErrorSource::Upstream) {
            self.keeper.metrics.upstream_failed();
        }
        if let Some(passage) = &visit.passage {
            let status = session.response_written().map_or(0, |response| response.status.as_u16());
            self.keeper.conclude(
                passage,
                session.req_header(),
                status,
                session.body_bytes_sent() as u64,
            );
        }
    }

    /// Clients that leave are no errors of ours, and the shop's are counted: a line a second says
    /// which.
    fn suppress_error_log(&self, _: &Session, _: &Visit, error: &Error) -> bool {
        let second = now().as_secs();
        *error.esource() == ErrorSource::Downstream
            || self.complained_s.swap(second, Ordering::Relaxed) == second
    }

    /// Pingora logs this. Escaped, because a client wrote it.
    fn request_summary(&self, session: &Session, _: &Visit) -> String {
        let request = session.req_header();
        format!("{:?} {:?}", request.method.as_str(), String::from_utf8_lossy(request.raw_path()))
    }
}

/// How often Pingora may try a request: once for each address a name usually has (IPv6 and IPv4),
/// twice.
pub(crate) const TRIES_MAX: usize = 4;
/// How long the timer waits between two looks at the upstream's name: as long as typical DNS
/// records live at least.
pub(crate) const RESOLVE_EVERY: Duration = Duration::from_secs(30);
