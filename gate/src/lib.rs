//! Decides about live requests, without a proxy and without a server.
//!
//! Start reading at [`engine`]: [`Engine::decide`] takes an [`Ask`] and gives a [`Ruling`], and
//! [`Engine::conclude`] takes in how the request ended. A door (the Pingora proxy, a decision
//! service, a log follower, an nginx module) hands over requests and carries out rulings.
//!
//! - [`headers`]: what is read of a request's headers; [`identity`]: who is asking; [`undeclared`]:
//!   proxies that nobody has declared; [`silent_proxies`]: declared ones that name no clients;
//!   `peers`: the counts of both
//! - [`clock`]: the time of events, which never steps; [`clock_watch`]: when it is far from the
//!   wall clock
//! - [`enforce`]: from verdict to ruling, in types, so that shadow cannot refuse; [`decision`]: the
//!   number that a refused client can quote; [`malformed`]: what is wrong with a request
//! - `in_force`: what a reload exchanges, as one value; `terms`: that value for one request;
//!   [`reload`]: reading and checking it
//! - [`config`]: the configuration that all doors share
//! - `bans`: imposed and lifted by an operator; `record`: the event log; [`metrics`]: every metric;
//!   [`admin`]: what an operator is answered
//! - [`challenge`]: the page that lets a limited visitor go on
//! - `drift_watch`: when drift is measured
//!
//! Absent on purpose: Pingora, tokio, sockets and HTTP servers. This crate reads the clock, writes
//! the event log and keeps one thread, the log's writer.

pub mod admin;
mod bans;
pub mod challenge;
pub mod clock;
pub mod clock_watch;
pub mod config;
pub mod decision;
mod drift_watch;
pub mod enforce;
pub mod engine;
pub mod headers;
pub mod identity;
mod in_force;
mod judge;
pub mod malformed;
pub mod metrics;
mod peers;
mod record;
pub mod reload;
pub mod silent_proxies;
mod terms;
pub mod undeclared;

pub use config::{Config, ConfigError, Overrides};
pub use detector::Mode;
pub use enforce::{Refusal, Ruling};
pub use engine::{Ask, End, Engine, Health, InFlight, StartError};
pub use headers::RequestHeaders;
pub use judge::{JudgeError, judge, model, refuse_unarmed};
pub use peers::Via;
pub use reload::{ReloadError, Reloaded};
pub use terms::Terms;
