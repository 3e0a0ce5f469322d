//! `--jobs`: how many threads a stage has.

use std::num::NonZeroUsize;
use std::thread;

/// As many threads as the flag asks for; without it, one a core.
pub fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}
