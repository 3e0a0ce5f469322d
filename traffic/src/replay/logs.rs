//! Opened logs, as a replay takes them, and the trait through which a caller opens them again.

use std::io::BufRead;

use super::error::ReplayError;
use crate::log::LogReader;

/// Where a log's lines come from: a file, a decompressor or standard input, opened by the caller.
pub type Input = Box<dyn BufRead + Send>;

/// A log that the caller has opened.
pub type Reader = LogReader<Input>;

/// A set of logs that the caller can open, perhaps more than once.
///
/// A replay on several threads cannot always finish (see [`TooManyBans`](super::TooManyBans)). It
/// then reads the logs a second time on one thread, and this trait is how it opens them again.
pub trait LogFiles {
    /// What opening can fail with. It also has to hold what a replay can fail with.
    type Error: From<ReplayError>;

    /// Opens all logs, each from its beginning, in the order in which they were named.
    ///
    /// # Errors
    /// The first log that cannot be opened, or whose format is not known.
    fn open(&self) -> Result<Vec<Reader>, Self::Error>;

    /// Whether [`LogFiles::open`] may be called again. A pipe can be read only once.
    fn can_be_reopened(&self) -> bool;
}
