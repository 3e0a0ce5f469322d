//! The whole way from traffic to a model file.
//!
//! 1. **Held out by client and by time**: a model of the first 70 % of each site's time judges the clients that appear
//!    only after it. Those figures go on the card.
//! 2. **Left out by site**, where there are several: how good it is on a shop it never saw.
//! 3. **Calibration.** With enough people, half of them are kept apart from training and prove the budgets
//!    ([`Proof::Split`]). With fewer, five models that each leave out a fifth of the clients score them
//!    ([`Proof::CrossFitted`]): good for showing probabilities and for limiting, never for blocking.
//! 4. The model that is written.

use std::collections::BTreeMap;

use detector::model::{Card, File, Metric, Scorer, Thresholds};
use detector::{ClientKey, Timestamp};

use crate::TrainError;
use crate::algorithm::{Algorithm, Fitted};
use crate::calibrate::{Budgets, Proof, block_budget, isotonic, limit_budget, people_needed};
use crate::export::export;
use crate::label::{Label, Labelled};
use crate::samples::{Sample, highest, rows, samples};
use crate::site::{Site, Step};
use crate::statistics::{Interval, auc_interval, share, tpr_at_fpr};

/// Parts into which clients are cut for cross-fitting.
const FOLDS: u64 = 5;
/// Share of a site's time that trains when it is tested on the rest.
const TRAIN_SHARE: f64 = 0.7;

/// What to train.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the model.
    pub name: String,
    /// Algorithm and parameters.
    pub algorithm: Algorithm,
    /// False-positive budgets.
    pub budgets: Budgets,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
    /// File names of the logs.
    pub data: Vec<String>,
    /// SHA-256 over the logs as read.
    pub data_sha256: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "model".to_owned(),
            algorithm: Algorithm::default(),
            budgets: Budgets::default(),
            min_pages: detector::policy::MIN_PAGES,
            data: Vec::new(),
            data_sha256: String::new(),
        }
    }
}

/// A trained model, ready to be sealed.
#[derive(Clone, Debug)]
pub struct Trained {
    /// What to write.
    pub file: File,
    /// How the thresholds were calibrated.
    pub proof: Proof,
}

/// Trains on one or more labelled sites. `step(text)` is told what begins.
///
/// # Errors
/// [`TrainError`] when there is nothing to learn from.
pub fn train(sites: &[Site], options: &Options, mut step: impl FnMut(&str)) -> Result<Trained, TrainError> {
    let resolution_us = sites.iter().map(|site| site.resolution_us).max().unwrap_or(1).max(1);
    let course = Course { sites, options, resolution_us };

    step("measuring on clients held out by time");
    let mut metrics = course.held_out_by_time();
    if sites.len() > 1 {
        step("measuring on each site left out");
        metrics.extend(course.left_out_by_site());
    }
    let people = course.people_judged();
    let proof = if people / 2 >= people_needed(options.budgets.block_alpha, options.budgets.delta) {
        Proof::Split
    } else {
        Proof::CrossFitted
    };
    step("fitting");
    let apart = |site: usize, client: usize| proof == Proof::Split && course.is_apart(site, client);
    let samples = course.samples(|site, client| !apart(site, client));
    let Fitted { scorer, rounds } = course.fit(&samples)?;
    step("calibrating");
    let scores = match proof {
        Proof::Split => course.scores(|site, client| apart(site, client).then_some(&scorer)),
        Proof::CrossFitted => course.cross_fitted()?,
    };
    let (people, bots) = (scores.of(Label::Human), scores.of(Label::Bad));
    let budgets = options.budgets;
    let thresholds = Thresholds {
        min_pages: options.min_pages,
        limit: limit_budget(&people, budgets.limit_alpha, budgets.delta, proof),
        block: block_budget(&people, budgets.block_alpha, budgets.delta, proof),
    };
    let tagged: Vec<(f32, bool)> =
        people.iter().map(|&score| (score, false)).chain(bots.iter().map(|&score| (score, true))).collect();
    let calibration = isotonic(&tagged)?;
    insert_quality(&mut metrics, "calibration", &people, &bots);
    let thresholds = in_order(thresholds);
    insert_threshold_quality(&mut metrics, &thresholds, &bots);
    for (class, scores) in scores.by_class() {
        insert_quality(
            &mut metrics,
            &format!("class/{}", if class.is_empty() { "bad" } else { class }),
            &people,
            &scores,
        );
    }

    let mut parameters = options.algorithm.parameters()?;
    parameters.extend(rounds.map(|rounds| ("trees".to_owned(), rounds as f64)));
    let card = Card {
        algorithm: options.algorithm.name().to_owned(),
        parameters,
        trained_until_us: sites
            .iter()
            .flat_map(|site| site.steps.last())
            .map(|step| step.event.at.as_micros())
            .max()
            .unwrap_or(0),
        data_sha256: options.data_sha256.clone(),
        data: options.data.clone(),
        clients: Label::ALL
            .iter()
            .map(|label| (label.to_string(), sites.iter().map(|site| site.count(*label)).sum()))
            .collect(),
        labels: rules(sites),
        rows: samples.len() as u64,
        metrics,
    };
    let file = export(&options.name, &scorer, &samples, thresholds, calibration, resolution_us, card);
    Ok(Trained { file, proof })
}

