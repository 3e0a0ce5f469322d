//! Three-sigma rule on requests a second, as home-made log watchers have it. It bans whoever sends
//! more requests in one second than the mean plus three standard deviations.
//!
//! No project defines it alone; it is Shewhart's control chart (1931) with its usual limit. Mean
//! and σ are learnt from the training traffic, over all clients and over the clock seconds in which
//! a client sent anything. The ban is fail2ban's default, 10 minutes.

use std::collections::HashMap;

use analysis::baseline::{Baseline, BaselineAction, BaselineRequest};

use super::bans::Bans;

const SIGMAS: f64 = 3.0;
const BAN_S: u64 = 600;

/// The rule: the requests of each client in its latest second.
#[derive(Clone, Debug, Default)]
pub struct ThreeSigma {
    /// A client with more requests than this in a second is banned.
    most: f64,
    seconds: HashMap<u32, (i64, u32)>,
    bans: Bans,
}

impl ThreeSigma {
    /// Makes the rule from the mean and standard deviation of requests in a second.
    pub fn new(mean: f64, deviation: f64) -> Self {
        Self { most: mean + SIGMAS * deviation, ..Self::default() }
    }

    /// The most requests in a second that pass.
    pub fn most(&self) -> f64 {
        self.most
    }
}

impl Baseline for ThreeSigma {
    fn name(&self) -> &'static str {
        "three_sigma_per_second"
    }

    fn observe(&mut self, request: &BaselineRequest<'_>) -> BaselineAction {
        if self.bans.holds(request) {
            return BaselineAction::Banned;
        }
        let count = counted(&mut self.seconds, request, |_| {});
        if f64::from(count) <= self.most {
            return BaselineAction::Passed;
        }
        self.bans.insert(request.client, request.at, BAN_S);
        BaselineAction::Caught
    }
}

/// Counts the request in its client's second. When a second has ended, `over` gets its number of
/// requests.
fn counted(
    seconds: &mut HashMap<u32, (i64, u32)>,
    request: &BaselineRequest<'_>,
    over: impl FnOnce(u32),
) -> u32 {
    let second = request.at.as_secs();
    let (latest, count) = seconds.entry(request.client).or_insert((second, 0));
    if *latest != second {
        over(*count);
        (*latest, *count) = (second, 0);
    }
    *count += 1;
    *count
}

/// Sums over seconds, from which mean and deviation are computed.
#[derive(Default)]
pub(super) struct PerSecondLearner {
    seconds: HashMap<u32, (i64, u32)>,
    sums: Sums,
}

/// Integers are exact, so the order of summation does not matter.
#[derive(Clone, Copy, Default)]
struct Sums {
    number: u64,
    sum: u64,
    squares: u64,
}

impl Sums {
    fn add(&mut self, count: u32) {
        self.number += 1;
        self.sum += u64::from(count);
        self.squares += u64::from(count) * u64::from(count);
    }
}

impl PerSecondLearner {
    pub(super) fn note(&mut self, request: &BaselineRequest<'_>) {
        let sums = &mut self.sums;
        counted(&mut self.seconds, request, |count| sums.add(count));
    }

    pub(super) fn finish(mut self) -> ThreeSigma {
        self.seconds.values().for_each(|&(_, count)| self.sums.add(count));
        let number = (self.sums.number as f64).max(1.0);
        let mean = self.sums.sum as f64 / number;
        ThreeSigma::new(mean, (self.sums.squares as f64 / number - mean * mean).max(0.0).sqrt())
    }
}
