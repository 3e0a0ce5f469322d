//! Joins several logs, each in order of time, into one sequence.

use std::collections::BinaryHeap;

use detector::Timestamp;

use crate::log::LogError;

/// Joins several iterators, each in order of time, into one. If two items have the same time, the
/// one of the earlier source comes first.
///
/// An error comes in its source's turn, after everything older than that source's last item. After
/// it, the items of the other sources follow.
pub struct Merged<I: Iterator<Item = Result<(Timestamp, T), LogError>>, T> {
    sources: Vec<I>,
    /// The next item of each source that has one.
    heads: Vec<Option<T>>,
    /// The time of each next item and the index of its source, the earliest on top.
    turns: BinaryHeap<std::cmp::Reverse<(Timestamp, usize)>>,
    /// Sources whose next item has not been requested yet, in reverse order.
    to_advance: Vec<usize>,
}

impl<I: Iterator<Item = Result<(Timestamp, T), LogError>>, T> Merged<I, T> {
    /// Joins these sources.
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
