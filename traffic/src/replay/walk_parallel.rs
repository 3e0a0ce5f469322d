//! Runs a pass over logs on several threads, with the same result as on one.
//!
//! ```text
//!  log ─► jobs parse ───────► this thread ─► watchers
//!  log    chunks              merges by      each its clients,
//!         parallel_reader.rs  time           in order of time
//! ```
//!
//! This thread puts the parsed records in order with the same iterators as the walk on one thread
//! ([`Reordered`], [`Merged`]) and hands them to the watchers. Each watcher has the clients of some
//! of the detector's groups ([`Detector::group`](detector::Tracker::group)). A client's verdicts
//! depend on its own events, and where the table of clients is full, on those of its group. So the
//! order between watchers matters in one case only: a full table of bans. [`Pass::check`] detects
//! that case, and the walk then fails with [`TooManyBans`](super::TooManyBans).
//!
//! All queues are bounded, however large the log is. A thread with nothing to do sleeps.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use detector::Timestamp;

use super::error::ReplayError;
use super::logs::Reader;
use super::parallel_reader::read_parallel;
use super::pass::Pass;
use super::walk::walk;
use crate::log::{Record, Tally};
use crate::merge::{Merged, Reordered};

/// Steps handed over at once, about 64 KB. A watcher is then woken some thousand times a second.
const BATCH: usize = 1_024;
/// Batches that may wait for one watcher. With fewer, one heavy client would soon stop the others.
const BATCHES: usize = 8;

/// Runs a pass over logs with `jobs` threads that parse and `jobs` threads that watch. With one job
/// it starts no thread.
///
/// Returns each log's tally of lines, and what each watcher collected.
///
/// # Errors
/// The first log that cannot be read. With several jobs also
/// [`TooManyBans`](super::TooManyBans), and a thread that has panicked.
pub fn walk_parallel<P: Pass>(
    jobs: usize,
    readers: Vec<Reader>,
    pass: &P,
) -> Result<(Vec<Tally>, Vec<P::Watch>), ReplayError> {
    if jobs <= 1 {
        let mut watch = pass.watch();
        let tallies = walk(readers, pass, &mut watch)?;
        return Ok((tallies, vec![watch]));
    }
    thread::scope(|scope| {
        let mut queues = Vec::new();
        let mut watchers = Vec::new();
        for _ in 0..jobs {
            let (sender, receiver) = sync_channel(BATCHES);
            queues.push(BatchedSender::to(sender));
            watchers.push(scope.spawn(move || watch(&receiver, pass)));
        }
        let map = |record: &Record<'_>| pass.step(record);
        let tallies = read_parallel(jobs, readers, map, |logs| {
            let mut merged = Merged::new(logs.into_iter().map(Reordered::new).collect());
            for step in &mut merged {
                let (_, step): (Timestamp, P::Step) = step?;
                let watcher = pass.group(&step) % jobs;
                queues[watcher].push(step)?;
            }
            Ok::<_, ReplayError>(
                merged.sources().iter().map(|log| log.source().tally().clone()).collect(),
            )
        });
        for mut queue in queues {
            // It fails only where the watcher has panicked, which joining it reports.
            let _ = queue.flush();
        }
        // All are joined before the first error returns: a scope panics if it has to join a thread
        // that did.
        let joined: Vec<_> = watchers.into_iter().map(|watcher| watcher.join()).collect();
        let watches: Vec<P::Watch> =
            joined.into_iter().collect::<Result<_, _>>().map_err(|_| ReplayError::Panicked)?;
        let tallies = tallies?;
        pass.check(&watches)?;
        Ok((tallies, watches))
    })
}

/// One watcher: takes the steps it is handed until no more come, and returns what it collected.
fn watch<P: Pass>(steps: &Receiver<Vec<P::Step>>, pass: &P) -> P::Watch {
    let mut watch = pass.watch();
    for step in steps.iter().flatten() {
        pass.pass(step, &mut watch);
    }
    watch
}

/// Sends steps to one watcher in batches.
struct BatchedSender<T> {
    sender: SyncSender<Vec<T>>,
    batch: Vec<T>,
}

impl<T> BatchedSender<T> {
    fn to(sender: SyncSender<Vec<T>>) -> Self {
        Self { sender, batch: Vec::with_capacity(BATCH) }
    }

    fn push(&mut self, step: T) -> Result<(), ReplayError> {
        self.batch.push(step);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    /// Sends what has been gathered. A watcher stops receiving early only if it panics.
    fn flush(&mut self) -> Result<(), ReplayError> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).map_err(|_| ReplayError::Panicked)
    }
}
