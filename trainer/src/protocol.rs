//! How good the detector is on sites it did and did not see: the splits behind `docs/quality.md`.
//!
//! Every split is by client or by time, never by row, and a client's score is the highest that it
//! reached.
//!
//! - [`held_out_by_time`], [`cross_validated`]: at home
//! - [`Strangers`]: each site by a model of all others, with any choice of features
//! - [`half`], [`adapted_on_half`]: a model of the others, adapted to one half of a site's clients
//!   and tried on the other
//! - [`model_of`]: a scorer and its thresholds as a model, to put through the detector

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use detector::features::{COUNT, FEATURES, Role};
use detector::model::{Budget, Card, Readiness, Scorer, Thresholds, seal};
use detector::{ClientKey, Features, Model, Score, SiteProfile};

use crate::adapt::Base;
use crate::augmentation::Augmentation;
use crate::calibrate::{Budgets, Proof, block_budget, limit_budget};
use crate::client_folds::early_stopping_number;
use crate::error::TrainError;
use crate::export::{ModelParts, export};
use crate::label::{Label, Labelled};
use crate::progress::nobody;
use crate::samples::{Sample, highest, resolution_us, rows_of, samples_of, walk};
use crate::scoring::Scoring;
use crate::site::Site;
use crate::site_profile::fold_of;
use crate::statistics::{Interval, auc_interval, share, tpr_at_fpr};
use crate::train::{Options, learn_profile, train};
use crate::training_run::TrainingRun;

/// Which features a model sees, in the order of the feature vector.
pub type FeatureMask = [bool; COUNT];

/// The features that models of several sites see.
pub fn carried() -> FeatureMask {
    std::array::from_fn(|index| FEATURES[index].role == Role::Carried)
}

/// Highest scores of a site's labelled clients.
#[derive(Clone, Debug, Default)]
pub struct Scored {
    /// People and bots: index into [`Site::clients`], and score.
    pub clients: Vec<(usize, f32)>,
    /// Scores of people.
    pub people: Vec<f32>,
    /// Scores of bots, by the reason of their label.
    pub classes: BTreeMap<String, Vec<f32>>,
}

impl Scored {
    /// Of the clients that have a score and are labelled human or bad.
    pub fn of(site: &Site, scores: impl IntoIterator<Item = (usize, f32)>) -> Self {
        let mut scored = Self::default();
        for (client, score) in scores {
            let labelled = &site.clients[client].labelled;
            match labelled.label {
                Label::Human => scored.people.push(score),
                Label::Bad => scored.classes.entry(labelled.why.clone()).or_default().push(score),
                Label::GoodBot | Label::Unknown => continue,
            }
            scored.clients.push((client, score));
        }
        scored
    }

    /// Bots' scores, all classes together.
    pub fn bots(&self) -> Vec<f32> {
        self.classes.values().flatten().copied().collect()
    }

    /// Are there both people and bots, so that they can be told apart?
    pub fn has_both(&self) -> bool {
        !self.people.is_empty() && !self.classes.is_empty()
    }

    /// Area under the curve.
    pub fn area(&self) -> Option<Interval> {
        auc_interval(&self.people, &self.bots())
    }

    /// Share of bots caught when at most 1 % of people are hurt; below 100 people that is nobody.
    pub fn caught(&self) -> Option<Interval> {
        caught(&self.people, &self.bots())
    }
}

/// Share of these bots caught when at most 1 % of people are hurt; the interval is that of the
/// share of bots.
pub fn caught(people: &[f32], bots: &[f32]) -> Option<Interval> {
    let caught = tpr_at_fpr(people, bots, 0.01)?;
    Some(share((caught * bots.len() as f64).round() as u64, bots.len() as u64))
}

/// A model of the site's first 70 % of time, tried on the clients that came after. `None` when
/// there is nothing to learn from, or nobody came.
pub fn held_out_by_time(site: &Site, options: &Options) -> Option<Scored> {
    let suspects = HashSet::new();
    let run = training_run(std::slice::from_ref(site), options, &suspects);
    let mut scored = Scored::default();
    run.late_scores(|_, scores| {
        scored.people = scores.of(Label::Human);
        let owned = |(why, scores): (&str, Vec<f32>)| (why.to_owned(), scores);
        scored.classes = scores.by_class().into_iter().map(owned).collect();
    });
    scored.has_both().then_some(scored)
}

/// Five models of the site, each without a fifth of the clients, which it scores.
///
/// # Errors
/// As [`train`].
pub fn cross_validated(site: &Site, options: &Options) -> Result<Scored, TrainError> {
    let suspects = HashSet::new();
    let run = training_run(std::slice::from_ref(site), options, &suspects);
    let scorers = run.cross_fit(&options.algorithm, &run.samples(|_, _| true), &suspects)?;
    let scorer = |client: usize| run.is_labelled(0, client).then(|| &scorers[run.fold(0, client)]);
    let scoring = Scoring::last_page(options.min_pages);
    let best = highest(site, site.resolution_us, scoring, scorer);
    Ok(Scored::of(site, present(best)))
}

