//! Programs that copy the whole shop as fast as it answers.
//!
//! `wget --mirror` and its like: follow every link, the next as soon as the last was answered,
//! dozens to hundreds of pages a second. There is no pause to tell a beat from: the gaps are
//! answers' times, and on a busy machine they are of 0.2 ms and of 10 ms in turns, as wide apart on
//! a logarithmic scale as a person's. Only the speed itself gives it away, and no ordinary log has
//! it.

use super::breadth_first::BreadthFirst;
use super::crawler::Beat;
use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::visit::Tempo;

/// Shown beside its figures.
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
