//! The engine driven with no socket, no server and no Pingora: a door of twenty lines.
#![allow(clippy::unwrap_used)] // Tests, helpers included: a panic is the report.

mod bans;
mod clock;
mod modes;
mod proxies;
mod support;
mod telling;
