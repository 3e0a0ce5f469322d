//! Runs a [`Pass`] over logs on the calling thread, in order of time.

use super::error::ReplayError;
use super::logs::Reader;
use super::pass::Pass;
use crate::log::{Record, Tally};
use crate::merge::{Merged, Ordered};

/// Runs a pass over logs on this thread and adds to `watch`. Returns each log's tally of lines.
///
/// # Errors
/// The first log that cannot be read; everything before that has been passed.
pub fn walk<P: Pass>(
    readers: Vec<Reader>,
    pass: &P,
    watch: &mut P::Watch,
) -> Result<Vec<Tally>, ReplayError> {
    walk_records(readers, |record| pass.step(record), |step| pass.pass(step, watch))
}

/// Reads records on this thread, reduces each with `map`, and calls `each` in order of time.
pub(super) fn walk_records<T>(
    readers: Vec<Reader>,
    map: impl Fn(&Record<'_>) -> T,
    mut each: impl FnMut(T),
) -> Result<Vec<Tally>, ReplayError> {
    let map = &map;
    let sources = readers
        .into_iter()
        .map(|reader| Ordered::new(reader, move |record: &Record<'_>| Some(map(record))));
    let mut merged = Merged::new(sources.collect());
    for step in &mut merged {
        let (_, step) = step?;
        each(step);
    }
    Ok(merged.sources().iter().map(|source| source.reader().tally().clone()).collect())
}
