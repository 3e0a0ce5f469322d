//! How good a freshly trained model is on the clients that calibrated it. Each is scored by a model
//! that has not seen it. A training report draws these figures.

use std::collections::BTreeMap;

use serde::Serialize;
use trainer::held_out::HeldOutClient;
use trainer::scoring::Scoring;
use trainer::statistics::share;
use trainer::{Label, Site, Trained};

use crate::client_summary::{ClientSummary, SummaryRequest, client_summaries};
use crate::evaluate::AtThreshold;
use crate::separation::Separation;

/// How many clients of each side are listed one by one.
const SHOWN: usize = 20;

/// How held-out people and bad robots score: the scoring models did not train on them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HeldOutQuality {
    /// The distribution of their highest scores.
    pub separation: Separation,
    /// Results at the model's own thresholds; `null` where it has none, or where people or bad
    /// robots are missing.
    pub at_threshold: BTreeMap<String, Option<AtThreshold>>,
    /// The people with the highest scores: they are hurt first, or labelled wrongly.
    pub people_highest: Vec<ClientSummary>,
    /// The bad robots with the lowest scores: they are missed, or labelled wrongly.
    pub bots_lowest: Vec<ClientSummary>,
}

impl HeldOutQuality {
    /// Computes it from a training on these sites.
    pub fn of(sites: &[Site], trained: &Trained) -> Self {
        let (thresholds, clients) = (&trained.file.thresholds, &trained.held_out.clients);
        let label = |of: &HeldOutClient| sites[of.site].clients[of.client].labelled.label;
        let labelled: Vec<(Label, f32)> =
            clients.iter().map(|client| (label(client), client.margin)).collect();
        let own = [("limit", thresholds.limit.margin), ("block", thresholds.block.margin)];
        let at_threshold = own.map(|(name, margin)| {
            (name.to_owned(), margin.and_then(|margin| at(&labelled, margin)))
        });
        let first = |of: Label, sign: f32| -> Vec<&HeldOutClient> {
            let mut ranked: Vec<&HeldOutClient> =
                clients.iter().filter(|client| label(client) == of).collect();
            ranked.sort_unstable_by(|a, b| {
                let by_margin = (sign * a.margin).total_cmp(&(sign * b.margin));
                by_margin.then((a.site, a.client).cmp(&(b.site, b.client)))
            });
            ranked.truncate(SHOWN);
            ranked
        };
        Self {
            separation: Separation::of(&labelled),
            at_threshold: at_threshold.into_iter().collect(),
            people_highest: summarise(sites, trained, &first(Label::Human, -1.0)),
            bots_lowest: summarise(sites, trained, &first(Label::Bad, 1.0)),
        }
    }
}

/// Summarises each chosen client, in the order given.
fn summarise(sites: &[Site], trained: &Trained, chosen: &[&HeldOutClient]) -> Vec<ClientSummary> {
    let file = &trained.file;
    let mut found: BTreeMap<(usize, usize), ClientSummary> = BTreeMap::new();
    for (index, site) in sites.iter().enumerate() {
        let subject = |of: &&HeldOutClient| SummaryRequest {
            client: of.client,
            scorer: &trained.held_out.scorers[of.scorer],
            at_request: None,
        };
        let of: Vec<SummaryRequest<'_>> =
            chosen.iter().filter(|of| of.site == index).map(subject).collect();
        let client_summaries =
            client_summaries(site, file.resolution_us, Scoring::of(&file.thresholds), &of);
        found.extend(of.iter().map(|subject| (index, subject.client)).zip(client_summaries));
    }
    chosen.iter().filter_map(|of| found.remove(&(of.site, of.client))).collect()
}

fn at(scores: &[(Label, f32)], margin: f32) -> Option<AtThreshold> {
    let of = |label: Label| {
        let all = scores.iter().filter(|row| row.0 == label);
        let above = all.clone().filter(|row| row.1 >= margin).count() as u64;
        let all = all.count() as u64;
        (all > 0).then(|| share(above, all))
    };
    let (tpr, fpr) = (of(Label::Bad)?, of(Label::Human)?);
    Some(AtThreshold { tpr: tpr.value, tpr_ci: tpr.ends(), fpr: fpr.value, fpr_ci: fpr.ends() })
}
