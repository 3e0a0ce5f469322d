//! Puts events into the order of time: within a log, and between several.
//!
//! Web servers write a line when a request ends, load balancers stamp when it began, and several
//! workers share a file: lines come nearly in order, never quite. [`Reorder`] holds each item back
//! until nothing older is to be expected, [`Ordered`] does so for one log ([`Reordered`] for one
//! that others parse), [`Merged`] joins several.
//!
//! ```text
//! LogReader ─► map to T ─► Reorder ─┐
//! LogReader ─► map to T ─► Reorder ─┼─► Merged ─► (Timestamp, T) in order
//! LogReader ─► map to T ─► Reorder ─┘
//! ```
//!
//! Items in order cost a push and a pop at the ends of a queue; stragglers go through a heap. A log
//! that jumps back further than the horizon (two days concatenated the wrong way round) is not
//! sorted: what comes too late is let through at once and counted, and a client's clock, which
//! never goes back, takes care of the rest.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::io::BufRead;

use detector::Timestamp;

use crate::log::{LogError, LogReader, Record};

/// How long an item is held back: 5 minutes, longer than servers let a request take (nginx gives up
/// after 60 s without a byte, AWS's load balancer as well).
pub const HORIZON_US: u64 = 5 * 60 * 1_000_000;

/// How many items are held back at most, so that a flood cannot fill the memory: 5 minutes of 200
/// requests a second.
pub const MAX_HELD: usize = 65_536;

/// Orders items by time, and those of the same time by tie and then by arrival, with bounded memory
/// and delay.
#[derive(Debug)]
pub struct Reorder<T> {
    /// Items that came in order.
    queue: VecDeque<Held<T>>,
    /// Items that came after a younger one.
    stragglers: BinaryHeap<Held<T>>,
    horizon_us: u64,
    held_max: usize,
    arrivals: u64,
    newest: Option<Timestamp>,
    released: Option<Timestamp>,
    late: u64,
}

#[derive(Debug)]
struct Held<T> {
    at: Timestamp,
    tie: u32,
    arrival: u64,
    item: T,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self::new(HORIZON_US, MAX_HELD)
    }
}

impl<T> Reorder<T> {
    /// Holds items back for `horizon_us` microseconds of their own time, and at most `held_max` of
    /// them.
    pub fn new(horizon_us: u64, held_max: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            stragglers: BinaryHeap::new(),
            horizon_us,
            held_max,
            arrivals: 0,
            newest: None,
            released: None,
            late: 0,
        }
    }

    /// Takes an item. Call [`Reorder::pop`] until it has no more before pushing the next.
    pub fn push(&mut self, at: Timestamp, tie: u32, item: T) {
        let held = Held { at, tie, arrival: self.arrivals, item };
        self.arrivals += 1;
        self.newest = self.newest.max(Some(at));
        self.late += u64::from(self.released.is_some_and(|released| at < released));
        match self.queue.back() {
            Some(back) if held.key() < back.key() => self.stragglers.push(held),
            _ => self.queue.push_back(held),
        }
    }

    /// The oldest item, if nothing older is to be expected or too many are held.
    pub fn pop(&mut self) -> Option<(Timestamp, T)> {
        let at = self.oldest()?.at;
        let is_ripe = self.newest.is_some_and(|newest| newest.micros_since(at) >= self.horizon_us);
        let is_late = self.released.is_some_and(|released| at < released);
        (is_ripe || is_late || self.held() > self.held_max).then(|| self.release())?
    }

    /// The oldest item; to be called until `None` when nothing more comes.
    pub fn drain(&mut self) -> impl Iterator<Item = (Timestamp, T)> + '_ {
        std::iter::from_fn(|| self.release())
    }

    /// How many items are held back now.
    pub fn held(&self) -> usize {
        self.queue.len() + self.stragglers.len()
    }

    /// How many items came after a younger one had already been let through.
    pub fn late(&self) -> u64 {
        self.late
    }

    fn oldest(&self) -> Option<&Held<T>> {
        match (self.queue.front(), self.stragglers.peek()) {
            (Some(front), Some(straggler)) if straggler.key() < front.key() => Some(straggler),
            (None, straggler) => straggler,
            (front, _) => front,
        }
    }

    fn release(&mut self) -> Option<(Timestamp, T)> {
        let arrival = self.oldest()?.arrival;
        let is_front = self.queue.front().is_some_and(|front| front.arrival == arrival);
        let held = if is_front { self.queue.pop_front() } else { self.stragglers.pop() }?;
        self.released = self.released.max(Some(held.at));
        Some((held.at, held.item))
    }
}

