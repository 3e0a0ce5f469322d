//! The decision service with real edges in front of it, and without any.
//!
//! | file | what must hold |
//! |---|---|
//! | `questions.rs` | every edge's question is answered as its dialect says; who may ask |
//! | `outcomes.rs` | outcomes are concluded, lost ones counted; verdicts are repeated |
//! | `nginx.rs` | the configuration in docs/deploy/nginx-auth-request.md, run by nginx |
//! | `exports.rs` | exported bans, and the real programs that enforce them |
//! | `caddy.rs` | the configuration in docs/deploy/caddy.md, run by Caddy |
//!
//! Nothing leaves loopback.

// `allow-unwrap-in-tests` covers test functions only; a helper of a test may fail as loudly.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)] // shared with the gate's tests, which need more of it
#[path = "../../../gate/tests/engine/support.rs"]
mod engine;
#[allow(dead_code)] // likewise, with the command's
#[path = "../../../tests/support/http.rs"]
mod http;
#[path = "../../../tests/support/origin.rs"]
mod origin;
#[path = "../../../tests/support/skip.rs"]
mod skip;

mod caddy;
mod exports;
mod nginx;
mod nginx_server;
mod outcomes;
mod questions;
mod service;
