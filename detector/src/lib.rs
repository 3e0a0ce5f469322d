//! Decides what to do with each request, by how its client has behaved. Pure: no input or output.
//!
//! ```text
//! Request ─► Event ─► Window ─► Features ─► Model ─► Score ─► Policy ─► Verdict
//!            (one per ClientKey, in the bounded Table)        (with the client's Standing)
//! ```
//!
//! Read in this order:
//!
//! - [`time`], [`client`], [`url`], [`event`]: when, who, which page, and one request reduced to
//!   what features may see
//! - [`tracker`]: the operations on all clients' state; [`detector`]: a tracker with a fixed judge;
//!   [`judge`]: model, policy and allow list as one value; [`mode`]: shadow or enforce
//! - `pipeline`: the steps from an event to a verdict, and what is learnt when the request has
//!   ended; [`token`]: only a request with a token can be concluded; [`verdict`]: what to do, and
//!   why
//! - [`state`]: what is remembered of clients, in bounded memory: table, bans, browsers
//! - [`window`]: one client's recent past; [`fixed_point`]: its integer logarithms and decay
//! - [`features`]: the vector of features, one family per file
//! - [`site_profile`]: what a model knows of one shop: popular pages, steps, URL templates
//! - [`model`]: read, check, score, explain
//! - [`guard`]: what no person can do, which is limited without a score
//! - [`policy`]: from score and standing to a decision with a reason; [`allow`]: who passes
//!   unjudged
//! - [`cohort`]: what the newcomers of one network do together with one browser; this may limit
//!   clients, never block them
//! - [`drift`]: has traffic changed since the model was trained
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
pub mod fixed_point;
pub mod guard;
pub mod judge;
pub mod mode;
pub mod model;
mod pipeline;
pub mod policy;
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
pub use event::{AgentKey, Event, Exempt, Method, Outcome, Recorded, Request, Target};
pub use features::{FEATURES, Features};
pub use judge::Judge;
pub use mode::Mode;
pub use model::{Model, ModelError, Score};
pub use policy::{Ban, Cause, Policy, PolicyConfig, PolicyError};
pub use site_profile::{ProfilePlace, SiteProfile, SiteProfileError, SiteProfileFile};
pub use state::asset_credit::AssetCredit;
pub use state::bans::{BanChange, BanChanges, Bans};
pub use time::Timestamp;
pub use token::{Concluded, Observed, Token};
pub use tracker::{BanMark, Settings, Stats, Tracker};
pub use url::{Class, UrlHasher, UrlKey};
pub use verdict::{Action, Reason, Verdict};
pub use window::Window;
