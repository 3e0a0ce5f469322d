//! Parses logs on several threads, ahead of the thread that takes their records in line order.
//!
//! ```text
//!  this thread                                   jobs
//!  request the next chunk of log 2 ────────────► cut it off the log (one job at a time)
//!                                                parse it (all jobs at once)
//!  wait for chunk 17 of log 2 ◄───────────────── send chunk 17 of log 2
//! ```
//!
//! Only requested chunks are in memory: at most `CHUNKS_AHEAD` for each job, and one for each log
//! beyond that. A thread with nothing to do sleeps.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::logs::{Input, Reader};
use crate::log::{Chunks, LogError, Parsed, Record, Tally};
use detector::Timestamp;

/// Chunks that are requested and not yet taken, for each job: one being parsed, one ready, and two
/// more because some chunks take longer.
const CHUNKS_AHEAD: usize = 4;

/// The result of a request for a chunk: `None` after the last chunk of a log.
type ChunkResult<T> = io::Result<Option<Parsed<T>>>;

/// The log's index, the chunk's number in that log, and the chunk.
type Delivery<T> = (usize, u64, ChunkResult<T>);

/// A log, and how many chunks have been cut off it.
type SharedLog = Mutex<(Chunks<Input>, u64)>;

/// Reads logs on `jobs` other threads, which call `map` with each record. Meanwhile `merge` runs on
/// this thread and takes the results: one iterator for each log, in the order of the readers.
///
/// Returns what `merge` returns. It may stop before the end of the logs. If `map` panics, the log
/// that is read next ends with an error.
pub fn read_parallel<T: Send, A>(
    jobs: usize,
    readers: Vec<Reader>,
    map: impl Fn(&Record<'_>) -> T + Sync,
    merge: impl FnOnce(Vec<ParsedLog<'_, T>>) -> A,
) -> A {
    let names: Vec<String> = readers.iter().map(|reader| reader.name().to_owned()).collect();
    let logs: Vec<SharedLog> =
        readers.into_iter().map(|reader| Mutex::new((reader.into_chunks(), 0))).collect();
    let (request, requests) = channel();
    let requests = Mutex::new(requests);
    let (deliver, deliveries) = channel();
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 0..jobs.max(1) {
            let (logs, requests, deliver, map) = (&logs, &requests, deliver.clone(), &map);
            threads.push(scope.spawn(move || parse(logs, requests, &deliver, map)));
        }
        drop(deliver);
        let inbox = RefCell::new(Inbox::new(request, deliveries, names.len(), jobs * CHUNKS_AHEAD));
        let log = |(index, name)| ParsedLog::new(index, name, &inbox);
        let merged = merge(names.into_iter().enumerate().map(log).collect());
        // The inbox holds the only sender of requests. Dropping it ends the jobs, also where
        // `merge` stopped early.
        drop(inbox);
        for thread in threads {
            // A panic has already been reported to `merge` as an error, unless it had stopped.
            let _ = thread.join();
        }
        merged
    })
}

/// One job: parses the requested chunks until the sender of requests is gone.
fn parse<T>(
    logs: &[SharedLog],
    requests: &Mutex<Receiver<usize>>,
    deliver: &Sender<Delivery<T>>,
    map: &impl Fn(&Record<'_>) -> T,
) {
    let _notice = PanicNotice(deliver);
    loop {
        // A poisoned lock does no harm here: neither a channel nor a reader is left half changed.
        let Ok(index) = requests.lock().unwrap_or_else(PoisonError::into_inner).recv() else {
            return;
        };
        let (chunk, number) = {
            let mut log = logs[index].lock().unwrap_or_else(PoisonError::into_inner);
            log.1 += 1;
            (log.0.next_chunk(), log.1 - 1)
        };
        let result = chunk.map(|chunk| chunk.map(|chunk| chunk.parse(map)));
        if deliver.send((index, number, result)).is_err() {
            return;
        }
    }
}

/// Sends a notice if its job panics. Without it, the inbox would wait for a chunk that never comes.
struct PanicNotice<'a, T>(&'a Sender<Delivery<T>>);

/// The index in a notice of panic. No log has this index.
const NO_LOG: usize = usize::MAX;

impl<T> Drop for PanicNotice<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send((NO_LOG, 0, Ok(None)));
        }
    }
}

/// The chunks of all logs that are requested or delivered.
struct Inbox<T> {
    request: Sender<usize>,
    deliveries: Receiver<Delivery<T>>,
    logs: Vec<LogInbox<T>>,
    /// Chunks requested and not yet taken, of all logs together.
    pending: usize,
    pending_max: usize,
}

/// The chunks of one log that are requested or delivered.
struct LogInbox<T> {
    /// Delivered chunks by their number. They may come in any order.
    chunks: BTreeMap<u64, ChunkResult<T>>,
    /// The number of the chunk to be taken next.
    next: u64,
    /// Chunks requested and not yet taken.
    pending: usize,
    is_over: bool,
}

impl<T> Inbox<T> {
    fn new(
        request: Sender<usize>,
        deliveries: Receiver<Delivery<T>>,
        logs: usize,
        pending_max: usize,
    ) -> Self {
        let empty = || LogInbox { chunks: BTreeMap::new(), next: 0, pending: 0, is_over: false };
        let mut inbox = Self {
            request,
            deliveries,
            logs: (0..logs).map(|_| empty()).collect(),
            pending: 0,
            pending_max,
        };
        // One chunk of each log for now. The log that is read first then requests more.
        for index in 0..logs {
            inbox.request_ahead(index);
        }
        inbox
    }

    /// Requests more chunks of this log: at least one, and more only once it is being read.
    fn request_ahead(&mut self, index: usize) {
        let log = &mut self.logs[index];
        while !log.is_over && (log.pending == 0 || log.next > 0 && self.pending < self.pending_max)
        {
            log.pending += 1;
            self.pending += 1;
            // If all jobs are gone, `take` finds out when it waits for the delivery.
            let _ = self.request.send(index);
        }
    }

    /// Waits for the next chunk of this log and takes it.
    fn take(&mut self, index: usize) -> ChunkResult<T> {
        loop {
            let log = &mut self.logs[index];
            if let Some(chunk) = log.chunks.remove(&log.next) {
                log.next += 1;
                log.pending -= 1;
                self.pending -= 1;
                if matches!(chunk, Ok(Some(_))) {
                    self.request_ahead(index);
                } else {
                    log.is_over = true;
                    self.pending -= log.chunks.len();
                    log.chunks.clear();
                }
                return chunk;
            }
            let lost = || Err(io::Error::other("a reading thread has panicked"));
            let Ok((from, number, chunk)) = self.deliveries.recv() else { return lost() };
            match self.logs.get_mut(from) {
                None => return lost(),
                // It was requested before the end of this log was known.
                Some(log) if log.is_over => self.pending -= 1,
                Some(log) => drop(log.chunks.insert(number, chunk)),
            }
        }
    }
}

/// The mapped records of one log in the order of its lines, each with its time and its tie (see
/// [`Parsed::items`]).
pub struct ParsedLog<'a, T> {
    index: usize,
    name: String,
    inbox: &'a RefCell<Inbox<T>>,
    items: std::vec::IntoIter<(Timestamp, u32, T)>,
    tally: Tally,
    is_over: bool,
}

impl<'a, T> ParsedLog<'a, T> {
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

    /// The tally of the lines in the chunks taken so far; at the end, of the whole log.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl<T> Iterator for ParsedLog<'_, T> {
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
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(LogError::Read {
                        name: self.name.clone(),
                        line_number: self.tally.lines + 1,
                        error,
                    }));
                }
            }
        }
    }
}
