//! Clients' highest scores, as tables to look at.

use std::collections::BTreeMap;

use detector::Score;
use serde::Serialize;
use trainer::label::Label;
use trainer::site::Site;
use trainer::statistics::upper_bound;

use crate::separation::ScoreHistogram;

/// Number of bins of the histogram.
const BINS: usize = 20;
/// How many people are above each of the alternative thresholds.
const MARKS: [u64; 11] = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

/// Clients whose highest score is from `from` to below `to` (for the last bin, up to 1).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bin {
    /// Lower end of the bin, as a score.
    pub from: f64,
    /// Upper end of the bin, as a score.
    pub to: f64,
    /// Clients by label; labels without one are absent.
    pub clients: BTreeMap<Label, u64>,
}

/// An alternative threshold, with what it would cost and reach.
#[derive(Clone, Debug, Serialize)]
pub struct AlternativeThreshold {
    /// The threshold, as a score.
    pub score: f64,
    /// How many of the people who prove thresholds are at or above it.
    pub k: u64,
    /// Upper bound of the share of people at or above it, if it were the only threshold looked at.
    pub at_most: f64,
    /// Clients of the log at or above it, by label.
    pub above: BTreeMap<Label, u64>,
}

/// Clients at or above a margin, by label.
pub(super) fn above(
    site: &Site,
    scores: &[Option<f32>],
    margin: Option<f32>,
) -> BTreeMap<Label, u64> {
    let mut above = BTreeMap::new();
    let Some(margin) = margin else { return above };
    for (client, _) in site
        .clients
        .iter()
        .zip(scores)
        .filter(|(_, score)| score.is_some_and(|score| score >= margin))
    {
        *above.entry(client.labelled.label).or_default() += 1;
    }
    above
}

pub(super) fn histogram(site: &Site, scores: &[Option<f32>]) -> Vec<Bin> {
    let edge = |bin: usize| bin as f64 / BINS as f64;
    let mut bins: Vec<Bin> =
        (0..BINS).map(|bin| Bin { from: edge(bin), to: edge(bin + 1), ..Bin::default() }).collect();
    for (client, score) in site.clients.iter().zip(scores) {
        let Some(score) = score else { continue };
        let value = f64::from(Score::from_margin(*score).value());
        let bin = ((value * BINS as f64) as usize).min(BINS - 1);
        *bins[bin].clients.entry(client.labelled.label).or_default() += 1;
    }
    bins
}

pub(super) fn log_odds(site: &Site, scores: &[Option<f32>]) -> ScoreHistogram {
    let clients = site.clients.iter().zip(scores);
    let scored: Vec<(Label, f32)> =
        clients.filter_map(|(client, score)| Some((client.labelled.label, (*score)?))).collect();
    ScoreHistogram::of(&scored)
}

/// Thresholds just above all but the highest-scoring few people.
pub(super) fn marks(
    site: &Site,
    scores: &[Option<f32>],
    people: &[f32],
    delta: f64,
) -> Vec<AlternativeThreshold> {
    let mut sorted = people.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let n = sorted.len() as u64;
    let mark = |spared: u64| {
        let margin = sorted.get(usize::try_from(spared).ok()?)?.next_up();
        let k = sorted.partition_point(|&score| score >= margin) as u64;
        let score = f64::from(Score::from_margin(margin).value());
        Some(AlternativeThreshold {
            score,
            k,
            at_most: upper_bound(k, n, delta),
            above: above(site, scores, Some(margin)),
        })
    };
    let mut marks: Vec<AlternativeThreshold> = MARKS.into_iter().filter_map(mark).collect();
    marks.dedup_by_key(|mark| mark.k);
    marks
}
