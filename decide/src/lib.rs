//! The decision service: a door for those who have an edge already (nginx, Caddy, Traefik) and want
//! no second proxy.
//!
//! The edge asks with an HTTP request of its own, a *question*, on a unix socket or TCP, before it
//! serves the visitor's request. The engine ([`gate`]) decides, and the edge carries out the
//! answer. What becomes of an edge's request if nobody answers is the edge's own configuration.
//!
//! Start reading at [`server`]: [`RunningService`] is a service while it runs. It is built from a
//! [`Config`].
//!
//! - [`question`]: which request an edge asks about; [`reply`]: what it is told
//! - `answer`: from the question to the reply; `awaited`: requests that passed and have not ended
//! - [`outcome`]: how a request ended, as an edge's log line says; `outcomes`: the socket for those
//! - [`export`]: bans for others to enforce
//! - `listen`, `threads`, `http_server`: sockets, threads and connections
//! - `admin`: `/healthz` and `/metrics`

mod admin;
mod answer;
mod awaited;
pub mod config;
pub mod export;
mod http_server;
mod listen;
pub mod outcome;
mod outcomes;
pub mod question;
pub mod reply;
pub mod server;
mod threads;

pub use config::{Config, Overrides};
pub use server::{RunningService, ServiceError};
