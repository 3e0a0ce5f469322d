//! placeholder
pub mod log;
pub mod merge;
pub mod sim;

pub use log::{Decision, Format, Kind, LogError, LogReader, OutcomeLine, Record, RequestLine, Tally, decompress};
pub use merge::{Merged, Ordered, Reorder};
