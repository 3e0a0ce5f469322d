//! Spreads work over all cores.

use std::num::NonZeroUsize;
use std::thread;

/// Does the work for each item. The results are in the order of the items.
pub fn on_all_cores<T: Sync, R: Send>(of: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let part = |core: usize| {
        let mine = of.iter().enumerate().skip(core).step_by(cores);
        mine.map(|(index, one)| (index, work(one))).collect::<Vec<_>>()
    };
    let part = &part;
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || part(core))).collect();
        threads
            .into_iter()
            .flat_map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
