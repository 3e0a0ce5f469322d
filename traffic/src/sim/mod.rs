//! Simulates a shop and its visitors, on a virtual clock.
//!
//! It serves three purposes: a log for a shop that has none yet (the demo), traffic with known
//! labels for tests and benchmarks, and visitors that the demo drives through real sockets. What
//! the shop answers is decided in one place ([`Site::respond`]), and what a visitor does next in
//! another ([`Visit`]). So a simulated log and a live run cannot differ.
//!
//! ```text
//!  seed ─► Site ─────► respond(method, target, form) ─► Reply ─┐
//!            │                                                 ├─► SimRequest ─► log, labels
//!  seed ─► Visit ────► one request after another ──────────────┘
//!                         └─► or through a real socket, in real time
//! ```
//!
//! All randomness comes from a seeded generator, so equal seeds give equal bytes. Within a
//! population, each visitor draws its own speed, jitter, order and habits, so that a model must
//! learn behaviour and not a constant. Simulated people also do what troubles detectors: double
//! clicks, reloads, quick runs of clicks, tabs opened in bursts, mistyped passwords, dead
//! bookmarks, warm caches, search suggestions at every keystroke.
//!
//! There are three settings:
//!
//! - the demo: one shop and a crowd of eight populations ([`simulate`])
//! - [`SHOPS`]: shops that differ, with more populations. People return, wait and share addresses;
//!   bots are slow, spread over addresses, or replay a person's gaps ([`simulate_shop`]).
//! - the benchmark: one large site ([`benchmark_site`]), visited by one population at a time
//!   ([`simulate_benchmark`]) or by all ([`simulate_benchmark_day`])
//!
//! **To add a population**, write a file in `people/`, `robots/` or `bots/` with a behaviour and
//! its reasoning. Add a variant at the end of [`Population`], because its position is part of every
//! seed. Add a row to `docs/benchmark.md`.
//!
//! Deliberately not simulated: reactions to a refusal (bots ignore it, people try again) and
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
pub use bots::pace::Pace;
pub use catalogue::{Catalogue, Category, Product, Sort};
pub use crowd::{Mix, SimRequest, simulate};
pub use dice::Dice;
pub use line::{LabelRow, labels, write_combined, write_json, write_labels};
pub use population::{Population, Truth};
pub use shops::{
    Assets, DEFAULT_START, Incident, LogResolution, SHOPS, Scripts, Shop, Urls, simulate_shop,
};
pub use site::{Listing, PageKind, Reply, Site};
pub use visit::{Tempo, Visit, VisitStep};
