//! The trait [`Pass`]: what is done with each record of a log, and what is collected.

use super::bans::TooManyBans;
use crate::log::Record;

/// What one reading of the logs does: how a record is reduced, and what happens to it in its turn.
///
/// A watcher takes steps in order of time. On one thread there is one watcher for all clients. On
/// several threads each watcher has the clients of some of the detector's groups
/// ([`Detector::group`](detector::Tracker::group)), and every group has exactly one watcher. So
/// steps of one group always come in order of time; steps of two groups may not.
pub trait Pass: Sync {
    /// What is kept of a record until its turn comes. It owns its data, because it goes from the
    /// thread that parsed it to the thread that watches it.
    type Step: Send;
    /// What one watcher collects.
    type Watch: Send;

    /// Reduces a record to a step. It is called on any thread and in any order.
    fn step(&self, record: &Record<'_>) -> Self::Step;
    /// The detector's group that the step's client belongs to. It decides which watcher takes it.
    fn group(&self, step: &Self::Step) -> usize;
    /// What a watcher has collected before its first step.
    fn watch(&self) -> Self::Watch;
    /// Takes the next step in order of time: observes the request, concludes it, or both.
    fn pass(&self, step: Self::Step, watch: &mut Self::Watch);
    /// Says, after the last step, whether the result depended on the order in which different
    /// groups were watched. It is asked only after a walk on several threads.
    ///
    /// # Errors
    /// [`TooManyBans`], if it did.
    fn check(&self, watches: &[Self::Watch]) -> Result<(), TooManyBans>;
}
