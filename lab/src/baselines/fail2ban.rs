//! fail2ban with the jail that guides give against floods, `http-get-dos`: `maxretry = 300`,
//! `findtime = 300`, `bantime = 600`, its filter matches each GET and POST line of the access log.
//! fail2ban ships no such jail; these numbers stand in most copies of it.
//!
//! As fail2ban counts: `maxretry` matches within `findtime` seconds ban, and the count begins anew.

use std::collections::{HashMap, VecDeque};

use detector::{Method, Timestamp};

use super::{Asked, Bans, Baseline, Ruling};

const MAX_RETRY: usize = 300;
const FIND_TIME_US: u64 = 300_000_000;
const BAN_S: u64 = 600;

/// The times of each client's latest requests.
#[derive(Clone, Debug, Default)]
pub struct CountPerWindow {
    times: HashMap<u32, VecDeque<Timestamp>>,
    bans: Bans,
}

impl Baseline for CountPerWindow {
    fn name(&self) -> &'static str {
        "fail2ban_300_in_300s"
    }

    fn observe(&mut self, asked: &Asked<'_>) -> Ruling {
        if self.bans.holds(asked) {
            return Ruling::Banned;
        }
        // Of what writes, a shop sees little but POST.
        if !matches!(asked.method, Method::Get | Method::Write) {
            return Ruling::Passed;
        }
        let times = self.times.entry(asked.client).or_default();
        times.push_back(asked.at);
        while times.front().is_some_and(|&first| asked.at.micros_since(first) > FIND_TIME_US) {
            times.pop_front();
        }
        if times.len() < MAX_RETRY {
            return Ruling::Passed;
        }
        times.clear();
        self.bans.insert(asked.client, asked.at, BAN_S);
        Ruling::Caught
    }
}
