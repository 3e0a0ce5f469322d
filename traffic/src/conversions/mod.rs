//! Conversions: what a shop wants its visits to lead to, such as an order or a log-in.
//!
//! The owner of the shop gives each a name and a pattern, `METHOD PATH STATUS`:
//!
//! ```text
//! buyer = "POST /checkout/complete 2xx"
//! ```
//!
//! - **method**: in capitals, or `*` for any
//! - **path**: compared segment by segment. `:anything` or `*` stands for one segment. A `*` at the
//!   very end stands for whatever follows. Both paths are compared in normal form (see
//!   [`detector::url`]), and a slash at the end does not count. After a `?` come parameters that
//!   the request must have (`/index.php?route=checkout/success`), with `*` for any value; other
//!   parameters are not looked at.
//! - **status**: `200`, a class such as `2xx`, or `*`
//!
//! A name may have several patterns. [`ConversionWatch`] finds conversions in any log, also where a
//! request and how it ended are two lines.
//!
//! - `named.rs`: [`Conversions`], all names with their patterns
//! - `pattern.rs`: [`ConversionPattern`], one pattern
//! - `reached.rs`: [`MatchedPatterns`] and [`ReachedConversions`], which conversions a request may
//!   reach, and has
//! - `watch.rs`: [`ConversionWatch`], which finds conversions in a log

mod named;
mod pattern;
mod reached;
#[cfg(test)]
mod tests;
mod watch;

pub use named::{ConversionError, Conversions};
pub use pattern::ConversionPattern;
pub use reached::{MatchedPatterns, ReachedConversions};
pub use watch::{Arrival, ConversionWatch};
