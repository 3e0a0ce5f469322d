//! Holds items back until nothing older is expected, and releases them in order of time.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use detector::Timestamp;

/// How long an item is held back, in microseconds: 5 minutes. Servers do not let a request take so
/// long; nginx and AWS's load balancer give up after 60 s without a byte.
pub const HORIZON_US: u64 = 5 * 60 * 1_000_000;

/// How many items are held back at most, so that a flood cannot fill the memory. It is 5 minutes of
/// 200 requests a second.
pub const MAX_HELD: usize = 65_536;

/// Puts items into order of time, with bounded memory and delay. Items of the same time are ordered
/// by their tie, and those of the same tie by arrival.
#[derive(Debug)]
pub struct Reorder<T> {
    /// Items that came in order.
    queue: VecDeque<Held<T>>,
    /// Items that came after one with a later time.
    stragglers: BinaryHeap<Held<T>>,
    horizon_us: u64,
    held_max: usize,
    arrivals: u64,
    /// The latest time of any item pushed.
    newest: Option<Timestamp>,
    /// The latest time of any item released.
    released: Option<Timestamp>,
    late: u64,
}

/// An item that is held back.
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
    /// Holds items back for `horizon_us` microseconds, measured by the items' own times, and at
    /// most `held_max` of them.
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

    /// Takes an item. Call [`Reorder::pop`] until it returns `None` before pushing the next.
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

    /// Releases the oldest item if nothing older is expected, or if too many items are held.
    pub fn pop(&mut self) -> Option<(Timestamp, T)> {
        let at = self.oldest()?.at;
        let is_ripe = self.newest.is_some_and(|newest| newest.micros_since(at) >= self.horizon_us);
        let is_late = self.released.is_some_and(|released| at < released);
        (is_ripe || is_late || self.held() > self.held_max).then(|| self.release())?
    }

    /// Releases all items, oldest first. Call it when nothing more will be pushed.
    pub fn drain(&mut self) -> impl Iterator<Item = (Timestamp, T)> + '_ {
        std::iter::from_fn(|| self.release())
    }

    /// How many items are held back now.
    pub fn held(&self) -> usize {
        self.queue.len() + self.stragglers.len()
    }

    /// How many items came after one with a later time had been released.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// The oldest of all items that are held back.
    fn oldest(&self) -> Option<&Held<T>> {
        match (self.queue.front(), self.stragglers.peek()) {
            (Some(front), Some(straggler)) if straggler.key() < front.key() => Some(straggler),
            (None, straggler) => straggler,
            (front, _) => front,
        }
    }

    /// Releases the oldest item, whether it is due or not.
    pub(super) fn release(&mut self) -> Option<(Timestamp, T)> {
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

/// The reverse of the order of time, because a [`BinaryHeap`] returns the greatest item first.
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
