//! Replays logs: every record goes through a detector in order of time, on one thread or on all
//! cores, and the caller collects the verdicts.
//!
//! ```text
//!  logs ─► parse, reduce to steps ─► put in order of time ─► detector ─► what the caller collects
//!          any thread                one thread              one thread a group of clients
//! ```
//!
//! - [`driver`]: observes requests and concludes their ends by the live gate's rules; everything
//!   that feeds traffic to a detector or to windows uses it
//! - [`log_step`]: one log line, reduced to what the driver needs of it
//! - [`judged`]: a detector as the subject of a driver, for callers that only need its verdicts
//! - [`verdicts`]: the plain replay, which hands each request and its verdict to a [`VerdictSink`]
//! - [`pass`]: the trait [`Pass`]: what is done with each record, and what is collected
//! - [`walk`](mod@walk): runs a pass on the calling thread
//! - [`walk_parallel`](mod@walk_parallel): runs a pass on several threads, with the same result
//! - [`walk_twice`]: runs a pass on several threads, and again on one thread where that is needed
//! - [`logs`]: opened logs, and the trait through which a caller opens them a second time
//! - [`parallel_reader`]: parses logs on several threads and hands the records out in line order
//! - [`recorded`]: the verdict that an event log holds, to compare with the replayed one
//! - [`traffic`]: a site's log lines, kept to be walked many times, whole or by parts
//! - [`traffic_in_memory`]: the one implementation of it
//! - [`bans`]: whether the table of bans had room for all banned clients
//! - [`newest`]: the time of the latest record
//! - [`error`]: why a replay ends early
//!
//! This module knows no file, socket or clock. It takes readers that the caller has opened, and
//! time comes from the records. It does start threads; they all end before its functions return.

pub mod bans;
pub mod driver;
pub mod error;
pub mod judged;
pub mod log_step;
pub mod logs;
pub mod newest;
pub mod parallel_reader;
pub mod pass;
pub mod recorded;
#[cfg(test)]
mod tests;
pub mod traffic;
pub mod traffic_in_memory;
pub mod verdicts;
pub mod walk;
pub mod walk_parallel;
pub mod walk_twice;

pub use bans::{BannedClients, TooManyBans};
pub use driver::{Driver, Semantics, Subject};
pub use error::ReplayError;
pub use judged::{Judged, Watcher};
pub use log_step::LogStep;
pub use logs::{Input, LogFiles, Reader};
pub use newest::newest_time;
pub use parallel_reader::read_parallel;
pub use pass::Pass;
pub use recorded::RecordedVerdict;
pub use traffic::{PARTS, Traffic, TrafficStep, part_of};
pub use traffic_in_memory::{TrafficInMemory, TrafficWriter};
pub use verdicts::{VerdictPass, VerdictSink, VerdictWatch, replay, replay_parallel};
pub use walk::walk;
pub use walk_parallel::walk_parallel;
pub use walk_twice::{Walked, walk_twice_if_needed};
