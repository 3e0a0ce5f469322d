//! Progress of a stage that several threads work on.

use std::sync::{Mutex, PoisonError};

use trainer::progress::Stage;

/// Counts finished steps of a stage and reports them.
pub(super) struct StageProgress<'a> {
    name: &'static str,
    unit: &'static str,
    of: usize,
    done: Mutex<usize>,
    tell: &'a (dyn Fn(Stage<'_>) + Sync),
}

impl<'a> StageProgress<'a> {
    /// Begins the stage with no step done.
    pub(super) fn new(
        name: &'static str,
        unit: &'static str,
        of: usize,
        tell: &'a (dyn Fn(Stage<'_>) + Sync),
    ) -> Self {
        if of > 0 {
            tell(Stage { name, done: 0, of: of as u64, unit });
        }
        Self { name, unit, of, done: Mutex::new(0), tell }
    }

    pub(super) fn one_more(&self) {
        // The lock is held during the call; otherwise a thread could report a lower number after a
        // higher one.
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        (self.tell)(Stage {
            name: self.name,
            done: *done as u64,
            of: self.of as u64,
            unit: self.unit,
        });
    }
}
