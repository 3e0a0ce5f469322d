//! What the gate itself decided, as its event log says: that is what happened, whatever another
//! model makes of it.

use serde::Serialize;

use super::moment::{Moment, Past};

/// The gate's own verdicts on the client.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recorded {
    /// Requests whose verdict the log knows.
    pub requests: u64,
    /// Of these, limited.
    pub limited: u64,
    /// Blocked.
    pub blocked: u64,
    /// Of the limited and blocked, how many in shadow mode, which refuses nobody.
    pub in_shadow: u64,
    /// Decided so again by the judge that explains: same action, same reason, same score to the
    /// last bit.
    pub repeated: u64,
    /// The request that the words begin with, by its number among the client's.
    pub number: Option<u64>,
    /// What was decided about it.
    pub decision: Option<Past>,
}

impl Recorded {
    /// Does the judge that explains decide all as the gate did?
    pub fn is_repeated(&self) -> bool {
        self.repeated == self.requests
    }

    /// Takes a request in.
    pub(super) fn take(&mut self, moment: &Moment) {
        let Some(past) = &moment.recorded else { return };
        let is_stopped = past.action != "allow";
        self.requests += 1;
        self.limited += u64::from(past.action == "limit");
        self.blocked += u64::from(past.action == "block");
        self.in_shadow += u64::from(is_stopped && past.mode != "enforce");
        self.repeated += u64::from(moment.is_as_recorded());
    }
}
