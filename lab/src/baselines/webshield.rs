//! Tempesta WebShield's detector `ip_rps` (its repository: `detectors/base.py`, `detectors/ip.py`,
//! `example.env`): it blocks a top talker whose traffic rises.
//!
//! Every 10 seconds it takes the clients whose requests reach a threshold in the last 10 seconds,
//! and those in the 10 seconds before, at most 100 each. A client in both lists with ten times as
//! many requests as before is blocked for an hour. The threshold starts at 10, then is the mean
//! plus one standard deviation of the earlier window. A client that starts at full speed and keeps
//! it is never blocked, because only a rise counts.
//!
//! Left out: the list of clients seen in the hour before its start, which it would let pass for
//! good.

use std::collections::BTreeMap;

use analysis::baseline::{Baseline, BaselineAction, BaselineRequest};

use super::bans::Bans;

const WINDOW_S: i64 = 10;
const FIRST_THRESHOLD: f64 = 10.0;
const RISE: f64 = 10.0;
const AT_MOST: usize = 100;
const BAN_S: u64 = 3_600;

/// The rule: requests of each client in this window and in the one before.
#[derive(Clone, Debug)]
pub struct TopTalkerRise {
    threshold: f64,
    window: i64,
    before: BTreeMap<u32, u32>,
    now: BTreeMap<u32, u32>,
    bans: Bans,
}

impl Default for TopTalkerRise {
    fn default() -> Self {
        Self {
            threshold: FIRST_THRESHOLD,
            window: i64::MIN,
            before: BTreeMap::new(),
            now: BTreeMap::new(),
            bans: Bans::default(),
        }
    }
}

impl TopTalkerRise {
    /// Ends a window and compares it with the one before.
    fn close(&mut self, request: &BaselineRequest<'_>) {
        let talkers = |counts: &BTreeMap<u32, u32>| -> BTreeMap<u32, f64> {
            let loud = counts.iter().map(|(&client, &count)| (client, f64::from(count)));
            loud.filter(|&(_, count)| count >= self.threshold).take(AT_MOST).collect()
        };
        let (before, now) = (talkers(&self.before), talkers(&self.now));
        for (&client, &count) in &now {
            if before.get(&client).is_some_and(|earlier| count / earlier >= RISE) {
                self.bans.insert(client, request.at, BAN_S);
            }
        }
        if !before.is_empty() {
            let number = before.len() as f64;
            let mean = before.values().sum::<f64>() / number;
            let variance =
                before.values().map(|count| (count - mean).powi(2)).sum::<f64>() / number;
            self.threshold = mean + variance.sqrt();
        }
    }
}

impl Baseline for TopTalkerRise {
    fn name(&self) -> &'static str {
        "webshield_top_talker_rise"
    }

    fn observe(&mut self, request: &BaselineRequest<'_>) -> BaselineAction {
        let window = request.at.as_secs().div_euclid(WINDOW_S);
        if window > self.window {
            self.close(request);
            let is_next = window == self.window.saturating_add(1);
            self.before = std::mem::take(&mut self.now);
            if !is_next {
                // Nobody came in between, so the earlier window is empty.
                self.close(request);
                self.before.clear();
            }
            self.window = window;
        }
        if self.bans.holds(request) {
            return BaselineAction::Banned;
        }
        *self.now.entry(request.client).or_default() += 1;
        BaselineAction::Passed
    }
}