/// A client must be limited before it is blocked: a block threshold below the limit threshold goes up to it, which
/// keeps both budgets.
fn in_order(mut thresholds: Thresholds) -> Thresholds {
    if let (Some(limit), Some(block)) = (thresholds.limit.margin, thresholds.block.margin)
        && limit > block
    {
        thresholds.block.margin = Some(limit);
    }
    thresholds
}

/// What stays the same throughout.
struct Course<'a> {
    sites: &'a [Site],
    options: &'a Options,
    resolution_us: u32,
}

/// Highest scores, with the label and the reason for it.
#[derive(Default)]
struct Scores<'a>(Vec<(&'a Labelled, f32)>);

impl Scores<'_> {
    fn of(&self, label: Label) -> Vec<f32> {
        self.0.iter().filter(|row| row.0.label == label).map(|row| row.1).collect()
    }

    /// Of bad robots, by the reason of their label.
    fn by_class(&self) -> BTreeMap<&str, Vec<f32>> {
        let mut classes: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        for (labelled, score) in self.0.iter().filter(|row| row.0.label == Label::Bad) {
            classes.entry(&labelled.why).or_default().push(*score);
        }
        classes
    }
}

impl Course<'_> {
    fn samples(&self, takes: impl Fn(usize, usize) -> bool) -> Vec<Sample> {
        let of = |(index, site)| samples(site, index, self.resolution_us, |client| takes(index, client));
        self.sites.iter().enumerate().flat_map(of).collect()
    }

    fn fit(&self, samples: &[Sample]) -> Result<Fitted, TrainError> {
        let number = |sample: &Sample| early_stopping_number(self.sites[sample.site].clients[sample.client].key);
        let clients: Vec<u64> = samples.iter().map(number).collect();
        self.options.algorithm.fit_by_client(&rows(samples, self.sites), &clients, None)
    }

    /// Highest scores of the clients for which there is a scorer.
    fn scores<'s>(&self, scorer: impl Fn(usize, usize) -> Option<&'s Scorer>) -> Scores<'_> {
        let mut scores = Scores::default();
        for (index, site) in self.sites.iter().enumerate() {
            let best = highest(site, self.resolution_us, self.options.min_pages, |client| {
                let judged = matches!(site.clients[client].labelled.label, Label::Human | Label::Bad);
                if judged { scorer(index, client) } else { None }
            });
            let labelled = site.clients.iter().zip(best);
            scores.0.extend(labelled.filter_map(|(client, best)| Some((&client.labelled, best?))));
        }
        scores
    }

    /// People with enough pages to be judged.
    fn people_judged(&self) -> u64 {
        let judged = |site: &Site| {
            let enough = |client: &&crate::site::Client| client.pages >= self.options.min_pages;
            site.clients.iter().filter(|client| client.labelled.label == Label::Human).filter(enough).count() as u64
        };
        self.sites.iter().map(judged).sum()
    }

    /// Half of the people and a fifth of the bots calibrate and do not train.
    fn is_apart(&self, site: usize, client: usize) -> bool {
        let client = &self.sites[site].clients[client];
        match client.labelled.label {
            Label::Human => fold(client.key).is_multiple_of(2),
            _ => fold(client.key).is_multiple_of(FOLDS),
        }
    }

    fn cross_fitted(&self) -> Result<Scores<'_>, TrainError> {
        let fold_of = |site: usize, client: usize| fold(self.sites[site].clients[client].key) % FOLDS;
        let all = self.samples(|_, _| true);
        let mut scorers = Vec::new();
        for left_out in 0..FOLDS {
            let kept: Vec<Sample> = all.iter().filter(|s| fold_of(s.site, s.client) != left_out).cloned().collect();
            scorers.push(self.fit(&kept)?.scorer);
        }
        Ok(self.scores(|site, client| Some(&scorers[fold_of(site, client) as usize])))
    }

    /// Site by site: trained on its first 70 % of time (and so much of the others), tested on who came after.
    fn held_out_by_time(&self) -> BTreeMap<String, Metric> {
        let mut metrics = BTreeMap::new();
        let cuts: Vec<Timestamp> = self.sites.iter().map(|site| cut(&site.steps)).collect();
        let early: Vec<Site> = self.sites.iter().zip(&cuts).map(|(site, &cut)| before(site, cut)).collect();
        let course = Course { sites: &early, ..*self };
        let Ok(Fitted { scorer, .. }) = course.fit(&course.samples(|_, _| true)) else { return metrics };
        for (index, (site, &cut)) in self.sites.iter().zip(&cuts).enumerate() {
            let late = |at: usize, client: usize| at == index && site.clients[client].first_at >= cut;
            let scores = self.scores(|at, client| late(at, client).then_some(&scorer));
            insert_quality(
                &mut metrics,
                &self.named("held_out", site),
                &scores.of(Label::Human),
                &scores.of(Label::Bad),
            );
        }
        metrics
    }

    fn left_out_by_site(&self) -> BTreeMap<String, Metric> {
        let mut metrics = BTreeMap::new();
        for (index, site) in self.sites.iter().enumerate() {
            if site.count(Label::Human) == 0 || site.count(Label::Bad) == 0 {
                continue;
            }
            let Ok(Fitted { scorer, .. }) = self.fit(&self.samples(|at, _| at != index)) else { continue };
            let scores = self.scores(|at, _| (at == index).then_some(&scorer));
            insert_quality(
                &mut metrics,
                &self.named("left_out", site),
                &scores.of(Label::Human),
                &scores.of(Label::Bad),
            );
        }
        metrics
    }

    fn named(&self, what: &str, site: &Site) -> String {
        if self.sites.len() > 1 { format!("{what}/{}", site.name) } else { what.to_owned() }
    }
}

