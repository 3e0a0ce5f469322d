//! A feed reader: requests the feed of new products every 15 to 60 minutes, for a subscriber.
//!
//! One URL at a fixed period is typical of pollers, but a request every quarter of an hour does the
//! shop no harm.

use super::super::bots::pace::Pace;
use crate::sim::dice::Dice;
use crate::sim::visit::{Behave, Tempo, Turn};

/// The text shown beside its figures in the benchmark.
pub(in crate::sim) const REASONING: &str = "A feed reader: one URL every 15, 30 or 60 minutes, now \
    and then a new product. By behaviour a \
     slow poller. Expected: often detected within the day unless allowed; refusing it costs \
     little.";

/// Its user agents.
pub(in crate::sim) const AGENTS: &[&str] =
    &["Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)", "FreshRSS/1.24"];

/// One reader.
#[derive(Debug)]
pub(in crate::sim) struct FeedReader {
    pace: Pace,
}

impl FeedReader {
    pub(in crate::sim) fn new(tempo: Tempo, dice: &mut Dice) -> Self {
        let gap_s = if tempo == Tempo::Day {
            dice.pick(&[900.0, 1_800.0, 3_600.0])
        } else {
            dice.between(1.0, 2.0)
        };
        Self { pace: Pace::jittered(gap_s, 0.03, dice) }
    }
}

impl Behave for FeedReader {
    fn act(&mut self, turn: &mut Turn<'_>) -> bool {
        turn.get("/feed.xml".to_owned(), None);
        if turn.dice.chance(0.1) {
            turn.pause(0.5, 0.5);
            let id = turn.site.catalogue().draw(turn.dice);
            turn.get(format!("/p/{id}"), None);
        }
        self.pace.wait(turn);
        true
    }
}
