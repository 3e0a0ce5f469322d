//! The bans that a rule has in force, and a helper that several rules share.

use std::collections::HashMap;

use analysis::baseline::BaselineRequest;
use detector::Timestamp;

/// Until when each client is banned.
#[derive(Clone, Debug, Default)]
pub(super) struct Bans(HashMap<u32, Timestamp>);

impl Bans {
    pub(super) fn holds(&self, request: &BaselineRequest<'_>) -> bool {
        self.0.get(&request.client).is_some_and(|&until| request.at < until)
    }

    pub(super) fn insert(&mut self, client: u32, at: Timestamp, seconds: u64) {
        self.0.insert(client, at.plus_secs(seconds));
    }
}

/// The path of a request target, without its query.
pub(super) fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}
