//! What a ladder of thresholds would refuse.

use std::collections::BTreeMap;

use serde::Serialize;
use trainer::label::Label;

use super::step::Step;

/// What would be refused. Clients are supposed to go on asking as they did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stops {
    /// Clients refused at least once.
    pub clients: u64,
    /// These by label; labels without one are absent.
    pub by_label: BTreeMap<Label, u64>,
    /// Requests refused.
    pub requests: u64,
    /// Of these, for pages.
    pub pages: u64,
    /// Share of all requests.
    pub share_of_requests: f64,
    /// Share of all page requests.
    pub share_of_pages: f64,
}

/// Sessions that came to an outcome, and those that would have been refused on their way.
#[derive(Clone, Debug, Serialize)]
pub struct AtRisk {
    /// Its name.
    pub outcome: String,
    /// What fits.
    pub patterns: Vec<String>,
    /// Sessions that came to it. A session is a client's requests without a pause of half an hour.
    pub sessions: u64,
    /// Clients whose sessions these are.
    pub clients: u64,
    /// Sessions of which a request was refused before the outcome was asked for, or that very
    /// request: by the harshest step (block, limit, cohort, in this order). Steps that refused none
    /// are absent.
    pub by_step: BTreeMap<Step, u64>,
    /// All of these.
    pub at_risk: u64,
    /// Their clients.
    pub clients_at_risk: u64,
    /// Their clients by label: whose they are.
    pub by_label: BTreeMap<Label, u64>,
    /// So at most this share of those who come to it, with the confidence asked for. An estimate
    /// where these clients set the thresholds.
    pub at_most: Option<f64>,
    /// Further sessions of which a request was refused only afterwards.
    pub afterwards: u64,
}
