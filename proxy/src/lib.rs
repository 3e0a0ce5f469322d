//! The gate: a reverse proxy that looks at how a client behaves before it lets it through.
//!
//! Start reading at [`server`]: [`run`] is a gate until SIGTERM, [`RunningGate`] the same as a
//! value. It is built from a [`Config`], which [`config`] reads from a TOML file and flags and
//! checks as a whole.
//!
//! A request's way: [`listener`] accepts its connection on its own [`threads`]. [`gate`] is the
//! list of Pingora's hooks and passes it on. [`told`] reads its headers. [`identity`] works out who
//! asks. [`keeper`] turns it into the detector's event and takes the verdict. [`enforce`] is where
//! the mode rules what becomes of a verdict, in types, so that shadow cannot refuse. Then it is
//! either answered by [`refuse`], quoting a [`decision`], or forwarded to the [`upstream`] (by a
//! [`tunnel`] if it asks for one) with the headers of [`forward`]. When it has ended, [`keeper`]
//! tells the detector how.
//!
//! What happened goes two ways: [`metrics`] counts it, and [`record`] writes it to the event log,
//! from which every decision can be repeated. [`admin`] answers the operator. [`reload`] puts
//! another model or policy in force, and [`timer`] is all the background work there is. [`bare`] is
//! the same proxy without a gate, to measure against.
//!
//! This crate alone knows Pingora, tokio, metrics and the clock.

mod admin;
mod bare;
pub mod config;
pub mod decision;
pub mod enforce;
mod forward;
mod gate;
pub mod identity;
mod keeper;
mod listener;
pub mod metrics;
mod record;
pub mod refuse;
pub mod reload;
pub mod server;
mod threads;
mod timer;
mod told;
mod tunnel;
pub mod upstream;

pub use config::{Config, ConfigError, Overrides};
pub use enforce::Mode;
pub use reload::{JudgeError, ReloadError, Reloaded, judge, model, refuse_unarmed};
pub use server::{ProxyError, RunningBare, RunningGate, run};
