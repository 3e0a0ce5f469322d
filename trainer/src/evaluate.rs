//! How good a model is on a labelled log: by client and class, with intervals, beside what the field does today.
//!
//! Traffic goes through the real [`Detector`]. A client's score is the highest it reached at any of its requests,
//! because a verdict is taken at each. Clients with too few pages are counted as not judged, never as right.

use std::collections::BTreeMap;

use detector::detector::Settings;
use detector::{AllowList, Class, Detector, Judge, Model, Policy, PolicyConfig, PolicyError};
use serde::Serialize;

use crate::baselines;
use crate::label::Label;
use crate::site::{OFFLINE_HASH_KEY, Site};
use crate::statistics::{Interval, auc, auc_interval, share, tpr_at_fpr};

/// The object that `evaluate --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Name of the model.
    pub model: String,
    /// Clients by label.
    pub clients: BTreeMap<Label, u64>,
    /// Of these, clients with too few pages.
    pub not_judged: BTreeMap<Label, u64>,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
    /// Area under the ROC curve, people against bad robots.
    pub auc: Option<f64>,
    /// Its 95 % interval.
    pub auc_ci: Option<[f64; 2]>,
    /// Share of bad robots caught when that share of people is hurt.
    pub tpr_at_fpr: BTreeMap<String, Option<f64>>,
    /// At the model's own thresholds; `null` where it has none.
    pub at_threshold: BTreeMap<String, Option<AtThreshold>>,
    /// All requests of a bad robot up to the one that crosses the strictest threshold, over those detected.
    pub requests_to_detect: Option<Requests>,
    /// By the reason of the label.
    pub by_class: BTreeMap<String, ByClass>,
    /// What fixed rules do on the same clients.
    pub baselines: BTreeMap<String, AsBaseline>,
}

/// Shares caught and hurt at a threshold.
#[derive(Clone, Debug, Serialize)]
pub struct AtThreshold {
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
    /// Share of people hurt.
    pub fpr: f64,
    /// Its 95 % interval.
    pub fpr_ci: [f64; 2],
}

/// How many requests it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Requests {
    /// Half took at most so many.
    pub median: u64,
    /// Nine of ten took at most so many.
    pub p90: u64,
}

/// One class of bad robots.
#[derive(Clone, Debug, Serialize)]
pub struct ByClass {
    /// Clients judged.
    pub n: u64,
    /// Against all people.
    pub auc: Option<f64>,
    /// Share caught at the limit threshold; without one, at 1 % of people hurt.
    pub tpr: Option<f64>,
}

/// A fixed rule on the same clients.
#[derive(Clone, Debug, Serialize)]
pub struct AsBaseline {
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Share of people hurt.
    pub fpr: f64,
    /// Over those caught.
    pub requests_to_detect: Option<Requests>,
}

/// What was seen of one client.
#[derive(Clone, Default)]
struct Seen {
    requests: u64,
    highest: Option<f32>,
    detected_at: Option<u64>,
    stopped_at: Vec<Option<u64>>,
}

/// Evaluates a model on a labelled site.
///
/// # Errors
/// [`PolicyError`] when the model's thresholds contradict each other.
pub fn evaluate(model: &Model, site: &Site, min_pages: u32) -> Result<Evaluation, PolicyError> {
    let seen = watch(model, site, min_pages)?;
    let side = |label: Label| -> Vec<&Seen> {
        let of_label = site.clients.iter().zip(&seen).filter(move |(client, _)| client.labelled.label == label);
        of_label.map(|(_, seen)| seen).filter(|seen| seen.highest.is_some()).collect()
    };
    let (people, bots) = (side(Label::Human), side(Label::Bad));
    let scores = |side: &[&Seen]| -> Vec<f32> { side.iter().filter_map(|seen| seen.highest).collect() };
    let (people_scores, bot_scores) = (scores(&people), scores(&bots));

    let margins = [("limit", model.thresholds().limit.margin), ("block", model.thresholds().block.margin)];
    let at_threshold = |margin: Option<f32>| {
        let margin = margin.filter(|_| !people.is_empty() && !bots.is_empty())?;
        let above =
            |scores: &[f32]| share(scores.iter().filter(|&&score| score >= margin).count() as u64, scores.len() as u64);
        let (tpr, fpr) = (above(&bot_scores), above(&people_scores));
        Some(AtThreshold { tpr: tpr.value, tpr_ci: ends(tpr), fpr: fpr.value, fpr_ci: ends(fpr) })
    };
    let area = auc_interval(&people_scores, &bot_scores);
    let not_judged = |label: Label| {
        let of_label = site.clients.iter().zip(&seen).filter(|(client, _)| client.labelled.label == label);
        of_label.filter(|(_, seen)| seen.highest.is_none()).count() as u64
    };
    Ok(Evaluation {
        model: model.file().name.clone(),
        clients: Label::ALL.into_iter().map(|label| (label, site.count(label))).collect(),
        not_judged: Label::ALL.into_iter().map(|label| (label, not_judged(label))).collect(),
        min_pages,
        auc: area.map(|area| area.value),
        auc_ci: area.map(ends),
        tpr_at_fpr: [0.001, 0.01]
            .into_iter()
            .map(|fpr| (fpr.to_string(), tpr_at_fpr(&people_scores, &bot_scores, fpr)))
            .collect(),
        at_threshold: margins.into_iter().map(|(name, margin)| (name.to_owned(), at_threshold(margin))).collect(),
        requests_to_detect: requests(bots.iter().filter_map(|seen| seen.detected_at).collect()),
        by_class: by_class(site, &seen, &people_scores, model.thresholds().limit.margin),
        baselines: compared(&people, &bots),
    })
}

