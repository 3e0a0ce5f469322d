//! Weak rules that label clients as people or bots where there is no labels file.
//!
//! They look at what the score never sees (law 10): user agent, referer, assets, attack paths,
//! orders and log-ins, and days between visits. One sign decides nothing: a label needs several
//! that agree, and clients that the rules cannot tell are unknown. Each label carries the rule that
//! gave it.
//!
//! - `trace.rs`: [`Trace`], what is read of one request
//! - `agents.rs`, `agent_names.rs`: what a user agent says it is
//! - `attack.rs`: paths that only attackers ask for
//! - `visit.rs`: log-ins, orders and pictures by their paths
//! - `client.rs`: [`Evidence`], what is known of one client: 136 bytes, whatever it sends
//! - `norms.rs`: [`Norms`], what is usual at this site, asked of all its clients
//! - `rules.rs`: the rules

mod agent_names;
mod agents;
mod attack;
mod client;
mod norms;
mod rules;
#[cfg(test)]
mod tests;
mod trace;
mod visit;

pub use agents::Agents;
pub use client::Evidence;
pub use norms::Norms;
pub use trace::Trace;
