//! Selects the clients that a report lists one by one.

use detector::policy::SHARED_MIN;
use detector::{Model, Score};
use trainer::scoring::Scoring;
use trainer::site::Site;

use super::history::ClientHistory;
use crate::client_summary::{ClientSummary, SummaryRequest, client_summaries};

/// How many clients of each group are listed.
const SHOWN: usize = 20;

/// Lists the highest-scoring clients, those around the limit threshold, and addresses with many
/// browsers.
pub(super) fn shown(
    model: &Model,
    site: &Site,
    seen: &[ClientHistory],
    min_pages: u32,
) -> [Vec<ClientSummary>; 3] {
    let judged = || (0..seen.len()).filter_map(|client| Some((client, seen[client].highest?)));
    let first = |mut ranked: Vec<(f32, usize)>| -> Vec<usize> {
        // The client's number decides between equals, so that the same log gives the same list.
        ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().take(SHOWN).map(|(_, client)| client).collect()
    };
    let limit = model.thresholds().limit.margin.unwrap_or(0.0);
    let groups = [
        first(judged().map(|(client, margin)| (-margin, client)).collect()),
        first(judged().map(|(client, margin)| ((margin - limit).abs(), client)).collect()),
        first(
            (0..seen.len())
                .filter(|&client| seen[client].browsers >= SHARED_MIN)
                .map(|client| (-(seen[client].requests as f32), client))
                .collect(),
        ),
    ];
    let summarise = |group: &Vec<usize>| -> Vec<ClientSummary> {
        let subject = |&client: &usize| {
            let at_request = seen[client].rises.last().map(|rise| rise.1);
            SummaryRequest { client, scorer: model.scorer(), at_request }
        };
        let of: Vec<SummaryRequest<'_>> = group.iter().map(subject).collect();
        let scoring = Scoring { min_pages, rule: model.score_rule() };
        let summaries = client_summaries(site, model.resolution_us(), scoring, &of);
        // The detector's own score counts: other clients may have moved a client's clock by some
        // microseconds.
        let known = summaries.into_iter().zip(group.iter().map(|&client| &seen[client]));
        let known = known.map(|(summary, seen)| ClientSummary {
            score: seen.highest.map(|margin| f64::from(Score::from_margin(margin).value())),
            refused: Some(seen.limited + seen.blocked),
            browsers: Some(seen.browsers),
            ..summary
        });
        known.collect()
    };
    groups.each_ref().map(summarise)
}
