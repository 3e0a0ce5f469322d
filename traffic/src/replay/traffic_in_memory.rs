//! [`Traffic`] in memory: steps in chunks of a fixed size, so that nothing is ever copied to grow.
//!
//! A `Vec` of all steps would double: at each doubling the old and the new one are held together,
//! and half of the new one is empty. Sorting it takes half as much again. Chunks take what their
//! steps take, and are sorted by merging: a chunk that is read through is given back before the
//! next is filled. Cost: the steps and at most 18 chunks, 5 MB for steps of 72 bytes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, TryReserveError, VecDeque};
use std::convert::Infallible;
use std::ops::Range;

use super::traffic::{PARTS, Traffic, TrafficStep, part_of};

/// Bytes of a chunk, at most. Large enough that the list of chunks is small beside them, and a
/// power of two, because allocators round blocks of this size up to the next quarter of one.
const CHUNK_BYTES: usize = 1 << 18;
/// Sorted runs that are merged at once. More would leave more chunks half read.
const RUNS_AT_ONCE: usize = 16;
/// Chunks that sorting may hold besides the steps: one half read of each run, one that is being
/// filled, and what the stable sort of a chunk takes.
const SPARE_CHUNKS: usize = RUNS_AT_ONCE + 2;

/// Steps in order of time, in memory.
#[derive(Clone, Debug)]
pub struct TrafficInMemory<S> {
    chunks: Vec<Vec<S>>,
    len: u64,
}

impl<S> Default for TrafficInMemory<S> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<S: TrafficStep> Traffic for TrafficInMemory<S> {
    type Step = S;
    type Error = Infallible;

    fn len(&self) -> u64 {
        self.len
    }

    fn walk(&self, parts: Range<usize>, mut visit: impl FnMut(u64, &S)) -> Result<(), Infallible> {
        let is_whole = parts.start == 0 && parts.end >= PARTS;
        for (place, step) in (0..).zip(self.chunks.iter().flatten()) {
            if is_whole || parts.contains(&part_of(step.client())) {
                visit(place, step);
            }
        }
        Ok(())
    }
}

impl<S: TrafficStep> TrafficInMemory<S> {
    /// The first and the last step.
    pub fn ends(&self) -> Option<[&S; 2]> {
        Some([self.chunks.first()?.first()?, self.chunks.last()?.last()?])
    }

    /// Drops the steps that `keeps` does not accept. It is asked in order of time.
    pub fn retain(&mut self, mut keeps: impl FnMut(&S) -> bool) {
        self.chunks.iter_mut().for_each(|chunk| chunk.retain(&mut keeps));
        self.chunks.retain(|chunk| !chunk.is_empty());
        self.len = self.chunks.iter().map(Vec::len).sum::<usize>() as u64;
    }
}

/// Takes steps in any order and makes a [`TrafficInMemory`] of them.
#[derive(Clone, Debug)]
pub struct TrafficWriter<S> {
    chunks: Vec<Vec<S>>,
}

impl<S> Default for TrafficWriter<S> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<S: TrafficStep> TrafficWriter<S> {
    /// Bytes of a chunk.
    pub const CHUNK_BYTES: u64 = CHUNK_BYTES as u64;

