//! What a replay prints as JSON.

use std::collections::{BTreeMap, HashMap};

use detector::{Action, ClientKey, Reason};
use serde::Serialize;

use super::summary::{FirstStop, ReplayedClient};
use super::words::because;
use crate::output;

/// One client that would have been stopped.
#[derive(Serialize)]
pub struct Stopped {
    pub client: String,
    pub requests: u64,
    pub limited: u64,
    pub blocked: u64,
    pub score: Option<f32>,
    pub first_stopped_at: String,
    pub first_stopped_at_us: i64,
    pub first_stopped_request: u64,
    pub action: Action,
    pub reason: Reason,
    pub because: Vec<String>,
}

/// The whole replay: one object of `--json`.
#[derive(Serialize)]
pub struct Replayed {
    pub model: String,
    pub lines: u64,
    pub refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    pub requests: u64,
    pub clients: u64,
    /// Clients with at least one request limited or blocked.
    pub clients_stopped: u64,
    pub clients_limited: u64,
    pub clients_blocked: u64,
    pub actions: BTreeMap<String, u64>,
    pub recorded: u64,
    pub recorded_identical: u64,
    pub evictions: u64,
    pub stopped: Vec<Stopped>,
}

/// The `top` clients with the most refused requests, hardest hit first.
pub fn stopped(clients: &HashMap<ClientKey, ReplayedClient>, top: usize) -> Vec<Stopped> {
    let mut stopped: Vec<_> =
        clients.iter().filter_map(|(key, client)| Some((key, client, client.first?))).collect();
    stopped.sort_by_key(|(key, client, _)| {
        (std::cmp::Reverse(client.limited + client.blocked), **key)
    });
    let row = |(key, client, first): (&ClientKey, &ReplayedClient, FirstStop)| Stopped {
        client: key.to_string(),
        requests: client.requests,
        limited: client.limited,
        blocked: client.blocked,
        score: client.highest.map(|margin| detector::Score::from_margin(margin).value()),
        first_stopped_at: output::time(first.at),
        first_stopped_at_us: first.at.as_micros(),
        first_stopped_request: first.request,
        action: first.verdict.action,
        reason: first.verdict.reason,
        because: because(&first.verdict),
    };
    stopped.into_iter().take(top).map(row).collect()
}
