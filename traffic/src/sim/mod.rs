//! A toy shop and its visitors, on a clock that is only a number.
//!
//! What it is for: yesterday's log for a shop that has none yet (the demo), traffic with known
//! truth for tests and benchmarks, and the very same visitors driven through real sockets by the
//! demo. One place decides what the shop answers ([`Site::respond`]) and one what a visitor does
//! next ([`Visit`]), so a simulated log and a live run cannot drift apart.
//!
//! ```text
//!  seed ─► Site ──────────────► respond(method, target, form) ─► Reply ─┐
//!            │                                                          ├─► SimRequest ─► nginx JSON · combined · labels
//!  seed ─► Visit (a Population) ─► Step, Step, Step … ──────────────────┘
//!                                   └─► or a real socket, in real time
//! ```
//!
//! Every draw comes from a seeded generator: the same seed gives the same bytes. Within a
//! population each visitor draws its own speed, jitter, order and habits, so that a model has to
//! learn behaviour and not a constant; and what makes trouble for detectors is in the people too:
//! double clicks, reloads, quick runs of clicks, tabs opened in bursts, mistyped passwords, dead
//! bookmarks, warm caches, keystroke suggestions.
//!
//! The demo has one shop and a crowd of eight populations. [`SHOPS`] are shops that differ, with
//! everybody: people who return, wait and share addresses, bots that trickle, spread, and play back
//! a person's gaps. The benchmark's site ([`benchmark_site`]) is visited by one population at a
//! time ([`simulate_benchmark`]), or by all ([`simulate_benchmark_day`]).
//!
//! **To add a population**: a file in `people/`, `robots/` or `bots/` with a behaviour and its
//! reasoning; a variant at the end of [`Population`], whose place is part of every seed; a row in
//! `docs/benchmark.md`.
//!
//! Not simulated on purpose: reactions to a refusal (a bot honours nothing, a person tries on) and
//! verified crawlers.

mod benchmark;
mod bots;
mod catalogue;
mod crowd;
mod dice;
mod line;
mod network;
mod people;
mod population;
mod robots;
mod shops;
mod site;
#[cfg(test)]
mod tests;
mod visit;

pub use benchmark::{
    BENCHMARK_PEOPLE, BENCHMARK_SPAN_US, benchmark_site, simulate_benchmark,
    simulate_benchmark_day, simulate_scheduler,
};
pub use catalogue::{Catalogue, Category, Product, Sort};
pub use crowd::{Mix, SimRequest, simulate};
pub use dice::Dice;
pub use line::{LabelRow, labels, write_combined, write_json, write_labels};
pub use population::{Population, Truth};
pub use shops::{
    Assets, Clock, DEFAULT_START, Incident, SHOPS, Scripts, Shop, Urls, simulate_shop,
};
pub use site::{Kind, Listing, Reply, Site};
pub use visit::{Step, Tempo, Visit};
