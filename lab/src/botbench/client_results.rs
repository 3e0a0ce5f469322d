//! What became of each client in each column, and the sums by population.

use super::columns::ColumnAction;
use super::result::{ColumnOutcome, PopulationRow, Quantiles, RequestShare, Share};

/// What became of one client in one column.
#[derive(Clone, Copy, Debug, Default)]
struct ClientResult {
    /// Number of the first request with a reaction (limited, refused or banned), from 1; 0 if none.
    acted_at: u32,
    blocked_at: u32,
    refused: u32,
}

/// What became of every client in every column.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientResults {
    columns: usize,
    requests: Vec<u32>,
    results: Vec<ClientResult>,
}

impl ClientResults {
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Counts a request of a client and returns its number, from 1. Clients are numbered as they
    /// appear.
    pub fn count(&mut self, client: usize) -> u32 {
        if client >= self.requests.len() {
            self.requests.resize(client + 1, 0);
            self.results.resize((client + 1) * self.columns, ClientResult::default());
        }
        self.requests[client] += 1;
        self.requests[client]
    }

    /// Notes what became of a client's request in one column. Returns true at the first refusal and
    /// at the first block.
    pub fn note(
        &mut self,
        client: usize,
        column: usize,
        number: u32,
        action: ColumnAction,
    ) -> bool {
        let result = &mut self.results[client * self.columns + column];
        if action == ColumnAction::Passed {
            return false;
        }
        let before = *result;
        if result.acted_at == 0 {
            result.acted_at = number;
        }
        result.refused +=
            u32::from(matches!(action, ColumnAction::Limited | ColumnAction::Blocked));
        if matches!(action, ColumnAction::Caught | ColumnAction::Blocked) && result.blocked_at == 0
        {
            result.blocked_at = number;
        }
        (before.refused == 0 && result.refused > 0) || before.blocked_at != result.blocked_at
    }

    /// Adds a client to a sum, if it came at all.
    pub fn add_to(&self, sum: &mut PopulationSum, client: usize) {
        if let Some(&requests) = self.requests.get(client).filter(|&&requests| requests > 0) {
            sum.add(requests, &self.results[client * self.columns..][..self.columns]);
        }
    }
}

/// Sums over clients. Adding the sums of parts gives the sum of all.
#[derive(Clone, Debug, Default)]
pub(super) struct PopulationSum {
    clients: u64,
    requests: u64,
    of: Vec<ColumnSum>,
}

#[derive(Clone, Debug, Default)]
struct ColumnSum {
    detected: Share,
    refused: Share,
    blocked: Share,
    let_through: RequestShare,
    found_let_through: RequestShare,
    to_detect: Vec<u32>,
    to_block: Vec<u32>,
}

impl PopulationSum {
    fn add(&mut self, requests: u32, results: &[ClientResult]) {
        self.clients += 1;
        self.requests += u64::from(requests);
        self.of.resize(results.len(), ColumnSum::default());
        for (part, result) in self.of.iter_mut().zip(results) {
            let is_detected = result.acted_at > 0;
            part.detected.add(is_detected);
            let is_blocked = result.blocked_at > 0;
            // A client that a log-reading rule catches is banned, whether it comes again or not.
            part.refused.add(result.refused > 0 || is_blocked);
            part.blocked.add(is_blocked);
            part.let_through.k += u64::from(requests - result.refused);
            part.let_through.n += u64::from(requests);
            if is_detected {
                part.found_let_through.k += u64::from(requests - result.refused);
                part.found_let_through.n += u64::from(requests);
            }
            part.to_detect.extend(is_detected.then_some(result.acted_at));
            part.to_block.extend(is_blocked.then_some(result.blocked_at));
        }
    }

    /// Adds the sum of another part.
    pub fn join(&mut self, other: &Self) {
        self.clients += other.clients;
        self.requests += other.requests;
        self.of.resize(self.of.len().max(other.of.len()), ColumnSum::default());
        for (part, other) in self.of.iter_mut().zip(&other.of) {
            let shares = [
                (&mut part.detected, other.detected),
                (&mut part.refused, other.refused),
                (&mut part.blocked, other.blocked),
            ];
            part.let_through.k += other.let_through.k;
            part.let_through.n += other.let_through.n;
            part.found_let_through.k += other.found_let_through.k;
            part.found_let_through.n += other.found_let_through.n;
            for (share, other) in shares {
                (share.k, share.n) = (share.k + other.k, share.n + other.n);
            }
            part.to_detect.extend(&other.to_detect);
            part.to_block.extend(&other.to_block);
        }
    }

    /// Turns the sum into a row of a table.
    pub fn row(self, population: &str, reasoning: &str) -> PopulationRow {
        let outcome = |part: ColumnSum| ColumnOutcome {
            detected: part.detected,
            refused: part.refused,
            blocked: part.blocked,
            let_through: part.let_through,
            found_let_through: part.found_let_through,
            requests_to_detect: Quantiles::of(part.to_detect),
            requests_to_block: Quantiles::of(part.to_block),
        };
        PopulationRow {
            population: population.to_owned(),
            reasoning: reasoning.to_owned(),
            clients: self.clients,
            requests: self.requests,
            of: self.of.into_iter().map(outcome).collect(),
        }
    }
}
