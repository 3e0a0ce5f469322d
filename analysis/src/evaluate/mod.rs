//! Evaluates a model on a labelled log: by client and class, with intervals, beside fixed rules.
//!
//! Traffic goes through the real [`detector::Detector`]. A client's score is the highest of its
//! requests, because each request gets a verdict. Clients with too few pages count as not judged,
//! never as right.

mod evaluation;
pub(crate) mod history;
mod ladder;
mod quality;
mod refusals;
mod shown;

pub use evaluation::{
    AsBaseline, AtThreshold, ByClass, Detection, Evaluation, NoneHurt, RequestsToDetect,
};
pub use ladder::ThresholdRow;
pub use refusals::{Refusals, RefusedBy};

use detector::{Model, PolicyConfig, PolicyError};
use trainer::label::Label;
use trainer::progress::Stage;
use trainer::site::Site;
use trainer::statistics::{Interval, auc_interval, share};

use crate::baseline::Baseline;
use crate::separation::Separation;
use history::{ClientHistory, watch};
use quality::{at_fpr, by_class, carried, compared, detection, found, may_have_trained, requests};
use shown::shown;

/// Evaluates a model on a labelled site, beside these rules, which must have no state yet.
///
/// # Errors
/// [`PolicyError`] when the model's thresholds contradict each other.
pub fn evaluate(
    model: &Model,
    site: &Site,
    min_pages: u32,
    baselines: Vec<Box<dyn Baseline>>,
) -> Result<Evaluation, PolicyError> {
    evaluate_told(model, site, min_pages, baselines, |_| ())
}

/// Evaluates as [`evaluate`] does; `tell` is called with the progress now and then.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_told(
    model: &Model,
    site: &Site,
    min_pages: u32,
    mut baselines: Vec<Box<dyn Baseline>>,
    tell: impl FnMut(Stage<'_>),
) -> Result<Evaluation, PolicyError> {
    let policy = PolicyConfig { min_pages: Some(min_pages), ..PolicyConfig::default() };
    let seen = watch(model, site, policy, &mut baselines, tell)?;
    let side = |label: Label| -> Vec<&ClientHistory> {
        let of_label = site
            .clients
            .iter()
            .zip(&seen)
            .filter(move |(client, _)| client.labelled.label == label);
        of_label.map(|(_, seen)| seen).filter(|seen| seen.highest.is_some()).collect()
    };
    let (people, bots) = (side(Label::Human), side(Label::Bad));
    let scores = |side: &[&ClientHistory]| -> Vec<f32> {
        side.iter().filter_map(|seen| seen.highest).collect()
    };
    let (people_scores, bot_scores) = (scores(&people), scores(&bots));

    let margins =
        [("limit", model.thresholds().limit.margin), ("block", model.thresholds().block.margin)];
    let at_threshold = |margin: Option<f32>| {
        let margin = margin.filter(|_| !people.is_empty() && !bots.is_empty())?;
        let above = |scores: &[f32]| {
            share(
                scores.iter().filter(|&&score| score >= margin).count() as u64,
                scores.len() as u64,
            )
        };
        let (tpr, fpr) = (above(&bot_scores), above(&people_scores));
        Some(AtThreshold { tpr: tpr.value, tpr_ci: tpr.ends(), fpr: fpr.value, fpr_ci: fpr.ends() })
    };
    let judged = site.clients.iter().zip(&seen);
    let labelled: Vec<(Label, f32)> =
        judged.filter_map(|(client, seen)| Some((client.labelled.label, seen.highest?))).collect();
    let [top, borderline, shared] = shown(model, site, &seen, min_pages);
    let area = auc_interval(&people_scores, &bot_scores);
    let not_judged = |label: Label| {
        let of_label =
            site.clients.iter().zip(&seen).filter(|(client, _)| client.labelled.label == label);
        of_label.filter(|(_, seen)| seen.highest.is_none()).count() as u64
    };
    Ok(Evaluation {
        model: model.file().name.clone(),
        in_sample: false,
        trained_until_us: model.card().trained_until_us,
        may_have_trained: may_have_trained(model.card(), site, &seen),
        clients: Label::ALL.into_iter().map(|label| (label, site.count(label))).collect(),
        not_judged: Label::ALL.into_iter().map(|label| (label, not_judged(label))).collect(),
        min_pages,
        from_step: u32::from(model.score_rule().from_step),
        auc: area.map(|area| area.value),
        auc_ci: area.map(Interval::ends),
        tpr_at_fpr: at_fpr(&|fpr| {
            carried(&people_scores, &bot_scores, fpr).map(|found| found.value)
        }),
        tpr_at_fpr_ci: at_fpr(&|fpr| carried(&people_scores, &bot_scores, fpr).map(Interval::ends)),
        with_none_hurt: found(&people_scores, &bot_scores, 0.0).map(|found| NoneHurt {
            people: people_scores.len() as u64,
            tpr: found.value,
            tpr_ci: found.ends(),
        }),
        at_threshold: margins
            .into_iter()
            .map(|(name, margin)| (name.to_owned(), at_threshold(margin)))
            .collect(),
        requests_to_detect: requests(bots.iter().filter_map(|seen| seen.detected_at).collect()),
        by_class: by_class(site, &seen, &people_scores, model.thresholds().limit.margin),
        baselines: compared(&baselines, &people, &bots),
        refusals: Refusals::count(site, &seen),
        separation: Separation::of(&labelled),
        ladder: ladder::ladder(site, &seen, model.thresholds()),
        detection: detection(bots.len(), bots.iter().filter_map(|seen| seen.detected_at).collect()),
        top,
        borderline,
        shared,
    })
}
