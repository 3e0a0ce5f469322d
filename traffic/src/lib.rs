//! Events without a socket: access logs of many formats, and simulated traffic on a virtual clock.
//!
//! - [`log`]: one format a file, our own event log's writer beside its parser; [`merge`]: several
//!   logs in order of time
//! - [`replay`]: logs through a detector in order of time, on one thread or on all cores
//! - [`conversions`]: what a visit can come to, an order or a log-in, as the shop's owner names it
//! - [`sim`]: a seeded shop with seeded shoppers and attackers
//!
//! Pure like the detector: no clock, file, socket or randomness of its own. Whoever calls opens
//! files and passes seeds.

pub mod conversions;
pub mod log;
pub mod merge;
mod percent;
pub mod replay;
pub mod sim;

pub use conversions::{Arrival, ConversionWatch, Conversions};
pub use log::{
    Decision, Format, Kind, LogError, LogReader, OutcomeLine, Record, RequestLine, Tally,
    decompress,
};
pub use merge::{Merged, Ordered, Reorder, Reordered};
pub use percent::percent;