impl<T> Held<T> {
    fn key(&self) -> (Timestamp, u32, u64) {
        (self.at, self.tie, self.arrival)
    }
}

/// The other way round than time, because a [`BinaryHeap`] gives the greatest first.
impl<T> Ord for Held<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<T> PartialOrd for Held<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Held<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Held<T> {}

/// Items of one log with their ties, put into the order of time.
///
/// Ends after an error, which comes behind everything that was read before it.
pub struct Reordered<I, T> {
    source: I,
    reorder: Reorder<T>,
    state: State,
}

enum State {
    Reading,
    Draining(Option<LogError>),
}

impl<I, T> Reordered<I, T> {
    /// Puts these into order.
    pub fn new(source: I) -> Self {
        Self::with_reorder(source, Reorder::default())
    }

    /// The same with a horizon of its own.
    pub fn with_reorder(source: I, reorder: Reorder<T>) -> Self {
        Self { source, reorder, state: State::Reading }
    }

    /// What they come from.
    pub fn source(&self) -> &I {
        &self.source
    }
}

impl<I: Iterator<Item = Result<(Timestamp, u32, T), LogError>>, T> Iterator for Reordered<I, T> {
    type Item = Result<(Timestamp, T), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &mut self.state {
                State::Reading => {
                    if let Some(ripe) = self.reorder.pop() {
                        return Some(Ok(ripe));
                    }
                    match self.source.next() {
                        Some(Ok((at, tie, item))) => self.reorder.push(at, tie, item),
                        None => self.state = State::Draining(None),
                        Some(Err(error)) => self.state = State::Draining(Some(error)),
                    }
                }
                State::Draining(error) => {
                    return match self.reorder.release() {
                        Some(item) => Some(Ok(item)),
                        None => error.take().map(Err),
                    };
                }
            }
        }
    }
}

/// One log's records, each made into a `T` as it is read, in the order of time.
///
/// Ends after an error, which comes behind everything that was read before it.
pub struct Ordered<R: BufRead, T, F>(Reordered<Mapped<R, F>, T>);

struct Mapped<R: BufRead, F> {
    reader: LogReader<R>,
    map: F,
}

impl<R: BufRead, T, F: FnMut(&Record<'_>) -> Option<T>> Ordered<R, T, F> {
    /// Reads `reader`; records for which `map` has nothing are left out.
    pub fn new(reader: LogReader<R>, map: F) -> Self {
        Self::with_reorder(reader, map, Reorder::default())
    }

    /// The same with a horizon of its own: `Reorder::new(u64::MAX, usize::MAX)` sorts the whole log
    /// in memory, for logs that are put together in another order than that of time.
    pub fn with_reorder(reader: LogReader<R>, map: F, reorder: Reorder<T>) -> Self {
        Self(Reordered::with_reorder(Mapped { reader, map }, reorder))
    }
}

impl<R: BufRead, T, F> Ordered<R, T, F> {
    /// The log behind it: its format and what became of its lines.
    pub fn reader(&self) -> &LogReader<R> {
        &self.0.source.reader
    }

    /// How many records came too late to be put in order.
    pub fn late(&self) -> u64 {
        self.0.reorder.late()
    }
}

