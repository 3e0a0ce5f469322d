//! Programs that watch a competitor's prices.
//!
//! They go through a list of 20 to 200 products every half hour to every three hours. A pass takes
//! some minutes at long, uneven gaps, mostly in another order each time. These are few URLs for a
//! crawler and many for a poller. There is no regular beat within a pass, only the repetition over
//! hours. [`crate::sim::people::price_watcher`] is a person with this habit.

use super::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "Goes through a list of 20 to 200 products every half \
    hour to three hours, shuffled, a page \
     every 2 to 15 s: too few URLs for a crawler, too many for a poller. Expected: detected at \
     least 90 times in 100.";

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct PriceMonitor {
    pace: Pace,
    targets: Vec<String>,
    next: usize,
    /// Median time between two passes.
    away_s: f64,
    is_shuffled: bool,
}

impl PriceMonitor {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let (gap_s, away_s, count) = match tempo {
            Tempo::Day => (
                dice.log_between(2.0, 15.0),
                dice.log_between(1_800.0, 10_800.0),
                20 + dice.below(181),
            ),
            Tempo::Live => (dice.between(0.4, 0.9), 2.0, 10),
        };
        let mut targets: Vec<String> = Vec::new();
        // A part of the competitor's products: popular ones, and up to two categories.
        for _ in 0..count {
            let target = format!("/p/{}", site.catalogue().draw(dice));
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        for _ in 0..dice.below(3) {
            let shelf = usize::from(site.catalogue().draw_category(dice));
            targets.push(format!("/c/{}?sort=price", site.catalogue().categories()[shelf].slug));
        }
        let pace = if dice.chance(0.5) {
            Pace::lognormal(gap_s, dice)
        } else {
            Pace::regular(gap_s, dice)
        };
        Self { pace, targets, next: 0, away_s, is_shuffled: dice.chance(0.7) }
    }
}

impl Behave for PriceMonitor {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.next == self.targets.len() {
            self.next = 0;
            turn.pause(self.away_s, 0.2);
        }
        if self.next == 0 && self.is_shuffled {
            turn.dice.shuffle(&mut self.targets);
        }
        turn.get(self.targets[self.next].clone(), None);
        self.next += 1;
        self.pace.wait(turn);
        true
    }
}
