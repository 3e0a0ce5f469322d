//! Training rows and highest scores: a site's traffic passed through the detector's own windows.
//!
//! This crate measures features only here and in `augmentation`, and both call the detector. So a
//! model is trained on what the gate will see.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

pub(crate) use detector::drift::SCHEDULE;
use detector::features::{FEATURES, Role};
use detector::model::Scorer;
use detector::{Class, Event, Features, Score, SiteProfile};
use linfa::DatasetBase;
use ndarray::{Array1, Array2};
use traffic::replay::{Driver, PARTS};

use crate::label::Label;
use crate::scoring::Scoring;
use crate::site::Site;
use crate::unjudged::{UnjudgedClient, UnjudgedWindow};

/// Windows that are held at the same time on one thread, about: 30 MB.
const WINDOWS_AT_ONCE: usize = 1 << 16;

/// What the algorithms fit: rows × features (NaN missing), true = bad, one weight a row.
pub type Rows = DatasetBase<Array2<f32>, Array1<bool>>;

/// One training row.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Index of its site.
    pub site: usize,
    /// Index of its client there.
    pub client: usize,
    /// Page requests of its window.
    pub pages: u32,
    /// What the detector measured.
    pub features: Features,
    /// Is it a bot?
    pub bad: bool,
}

/// Walks through a site's traffic and calls `visit` at each page request with the client's index
/// and what is known of it, as the gate would stand when it decides about that request.
pub fn walk(site: &Site, resolution_us: u32, mut visit: impl FnMut(usize, &UnjudgedClient)) {
    walk_windows(site, resolution_us, 0..PARTS, |_, client, known| visit(client, known));
}

/// Walks through some parts of a site's clients. `visit` is also told the step's place in the site.
///
/// Parts are walked several at a time, so that at most about [`WINDOWS_AT_ONCE`] windows are held:
/// in order of time for each client, and not among all of them.
fn walk_windows(
    site: &Site,
    resolution_us: u32,
    parts: Range<usize>,
    mut visit: impl FnMut(u64, usize, &UnjudgedClient),
) {
    let clients_a_part = site.clients.len().div_ceil(PARTS).max(1);
    let at_once = (WINDOWS_AT_ONCE / clients_a_part).max(1);
    for start in parts.clone().step_by(at_once) {
        let mut clients: HashMap<usize, (Box<UnjudgedClient>, Option<&SiteProfile>)> =
            HashMap::new();
        let mut driver = Driver::default();
        site.walk_parts(start..parts.end.min(start + at_once), |place, step| {
            let client = step.client as usize;
            let create =
                || (Box::new(UnjudgedClient::new(step.event.at)), site.profile_for(client));
            let (known, profile) = clients.entry(client).or_insert_with(create);
            let at_request = |event: &Event, known: &UnjudgedClient| {
                if event.class == Class::Page {
                    visit(place, client, known);
                }
            };
            let mut subject =
                UnjudgedWindow { client: known, resolution_us, profile: *profile, at_request };
            driver.step(step, &mut subject);
        });
    }
}

/// As many threads as there are cores.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Deals the [`PARTS`] of a site's clients to this many threads and does `work` on each. A client's
/// features depend on nobody else (law 4).
pub(crate) fn in_parts<T: Send>(threads: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let (work, threads) = (&work, threads.clamp(1, PARTS));
    let parts = |thread: usize| PARTS * thread / threads..PARTS * (thread + 1) / threads;
    thread::scope(|scope| {
        let others: Vec<_> =
            (1..threads).map(|thread| scope.spawn(move || work(parts(thread)))).collect();
        let mut done = vec![work(parts(0))];
        // A panic there goes on here.
        done.extend(
            others
                .into_iter()
                .map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))),
        );
        done
    })
}

/// Training rows of the clients that `takes` accepts and that are labelled human or bad, in the
/// order of their steps.
pub fn samples(
    site: &Site,
    index: usize,
    resolution_us: u32,
    takes: impl Fn(usize) -> bool,
) -> Vec<Sample> {
    samples_as(site, index, resolution_us, |client| match site.clients[client].labelled.label {
        Label::Bad if takes(client) => Some(true),
        Label::Human if takes(client) => Some(false),
        _ => None,
    })
}

/// Training rows of the clients for which `bad` says yes (bots) or no (people), in the order of
/// their steps.
pub fn samples_as(
    site: &Site,
    index: usize,
    resolution_us: u32,
    bad: impl Fn(usize) -> Option<bool>,
) -> Vec<Sample> {
    let bad: Vec<Option<bool>> = (0..site.clients.len()).map(bad).collect();
    samples_in(cores(), site, index, resolution_us, &bad)
}

/// The time step that traffic is measured with, in µs: the finest of the sites' logs. A coarser log
/// has no finer times and is measured in its own.
pub fn resolution_us(sites: &[Site]) -> u32 {
    sites.iter().map(|site| site.resolution_us).min().unwrap_or(1).max(1)
}

/// A second in µs: the time step of logs in the common format.
const SECOND_US: u32 = 1_000_000;

/// Training rows of several sites, as [`samples_as`] makes them of one; `bad` is given the site and
/// the client.
///
/// A model of several sites is for sites that it has not seen, and their logs may have whole
/// seconds or milliseconds. So a site with finer times gives its rows in both. A client's rows
/// count the same together, however many there are.
pub fn samples_of(sites: &[Site], bad: impl Fn(usize, usize) -> Option<bool>) -> Vec<Sample> {
    let finest_us = resolution_us(sites);
    let of = |(index, site): (usize, &Site)| {
        let is_cut_too = sites.len() > 1 && site.resolution_us < SECOND_US;
        let steps = [Some(finest_us), is_cut_too.then_some(SECOND_US)];
        let rows = |step_us| samples_as(site, index, step_us, |client| bad(index, client));
        steps.into_iter().flatten().flat_map(rows).collect::<Vec<Sample>>()
    };
    sites.iter().enumerate().flat_map(of).collect()
}

