//! `/healthz` and `/metrics`, on a listener and a thread of their own. What is answered is
//! [`gate::admin`]'s.

use std::net::IpAddr;
use std::sync::Arc;

use gate::Engine;
use gate::admin::{Answer, answer};
use hyper::StatusCode;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;

use crate::http_server::Serve;
use crate::reply::{Reply, text};

pub(crate) struct Admin(pub(crate) Arc<Engine>);

impl Serve for Admin {
    fn answer(&self, request: &Parts, _: Option<IpAddr>) -> Reply {
        let Answer { status, content_type, body } =
            answer(&self.0, request.method.as_str(), request.uri.path());
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = text(status, body);
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        reply
    }

    fn turn_away(&self) -> Reply {
        text(StatusCode::FORBIDDEN, String::new())
    }
}
