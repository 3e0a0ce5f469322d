//! Pingora's hooks, each a line or two that hands over to whoever knows.
//!
//! Logic does not live here. A request is malformed or not ([`crate::refuse`]), is decided
//! ([`gate::Engine`]), is refused or forwarded ([`crate::forward`], [`crate::upstream`]), and ends
//! in [`ProxyHttp::logging`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use gate::challenge::ChallengePage;
use gate::decision::DecisionId;
use gate::headers::ProxyHeaders;
use gate::malformed::Malformed;
use gate::{Ask, End, Engine, InFlight, Refusal};
use http::StatusCode;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::proxy::{ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType, Result};

use crate::asker::{headers_of, peer};
use crate::challenge;
use crate::config::timeouts::Timeouts;
use crate::forward;
use crate::refuse;
use crate::upstream::Upstream;

/// The proxy that judges.
pub(crate) struct GatedProxy {
    pub(crate) engine: Arc<Engine>,
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
    decided: Option<(InFlight, ProxyHeaders)>,
    connect_failures: usize,
    body_bytes: u64,
    /// The shop has begun to answer.
    is_answered: bool,
    /// Its body is known to be too large, and counted.
    has_large_body: bool,
}

impl GatedProxy {
    /// Has the engine decide, under one configuration. What fails open is decided in the detector
    /// and nowhere else.
    fn decide(&self, session: &Session, visit: &mut Visit) -> Answer {
        let request = session.req_header();
        let headers = &headers_of(request);
        let terms = self.engine.terms();
        let malformed = refuse::find_malformed(request, headers, self.body_bytes_max);
        visit.has_large_body = malformed == Some(Malformed::LargeBody);
        if let Some(malformed) = malformed.filter(|malformed| terms.rejects(*malformed)) {
            return Answer::Reject(malformed);
        }
        let (method, target) = (request.method.as_str(), request.raw_path());
        let ask = Ask { peer: peer(session), method, target, headers };
        if self.engine.is_challenge_path(target) {
            return Answer::TakeForm;
        }
        let (in_flight, ruling) = terms.decide(&ask);
        let id = in_flight.id;
        let answer = ruling.refusal().map_or(Answer::Forward, |refusal| {
            let navigation = challenge::navigation_of(request);
            let verdict = ruling.verdict();
            match self.engine.challenge(&in_flight, verdict, refusal, &ask, &navigation) {
                Some(page) => Answer::Challenge(Box::new(page), id),
                None => Answer::Refuse(refusal, id),
            }
        });
        visit.decided = Some((in_flight, headers.proxy_headers));
        answer
    }
}

/// What becomes of a request.
enum Answer {
    Forward,
    Refuse(Refusal, DecisionId),
    Challenge(Box<ChallengePage>, DecisionId),
    TakeForm,
    Reject(Malformed),
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
impl ProxyHttp for GatedProxy {
    type CTX = Visit;

    fn new_ctx(&self) -> Visit {
        Visit::default()
    }

    /// None: Pingora would add a compressor, switched off, to every request.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, visit: &mut Visit) -> Result<bool> {
        limit_downstream(session, &self.timeouts);
        match self.decide(session, visit) {
            Answer::Forward => return Ok(false),
            Answer::Refuse(refusal, id) => refuse::refuse(session, refusal, id).await?,
            Answer::Challenge(page, id) => challenge::show(session, *page, Some(id)).await?,
            Answer::TakeForm => challenge::answer(session, &self.engine).await?,
            Answer::Reject(malformed) => refuse::reject(session, malformed).await?,
        }
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
        let is_large = self.body_bytes_max.is_some_and(|max| visit.body_bytes > max);
        // Counted once: in shadow the rest of it follows.
        if !is_large || std::mem::replace(&mut visit.has_large_body, true) {
            return Ok(());
        }
        let Some((in_flight, _)) = &visit.decided else { return Ok(()) };
        if in_flight.rejects(&self.engine, Malformed::LargeBody) {
            let status = ErrorType::HTTPStatus(413);
            return Err(Error::explain(status, "request body too large").into_down());
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
        match &visit.decided {
            Some((in_flight, proxy_headers)) => {
                forward::stamp(up, &in_flight.caller, *proxy_headers)
            }
            // Every request that is forwarded was decided.
            None => Ok(()),
        }
    }

    async fn response_filter(
        &self,
        _: &mut Session,
        answer: &mut ResponseHeader,
        visit: &mut Visit,
    ) -> Result<()> {
        // After an early hint (103) the answer itself is still to come.
        let is_preliminary = answer.status.is_informational();
        visit.is_answered |= !is_preliminary || answer.status == StatusCode::SWITCHING_PROTOCOLS;
        Ok(())
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, visit: &mut Visit) {
        if error.is_some_and(|error| *error.esource() == ErrorSource::Upstream) {
            self.engine.metrics().upstream_failed();
        }
        if let Some((in_flight, _)) = visit.decided.take() {
            // Without an answer of the shop's, what was written is Pingora's own 502 or our 413.
            let answer = session.response_written().filter(|_| visit.is_answered);
            let status = answer.map_or(0, |response| response.status.as_u16());
            self.engine
                .conclude(in_flight, End { status, bytes: session.body_bytes_sent() as u64 });
        }
    }

    /// Clients that leave are no errors of ours, and the shop's are counted: a line a second says
    /// which.
    fn suppress_error_log(&self, _: &Session, _: &Visit, error: &Error) -> bool {
        let second = self.engine.now().as_secs();
        *error.esource() == ErrorSource::Downstream
            || self.complained_s.swap(second, Ordering::Relaxed) == second
    }

    /// Pingora logs this. Escaped, because a client wrote it.
    fn request_summary(&self, session: &Session, _: &Visit) -> String {
        let request = session.req_header();
        format!("{:?} {:?}", request.method.as_str(), String::from_utf8_lossy(request.raw_path()))
    }
}