    /// Takes a step.
    ///
    /// # Errors
    /// When there is no memory for it. It is not kept then, and what was kept before still is.
    pub fn push(&mut self, step: S) -> Result<(), TryReserveError> {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < steps_a_chunk::<S>() => chunk.push(step),
            _ => {
                self.chunks.try_reserve(1)?;
                self.chunks.push(chunk_of(step)?);
            }
        }
        Ok(())
    }

    /// Steps taken so far.
    pub fn len(&self) -> u64 {
        let full = self.chunks.len().saturating_sub(1) * steps_a_chunk::<S>();
        (full + self.chunks.last().map_or(0, Vec::len)) as u64
    }

    /// Was none taken?
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Bytes of memory that [`TrafficWriter::finish`] may hold at the same time if one more step is
    /// taken.
    pub fn bytes(&self) -> u64 {
        (self.chunks.len() + 1 + SPARE_CHUNKS) as u64 * Self::CHUNK_BYTES
            + (2 * self.chunks.capacity() * size_of::<Vec<S>>()) as u64
    }

    /// Puts the steps into order of time. Those of the same order stay as they came.
    ///
    /// # Errors
    /// When there is no memory for a few more chunks.
    pub fn finish(mut self) -> Result<TrafficInMemory<S>, TryReserveError> {
        let len = self.len();
        // Logs are nearly in order, so that most chunks are and are left alone.
        for chunk in &mut self.chunks {
            if !chunk.is_sorted_by_key(TrafficStep::order) {
                chunk.sort_by_key(TrafficStep::order);
            }
        }
        let mut chunks = self.chunks;
        loop {
            let mut runs = runs(chunks);
            if runs.len() <= 1 {
                chunks = runs.into_iter().flatten().collect();
                break;
            }
            chunks = Vec::new();
            while !runs.is_empty() {
                let rest = runs.split_off(RUNS_AT_ONCE.min(runs.len()));
                merge(std::mem::replace(&mut runs, rest), &mut chunks)?;
            }
        }
        if let Some(last) = chunks.last_mut() {
            last.shrink_to_fit();
        }
        Ok(TrafficInMemory { chunks, len })
    }
}

/// How many steps a full chunk has.
const fn steps_a_chunk<S>() -> usize {
    CHUNK_BYTES / size_of::<S>()
}

/// A chunk that begins with this step.
fn chunk_of<S>(step: S) -> Result<Vec<S>, TryReserveError> {
    let mut chunk = Vec::new();
    chunk.try_reserve_exact(steps_a_chunk::<S>())?;
    chunk.push(step);
    Ok(chunk)
}

/// Cuts sorted chunks into runs of chunks that follow one another in order.
fn runs<S: TrafficStep>(chunks: Vec<Vec<S>>) -> Vec<VecDeque<Vec<S>>> {
    let mut runs: Vec<VecDeque<Vec<S>>> = Vec::new();
    for chunk in chunks {
        let last = runs.last().and_then(|run| run.back()?.last().map(TrafficStep::order));
        match (runs.last_mut(), chunk.first()) {
            (Some(run), Some(first)) if last <= Some(first.order()) => run.push_back(chunk),
            _ => runs.push(VecDeque::from([chunk])),
        }
    }
    runs
}

/// Merges runs behind `merged`. Of steps of the same order that of the earlier run comes first.
fn merge<S: TrafficStep>(
    runs: Vec<VecDeque<Vec<S>>>,
    merged: &mut Vec<Vec<S>>,
) -> Result<(), TryReserveError> {
    let mut runs: Vec<_> = runs.into_iter().map(Run::new).collect();
    let mut next: BinaryHeap<_> = runs
        .iter()
        .enumerate()
        .filter_map(|(index, run)| Some(Reverse((run.first()?.order(), index))))
        .collect();
    let mut chunk: Vec<S> = Vec::new();
    while let Some(mut least) = next.peek_mut() {
        let Reverse((_, index)) = *least;
        let step = runs[index].take();
        match runs[index].first() {
            Some(first) => *least = Reverse((first.order(), index)),
            None => drop(std::collections::binary_heap::PeekMut::pop(least)),
        }
        let Some(step) = step else { continue };
        if chunk.is_empty() {
            chunk = chunk_of(step)?;
        } else {
            chunk.push(step);
        }
        if chunk.len() == steps_a_chunk::<S>() {
            merged.push(std::mem::take(&mut chunk));
        }
    }
    if !chunk.is_empty() {
        merged.push(chunk);
    }
    Ok(())
}

/// A run that is read from its front and gives each chunk back as it is read through.
struct Run<S> {
    chunk: std::vec::IntoIter<S>,
    rest: VecDeque<Vec<S>>,
}

impl<S: TrafficStep> Run<S> {
    fn new(mut rest: VecDeque<Vec<S>>) -> Self {
        Self { chunk: rest.pop_front().unwrap_or_default().into_iter(), rest }
    }

    fn first(&self) -> Option<&S> {
        self.chunk.as_slice().first()
    }