/// Passes the traffic through the detector and, beside it, the baselines.
fn watch(model: &Model, site: &Site, min_pages: u32) -> Result<Vec<Seen>, PolicyError> {
    let strictest = model.thresholds().block.margin.or(model.thresholds().limit.margin);
    let policy = Policy::new(PolicyConfig { min_pages: Some(min_pages), ..PolicyConfig::default() }, Some(model))?;
    let judge = Judge { model: Some(model.clone()), policy, allow: AllowList::default() };
    // Below capacity, so that nobody's verdict depends on anybody else.
    let capacity = site.clients.len() * 2 + 1_024;
    let detector = Detector::new(Settings { capacity, hash_key: OFFLINE_HASH_KEY }, judge);
    let mut baselines = baselines::all();
    let mut seen = vec![Seen { stopped_at: vec![None; baselines.len()], ..Seen::default() }; site.clients.len()];
    for step in &site.steps {
        if let Some(event) = step.request() {
            let seen = &mut seen[step.client as usize];
            seen.requests += 1;
            let verdict = detector.observe(event);
            if event.class == Class::Page
                && let Some(score) = verdict.score
            {
                seen.highest = Some(seen.highest.map_or(score.margin(), |best| best.max(score.margin())));
                if strictest.is_some_and(|margin| score.margin() >= margin) {
                    seen.detected_at = seen.detected_at.or(Some(seen.requests));
                }
            }
            for (baseline, stopped_at) in baselines.iter_mut().zip(&mut seen.stopped_at) {
                if baseline.observe(step.client, event) {
                    *stopped_at = stopped_at.or(Some(seen.requests));
                }
            }
        }
        if let Some(outcome) = step.outcome() {
            detector.conclude(&outcome);
        }
    }
    Ok(seen)
}

fn by_class(site: &Site, seen: &[Seen], people: &[f32], limit: Option<f32>) -> BTreeMap<String, ByClass> {
    let mut scores: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for (client, seen) in site.clients.iter().zip(seen) {
        if let (Label::Bad, Some(highest)) = (client.labelled.label, seen.highest) {
            scores.entry(&client.labelled.why).or_default().push(highest);
        }
    }
    let class = |scores: &[f32]| {
        let caught = |margin: f32| scores.iter().filter(|&&score| score >= margin).count() as f64;
        let tpr = limit.map(|margin| caught(margin) / scores.len() as f64).or_else(|| tpr_at_fpr(people, scores, 0.01));
        ByClass { n: scores.len() as u64, auc: auc(people, scores), tpr }
    };
    scores.into_iter().map(|(why, scores)| (why.to_owned(), class(&scores))).collect()
}

fn compared(people: &[&Seen], bots: &[&Seen]) -> BTreeMap<String, AsBaseline> {
    if people.is_empty() || bots.is_empty() {
        return BTreeMap::new();
    }
    let row = |(index, baseline): (usize, Box<dyn baselines::Baseline>)| {
        let stopped = |side: &[&Seen]| -> Vec<u64> { side.iter().filter_map(|seen| seen.stopped_at[index]).collect() };
        let (hurt, caught) = (stopped(people), stopped(bots));
        let row = AsBaseline {
            tpr: caught.len() as f64 / bots.len() as f64,
            fpr: hurt.len() as f64 / people.len() as f64,
            requests_to_detect: requests(caught),
        };
        (baseline.name().to_owned(), row)
    };
    baselines::all().into_iter().enumerate().map(row).collect()
}

fn requests(mut counts: Vec<u64>) -> Option<Requests> {
    counts.sort_unstable();
    let at = |share: f64| counts.get(((counts.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied();
    Some(Requests { median: at(0.5)?, p90: at(0.9)? })
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.low, interval.high]
}
