//! The idea, pure: how a client behaves → what to do with its next request.
//!
//! ```text
//! Request ─► Event ─► Window ─► Features ─► Model ─► Score ─► Policy ─► Verdict
//!            (one per ClientKey, in the bounded Table)        (with the client's Standing)
//! ```
//!
//! - [`time`], [`client`], [`url`], [`event`]: when, who, what is the same page, one request
//!   reduced to what features may see
//! - [`window`]: a client's recent past in fixed memory; [`fixed`]: its integer logarithms and
//!   decay
//! - [`features`]: the vector, one family a file
//! - [`memory`]: what a model remembers of one shop: popularity, steps, URL templates
//! - [`model`]: load, check, score, contributions
//! - [`policy`]: score + standing → verdict with a reason; [`allow`]: who passes unasked; [`bans`]:
//!   who stays out; [`browsers`]: how many come from one address
//! - [`table`]: bounded `ClientKey → Client`, of `shard`s with an `index`; `newcomer`: a client's
//!   first few events; `doorkeeper`: who was lately turned away from a full table
//! - [`drift`]: has what passes changed since the model was trained
//! - [`cohort`]: what the newcomers of one network do together with one browser; it may limit,
//!   never block
//! - [`detector`]: the pipeline
//!
//! Absent on purpose: clocks, files, sockets, randomness, floats inside windows, and a `Result` on
//! the hot path. The same code runs in the proxy, the trainer, replay and the benches, so what was
//! trained is what is enforced.

pub mod allow;
pub mod bans;
pub mod browsers;
pub mod client;
pub mod cohort;
pub mod detector;
mod doorkeeper;
pub mod drift;
pub mod event;
pub mod features;
pub mod fixed;
mod index;
pub mod memory;
pub mod model;
mod newcomer;
pub mod policy;
pub mod pulled;
mod running;
mod shard;
pub mod table;
pub mod time;
pub mod url;
pub mod verdict;
pub mod window;

pub use allow::AllowList;
pub use client::ClientKey;
pub use cohort::Cohorts;
pub use detector::{Detector, Judge, Mark, Settings, Stats};
pub use drift::Drift;
pub use event::{AgentKey, Event, Method, Outcome, Recorded, Request};
pub use features::{FEATURES, Features};
pub use memory::{Memory, MemoryError, MemoryFile, Place};
pub use model::{Model, ModelError, Score};
pub use policy::{Policy, PolicyConfig, PolicyError};
pub use pulled::Pulled;
pub use time::Timestamp;
pub use url::{Class, UrlHasher, UrlKey};
pub use verdict::{Action, Reason, Verdict};
pub use window::Window;