impl<R: BufRead, T, F: FnMut(&Record<'_>) -> Option<T>> Iterator for Mapped<R, F> {
    type Item = Result<(Timestamp, u32, T), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.reader.next() {
                Ok(Some(record)) => {
                    if let Some(item) = (self.map)(&record) {
                        return Some(Ok((record.at, record.seq, item)));
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R: BufRead, T, F: FnMut(&Record<'_>) -> Option<T>> Iterator for Ordered<R, T, F> {
    type Item = Result<(Timestamp, T), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// Joins several iterators, each in the order of time, into one; of the same time, the first
/// source's item comes first.
///
/// An error comes at its source's turn, behind all that is older than the last item of that source.
/// Reading on gives the other sources' items.
pub struct Merged<I: Iterator<Item = Result<(Timestamp, T), LogError>>, T> {
    sources: Vec<I>,
    /// The next item of each source that has one.
    heads: Vec<Option<T>>,
    /// When and whose, the oldest on top.
    turns: BinaryHeap<std::cmp::Reverse<(Timestamp, usize)>>,
    /// Sources whose next item has not been asked for yet, the first one last.
    to_advance: Vec<usize>,
}

impl<I: Iterator<Item = Result<(Timestamp, T), LogError>>, T> Merged<I, T> {
    /// Joins these.
    pub fn new(sources: Vec<I>) -> Self {
        let heads = sources.iter().map(|_| None).collect();
        let to_advance = (0..sources.len()).rev().collect();
        Self { sources, heads, turns: BinaryHeap::new(), to_advance }
    }

    /// The sources, in the order they were given.
    pub fn sources(&self) -> &[I] {
        &self.sources
    }
}

impl<I: Iterator<Item = Result<(Timestamp, T), LogError>>, T> Iterator for Merged<I, T> {
    type Item = Result<(Timestamp, T), LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(source) = self.to_advance.pop() {
            match self.sources[source].next() {
                Some(Ok((at, item))) => {
                    self.heads[source] = Some(item);
                    self.turns.push(std::cmp::Reverse((at, source)));
                }
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
        }
        let std::cmp::Reverse((at, source)) = self.turns.pop()?;
        self.to_advance.push(source);
        self.heads[source].take().map(|item| Ok((at, item)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    type Item = (i64, u32, usize);

    /// Everything in the order it comes out, and how many came too late.
    fn reordered(items: &[Item], horizon_us: u64, held_max: usize) -> (Vec<Item>, u64) {
        let mut reorder = Reorder::new(horizon_us, held_max);
        let mut out = Vec::new();
        for item in items {
            reorder.push(Timestamp::from_micros(item.0), item.1, *item);
            while let Some((at, item)) = reorder.pop() {
                assert_eq!(at.as_micros(), item.0);
                out.push(item);
            }
            assert!(reorder.held() <= held_max);
        }
        out.extend(reorder.drain().map(|(_, item)| item));
        assert_eq!(reorder.held(), 0);
        (out, reorder.late())
    }

    fn numbered(items: impl IntoIterator<Item = (i64, u32)>) -> Vec<Item> {
        items.into_iter().enumerate().map(|(arrival, (at, tie))| (at, tie, arrival)).collect()
    }

    #[test]
    fn an_item_waits_until_nothing_older_is_to_be_expected() {
        let mut reorder = Reorder::new(10, 100);
        let mut step = |at, expect: &[i64]| {
            reorder.push(Timestamp::from_micros(at), 0, at);
            let ripe: Vec<_> = std::iter::from_fn(|| reorder.pop()).map(|(_, item)| item).collect();
            assert_eq!(ripe, expect);
        };
        step(5, &[]);
        step(0, &[]);
        step(9, &[]);
        step(10, &[0]);
        step(19, &[5, 9]);
        step(3, &[3]);
        assert_eq!(reorder.late(), 1);
        assert_eq!(reorder.drain().map(|(_, item)| item).collect::<Vec<_>>(), [10, 19]);
    }

    #[test]
    fn the_same_microsecond_is_ordered_by_tie_and_then_by_arrival() {
        let items = numbered([(1, 2), (1, 1), (0, 9), (1, 1)]);
        let (out, late) = reordered(&items, 10, 100);
        assert_eq!(out, [(0, 9, 2), (1, 1, 1), (1, 1, 3), (1, 2, 0)]);
        assert_eq!(late, 0);
    }

    proptest! {
        #[test]
        fn within_the_horizon_reordering_is_sorting(
            items in prop::collection::vec((0_i64..1_000, 0_u32..3), 0..300), horizon in 1_000_u64..2_000,
        ) {
            let items = numbered(items);
            let (out, late) = reordered(&items, horizon, items.len());
            let mut sorted = items;
            sorted.sort_unstable();
            prop_assert_eq!(out, sorted);
            prop_assert_eq!(late, 0);
        }

        #[test]
        fn beyond_the_horizon_nothing_is_lost_and_lateness_is_counted(
            items in prop::collection::vec((0_i64..1_000, 0_u32..3), 0..300), horizon in 0_u64..500, held_max in 0_usize..50,
        ) {
            let items = numbered(items);
            let (mut out, late) = reordered(&items, horizon, held_max);
            let newest_before = out.iter().scan(i64::MIN, |newest, item| {
                let before = *newest;
                *newest = before.max(item.0);
                Some(before)
            });
            let steps_back = out.iter().zip(newest_before).filter(|(item, before)| item.0 < *before).count();
            prop_assert_eq!(steps_back as u64, late);
            out.sort_unstable_by_key(|item| item.2);
            prop_assert_eq!(out, items);
        }

        #[test]
        fn merging_sorted_sources_is_a_stable_sort(
            sources in prop::collection::vec(prop::collection::vec(0_i64..50, 0..40), 0..6),
        ) {
            let mut expect = Vec::new();
            let mut iterators = Vec::new();
            for (index, mut source) in sources.into_iter().enumerate() {
                source.sort_unstable();
                expect.extend(source.iter().enumerate().map(|(place, at)| (*at, index, place)));
                iterators.push(source.into_iter().enumerate().map(move |(place, at)| {
                    Ok((Timestamp::from_micros(at), (at, index, place)))
                }));
            }
            expect.sort_unstable();
            let merged: Vec<_> = Merged::new(iterators).map(|item| item.unwrap().1).collect();
            prop_assert_eq!(merged, expect);
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }

    fn line(second: u32) -> String {
        format!(
            "192.0.2.{second} - - [20/Feb/2016:00:00:{second:02} +0000] \"GET / HTTP/1.1\" 200 1\n"
        )
    }

    fn ordered(
        name: &str,
        seconds: &[u32],
        is_broken: bool,
    ) -> impl Iterator<Item = Result<(Timestamp, String), LogError>> {
        let text: String = seconds.iter().copied().map(line).collect();
        let end: Box<dyn Read> = if is_broken { Box::new(Broken) } else { Box::new(io::empty()) };
        let reader = BufReader::new(io::Cursor::new(text).chain(end));
        Ordered::new(LogReader::new(name, reader).unwrap(), |record| {
            (!record.client.ends_with(".13")).then(|| record.client.to_owned())
        })
    }

    fn told(items: impl Iterator<Item = Result<(Timestamp, String), LogError>>) -> Vec<String> {
        items
            .map(|item| match item {
                Ok((_, client)) => client.trim_start_matches("192.0.2.").to_owned(),
                Err(error) => error.to_string().chars().take_while(|char| *char != ' ').collect(),
            })
            .collect()
    }

    #[test]
    fn a_log_comes_in_order_without_what_the_map_leaves_out() {
        assert_eq!(
            told(ordered("a", &[3, 1, 13, 2, 2, 59, 4], false)),
            ["1", "2", "2", "3", "4", "59"]
        );
    }

    #[test]
    fn without_a_horizon_a_whole_log_is_sorted() {
        let days: String = [20, 19, 21, 18]
            .iter()
            .map(|day| line(7).replace("20/Feb", &format!("{day}/Feb")))
            .collect();
        let late_and_sorted = |reorder| {
            let mut log = Ordered::with_reorder(
                LogReader::new("a", days.as_bytes()).unwrap(),
                |_| Some(()),
                reorder,
            );
            let times: Vec<_> = log.by_ref().map(|item| item.unwrap().0).collect();
            (log.late(), times.is_sorted())
        };
        assert_eq!(late_and_sorted(Reorder::new(u64::MAX, usize::MAX)), (0, true));
        assert_eq!(late_and_sorted(Reorder::default()), (1, false));
    }

    #[test]
    fn an_error_comes_after_what_was_read_before_it() {
        assert_eq!(told(ordered("a", &[3, 1, 2], true)), ["1", "2", "3", "a:4:"]);
    }

    #[test]
    fn logs_merge_by_time_and_go_on_after_an_error() {
        let sources = vec![
            ordered("a", &[1, 4, 6], false),
            ordered("b", &[2, 3], true),
            ordered("c", &[], true),
        ];
        assert_eq!(told(Merged::new(sources)), ["c:1:", "1", "2", "3", "b:3:", "4", "6"]);
    }
}
