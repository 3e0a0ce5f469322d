//! Parses logs on several threads, ahead of the one that wants their records in order.
//!
//! ```text
//!  this thread                                   jobs
//!  ask for the next chunk of log 2 ────────────► cut it off the log (one at a time), parse it (all at once)
//!  wait until chunk 17 of log 2 is there ◄────── here is chunk 17 of log 2
//! ```
//!
//! Memory is bounded by what is asked for: [`CHUNKS_AHEAD`] chunks a job, and one of each log. Who
//! has nothing to do sleeps.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use detector::Timestamp;
use traffic::log::{Chunks, LogError, Parsed, Record, Tally};

use crate::input::{Input, Reader};

/// Chunks asked for and not yet used up, a job: one being parsed, one ready, and two because some
/// take longer.
const CHUNKS_AHEAD: usize = 4;

/// What a chunk became: `None` behind the last.
type Piece<T> = io::Result<Option<Parsed<T>>>;

/// A piece, which log it is of and its number there.
type Given<T> = (usize, u64, Piece<T>);

/// A log to cut and how many pieces were cut off.
type Cut = Mutex<(Chunks<Input>, u64)>;

/// Calls `merge` with the logs, whose records are read and mapped on `jobs` other threads.
pub fn read_ahead<T: Send, A>(
    jobs: usize,
    readers: Vec<Reader>,
    map: impl Fn(&Record<'_>) -> T + Sync,
    merge: impl FnOnce(Vec<Source<'_, T>>) -> A,
) -> A {
    let names: Vec<String> = readers.iter().map(|reader| reader.name().to_owned()).collect();
    let logs: Vec<Cut> =
        readers.into_iter().map(|reader| Mutex::new((reader.into_chunks(), 0))).collect();
    let (ask, asked) = channel();
    let asked = Mutex::new(asked);
    let (give, given) = channel();
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (logs, asked, give, map) = (&logs, &asked, give.clone(), &map);
            scope.spawn(move || parse(logs, asked, &give, map));
        }
        drop(give);
        // Dropped at the end of this closure, also where `merge` stops early: with nobody to ask,
        // the jobs end.
        let inbox = RefCell::new(Inbox::new(ask, given, names.len(), jobs * CHUNKS_AHEAD));
        let source = |(index, name)| Source::new(index, name, &inbox);
        merge(names.into_iter().enumerate().map(source).collect())
    })
}

/// A job: parses what is asked for until nobody asks.
fn parse<T>(
    logs: &[Cut],
    asked: &Mutex<Receiver<usize>>,
    give: &Sender<Given<T>>,
    map: &impl Fn(&Record<'_>) -> T,
) {
    let _alarm = Alarm(give);
    loop {
        // A job that panics does not do so under a lock that matters: a channel and a reader are
        // never half changed.
        let Ok(index) = asked.lock().unwrap_or_else(PoisonError::into_inner).recv() else { return };
        let (chunk, number) = {
            let mut log = logs[index].lock().unwrap_or_else(PoisonError::into_inner);
            log.1 += 1;
            (log.0.next_chunk(), log.1 - 1)
        };
        let piece = chunk.map(|chunk| chunk.map(|chunk| chunk.parse(map)));
        if give.send((index, number, piece)).is_err() {
            return;
        }
    }
}

/// Who panics says so, lest somebody wait for what will never come.
struct Alarm<'a, T>(&'a Sender<Given<T>>);

/// No log has this index.
const NO_LOG: usize = usize::MAX;

impl<T> Drop for Alarm<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send((NO_LOG, 0, Ok(None)));
        }
    }
}

/// What was asked for and what has come.
struct Inbox<T> {
    ask: Sender<usize>,
    given: Receiver<Given<T>>,
    logs: Vec<Waiting<T>>,
    /// Pieces asked for and not used up, of all logs.
    out: usize,
    out_max: usize,
}

/// The same of one log.
struct Waiting<T> {
    pieces: BTreeMap<u64, Piece<T>>,
    /// The number of the piece that is wanted next.
    next: u64,
    out: usize,
    is_over: bool,
}

impl<T> Inbox<T> {
    fn new(ask: Sender<usize>, given: Receiver<Given<T>>, logs: usize, out_max: usize) -> Self {
        let waiting = || Waiting { pieces: BTreeMap::new(), next: 0, out: 0, is_over: false };
        let mut inbox =
            Self { ask, given, logs: (0..logs).map(|_| waiting()).collect(), out: 0, out_max };
        for index in 0..logs {
            inbox.ask_ahead(index);
        }
        // The others' room goes to whoever is read.
        inbox
    }

    /// Asks for more of this log, at least one piece.
    fn ask_ahead(&mut self, index: usize) {
        let log = &mut self.logs[index];
        while !log.is_over && (log.out == 0 || log.next > 0 && self.out < self.out_max) {
            log.out += 1;
            self.out += 1;
            // Nobody to ask: the wait for the answer will say so.
            let _ = self.ask.send(index);
        }
    }

    /// The next piece of this log.
    fn take(&mut self, index: usize) -> Piece<T> {
        loop {
            let log = &mut self.logs[index];
            if let Some(piece) = log.pieces.remove(&log.next) {
                log.next += 1;
                log.out -= 1;
                self.out -= 1;
                if matches!(piece, Ok(Some(_))) {
                    self.ask_ahead(index);
                } else {
                    log.is_over = true;
                    self.out -= log.pieces.len();
                    log.pieces.clear();
                }
                return piece;
            }
            let lost = || Err(io::Error::other("a reading thread has panicked"));
            let Ok((from, number, piece)) = self.given.recv() else { return lost() };
            match self.logs.get_mut(from) {
                None => return lost(),
                // Asked for before it was known that nothing more comes.
                Some(log) if log.is_over => self.out -= 1,
                Some(log) => drop(log.pieces.insert(number, piece)),
            }
        }
    }
}

/// One log's items in the order of its lines.
pub struct Source<'a, T> {
    index: usize,
    name: String,
    inbox: &'a RefCell<Inbox<T>>,
    items: std::vec::IntoIter<(Timestamp, u32, T)>,
    tally: Tally,
    is_over: bool,
}

impl<'a, T> Source<'a, T> {
    fn new(index: usize, name: String, inbox: &'a RefCell<Inbox<T>>) -> Self {
        Self {
            index,
            name,
            inbox,
            items: Vec::new().into_iter(),
            tally: Tally::default(),
            is_over: false,
        }
    }

    /// What became of the lines of the chunks used so far; of all, at the end.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl<T> Iterator for Source<'_, T> {
    type Item = Result<(Timestamp, u32, T), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(Ok(item));
            }
            if self.is_over {
                return None;
            }
            match self.inbox.borrow_mut().take(self.index) {
                Ok(Some(parsed)) => {
                    self.tally.append(&parsed.tally, parsed.items.iter().map(|item| item.0));
                    self.items = parsed.items.into_iter();
                }
                Ok(None) => self.is_over = true,
                Err(source) => {
                    self.is_over = true;
                    return Some(Err(LogError::Read {
                        name: self.name.clone(),
                        line_number: self.tally.lines + 1,
                        source,
                    }));
                }
            }
        }
    }
}
