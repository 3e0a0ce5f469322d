//! `/healthz` and `/metrics`, on a listener and a thread of their own: a gate under load still
//! answers its operator.
//!
//! Loopback by default, reads only, no page that a browser could be tricked into acting on.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Response, StatusCode};
use pingora::apps::http_app::ServeHttp;
use pingora::protocols::http::ServerSession;

use crate::keeper::Keeper;

const TEXT: &str = "text/plain; charset=utf-8";
/// What Prometheus calls its text format.
const METRICS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

pub(crate) struct Admin {
    pub(crate) keeper: Arc<Keeper>,
}

impl Admin {
    fn health(&self) -> String {
        let judge = self.keeper.detector.judge();
        let model = judge.model.as_ref().map(|model| model.file().name.as_str());
        let mode = self.keeper.live.load().mode;
        serde_json::json!({ "status": "ok", "mode": mode, "model": model }).to_string() + "\n"
    }

    fn answer(&self, method: &Method, path: &str) -> (StatusCode, &'static str, String) {
        if method != Method::GET && method != Method::HEAD {
            return (
                StatusCode::METHOD_NOT_ALLOWED,
                TEXT,
                "Only GET is answered here.\n".to_owned(),
            );
        }
        match path {
            "/healthz" => (StatusCode::OK, JSON, self.health()),
            "/metrics" => (StatusCode::OK, METRICS_TEXT, self.keeper.render_metrics()),
            _ => (StatusCode::NOT_FOUND, TEXT, "There are /healthz and /metrics.\n".to_owned()),
        }
    }
}

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let request = session.req_header();
        let (status, content_type, body) = self.answer(&request.method, request.uri.path());
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