fn training_run<'a>(
    sites: &'a [Site],
    options: &'a Options,
    suspects: &'a HashSet<(usize, usize)>,
) -> TrainingRun<'a> {
    TrainingRun {
        sites,
        options,
        scoring: Scoring::of_sites(sites.len(), options.min_pages),
        resolution_us: resolution_us(sites),
        suspects,
        attack: None,
        tell: &nobody,
    }
}

fn present(best: Vec<Option<f32>>) -> impl Iterator<Item = (usize, f32)> {
    best.into_iter().enumerate().filter_map(|(client, best)| Some((client, best?)))
}

/// Several sites, measured once: each is scored by a model of the others.
pub struct Strangers<'a> {
    sites: &'a [Site],
    options: &'a Options,
    samples: Vec<Sample>,
    /// Of each site, every page request of a labelled client that has enough of them: its client,
    /// the step of its visit, and what was measured.
    judged: Vec<Vec<(usize, u8, Features)>>,
}

impl<'a> Strangers<'a> {
    /// Measures the sites. None may have a site profile.
    pub fn new(sites: &'a [Site], options: &'a Options) -> Self {
        let resolution = resolution_us(sites);
        let role = |label| match label {
            Label::Bad => Some(true),
            Label::Human => Some(false),
            Label::GoodBot | Label::Unknown => None,
        };
        let samples =
            samples_of(sites, |site, client| role(sites[site].clients[client].labelled.label));
        let judged = sites.iter().map(|site| {
            let mut judged = Vec::new();
            walk(site, resolution, |client, known| {
                if known.window.pages() >= options.min_pages
                    && role(site.clients[client].labelled.label).is_some()
                {
                    judged.push((client, known.steps.count(), Features::measure(&known.window)));
                }
            });
            judged
        });
        Self { sites, options, samples, judged: judged.collect() }
    }

    /// Fits all sites but one. Features that are not `told` are missing.
    ///
    /// # Errors
    /// As [`train`].
    pub fn fit(&self, left_out: usize, told: &FeatureMask) -> Result<Scorer, TrainError> {
        let samples: Vec<Sample> =
            self.samples.iter().filter(|sample| sample.site != left_out).cloned().collect();
        let number = |sample: &Sample| {
            early_stopping_number(self.sites[sample.site].clients[sample.client].key)
        };
        let mut clients: Vec<u64> = samples.iter().map(number).collect();
        let rows = rows_of(&samples, self.sites, |feature| told[feature]);
        let augmentation = Augmentation::measured(resolution_us(self.sites));
        let rows = augmentation.join(rows, &mut clients, &samples, |feature| told[feature])?;
        Ok(self.options.algorithm.fit_by_client(&rows, &clients, None, &|| ())?.scorer)
    }

    /// How a model of the others is read.
    pub fn scoring(&self) -> Scoring {
        Scoring::carried(self.options.min_pages)
    }

    /// Scores a site.
    pub fn score(&self, site: usize, scorer: &Scorer) -> Scored {
        let scoring = self.scoring();
        let mut best: BTreeMap<usize, f32> = BTreeMap::new();
        let mut last: HashMap<usize, Option<Score>> = HashMap::new();
        for (client, step, features) in &self.judged[site] {
            let last = last.entry(*client).or_default();
            *last = scoring.score_at(scoring.min_pages, *step, *last, || scorer.margin(features));
            if let Some(score) = last.map(Score::margin) {
                best.entry(*client).and_modify(|best| *best = best.max(score)).or_insert(score);
            }
        }
        Scored::of(&self.sites[site], best)
    }

    /// Has the site people and bots with enough pages?
    pub fn is_tested(&self, site: usize) -> bool {
        let has = |label: Label| {
            self.judged[site]
                .iter()
                .any(|(client, ..)| self.sites[site].clients[*client].labelled.label == label)
        };
        has(Label::Human) && has(Label::Bad)
    }
}

/// Which half of its site a client belongs to: 0 or 1, by a hash of its key.
pub fn half_of(key: ClientKey) -> usize {
    fold_of(key, 2)
}

/// The site as if the clients of the other half had never come; see [`part`].
pub fn half(site: &Site, which: usize) -> Site {
    part(site, |client| half_of(client) == which)
}