    fn take(&mut self) -> Option<S> {
        let step = self.chunk.next();
        if self.chunk.as_slice().is_empty()
            && let Some(chunk) = self.rest.pop_front()
        {
            self.chunk = chunk.into_iter();
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use detector::{ClientKey, Timestamp};

    use super::*;

    /// When, the tie, whose, and as which step it came.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Noted(i64, u32, ClientKey, u64);

    impl TrafficStep for Noted {
        fn order(&self) -> (Timestamp, u32) {
            (Timestamp::from_micros(self.0), self.1)
        }

        fn client(&self) -> ClientKey {
            self.2
        }
    }

    fn noted(times: impl IntoIterator<Item = i64>) -> Vec<Noted> {
        let mix = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        (0..)
            .zip(times)
            .map(|(number, at)| {
                let address = format!("10.{}.{}.1", mix(number) % 7, mix(number + 1) % 100);
                Noted(at, mix(number) as u32 % 3, ClientKey::from_text(&address), number)
            })
            .collect()
    }

    fn stored(steps: &[Noted]) -> TrafficInMemory<Noted> {
        let mut writer = TrafficWriter::default();
        steps.iter().for_each(|step| writer.push(*step).unwrap());
        assert_eq!(writer.len(), steps.len() as u64);
        writer.finish().unwrap()
    }

    fn walked(traffic: &TrafficInMemory<Noted>, parts: Range<usize>) -> Vec<(u64, Noted)> {
        let mut steps = Vec::new();
        let Ok(()) = traffic.walk(parts, |place, step| steps.push((place, *step)));
        steps
    }

    #[test]
    fn steps_come_as_a_stable_sort_has_them_however_the_logs_were_ordered() {
        let many = 40 * steps_a_chunk::<Noted>() as i64 + 17;
        let check = |name: &str, times: &dyn Fn(i64) -> i64| {
            let mut steps = noted((0..many).map(times));
            let traffic = stored(&steps);
            steps.sort_by_key(TrafficStep::order);
            let found: Vec<Noted> =
                walked(&traffic, 0..PARTS).into_iter().map(|(_, step)| step).collect();
            assert!(found == steps, "{name}");
            let ends = traffic.ends().map(|ends| ends.map(|step| step.3));
            assert_eq!(ends, Some([steps[0].3, steps[steps.len() - 1].3]), "{name}");
        };
        check("in order", &|number| number);
        check("nearly in order", &|number| number / 3 + (number * 7_919) % 40);
        check("all of one time", &|_| 5);
        check("newest file first", &|number| number % 5_000 - number / 5_000 * 5_000);
        check("backwards", &|number| -number);
        check("shuffled", &|number| (number * 7_919) % 10_007);
    }

    #[test]
    fn parts_together_are_the_whole_and_no_client_is_in_two() {
        let traffic = stored(&noted((0..10_000).map(|number| number % 777)));
        let whole = walked(&traffic, 0..PARTS);
        assert!(whole.iter().map(|(place, _)| *place).eq(0..10_000));
        let mut together = Vec::new();
        for parts in [0..1, 1..20, 20..20, 20..PARTS] {
            let part = walked(&traffic, parts.clone());
            assert!(part.iter().all(|(_, step)| parts.contains(&part_of(step.2))));
            assert!(part.is_sorted_by_key(|(place, _)| *place));
            together.extend(part);
        }
        together.sort_by_key(|(place, _)| *place);
        assert!(together == whole);
    }

    #[test]
    fn dropping_steps_keeps_the_order_of_the_others() {
        let traffic = stored(&noted((0..10_000).rev()));
        let mut even = traffic.clone();
        even.retain(|step| step.3 % 2 == 0);
        let expect: Vec<Noted> = walked(&traffic, 0..PARTS)
            .into_iter()
            .map(|(_, step)| step)
            .filter(|step| step.3 % 2 == 0)
            .collect();
        let found: Vec<Noted> = walked(&even, 0..PARTS).into_iter().map(|(_, step)| step).collect();
        assert!(found == expect && even.len() == 5_000);
        even.retain(|_| false);
        assert!(even.is_empty() && even.ends().is_none());
    }
}
