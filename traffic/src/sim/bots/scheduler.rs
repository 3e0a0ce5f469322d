//! Programs that send a request at a set period, with jitter:
//! `sleep(period * uniform(1 - j, 1 + j))`.
//!
//! Jitter is the commonest trick against a detector of regular gaps. How much jitter helps at which
//! period is measured with [`crate::sim::simulate_scheduler`], so period and jitter are arguments
//! here. The targets are drawn: a handful of URLs, a list that is repeated, or a list so long that
//! it never is. The network adds some milliseconds to the jitter, and one request in 200 stalls.

use super::pace::Pace;
use super::round::Round;
use crate::sim::dice::Dice;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The benchmark's text about the one without jitter.
pub(in crate::sim) const REASONING_0: &str = "A job that sleeps a fixed 2 to 60 s between \
    requests. A perfect beat under \
     every rate limit. Expected: detected, nearly always.";
/// The benchmark's text about ± 10 %.
pub(in crate::sim) const REASONING_10: &str = "The same job with ±10 % jitter: what a cautious \
    script does. \
     Expected: detected at least 95 times in 100.";
/// The benchmark's text about ± 30 %.
pub(in crate::sim) const REASONING_30: &str = "The same job with ±30 % jitter: the usual advice \
    for not being noticed. \
     Expected: detected at least 95 times in 100.";
/// The benchmark's text about ± 50 %.
pub(in crate::sim) const REASONING_50: &str = "The same job with ±50 % jitter: as much as a sleep \
    can bear and still keep \
     its period. Expected: detected at least 95 times in 100.";

/// One such program.
#[derive(Debug)]
pub(in crate::sim) struct Scheduler {
    pace: Pace,
    round: Round,
}

impl Scheduler {
    /// A program with a random period.
    pub(in crate::sim) fn new(jitter: f64, site: &Site, tempo: Tempo, dice: &mut Dice) -> Self {
        let period_s = match tempo {
            Tempo::Day => dice.log_between(2.0, 60.0),
            Tempo::Live => dice.between(0.8, 2.0),
        };
        Self::with(period_s, jitter, site, tempo, dice)
    }

    /// A program with this period, in seconds, and this jitter, a share of the period from 0 to 1.
    pub(in crate::sim) fn with(
        period_s: f64,
        jitter: f64,
        site: &Site,
        tempo: Tempo,
        dice: &mut Dice,
    ) -> Self {
        let requests_left =
            if tempo == Tempo::Day { 150 + dice.below(101) as u32 } else { u32::MAX };
        let targets = match dice.below(3) {
            0 => 1 + dice.below(5),
            1 => dice.log_between(10.0, 100.0) as usize,
            _ => 300,
        };
        let targets = (0..targets).map(|_| target(site, dice)).collect();
        Self {
            pace: Pace::jittered(period_s, jitter, dice),
            round: Round::new(targets, requests_left),
        }
    }
}

/// A product page, or less often its stock call or a list page.
fn target(site: &Site, dice: &mut Dice) -> String {
    let id = site.catalogue().draw(dice);
    match dice.weighted(&[0.7, 0.15, 0.15]) {
        0 => format!("/p/{id}"),
        1 => format!("/api/stock/{id}?size=m"),
        _ => format!(
            "/c/{}",
            site.catalogue().categories()[usize::from(site.catalogue().draw_category(dice))].slug
        ),
    }
}

impl Behave for Scheduler {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        let asks = self.round.ask(turn);
        if asks {
            self.pace.wait(turn);
        }
        asks
    }
}
