//! Puts records into order of time, within one log and between several.
//!
//! The lines of a log are nearly in order of time, but not quite. Web servers write a line when the
//! request ends, load balancers log the time when it began, and several workers share a file.
//!
//! - [`Reorder`] holds each item back until nothing older is expected
//! - [`Ordered`] reads one log and puts its records into order
//! - [`Reordered`] does so for a log that other threads parse
//! - [`Merged`] joins several logs
//!
//! ```text
//! LogReader ─► map to T ─► Reorder ─┐
//! LogReader ─► map to T ─► Reorder ─┼─► Merged ─► (Timestamp, T) in order
//! LogReader ─► map to T ─► Reorder ─┘
//! ```
//!
//! An item that comes in order costs a push and a pop of a queue; the others go through a heap. A
//! log that jumps back further than the horizon, such as two days joined in the wrong order, is not
//! sorted. Items that come too late are released at once and counted. The detector copes with them,
//! because a client's time never goes back.

mod merged;
mod ordered;
mod reorder;
#[cfg(test)]
mod tests;

pub use merged::Merged;
pub use ordered::{Ordered, Reordered};
pub use reorder::{HORIZON_US, MAX_HELD, Reorder};
