//! Programs that copy the whole shop as fast as it answers.
//!
//! `wget --mirror` and similar programs follow every link, each as soon as the last was answered,
//! at dozens to hundreds of pages a second. They make no pauses, so there is no regular beat. The
//! gaps are response times, and on a busy machine these vary from 0.2 to 10 ms, on a logarithmic
//! scale as widely as a person's gaps. Only the speed gives them away, and no ordinary log has it.

use super::breadth_first::BreadthFirst;
use super::crawler::Beat;
use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::visit::Tempo;

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Copies the whole shop as fast as it answers, 20 to \
    1,000 pages a second, at gaps as uneven as \
     machines are busy: wget --mirror. Expected: detected at least 99 times in 100.";

/// One such program.
pub(in crate::sim) fn mirror(tempo: Tempo, dice: &mut Dice) -> BreadthFirst {
    let (gap_s, requests_left) = match tempo {
        Tempo::Day => (
            dice.log_between(0.000_5, 0.04),
            dice.lognormal(600.0, 0.6).clamp(100.0, 3_000.0) as u32,
        ),
        Tempo::Live => (dice.between(0.01, 0.04), u32::MAX),
    };
    let beat = Beat::Paced(Pace::answered(gap_s, dice));
    BreadthFirst::at(beat, requests_left, dice)
}
