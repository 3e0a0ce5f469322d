//! What the model's own thresholds refuse, verdict by verdict: the sentence at the top of a report.

use std::collections::BTreeMap;

use detector::{Action, Reason, Verdict};
use serde::Serialize;
use trainer::label::Label;
use trainer::site::Site;
use trainer::statistics::share;

use super::history::ClientHistory;

/// What refuses a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedBy {
    /// Its own score, at a threshold of the model.
    Score,
    /// A rule of the guard, which knows no score.
    Guard,
    /// The score of the newcomers of its network.
    Cohort,
}

impl RefusedBy {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Score, Self::Guard, Self::Cohort];

    /// What refused this request; `None` if it was allowed.
    pub fn of(verdict: &Verdict) -> Option<Self> {
        match (verdict.action, verdict.reason) {
            (Action::Allow, _) => None,
            (_, Reason::Cohort) => Some(Self::Cohort),
            (_, reason) if reason.rule().is_some() => Some(Self::Guard),
            _ => Some(Self::Score),
        }
    }
}

/// Requests and clients that a gate with this model would have refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Refusals {
    /// All requests.
    pub requests: u64,
    /// Requests limited or blocked.
    pub refused: u64,
    /// Clients with a request limited or blocked.
    pub clients: u64,
    /// Clients with a request blocked.
    pub clients_blocked: u64,
    /// Clients with a request limited or blocked, by what refused it. Several may refuse the same
    /// client.
    pub by_reason: BTreeMap<RefusedBy, u64>,
    /// Clients with a request limited or blocked, by label.
    pub by_label: BTreeMap<Label, u64>,
    /// Share of all people with a request limited or blocked, however few their pages; `null` if no
    /// client is known to be a person.
    pub people: Option<f64>,
    /// Its 95 % interval.
    pub people_ci: Option<[f64; 2]>,
}

impl Refusals {
    pub(super) fn count(site: &Site, seen: &[ClientHistory]) -> Self {
        let mut refusals = Self::default();
        for (client, seen) in site.clients.iter().zip(seen) {
            let refused = seen.limited + seen.blocked;
            refusals.requests += seen.requests;
            refusals.refused += refused;
            refusals.clients += u64::from(refused > 0);
            refusals.clients_blocked += u64::from(seen.blocked > 0);
            for (by, requests) in RefusedBy::ALL.into_iter().zip(seen.refused_by) {
                *refusals.by_reason.entry(by).or_default() += u64::from(requests > 0);
            }
            *refusals.by_label.entry(client.labelled.label).or_default() += u64::from(refused > 0);
        }
        let people = site.count(Label::Human);
        if people > 0 {
            let hurt = share(refusals.by_label.get(&Label::Human).copied().unwrap_or(0), people);
            (refusals.people, refusals.people_ci) = (Some(hurt.value), Some(hurt.ends()));
        }
        refusals
    }

    /// Share of all requests that were refused; `None` if there are none.
    pub fn share(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.refused as f64 / self.requests as f64)
    }
}
