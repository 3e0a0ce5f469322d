//! Passing a site's traffic through the detector's own windows.
//!
//! The only place of this crate that measures features, and it does so by calling the detector: what is trained on is
//! what the gate will see.

use detector::features::{FEATURES, Role};
use detector::{Class, Features, Window};
use linfa::DatasetBase;
use ndarray::{Array1, Array2};

use crate::label::Label;
use crate::site::Site;

/// What both algorithms fit: rows × features (NaN missing), true = bad, one weight a row.
pub type Rows = DatasetBase<Array2<f32>, Array1<bool>>;

/// Page counts at which a client gives a training row: short windows as well as long ones, and never one client many.
const SCHEDULE: [u32; 14] = [3, 5, 8, 12, 20, 32, 48, 80, 130, 210, 340, 550, 890, 1440];

/// One training row.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Index of its site.
    pub site: usize,
    /// Index of its client there.
    pub client: usize,
    /// What the detector measured.
    pub features: Features,
    /// Is it a bot?
    pub bad: bool,
}

/// Walks through a site's traffic and calls `visit(client, window, pages)` at each page request, as the gate would
/// stand when it decides about that request.
pub fn walk(site: &Site, resolution_us: u32, mut visit: impl FnMut(usize, &Window, u32)) {
    let mut windows: Vec<Option<Box<Window>>> = vec![None; site.clients.len()];
    for step in &site.steps {
        let window = windows[step.client as usize].get_or_insert_with(|| Box::new(Window::new(step.event.at)));
        if let Some(event) = step.request() {
            window.push(event, resolution_us);
            if event.class == Class::Page {
                visit(step.client as usize, window, window.pages());
            }
        }
        if let Some(outcome) = step.outcome() {
            window.conclude(&outcome, resolution_us);
        }
    }
}

/// Training rows of the clients that `takes` accepts and that are labelled human or bad.
pub fn samples(site: &Site, index: usize, resolution_us: u32, takes: impl Fn(usize) -> bool) -> Vec<Sample> {
    let mut samples = Vec::new();
    walk(site, resolution_us, |client, window, pages| {
        let bad = match site.clients[client].labelled.label {
            Label::Bad => true,
            Label::Human => false,
            Label::GoodBot | Label::Unknown => return,
        };
        if SCHEDULE.contains(&pages) && takes(client) {
            samples.push(Sample { site: index, client, features: Features::measure(window), bad });
        }
    });
    samples
}

/// Rows with weights: every client counts the same, people and bots the same within a site, every site the same; and
/// among bots a class (`why`) counts as the root of its size, so that declared robots do not drown the rest.
///
/// From several sites only features that mean the same on all of them are told, the others are missing throughout: the
/// model is meant for a shop it has never seen.
pub fn rows(samples: &[Sample], sites: &[Site]) -> Rows {
    let told = |role| role == Role::Carried || sites.len() < 2;
    let weights = weights(samples, sites);
    let mut records = Array2::zeros((samples.len(), detector::features::COUNT));
    for (mut row, sample) in records.rows_mut().into_iter().zip(samples) {
        for ((slot, value), feature) in row.iter_mut().zip(sample.features.0).zip(&FEATURES) {
            *slot = if told(feature.role) { value } else { f32::NAN };
        }
    }
    let targets = samples.iter().map(|sample| sample.bad).collect();
    DatasetBase::new(records, targets).with_weights(weights)
}

fn weights(samples: &[Sample], sites: &[Site]) -> Array1<f32> {
    use std::collections::HashMap;
    let class = |sample: &Sample| {
        let why = if sample.bad { sites[sample.site].clients[sample.client].labelled.why.as_str() } else { "" };
        (sample.site, sample.bad, why)
    };
    let mut per_client: HashMap<(usize, usize), f64> = HashMap::new();
    for sample in samples {
        *per_client.entry((sample.site, sample.client)).or_default() += 1.0;
    }
    let share = |sample: &Sample| 1.0 / per_client[&(sample.site, sample.client)];
    let mut per_class: HashMap<_, f64> = HashMap::new();
    for sample in samples {
        *per_class.entry(class(sample)).or_default() += share(sample);
    }
    let mut per_side: HashMap<(usize, bool), f64> = HashMap::new();
    for (&(site, bad, _), size) in &per_class {
        *per_side.entry((site, bad)).or_default() += size.sqrt();
    }
    let raw = samples.iter().map(|sample| {
        let size = per_class[&class(sample)];
        share(sample) / size * size.sqrt() / per_side[&(sample.site, sample.bad)]
    });
    let raw: Vec<f64> = raw.collect();
    // Mean weight 1, so that the algorithms' minima mean rows.
    let scale = samples.len() as f64 / raw.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    raw.into_iter().map(|weight| (weight * scale) as f32).collect()
}

/// Each client's highest margin over its page requests from `min_pages` on, by the scorer that `scorer` picks for it.
pub fn highest<'a>(
    site: &Site,
    resolution_us: u32,
    min_pages: u32,
    scorer: impl Fn(usize) -> Option<&'a detector::model::Scorer>,
) -> Vec<Option<f32>> {
    let mut highest: Vec<Option<f32>> = vec![None; site.clients.len()];
    walk(site, resolution_us, |client, window, pages| {
        if pages >= min_pages
            && let Some(scorer) = scorer(client)
        {
            let margin = scorer.margin(&Features::measure(window));
            let best = &mut highest[client];
            *best = Some(best.map_or(margin, |best| best.max(margin)));
        }
    });
    highest
}
