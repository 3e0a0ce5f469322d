//! fail2ban with the jail `http-get-dos` that guides recommend against floods: `maxretry = 300`,
//! `findtime = 300`, `bantime = 600`. Its filter matches each GET and POST line of the access log.
//! fail2ban ships no such jail; these numbers stand in most copies of it.
//!
//! As in fail2ban, `maxretry` matches within `findtime` seconds lead to a ban, and the count then
//! starts again.

use std::collections::{HashMap, VecDeque};

use analysis::baseline::{Baseline, BaselineAction, BaselineRequest};
use detector::{Method, Timestamp};

use super::bans::Bans;

const MAX_RETRY: usize = 300;
const FIND_TIME_US: u64 = 300_000_000;
const BAN_S: u64 = 600;

/// The rule: the times of each client's latest requests.
#[derive(Clone, Debug, Default)]
pub struct CountPerWindow {
    times: HashMap<u32, VecDeque<Timestamp>>,
    bans: Bans,
}

impl Baseline for CountPerWindow {
    fn name(&self) -> &'static str {
        "fail2ban_300_in_300s"
    }

    fn observe(&mut self, request: &BaselineRequest<'_>) -> BaselineAction {
        if self.bans.holds(request) {
            return BaselineAction::Banned;
        }
        // A shop sees few writing methods other than POST.
        if !matches!(request.method, Method::Get | Method::Write) {
            return BaselineAction::Passed;
        }
        let times = self.times.entry(request.client).or_default();
        times.push_back(request.at);
        while times.front().is_some_and(|&first| request.at.micros_since(first) > FIND_TIME_US) {
            times.pop_front();
        }
        if times.len() < MAX_RETRY {
            return BaselineAction::Passed;
        }
        times.clear();
        self.bans.insert(request.client, request.at, BAN_S);
        BaselineAction::Caught
    }
}
