//! What an edge is told.
//!
//! | | nginx: `/auth_request` | others: `/forward_auth` |
//! |---|---|---|
//! | may pass | 200 | 200 |
//! | limited | 403, `X-Kidoban: limit`, `Retry-After` | 429, `Retry-After` |
//! | blocked | 403, `X-Kidoban: block` | 403 |
//! | no answer possible | 500 | 500 |
//!
//! nginx turns whatever is neither 2xx, 401 nor 403 into a 500, so it is told a limit in a header
//! and makes the 429 itself. The others pass a refusal on to the visitor as it is. Only 200 lets a
//! request pass: Envoy would take a 204 for the response, and a denial is never a 2xx.

use bytes::Bytes;
use gate::Refusal;
use gate::decision::DecisionId;
use gate::enforce::Kind;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::question::TOKEN_HEADER;

/// Carries the decision's id.
pub const DECISION_HEADER: &str = "x-kidoban-decision";
/// Carries what is to be done: `allow`, `limit` or `block`.
pub const ACTION_HEADER: &str = "x-kidoban";

/// A whole response.
pub type Reply = Response<Full<Bytes>>;

/// How an edge wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As nginx's `auth_request` understands it.
    AuthRequest,
    /// As Caddy's `forward_auth`, Traefik's `ForwardAuth` and most others pass it on.
    ForwardAuth,
}

impl Dialect {
    /// The dialect of a question by its path.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/auth_request" => Some(Self::AuthRequest),
            "/forward_auth" => Some(Self::ForwardAuth),
            _ => None,
        }
    }
}

/// The request may pass. `is_awaited`: the edge is to say how it ended.
pub fn allow(id: DecisionId, is_awaited: bool) -> Reply {
    let mut reply = Response::new(Full::default());
    let headers = reply.headers_mut();
    headers.insert(ACTION_HEADER, HeaderValue::from_static("allow"));
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        if is_awaited {
            headers.insert(TOKEN_HEADER, id.clone());
        }
        headers.insert(DECISION_HEADER, id);
    }
    reply
}

/// The request must not pass. The words are for the visitor, and name the decision only: a score
/// would teach a bot how close it is.
pub fn refuse(refusal: Refusal, id: DecisionId, dialect: Dialect) -> Reply {
    let (action, words, retry_after_s) = match refusal.kind() {
        Kind::Limit { retry_after_s: seconds } => (
            "limit",
            format!("Too many requests. Please try again in {seconds} s. Reference: {id}\n"),
            Some(seconds),
        ),
        Kind::Block => {
            ("block", format!("Access denied. If this is a mistake, please quote: {id}\n"), None)
        }
    };
    let status = match (retry_after_s, dialect) {
        (Some(_), Dialect::ForwardAuth) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::FORBIDDEN,
    };
    let mut reply = text(status, words);
    let headers = reply.headers_mut();
    headers.insert(ACTION_HEADER, HeaderValue::from_static(action));
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(HeaderName::from_static(DECISION_HEADER), id);
    }
    if let Some(seconds) = retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// A page of words, never to be kept.
pub fn text(status: StatusCode, words: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(words)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
