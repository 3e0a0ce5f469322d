//! What the thresholds would refuse.

use std::collections::BTreeMap;

use serde::Serialize;
use trainer::label::Label;

use super::step::LadderStep;

/// What would be refused, assuming that clients go on asking as they did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stops {
    /// Clients refused at least once.
    pub clients: u64,
    /// These clients by label; labels without one are absent.
    pub by_label: BTreeMap<Label, u64>,
    /// Requests refused.
    pub requests: u64,
    /// Page requests refused.
    pub pages: u64,
    /// Share of all requests.
    pub share_of_requests: f64,
    /// Share of all page requests.
    pub share_of_pages: f64,
}

/// Sessions that came to a conversion, and those that would have been refused on their way.
#[derive(Clone, Debug, Serialize)]
pub struct AtRisk {
    /// Name of the conversion.
    pub outcome: String,
    /// Patterns of its requests.
    pub patterns: Vec<String>,
    /// Sessions that came to it. A session is a client's requests without a pause of half an hour.
    pub sessions: u64,
    /// Number of clients with such a session.
    pub clients: u64,
    /// Sessions with a request refused up to and including the conversion, by the harshest step
    /// that refused one (block, limit, cohort, in this order). Steps that refused none are absent.
    pub by_step: BTreeMap<LadderStep, u64>,
    /// All sessions refused before or at the conversion.
    pub at_risk: u64,
    /// Number of their clients.
    pub clients_at_risk: u64,
    /// Those clients by label.
    pub by_label: BTreeMap<Label, u64>,
    /// Upper bound of the share of clients refused before the conversion, with the confidence asked
    /// for. It is only an estimate if these clients set the thresholds.
    pub at_most: Option<f64>,
    /// Sessions with a request refused only after the conversion.
    pub afterwards: u64,
}