fn samples_in(
    parts: usize,
    site: &Site,
    index: usize,
    resolution_us: u32,
    bad: &[Option<bool>],
) -> Vec<Sample> {
    let parts = in_parts(parts, |part| {
        let mut samples = Vec::new();
        walk_windows(site, resolution_us, part, |place, client, known| {
            let pages = known.window.pages();
            if let Some(bad) = bad[client]
                && SCHEDULE.contains(&pages)
            {
                let features = Features::measure(&known.window);
                samples.push((place, Sample { site: index, client, pages, features, bad }));
            }
        });
        samples
    });
    let mut samples = parts.concat();
    samples.sort_unstable_by_key(|(place, _)| *place);
    samples.into_iter().map(|(_, sample)| sample).collect()
}

/// Rows with weights: every client counts the same, people and bots the same within a site, every
/// site the same; and among bots a class (`why`) counts as the root of its size, so that declared
/// robots do not drown the rest.
///
/// Of several sites, rows have only the features that mean the same on all of them. The others are
/// missing throughout, because the model is meant for a shop that it has never seen.
pub fn rows(samples: &[Sample], sites: &[Site]) -> Rows {
    rows_of(samples, sites, |feature| is_told(feature, sites))
}

/// Does a model of these sites see this feature?
pub(crate) fn is_told(feature: usize, sites: &[Site]) -> bool {
    FEATURES[feature].role == Role::Carried || sites.len() < 2
}

/// Rows as [`rows`] makes them, but with the features that `told` accepts, by index. The others are
/// missing throughout.
pub fn rows_of(samples: &[Sample], sites: &[Site], told: impl Fn(usize) -> bool) -> Rows {
    let weights = weights(samples, sites);
    let mut records = Array2::zeros((samples.len(), detector::features::COUNT));
    for (mut row, sample) in records.rows_mut().into_iter().zip(samples) {
        for (feature, (slot, value)) in row.iter_mut().zip(sample.features.0).enumerate() {
            *slot = if told(feature) { value } else { f32::NAN };
        }
    }
    let targets = samples.iter().map(|sample| sample.bad).collect();
    DatasetBase::new(records, targets).with_weights(weights)
}

fn weights(samples: &[Sample], sites: &[Site]) -> Array1<f32> {
    use std::collections::HashMap;
    let class = |sample: &Sample| {
        let why = if sample.bad {
            sites[sample.site].clients[sample.client].labelled.why.as_str()
        } else {
            ""
        };
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

/// Each client's highest score over its page requests, as a margin, by the scorer that `scorer`
/// picks for it.
pub fn highest<'a>(
    site: &Site,
    resolution_us: u32,
    scoring: Scoring,
    scorer: impl Fn(usize) -> Option<&'a Scorer>,
) -> Vec<Option<f32>> {
    highest_in(cores(), site, resolution_us, scoring, scorer)
}

fn highest_in<'a>(
    parts: usize,
    site: &Site,
    resolution_us: u32,
    scoring: Scoring,
    scorer: impl Fn(usize) -> Option<&'a Scorer>,
) -> Vec<Option<f32>> {
    let scorers: Vec<_> = (0..site.clients.len()).map(scorer).collect();
    let parts = in_parts(parts, |part| {
        let mut highest: Vec<Option<f32>> = vec![None; site.clients.len()];
        let mut last: Vec<Option<Score>> = vec![None; site.clients.len()];
        walk_windows(site, resolution_us, part, |_, client, known| {
            let Some(scorer) = scorers[client] else { return };
            let margin = || scorer.margin(&Features::measure(&known.window));
            last[client] = scoring.score(known, last[client], margin);
            if let Some(score) = last[client] {
                let best = &mut highest[client];
                *best = Some(best.map_or(score.margin(), |best| best.max(score.margin())));
            }
        });
        highest
    });
    // Only one part knows a client.
    (0..site.clients.len()).map(|client| parts.iter().find_map(|part| part[client])).collect()
}

/// The worst moment of each client that `takes` accepts, as a row of a person: the page request
/// at which `scorer` scores it highest, and the first of equals.
pub(crate) fn worst_moments(
    site: &Site,
    index: usize,
    resolution_us: u32,
    scoring: Scoring,
    takes: impl Fn(usize) -> bool,
    scorer: &Scorer,
) -> Vec<Sample> {
    let takes: Vec<bool> = (0..site.clients.len()).map(takes).collect();
    let parts = in_parts(cores(), |part| {
        let mut worst: BTreeMap<usize, (f32, Sample)> = BTreeMap::new();
        let mut last: Vec<Option<Score>> = vec![None; site.clients.len()];
        walk_windows(site, resolution_us, part, |_, client, known| {
            if !takes[client] {
                return;
            }
            let mut features = None;
            let margin = || scorer.margin(features.insert(Features::measure(&known.window)));
            last[client] = scoring.score(known, last[client], margin);
            let (Some(score), Some(features)) = (last[client], features) else { return };
            let (margin, pages) = (score.margin(), known.window.pages());
            if worst.get(&client).is_none_or(|(highest, _)| *highest < margin) {
                worst.insert(
                    client,
                    (margin, Sample { site: index, client, pages, features, bad: false }),
                );
            }
        });
        worst
    });
    // Only one part knows a client: in order of the clients, however many parts there are.
    let all: BTreeMap<usize, (f32, Sample)> = parts.into_iter().flatten().collect();
    all.into_values().map(|(_, sample)| sample).collect()
}

#[cfg(test)]
mod tests;
