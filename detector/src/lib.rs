//! The idea, pure: how a client behaves → what to do with its next request.
//!
//! ```text
//! Request ─► Event ─► Window ─► Features ─► Model ─► Score ─► Policy ─► Verdict
//!            (one per ClientKey, in the bounded Table)        (with the client's Standing)
//! ```
//!
//! - [`time`], [`client`], [`url`], [`event`]: when, who, which page, and one request reduced to
//!   what features may see
//! - [`tracker`]: every client's state and what is done with it; [`detector`]: a tracker with a
//!   judge of its own; [`judge`]: model, policy and allow list as one value; [`mode`]: shadow or
//!   enforce
//! - `pipeline`: from an event to a verdict, step by step; [`token`]: who may say how a request ended
//! - [`state`]: what is remembered of clients, in bounded memory: table, bans, browsers
//! - [`window`]: one client's recent past; [`fixed`]: its integer logarithms and decay
//! - [`features`]: the vector, one family a file
//! - [`site_profile`]: what a model remembers of one shop: popularity, steps, URL templates
//! - [`model`]: load, check, score, contributions
//! - [`policy`]: score and standing → verdict with a reason; [`allow`]: who passes unjudged
//! - [`cohort`]: what the newcomers of one network do together with one browser; it may limit,
//!   never block
//! - [`drift`]: has what passes changed since the model was trained
//!
//! Absent on purpose: clocks, files, sockets, randomness, floats inside windows, and a `Result` on
//! the hot path. The same code runs in the proxy, the trainer, replay and the benches, so what was
//! trained is what is enforced.

pub mod allow;
pub mod client;
pub mod cohort;
pub mod detector;
pub mod drift;
pub mod event;
pub mod features;
pub mod fixed;
pub mod judge;
pub mod mode;
pub mod model;
mod pipeline;
pub mod policy;
mod running;
pub mod site_profile;
pub mod state;
pub mod time;
pub mod token;
pub mod tracker;
pub mod url;
pub mod verdict;
pub mod window;

pub use allow::AllowList;
pub use client::ClientKey;
pub use cohort::Cohorts;
pub use detector::Detector;
pub use drift::Drift;
pub use event::{AgentKey, Event, Exempt, Method, Outcome, Recorded, Request};
pub use features::{FEATURES, Features};
pub use judge::Judge;
pub use mode::Mode;
pub use model::{Model, ModelError, Score};
pub use policy::{Ban, Cause, Policy, PolicyConfig, PolicyError};
pub use site_profile::{Place, SiteProfile, SiteProfileError, SiteProfileFile};
pub use state::asset_credit::AssetCredit;
pub use state::bans::{BanChange, BanChanges, Bans};
pub use time::Timestamp;
pub use token::{Observed, Token};
pub use tracker::{Mark, Settings, Stats, Tracker};
pub use url::{Class, UrlHasher, UrlKey};
pub use verdict::{Action, Reason, Verdict};
pub use window::Window;
