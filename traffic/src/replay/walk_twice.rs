//! Runs a pass over logs on several threads, and again on one thread where that is needed.

use super::error::ReplayError;
use super::logs::LogFiles;
use super::pass::Pass;
use super::walk_parallel::walk_parallel;
use crate::log::Tally;

/// What is left when a pass has walked through all logs.
pub struct Walked<P: Pass> {
    /// The pass that reached the end.
    pub pass: P,
    /// Each log's tally of lines, in the order of the logs.
    pub tallies: Vec<Tally>,
    /// What each watcher collected: one on one thread, otherwise one for each job.
    pub watches: Vec<P::Watch>,
}

/// Runs a pass over logs on `jobs` threads. If the threads cannot tell which clients would still be
/// banned, it opens the logs again and runs a second pass on one thread. `fresh` makes a pass that
/// has seen nothing.
///
/// # Errors
/// A log that cannot be opened or read. [`TooManyBans`](super::TooManyBans), where the logs cannot
/// be opened again.
pub fn walk_twice_if_needed<P: Pass, L: LogFiles>(
    jobs: usize,
    logs: &L,
    fresh: impl Fn() -> P,
) -> Result<Walked<P>, L::Error> {
    let pass = fresh();
    match walk_parallel(jobs, logs.open()?, &pass) {
        Err(ReplayError::TooManyBans(_)) if logs.can_be_reopened() => {
            // Dropped first: two detectors would take twice the memory.
            drop(pass);
            let pass = fresh();
            let (tallies, watches) = walk_parallel(1, logs.open()?, &pass)?;
            Ok(Walked { pass, tallies, watches })
        }
        walked => {
            let (tallies, watches) = walked?;
            Ok(Walked { pass, tallies, watches })
        }
    }
}
