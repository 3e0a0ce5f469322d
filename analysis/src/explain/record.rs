//! What the gate itself decided, from its event log. That is what happened, even if another model
//! would decide otherwise.

use serde::Serialize;

use super::moment::{ExplainedRequest, PastDecision};

/// The gate's own verdicts on the client.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordedTotals {
    /// Requests with a verdict in the log.
    pub requests: u64,
    /// Number of limited requests.
    pub limited: u64,
    /// Number of blocked requests.
    pub blocked: u64,
    /// Limited and blocked requests in shadow mode, which refuses nobody.
    pub in_shadow: u64,
    /// Requests that the judge that explains decides alike: same action, same reason, same score to
    /// the last bit.
    pub repeated: u64,
    /// Number of the request that the explanation begins with, among the client's.
    pub number: Option<u64>,
    /// What the gate decided about it.
    pub decision: Option<PastDecision>,
}

impl RecordedTotals {
    /// Whether the judge that explains decides every request as the gate did.
    pub fn is_repeated(&self) -> bool {
        self.repeated == self.requests
    }

    /// Takes in a request.
    pub(super) fn take(&mut self, moment: &ExplainedRequest) {
        let Some(past) = &moment.recorded else { return };
        let is_stopped = past.action != "allow";
        self.requests += 1;
        self.limited += u64::from(past.action == "limit");
        self.blocked += u64::from(past.action == "block");
        self.in_shadow += u64::from(is_stopped && past.mode != "enforce");
        self.repeated += u64::from(moment.is_as_recorded());
    }
}