/// The site as if only the clients that `takes` accepts had come. The others keep their places in
/// [`Site::clients`], so that an index means the same client in all parts, but they are unlabelled
/// and have no steps.
pub fn part(site: &Site, takes: impl Fn(ClientKey) -> bool) -> Site {
    let mut part = site.of_clients(&takes);
    (part.profiles, part.apart) = (Vec::new(), Vec::new());
    for client in part.clients.iter_mut().filter(|client| !takes(client.key)) {
        client.labelled = Labelled { label: Label::Unknown, why: "of another part".to_owned() };
        client.pages = 0;
    }
    part
}

/// The result of adapting a model to one half of a site.
pub struct Adapted {
    /// The clients of the other half.
    pub scored: Scored,
    /// Scores of the same clients by a model that was adapted even if the base was plainly better.
    pub always: Scored,
    /// Was the model adapted? Otherwise the base was plainly better on the half itself and was
    /// kept.
    pub is_adapted: bool,
}

/// Adapts the base to the clients of one half, as `kidoban train --base` does, and scores those of
/// the other. The site's profile is learnt from the first half's traffic alone. Where that half
/// has too little to learn from, the base is kept.
///
/// # Errors
/// As [`train`], and a profile that cannot be opened.
pub fn adapted_on_half(
    site: &Site,
    which: usize,
    base: &Base,
    options: &Options,
) -> Result<Adapted, TrainError> {
    let failed = |error: detector::SiteProfileError| TrainError::Fit(error.to_string());
    let mut known = half(site, which);
    let file = learn_profile(&mut known, options)?;
    let profile = SiteProfile::open(&file).map(Arc::new).map_err(failed)?;
    let adapting = Options { base: Some(base.clone()), profile: Some(file), ..options.clone() };
    let known = [known];
    let trained = match train(&known, &adapting, |_| {}) {
        Ok(trained) => Some(trained),
        Err(TrainError::OneClass | TrainError::TooFew(_)) => None,
        Err(error) => return Err(error),
    };
    let is_adapted = trained.as_ref().is_some_and(|trained| trained.is_adapted);
    let own = Scoring::last_page(options.min_pages);
    let kept = (base.model().scorer().clone(), Scoring::of(base.model().thresholds()));
    let (model, always) = match trained {
        Some(trained) => {
            let nobody = HashSet::new();
            let run = training_run(&known, &adapting, &nobody);
            let always = run.fit(&run.samples(|_, _| true))?.scorer;
            let scoring = Scoring::of(&trained.file.thresholds);
            let scorer = trained.file.scorer.check().map_err(TrainError::Export)?;
            ((scorer, scoring), (always, own))
        }
        None => (kept.clone(), kept),
    };
    let mut other = half(site, 1 - which);
    other.use_profile(profile);
    let score = |(scorer, scoring): &(Scorer, Scoring)| {
        let best = highest(&other, other.resolution_us, *scoring, |_| Some(scorer));
        Scored::of(&other, present(best))
    };
    Ok(Adapted { scored: score(&model), always: score(&always), is_adapted })
}

/// Thresholds that keep the budgets, proven by people whom the model has not seen.
pub fn calibrated(people: &[f32], budgets: Budgets, scoring: Scoring) -> Thresholds {
    let Budgets { limit_alpha, block_alpha, delta } = budgets;
    let limit = limit_budget(people, limit_alpha, delta, Proof::Split);
    let mut block = block_budget(people, block_alpha, delta, Proof::Split);
    // As in training: nobody is blocked before being limited.
    block.margin = block.margin.map(|block| limit.margin.map_or(block, |limit| limit.max(block)));
    let Scoring { min_pages, rule: score_rule } = scoring;
    Thresholds { min_pages, score_rule, limit, block, cohort: Budget::default() }
}

/// A scorer as a model that remembers no site, with the time step of a live gate (1 µs).
///
/// # Errors
/// [`TrainError::Export`] when it is not sound.
pub fn model_of(name: &str, scorer: &Scorer, thresholds: Thresholds) -> Result<Model, TrainError> {
    model_at(name, scorer, thresholds, 1)
}

/// A scorer as a model that remembers no site, with the time step of the log that its thresholds
/// were calibrated on, in µs.
///
/// # Errors
/// As [`model_of`].
pub fn model_at(
    name: &str,
    scorer: &Scorer,
    thresholds: Thresholds,
    resolution_us: u32,
) -> Result<Model, TrainError> {
    let parts = ModelParts {
        name: name.to_owned(),
        thresholds,
        readiness: Readiness::default(),
        calibration: Vec::new(),
        resolution_us,
        site: None,
        drift: None,
        card: Card::default(),
    };
    let sealed = seal(&export(scorer, &[], parts)).map_err(TrainError::Export)?;
    Model::parse(&sealed).map_err(TrainError::Export)
}

/// Thresholds of a model that refuses nobody.
pub fn without_thresholds(scoring: Scoring) -> Thresholds {
    Thresholds::none(scoring.min_pages, scoring.rule)
}

#[cfg(test)]
mod tests;
