//! Why a log cannot be opened or read further.

use std::io;

/// Why a log cannot be opened or read further. Single lines that cannot be read are no error: they
/// are counted in the [`Tally`](super::Tally).
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The input failed, or its compression is broken. All records before that have been returned.
    #[error("{name}:{line_number}: cannot be read on from here: {error}")]
    Read {
        /// The log's name.
        name: String,
        /// The number of the line that could not be read whole, counted from 1.
        line_number: u64,
        /// The error of the underlying reader. It is part of the message, so it is no source.
        error: io::Error,
    },
    /// The times of the first lines have no zone. A zone is never guessed, because an hour's error
    /// moves every window.
    #[error(
        "{name}:{line_number}: the time has no zone: log $time_iso8601, $time_local or $msec, \
            which have one, or append the \
         server's (such as +0900) to each line's time: {excerpt}"
    )]
    NoZone {
        /// The log's name.
        name: String,
        /// The first line that is not blank.
        line_number: u64,
        /// That line's beginning.
        excerpt: String,
    },
    /// None of the first lines is in a known format.
    #[error("{name}:{line_number}: no known log format. {reason}: {excerpt}")]
    UnknownFormat {
        /// The log's name.
        name: String,
        /// The first line that is not blank.
        line_number: u64,
        /// What that line looks like, and why it is not.
        reason: String,
        /// That line's beginning.
        excerpt: String,
    },
    /// The lines look like a known format, and a field that must not be misread cannot be told.
    #[error("{name}:{line_number}: {reason}: {excerpt}")]
    Unclear {
        /// The log's name.
        name: String,
        /// The first line that is not blank.
        line_number: u64,
        /// What cannot be told, and what to do.
        reason: String,
        /// That line's beginning.
        excerpt: String,
    },
    /// It is a file of another kind.
    #[error("{name}: {reason}")]
    Foreign {
        /// The log's name.
        name: String,
        /// What it is, and what to do.
        reason: String,
    },
}
