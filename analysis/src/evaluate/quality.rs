//! The figures of an evaluation: shares found, by class, and beside the baselines.

use std::collections::BTreeMap;

use detector::model::Card;
use trainer::label::Label;
use trainer::site::Site;
use trainer::statistics::{Interval, auc, share, tpr_at_fpr};

use super::evaluation::{AsBaseline, ByClass, Detection, RequestsToDetect};
use super::history::ClientHistory;
use crate::baseline::Baseline;

/// The most steps that a distribution is shown with.
const STEPS_MAX: usize = 48;

pub(super) fn at_fpr<T>(found: &dyn Fn(f64) -> T) -> BTreeMap<String, T> {
    [0.001, 0.01].into_iter().map(|fpr| (fpr.to_string(), found(fpr))).collect()
}

/// Share of bad robots found if at most this share of people is too.
pub(super) fn found(people: &[f32], bots: &[f32], fpr: f64) -> Option<Interval> {
    let share_of = tpr_at_fpr(people, bots, fpr)?;
    Some(share((share_of * bots.len() as f64).round() as u64, bots.len() as u64))
}

/// The value of [`found`] if there are enough people for that share to be at least one person.
/// With fewer, nobody is hurt, which says nothing about so small a share.
pub(super) fn carried(people: &[f32], bots: &[f32], fpr: f64) -> Option<Interval> {
    found(people, bots, fpr).filter(|_| fpr * people.len() as f64 + 1e-9 >= 1.0)
}

pub(super) fn may_have_trained(
    card: &Card,
    site: &Site,
    seen: &[ClientHistory],
) -> BTreeMap<Label, u64> {
    let mut by_label = BTreeMap::new();
    let clients = site.clients.iter().zip(seen).filter(|(_, seen)| seen.highest.is_some());
    for (client, _) in clients.filter(|_| card.sites_sha256.is_empty()) {
        if client.first_at.as_micros() <= card.trained_until_us {
            *by_label.entry(client.labelled.label).or_default() += 1;
        }
    }
    by_label
}

pub(super) fn by_class(
    site: &Site,
    seen: &[ClientHistory],
    people: &[f32],
    limit: Option<f32>,
) -> BTreeMap<String, ByClass> {
    let mut scores: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for (client, seen) in site.clients.iter().zip(seen) {
        if let (Label::Bad, Some(highest)) = (client.labelled.label, seen.highest) {
            scores.entry(&client.labelled.why).or_default().push(highest);
        }
    }
    let class = |scores: &[f32]| {
        let above = |margin: f32| scores.iter().filter(|&&score| score >= margin).count() as u64;
        let own = limit.map(|margin| share(above(margin), scores.len() as u64));
        let found = own.or_else(|| carried(people, scores, 0.01));
        ByClass {
            n: scores.len() as u64,
            auc: auc(people, scores),
            tpr: found.map(|found| found.value),
            tpr_ci: found.map(Interval::ends),
        }
    };
    scores.into_iter().map(|(why, scores)| (why.to_owned(), class(&scores))).collect()
}

pub(super) fn compared(
    baselines: &[Box<dyn Baseline>],
    people: &[&ClientHistory],
    bots: &[&ClientHistory],
) -> BTreeMap<String, AsBaseline> {
    if people.is_empty() || bots.is_empty() {
        return BTreeMap::new();
    }
    let row = |(index, baseline): (usize, &dyn Baseline)| {
        let stopped = |side: &[&ClientHistory]| -> Vec<u64> {
            side.iter().filter_map(|seen| seen.stopped_at[index]).collect()
        };
        let (hurt, found) = (stopped(people), stopped(bots));
        let row = AsBaseline {
            tpr: found.len() as f64 / bots.len() as f64,
            fpr: hurt.len() as f64 / people.len() as f64,
            requests_to_detect: requests(found.clone()),
            detection: detection(bots.len(), found),
        };
        (baseline.name().to_owned(), row)
    };
    baselines.iter().map(AsRef::as_ref).enumerate().map(row).collect()
}

pub(super) fn detection(of: usize, mut counts: Vec<u64>) -> Detection {
    counts.sort_unstable();
    let last = |i: usize| counts.get(i + 1).is_none_or(|&next| next > counts[i]);
    let steps: Vec<[u64; 2]> =
        (0..counts.len()).filter(|&i| last(i)).map(|i| [counts[i], i as u64 + 1]).collect();
    let stride = steps.len().div_ceil(STEPS_MAX).max(1);
    // Backwards, so that the last step stays.
    let mut by_request: Vec<[u64; 2]> = steps.into_iter().rev().step_by(stride).collect();
    by_request.reverse();
    Detection { of: of as u64, by_request }
}

pub(super) fn requests(mut counts: Vec<u64>) -> Option<RequestsToDetect> {
    counts.sort_unstable();
    let at = |share: f64| {
        counts.get(((counts.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied()
    };
    Some(RequestsToDetect { median: at(0.5)?, p90: at(0.9)? })
}
