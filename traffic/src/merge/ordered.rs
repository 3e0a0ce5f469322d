//! Puts the records of one log into order of time.

use std::io::BufRead;

use detector::Timestamp;

use super::reorder::Reorder;
use crate::log::{LogError, LogReader, Record};

/// The items of one log, each with its time and its tie, put into order of time.
///
/// An error comes after all items read before it, and ends the sequence.
pub struct Reordered<I, T> {
    source: I,
    reorder: Reorder<T>,
    state: State,
}

enum State {
    Reading,
    /// The log has ended, perhaps with an error, and items are still held back.
    Draining(Option<LogError>),
}

impl<I, T> Reordered<I, T> {
    /// Puts the items of `source` into order, with the default horizon.
    pub fn new(source: I) -> Self {
        Self::with_reorder(source, Reorder::default())
    }

    /// Puts the items of `source` into order with this `reorder`, and so with its horizon.
    pub fn with_reorder(source: I, reorder: Reorder<T>) -> Self {
        Self { source, reorder, state: State::Reading }
    }

    /// The source of the items.
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

/// The records of one log, each mapped to a `T` as it is read, in order of time.
///
/// An error comes after all records read before it, and ends the sequence.
pub struct Ordered<R: BufRead, T, F>(Reordered<Mapped<R, F>, T>);

/// A log's mapped records, in the order of its lines.
struct Mapped<R: BufRead, F> {
    reader: LogReader<R>,
    map: F,
}

impl<R: BufRead, T, F: FnMut(&Record<'_>) -> Option<T>> Ordered<R, T, F> {
    /// Reads `reader`. Records for which `map` returns `None` are left out.
    pub fn new(reader: LogReader<R>, map: F) -> Self {
        Self::with_reorder(reader, map, Reorder::default())
    }

    /// Reads `reader` with a horizon other than the default. `Reorder::new(u64::MAX, usize::MAX)`
    /// sorts the whole log in memory, for logs whose parts were joined in the wrong order.
    pub fn with_reorder(reader: LogReader<R>, map: F, reorder: Reorder<T>) -> Self {
        Self(Reordered::with_reorder(Mapped { reader, map }, reorder))
    }
}

impl<R: BufRead, T, F> Ordered<R, T, F> {
    /// The reader of the log, with the log's format and the tally of its lines.
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
                        return Some(Ok((record.at, record.tie(), item)));
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
