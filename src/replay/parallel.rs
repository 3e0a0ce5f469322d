//! The same pass on all cores, with the same result.
//!
//! ```text
//!  log ─► jobs parse ─► this thread ─► watchers
//!  log    chunks        in order of    each its clients,
//!         (ahead.rs)    time, merged   in order of time
//! ```
//!
//! This thread passes the parsed chunks through the very iterators of the one-thread pass ([`Reordered`], [`Merged`])
//! and deals the steps out. Watchers each own the clients of some of the detector's groups ([`Detector::group`]): a
//! client's verdicts depend on its own events (law 4), and where the table is full, on those of its group. So order
//! between watchers shows in one place only, a full table of bans, and that is detected: [`Crowded`].
//!
//! All queues are bounded, whatever the log's size. Who has nothing to do sleeps.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Result, anyhow};
use detector::{Action, ClientKey, Detector, Event, Reason, Timestamp, Verdict};
use traffic::log::{Record, Tally};
use traffic::{Merged, Reordered};

use super::pass::{Recorded, Step, replay};
use crate::ahead::read_ahead;
use crate::input::Reader;

/// Steps handed over at once: 64 KB, a thread is woken some thousand times a second.
const BATCH: usize = 1_024;
/// Batches that wait for a watcher: enough that one heavy client does not stop the others at once.
const BATCHES: usize = 8;

/// More clients were banned than there is room for bans, so it matters who was banned first, and that several threads do
/// not know.
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
            "{banned} clients would be banned and there is room for {room}, so it matters who was banned first: replay \
             with --jobs 1"
        )
    }
}

impl Error for Crowded {}

/// Collects what becomes of requests. Each watcher has one of its own; a client's requests all come to the same one, in
/// order of time.
pub trait Watch: Default + Send {
    /// A request and its verdict, what the log's gate decided, and how the request reads if its client is shown.
    fn see(&mut self, event: &Event, verdict: &Verdict, recorded: Option<&Recorded>, request: Option<&str>);
}

/// Replays logs on `jobs` threads for each stage, and gives the logs' tallies and what each watcher collected. With one
/// job, everything happens on this thread.
///
/// # Errors
/// What cannot be read; [`Crowded`], with several jobs only.
pub fn replay_on<W: Watch>(
    jobs: usize,
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
) -> Result<(Vec<Tally>, Vec<W>)> {
    if jobs <= 1 {
        let mut watch = W::default();
        let tallies = replay(readers, detector, shown, |event, verdict, recorded, request| {
            watch.see(event, verdict, recorded, request);
        })?;
        return Ok((tallies, vec![watch]));
    }
    thread::scope(|scope| {
        let mut deal = Vec::new();
        let mut watchers = Vec::new();
        for _ in 0..jobs {
            let (sender, receiver) = sync_channel(BATCHES);
            deal.push(Dealt::to(sender));
            watchers.push(scope.spawn(move || watch::<W>(&receiver, detector)));
        }
        let map = |record: &Record<'_>| Step::of(record, detector, shown);
        let tallies = read_ahead(jobs, readers, map, |sources| {
            let mut merged = Merged::new(sources.into_iter().map(Reordered::new).collect());
            for step in &mut merged {
                let (_, step): (Timestamp, Step) = step?;
                let watcher = detector.group(step.client()) % jobs;
                deal[watcher].push(step)?;
            }
            Ok::<_, anyhow::Error>(merged.sources().iter().map(|source| source.source().tally().clone()).collect())
        });
        for mut dealt in deal {
            dealt.flush()?;
        }
        let mut watches = Vec::new();
        let mut banned = 0;
        for watcher in watchers {
            let (watch, bans) = watcher.join().map_err(|_| anyhow!("a replaying thread has panicked"))?;
            watches.push(watch);
            banned += bans;
        }
        let tallies = tallies?;
        let room = detector.room_for_bans();
        if banned > room {
            return Err(Crowded { banned, room }.into());
        }
        Ok((tallies, watches))
    })
}

/// A watcher: has the detector watch what it is dealt. Gives what it collected and how many clients were banned.
fn watch<W: Watch>(dealt: &Receiver<Vec<Step>>, detector: &Detector) -> (W, usize) {
    let mut watch = W::default();
    let mut banned = HashSet::new();
    for step in dealt.iter().flatten() {
        step.pass(detector, |event, verdict, recorded, request| {
            if (verdict.action, verdict.reason) == (Action::Block, Reason::Score) {
                banned.insert(event.client);
            }
            watch.see(event, verdict, recorded, request);
        });
    }
    (watch, banned.len())
}

/// Steps on their way to a watcher.
struct Dealt {
    sender: SyncSender<Vec<Step>>,
    batch: Vec<Step>,
}

impl Dealt {
    fn to(sender: SyncSender<Vec<Step>>) -> Self {
        Self { sender, batch: Vec::with_capacity(BATCH) }
    }

    fn push(&mut self, step: Step) -> Result<()> {
        self.batch.push(step);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).map_err(|_| anyhow!("a replaying thread has panicked"))
    }
}
