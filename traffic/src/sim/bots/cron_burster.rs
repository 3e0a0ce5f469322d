//! Jobs that a scheduler starts at full minutes.
//!
//! Every 5 to 60 minutes a job sends a burst of 15 to 60 requests, then nothing. It takes either an
//! unchanging list, or the next part of the catalogue. Within a burst, the gaps are those of the
//! network. So neither the rate over minutes is high, nor do single requests have a regular beat.

use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A cron job: 15 to 60 requests at a full minute, every \
    5 to 60 minutes, and silence between. \
     The beat is one of bursts. Expected: detected, mostly.";

/// One such job.
#[derive(Debug)]
pub(in crate::sim) struct CronBurster {
    period_s: f64,
    /// Median delay after the full minute, because of start-up and queues.
    late_s: f64,
    /// Median gap within a burst.
    gap_s: f64,
    burst: usize,
    targets: Vec<String>,
    next: usize,
    /// When the next burst is due, in seconds since the visit began.
    due_s: f64,
}

impl CronBurster {
    pub(in crate::sim) fn new(site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let is_day = tempo == Tempo::Day;
        let burst = 15 + dice.below(46);
        let count = if dice.chance(0.5) { burst } else { 4_000 };
        let products = site.catalogue().products();
        let start = dice.below(products.len());
        let targets = if count == burst {
            (0..burst).map(|_| format!("/p/{}", site.catalogue().draw(dice))).collect()
        } else {
            products
                .iter()
                .cycle()
                .skip(start)
                .take(count)
                .map(|product| format!("/p/{}", product.id))
                .collect()
        };
        Self {
            period_s: if is_day {
                dice.pick(&[300.0, 600.0, 900.0, 1_800.0, 3_600.0])
            } else {
                10.0
            },
            late_s: dice.log_between(0.2, 5.0),
            gap_s: dice.log_between(0.05, 1.5),
            burst,
            targets,
            next: 0,
            due_s: 0.0,
        }
    }
}

impl Behave for CronBurster {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let late_s = turn.dice.lognormal(self.late_s, 0.2);
        turn.wait((self.due_s + late_s - turn.now_us() as f64 / 1e6).max(0.0));
        self.due_s += self.period_s;
        for _ in 0..self.burst {
            turn.get(self.targets[self.next % self.targets.len()].clone(), None);
            self.next += 1;
            turn.pause(self.gap_s, 0.4);
        }
        true
    }
}
