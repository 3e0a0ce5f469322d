//! Runs a pass over logs on several threads, and again on one thread where that is needed.

use super::error::ReplayError;
use super::logs::LogFiles;
use super::pass::Pass;
use super::walk_parallel::walk_parallel;
use crate::log::Tally;

/// Runs a pass over logs on `jobs` threads. If the threads cannot tell which clients would still be
/// banned, it opens the logs again and runs a second pass on one thread. `fresh` makes a pass that
/// has seen nothing.
///
/// Returns the pass that finished, each log's tally of lines, and what each watcher collected.
///
/// # Errors
/// A log that cannot be opened or read. [`TooManyBans`](super::TooManyBans), where the logs cannot
/// be opened again.
pub fn walk_twice_if_needed<P: Pass, L: LogFiles>(
    jobs: usize,
    logs: &L,
    fresh: impl Fn() -> P,
) -> Result<(P, Vec<Tally>, Vec<P::Watch>), L::Error> {
    let pass = fresh();
    match walk_parallel(jobs, logs.open()?, &pass) {
        Err(ReplayError::TooManyBans(_)) if logs.can_be_reopened() => {
            // Dropped first: two detectors would take twice the memory.
            drop(pass);
            let pass = fresh();
            let (tallies, watches) = walk_parallel(1, logs.open()?, &pass)?;
            Ok((pass, tallies, watches))
        }
        walked => {
            let (tallies, watches) = walked?;
            Ok((pass, tallies, watches))
        }
    }
}
