//! Why a replay ends early.

use super::bans::TooManyBans;
use crate::log::LogError;

/// Why a replay did not reach the end of its logs, or why its result must not be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A log cannot be read. The fault is in the log or in the disk below it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Several threads cannot tell which clients would still be banned. One thread can.
    #[error(transparent)]
    TooManyBans(#[from] TooManyBans),
    /// A thread that ran the pass has panicked. This is a bug in the program.
    #[error("a replaying thread has panicked")]
    Panicked,
}
