//! What a threshold would stop at each of several scores: a table to choose a threshold from.

use std::collections::BTreeMap;

use detector::Score;
use detector::model::Thresholds;
use serde::Serialize;
use trainer::label::Label;
use trainer::site::Site;
use trainer::statistics::share;

use super::history::ClientHistory;

/// Round scores, which people choose from.
const SCORES: [f32; 8] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999];

/// Results at one threshold.
#[derive(Clone, Debug, Serialize)]
pub struct ThresholdRow {
    /// The threshold, as a score.
    pub threshold: f64,
    /// `limit` or `block`, if it is one of the model's own.
    pub name: Option<&'static str>,
    /// Clients that reach it, by label.
    pub clients: BTreeMap<Label, u64>,
    /// Requests of these clients, from the one that reaches it on.
    pub requests: u64,
    /// Those requests as a share of all; 0 if there are none.
    pub request_share: f64,
    /// Share of bad robots that reach it, of those with enough pages; `null` if there are none.
    pub tpr: Option<f64>,
    /// Its 95 % interval.
    pub tpr_ci: Option<[f64; 2]>,
    /// Share of people that reach it, of those with enough pages; `null` if there are none.
    pub fpr: Option<f64>,
    /// Its 95 % interval.
    pub fpr_ci: Option<[f64; 2]>,
}

/// One row for each score, ascending, with the model's own thresholds among them.
pub(super) fn ladder(
    site: &Site,
    seen: &[ClientHistory],
    thresholds: &Thresholds,
) -> Vec<ThresholdRow> {
    let own = [("limit", thresholds.limit.margin), ("block", thresholds.block.margin)];
    let own = own.into_iter().filter_map(|(name, margin)| Some((margin?, Some(name))));
    let mut margins: Vec<(f32, Option<&'static str>)> =
        SCORES.iter().map(|&score| (Score::from_value(score).margin(), None)).chain(own).collect();
    margins.sort_by(|a, b| a.0.total_cmp(&b.0));
    margins.into_iter().map(|(margin, name)| rung(site, seen, margin, name)).collect()
}

fn rung(
    site: &Site,
    seen: &[ClientHistory],
    margin: f32,
    name: Option<&'static str>,
) -> ThresholdRow {
    let mut clients: BTreeMap<Label, u64> =
        Label::ALL.into_iter().map(|label| (label, 0)).collect();
    let mut judged = clients.clone();
    let (mut requests, mut all) = (0, 0);
    for (client, seen) in site.clients.iter().zip(seen) {
        all += seen.requests;
        *judged.entry(client.labelled.label).or_default() += u64::from(seen.highest.is_some());
        if let Some((_, at)) = seen.rises.iter().find(|(highest, _)| *highest >= margin) {
            *clients.entry(client.labelled.label).or_default() += 1;
            requests += seen.requests - at + 1;
        }
    }
    let of = |label: Label| {
        let judged = judged.get(&label).copied().unwrap_or(0);
        (judged > 0).then(|| share(clients.get(&label).copied().unwrap_or(0), judged))
    };
    let (tpr, fpr) = (of(Label::Bad), of(Label::Human));
    ThresholdRow {
        threshold: f64::from(Score::from_margin(margin).value()),
        name,
        requests,
        request_share: if all > 0 { requests as f64 / all as f64 } else { 0.0 },
        tpr: tpr.map(|tpr| tpr.value),
        tpr_ci: tpr.map(|tpr| tpr.ends()),
        fpr: fpr.map(|fpr| fpr.value),
        fpr_ci: fpr.map(|fpr| fpr.ends()),
        clients,
    }
}
