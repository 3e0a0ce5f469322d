//! What an operator is answered at `/healthz` and `/metrics`. A door brings the server.

use std::net::IpAddr;

use crate::engine::Engine;

const TEXT: &str = "text/plain; charset=utf-8";
/// What Prometheus calls its text format.
const METRICS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

/// Addresses of proxies that `/healthz` lists of each kind.
const EXAMPLES: usize = 16;

/// An answer, to be sent with `Cache-Control: no-store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Answers a request of an operator's. Reads only: there is no page that a browser could be tricked
/// into acting on.
pub fn answer(engine: &Engine, method: &str, path: &str) -> Answer {
    if method != "GET" && method != "HEAD" {
        let body = "Only GET is answered here.\n".to_owned();
        return Answer { status: 405, content_type: TEXT, body };
    }
    match path {
        "/healthz" => Answer { status: 200, content_type: JSON, body: health(engine) },
        "/metrics" => {
            Answer { status: 200, content_type: METRICS_TEXT, body: engine.metrics_text() }
        }
        _ => {
            let body = "There are /healthz and /metrics.\n".to_owned();
            Answer { status: 404, content_type: TEXT, body }
        }
    }
}

fn health(engine: &Engine) -> String {
    let health = engine.health();
    let mut object = serde_json::json!({
        "status": "ok", "mode": health.mode, "model": health.model,
    });
    let list = |peers: &[IpAddr]| -> Vec<String> {
        peers.iter().take(EXAMPLES).map(ToString::to_string).collect()
    };
    if let Some(undeclared) = &health.undeclared {
        object["undeclared_proxies"] = list(&undeclared.proxies).into();
    }
    if let Some(silent) = &health.silent {
        object["silent_proxies"] = list(&silent.0).into();
    }
    let warnings: Vec<String> = health.warnings().collect();
    if !warnings.is_empty() {
        object["warning"] = warnings.join(". ").into();
    }
    if let Some(gap) = health.clock_gap {
        object["clock"] = gap.to_string().into();
    }
    object.to_string() + "\n"
}
