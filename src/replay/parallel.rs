//! The same pass on all cores, with the same result.
//!
//! ```text
//!  log ─► jobs parse ─► this thread ─► watchers
//!  log    chunks        in order of    each its clients,
//!         (ahead.rs)    time, merged   in order of time
//! ```
//!
//! This thread passes the parsed chunks through the very iterators of the one-thread pass
//! ([`Reordered`], [`Merged`]) and deals the steps out. Watchers each own the clients of some of
//! the detector's groups ([`Detector::group`]): a client's verdicts depend on its own events (law
//! 4), and where the table is full, on those of its group. So order between watchers shows in one
//! place only, a full table of bans, and that is detected: [`Crowded`].
//!
//! All queues are bounded, whatever the log's size. Who has nothing to do sleeps.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Result, anyhow};
use detector::{ClientKey, Detector, Timestamp};
use traffic::log::{Record, Tally};
use traffic::{Merged, Reordered};

use super::pass::{Pass, Replaying, Watch, pass_one};
use crate::ahead::read_ahead;
use crate::input::{Logs, Reader};

/// Steps handed over at once: 64 KB, a thread is woken some thousand times a second.
const BATCH: usize = 1_024;
/// Batches that wait for a watcher: enough that one heavy client does not stop the others at once.
const BATCHES: usize = 8;

/// More clients were banned than there is room for bans, so it matters who was banned first, and
/// that several threads do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded {
    /// Clients banned.
    pub banned: usize,
    /// How many bans the detector remembers.
    pub room: usize,
}

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { banned, room } = self;
        write!(
            f,
            "{banned} clients would be banned and there is room for {room}, so it matters who was \
                banned first: replay \
             with --jobs 1"
        )
    }
}

impl Error for Crowded {}

/// Replays logs on `jobs` threads for each stage, and gives the logs' tallies and what each watcher
/// collected. With one job, everything happens on this thread.
///
/// # Errors
/// What cannot be read; [`Crowded`], with several jobs only.
pub fn replay_on<W: Watch + Default>(
    jobs: usize,
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
) -> Result<(Vec<Tally>, Vec<W>)> {
    replay_with(jobs, readers, detector, shown, W::default)
}

/// The same with watchers that `make` makes.
///
/// # Errors
/// As [`replay_on`].
pub fn replay_with<W: Watch>(
    jobs: usize,
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
    make: impl Fn() -> W + Sync,
) -> Result<(Vec<Tally>, Vec<W>)> {
    let replaying = Replaying { detector, shown, make, watch: PhantomData };
    let (tallies, watches) = pass_on(jobs, readers, &replaying)?;
    Ok((tallies, watches.into_iter().map(|(watch, _)| watch).collect()))
}

/// Passes logs that can be read again on `jobs` threads; where several cannot tell who was banned
/// first, on one. `fresh` gives a pass that has seen nothing.
///
/// # Errors
/// What cannot be read; [`Crowded`], where a pipe cannot be read again.
pub fn pass_logs<P: Pass>(
    jobs: usize,
    logs: &Logs,
    fresh: impl Fn() -> P,
) -> Result<(P, Vec<Tally>, Vec<P::Watch>)> {
    let pass = fresh();
    match pass_on(jobs, logs.open()?, &pass) {
        Err(error) if error.is::<Crowded>() && !logs.has_pipe() => {
            let pass = fresh();
            let (tallies, watches) = pass_on(1, logs.open()?, &pass)?;
            Ok((pass, tallies, watches))
        }
        passed => passed.map(|(tallies, watches)| (pass, tallies, watches)),
    }
}

/// Passes logs on `jobs` threads for each stage, and gives the logs' tallies and what each watcher
/// collected. With one job, everything happens on this thread.
///
/// # Errors
/// What cannot be read; [`Crowded`], with several jobs only.
pub fn pass_on<P: Pass>(
    jobs: usize,
    readers: Vec<Reader>,
    pass: &P,
) -> Result<(Vec<Tally>, Vec<P::Watch>)> {
    if jobs <= 1 {
        let mut watch = pass.watch();
        let tallies = pass_one(readers, pass, &mut watch)?;
        return Ok((tallies, vec![watch]));
    }
    thread::scope(|scope| {
        let mut deal = Vec::new();
        let mut watchers = Vec::new();
        for _ in 0..jobs {
            let (sender, receiver) = sync_channel(BATCHES);
            deal.push(Dealt::to(sender));
            watchers.push(scope.spawn(move || watch(&receiver, pass)));
        }
        let map = |record: &Record<'_>| pass.step(record);
        let tallies = read_ahead(jobs, readers, map, |sources| {
            let mut merged = Merged::new(sources.into_iter().map(Reordered::new).collect());
            for step in &mut merged {
                let (_, step): (Timestamp, P::Step) = step?;
                let watcher = pass.group(&step) % jobs;
                deal[watcher].push(step)?;
            }
            Ok::<_, anyhow::Error>(
                merged.sources().iter().map(|source| source.source().tally().clone()).collect(),
            )
        });
        for mut dealt in deal {
            dealt.flush()?;
        }
        let mut watches = Vec::new();
        for watcher in watchers {
            watches.push(watcher.join().map_err(|_| anyhow!("a replaying thread has panicked"))?);
        }
        let tallies = tallies?;
        pass.check(&watches)?;
        Ok((tallies, watches))
    })
}

/// A watcher: takes in what it is dealt, and gives what it collected.
fn watch<P: Pass>(dealt: &Receiver<Vec<P::Step>>, pass: &P) -> P::Watch {
    let mut watch = pass.watch();
    for step in dealt.iter().flatten() {
        pass.pass(step, &mut watch);
    }
    watch
}

/// Steps on their way to a watcher.
struct Dealt<T> {
    sender: SyncSender<Vec<T>>,
    batch: Vec<T>,
}

impl<T> Dealt<T> {
    fn to(sender: SyncSender<Vec<T>>) -> Self {
        Self { sender, batch: Vec::with_capacity(BATCH) }
    }

    fn push(&mut self, step: T) -> Result<()> {
        self.batch.push(step);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).map_err(|_| anyhow!("a replaying thread has panicked"))
    }
}
