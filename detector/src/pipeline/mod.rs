//! The way of one request through the detector: first [`observe`], and when it has ended
//! [`conclude()`].
//!
//! ```text
//!  Request ─► Event ─► observe ─► Verdict, Token ─► (the shop answers) ─► conclude ─► Concluded
//! ```
//!
//! [`crate::Tracker`] is the public entrance to both.

mod conclude;
mod observe;

pub(crate) use conclude::conclude;
pub(crate) use observe::{Observing, allow_after_panic};
