//! A pass-through with everything but the judging: what the gate's cost is measured against.
//!
//! Same Pingora, same runtime, same time-outs and no modules; it identifies, judges, stamps and records nothing.

use std::sync::Arc;

use async_trait::async_trait;
use pingora::Result;
use pingora::modules::http::HttpModules;
use pingora::proxy::{ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;

use crate::config::Timeouts;
use crate::gate::limit_downstream;
use crate::upstream::Upstream;

pub(crate) struct Bare {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) timeouts: Timeouts,
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
}