/// Fewer people than this cannot show what happens when one in a hundred is hurt.
const PEOPLE_FOR_TPR: usize = 100;

fn insert_quality(metrics: &mut BTreeMap<String, Metric>, name: &str, people: &[f32], bots: &[f32]) {
    let sizes = (people.len() as u64, bots.len() as u64);
    if let Some(auc) = auc_interval(people, bots) {
        metrics.insert(format!("{name}/auc"), metric(auc, sizes));
    }
    if let Some(tpr) = tpr_at_fpr(people, bots, 0.01)
        && people.len() >= PEOPLE_FOR_TPR
    {
        let caught = (tpr * bots.len() as f64).round() as u64;
        metrics.insert(format!("{name}/tpr_at_fpr_0.01"), metric(share(caught, sizes.1), sizes));
    }
}

fn insert_threshold_quality(metrics: &mut BTreeMap<String, Metric>, thresholds: &Thresholds, bots: &[f32]) {
    for (name, budget) in [("limit", &thresholds.limit), ("block", &thresholds.block)] {
        if let Some(margin) = budget.margin
            && !bots.is_empty()
        {
            let caught = bots.iter().filter(|&&score| score >= margin).count() as u64;
            let sizes = (budget.n, bots.len() as u64);
            metrics.insert(format!("calibration/tpr_at_{name}"), metric(share(caught, sizes.1), sizes));
        }
    }
}

fn metric(interval: Interval, (people, bots): (u64, u64)) -> Metric {
    Metric { value: round(interval.value), low: round(interval.low), high: round(interval.high), people, bots }
}

/// Four digits: more would be noise, and differ between machines.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The time before which 70 % of the steps lie.
fn cut(steps: &[Step]) -> Timestamp {
    let index = (steps.len() as f64 * TRAIN_SHARE) as usize;
    steps.get(index).map_or(Timestamp::default(), |step| step.event.at)
}

/// The site as it was known at a time.
fn before(site: &Site, cut: Timestamp) -> Site {
    let steps = site.steps.iter().filter(|step| step.event.at < cut).copied().collect();
    Site { steps, ..site.clone() }
}

/// Which part a client belongs to: a hash of its key (splitmix64), so that it is the same in every run.
fn fold(key: ClientKey) -> u64 {
    let bits = key.to_bits();
    let mut x = (bits as u64) ^ ((bits >> 64) as u64).rotate_left(32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A client's number for early stopping, which must not go along with its fold.
fn early_stopping_number(key: ClientKey) -> u64 {
    fold(key) / FOLDS
}

/// Clients by the rule that labelled them, over all sites.
fn rules(sites: &[Site]) -> BTreeMap<String, u64> {
    let mut rules = BTreeMap::new();
    for client in sites.iter().flat_map(|site| &site.clients) {
        let rule = match client.labelled.why.as_str() {
            "" => client.labelled.label.to_string(),
            why => format!("{}: {why}", client.labelled.label),
        };
        *rules.entry(rule).or_insert(0) += 1;
    }
    rules
}
