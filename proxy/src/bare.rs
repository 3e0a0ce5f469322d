//! A pass-through without a gate: what the gate's cost is measured against.
//!
//! Same Pingora, same runtime, same time-outs and no modules; it judges and records nothing. If it
//! is told whom to trust it also tells the shop who asks, as every proxy in front of a shop must
//! and as the gate does.

use std::sync::Arc;

use async_trait::async_trait;
use gate::identity::{Caller, TrustedProxies};
use pingora::Result;
use pingora::http::RequestHeader;
use pingora::modules::http::HttpModules;
use pingora::proxy::{ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;

use crate::asker::{headers_of, peer};
use crate::config::timeouts::Timeouts;
use crate::forward;
use crate::hooks::limit_downstream;
use crate::upstream::Upstream;

pub(crate) struct Bare {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) timeouts: Timeouts,
    /// `None`: the shop is told nothing.
    pub(crate) trusted: Option<TrustedProxies>,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        limit_downstream(session, &self.timeouts);
        Ok(false)
    }

    async fn upstream_peer(&self, session: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(self.upstream.peer(session.is_upgrade_req()))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        up: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        let Some(trusted) = &self.trusted else { return Ok(()) };
        let headers = headers_of(session.req_header());
        let caller = Caller::identify(peer(session), headers.forwarded_for(), trusted);
        forward::stamp(up, &caller, headers.proxy_headers)
    }
}
