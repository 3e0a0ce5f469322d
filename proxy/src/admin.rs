//! `/healthz` and `/metrics`, on a listener and a thread of their own: a gate under load still
//! answers its operator. What is answered is [`gate::admin`]'s. Loopback by default.

use std::sync::Arc;

use async_trait::async_trait;
use gate::Engine;
use gate::admin::{Answer, answer};
use http::Response;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use pingora::apps::http_app::ServeHttp;
use pingora::protocols::http::ServerSession;

pub(crate) struct Admin {
    pub(crate) engine: Arc<Engine>,
}

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let request = session.req_header();
        let Answer { status, content_type, body } =
            answer(&self.engine, request.method.as_str(), request.uri.path());
        let response = Response::builder()
            .status(status)
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_LENGTH, body.len())
            .header(CACHE_CONTROL, "no-store")
            .header(ALLOW, "GET, HEAD")
            .body(body.into_bytes());
        response.unwrap_or_default()
    }
}
