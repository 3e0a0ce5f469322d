//! Traffic without a socket: access logs of many formats, and simulated traffic on a virtual clock.
//!
//! - [`log`]: reads access logs, one format a file, and reads and writes our own event log
//! - [`merge`]: puts the records of one or several logs into order of time
//! - [`replay`]: drives a detector with logs or simulated traffic, on one thread or on all cores
//! - [`forwarded`]: finds the client behind proxies, in logs as at the live gate
//! - [`conversions`]: recognises what a shop wants its visits to lead to, such as an order
//! - [`sim`]: simulates a shop with its customers, welcome robots and attackers
//!
//! Like the detector, this crate reads no clock, file or socket, and has no randomness of its own.
//! The caller opens files and passes seeds.

pub mod conversions;
pub mod forwarded;
pub mod log;
pub mod merge;
mod percent;
pub mod replay;
pub mod sim;

pub use conversions::{Arrival, ConversionWatch, Conversions};
pub use log::{
    Format, LogError, LogReader, OutcomeLine, Record, RecordKind, RecordedDecision, RequestLine,
    Tally, decompress,
};
pub use merge::{Merged, Ordered, Reorder, Reordered};
pub use percent::percent;
