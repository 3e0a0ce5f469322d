//! Endpoints to test a proxy with, which no real shop has. A proxy must pass them on unchanged,
//! without buffering and without a time-out of its own.
//!
//! | request | answer |
//! |---|---|
//! | `GET /stream?n=5&ms=20` | `n` chunks of one line each, `ms` apart |
//! | `GET /slow?ms=500` | an answer that takes its time |
//! | `POST /echo` | the body, as it arrives |
//! | `GET /headers` | the request's header lines, as received |
//! | `GET /ws` with `Upgrade: websocket` | 101, then every byte comes back as it is (no frames) |

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use super::response::{Body, with_body};

/// More chunks than any test needs; it bounds a mistaken request.
const CHUNKS_MAX: u64 = 10_000;
const DELAY_MAX_MS: u64 = 60_000;

/// Answers a request for one of these endpoints, and returns any other request as `Err`.
pub(super) async fn answer(
    request: Request<Incoming>,
    open: &watch::Receiver<()>,
) -> Result<Response<Body>, Request<Incoming>> {
    let number = |name, default| parameter(request.uri().query(), name).unwrap_or(default);
    match request.uri().path() {
        "/stream" => Ok(stream(number("n", 5).min(CHUNKS_MAX), number("ms", 20).min(DELAY_MAX_MS))),
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(number("ms", 500).min(DELAY_MAX_MS))).await;
            Ok(with_body(StatusCode::OK, "text/plain", "at last\n"))
        }
        "/headers" => Ok(with_body(StatusCode::OK, "text/plain", headers_of(&request))),
        "/echo" if request.method() == Method::POST => {
            Ok(Response::new(request.into_body().boxed()))
        }
        "/ws" if asks_for_websocket(&request) => Ok(upgrade(request, open.clone())),
        _ => Err(request),
    }
}

fn stream(chunks: u64, delay_ms: u64) -> Response<Body> {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for number in 0..chunks {
            if number > 0 {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            }
            if sender.send_data(Bytes::from(format!("chunk {number}\n"))).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

fn headers_of(request: &Request<Incoming>) -> String {
    let mut out = String::new();
    for (name, value) in request.headers() {
        let _ = writeln!(out, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    out
}

fn asks_for_websocket(request: &Request<Incoming>) -> bool {
    request
        .headers()
        .get(UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn upgrade(request: Request<Incoming>, mut open: watch::Receiver<()>) -> Response<Body> {
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
        tokio::select! {
            _ = open.changed() => {}
            _ = tokio::io::copy(&mut read, &mut write) => {}
        }
    });
    let mut response = with_body(StatusCode::SWITCHING_PROTOCOLS, "text/plain", "");
    response.headers_mut().remove(CONTENT_TYPE);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response
}

fn parameter(query: Option<&str>, name: &str) -> Option<u64> {
    query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}
