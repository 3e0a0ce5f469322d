//! The Pingora proxy: one of the doors to the decision engine ([`gate`]).
//!
//! Start reading at [`server`]: [`RunningGate`] is a gate while it runs. It is built from a
//! [`Config`], which [`config`] reads from a TOML file and flags and checks as a whole.
//!
//! A request's way: [`listener`] accepts its connection on its own [`threads`]. [`hooks`] is the
//! list of Pingora's hooks: it asks the engine and carries out the ruling. Then the request is
//! either answered by [`refuse`], or forwarded to the [`upstream`] (by a [`tunnel`] if it asks for
//! one) with the headers of [`forward`]. When it has ended, the engine is told how.
//!
//! [`admin`] serves the operator, [`reload`] puts another configuration in force, and [`timer`] is
//! all the background work there is. [`bare`] is the same proxy without a gate, to measure against.
//!
//! This crate alone knows Pingora and tokio.

mod admin;
mod asker;
mod bare;
mod challenge;
pub mod config;
mod forward;
mod hooks;
mod listener;
pub mod refuse;
mod reload;
pub mod server;
mod threads;
mod timer;
mod tunnel;
pub mod upstream;

pub use config::{Config, Overrides};
pub use server::{ProxyError, RunningBare, RunningGate};
