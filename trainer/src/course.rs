//! What stays the same throughout a training run: sites, options, who may train, and how to fit,
//! cross-fit and score.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use detector::features::FEATURES;
use detector::model::Scorer;
use detector::{ClientKey, SiteProfile, Timestamp};
use linfa::ParamGuard;
use ndarray::Array1;

use crate::TrainError;
use crate::algorithm::{Algorithm, Fitted};
use crate::cohort::met;
use crate::guests::Guests;
use crate::label::Label;
use crate::progress::{Moment, Tell};
use crate::prune::ClientIndex;
use crate::quality::{Figures, Scores};
use crate::samples::{Rows, Sample, highest, is_told, rows, samples_as, worst_moments};
use crate::site::{Client, Site, Step};
use crate::train::Options;

/// Parts into which clients are cut for cross-fitting.
pub(crate) const FOLDS: u64 = 5;
/// Share of a site's time that trains when it is tested on the rest.
const TRAIN_SHARE: f64 = 0.7;
/// What an unknown client weighs when it is taken for a bot because nothing says that it is a
/// person (learning from positive and unlabelled clients): most are no people, some are.
const UNKNOWN_WEIGHT: f32 = 0.3;

/// A person's worst moment counts as so many rows.
const WORST_WEIGHT: usize = 3;

pub(crate) struct Course<'a> {
    pub sites: &'a [Site],
    pub options: &'a Options,
    pub resolution_us: u32,
    /// Whom the base model doubts; see [`crate::poison`].
    pub suspects: &'a HashSet<ClientIndex>,
    /// Who wants to know how far it is.
    pub tell: Tell<'a>,
}

impl<'a> Course<'a> {
    fn client(&self, site: usize, client: usize) -> &'a Client {
        &self.sites[site].clients[client]
    }

    /// What a client trains as: bad, or not, or not at all.
    fn role(&self, site: usize, client: usize) -> Option<bool> {
        let learns_from_unknown = self.options.base.is_some() && !self.options.labels_are_checked;
        match self.client(site, client).labelled.label {
            Label::Bad => Some(true),
            Label::Human => (!self.suspects.contains(&(site, client))).then_some(false),
            Label::Unknown => learns_from_unknown.then_some(true),
            Label::GoodBot => None,
        }
    }

    pub fn samples(&self, takes: impl Fn(usize, usize) -> bool) -> Vec<Sample> {
        self.samples_as(
            |site, client| if takes(site, client) { self.role(site, client) } else { None },
        )
    }

    /// Rows of everybody, known or not, but suspects: what drift is measured against.
    pub fn everybody(&self) -> Vec<Sample> {
        self.samples_as(|site, client| (!self.suspects.contains(&(site, client))).then_some(false))
    }

    /// Rows of suspects that are labelled people, of those that `takes` accepts.
    pub fn suspected(&self, takes: impl Fn(usize, usize) -> bool) -> Vec<Sample> {
        if self.suspects.is_empty() {
            return Vec::new();
        }
        self.samples_as(|site, client| {
            let is_human = self.client(site, client).labelled.label == Label::Human;
            (is_human && self.suspects.contains(&(site, client)) && takes(site, client))
                .then_some(false)
        })
    }

    fn samples_as(&self, bad: impl Fn(usize, usize) -> Option<bool>) -> Vec<Sample> {
        let of = |(index, site)| {
            samples_as(site, index, self.resolution_us, |client| bad(index, client))
        };
        self.sites.iter().enumerate().flat_map(of).collect()
    }

    fn rows(&self, samples: &[Sample]) -> Rows {
        let rows = rows(samples, self.sites);
        let Some(weights) = rows.weights().map(<[f32]>::to_vec) else { return rows };
        let scaled = samples.iter().zip(weights).map(|(sample, weight)| {
            let is_unknown =
                self.client(sample.site, sample.client).labelled.label == Label::Unknown;
            if is_unknown { weight * UNKNOWN_WEIGHT } else { weight }
        });
        let scaled: Array1<f32> = scaled.collect();
        rows.with_weights(scaled)
    }

    /// Says that something begins in which the chosen algorithm (or others) is fitted for so many
    /// models.
    pub fn begin(&self, name: &'static str, models: u64, algorithm: &Algorithm) {
        let is_chosen = *algorithm == self.options.algorithm;
        let trees_max = match algorithm {
            Algorithm::Boosted(params) => params.check_ref().ok().map(|params| params.trees as u64),
            Algorithm::Logistic(_) | Algorithm::AdaBoost(_) => None,
        };
        (self.tell)(Moment::Begins { name, fits: models * self.fits_of(is_chosen), trees_max });
    }

    /// Says that something begins in which nothing is fitted.
    pub fn begin_other(&self, name: &'static str) {
        (self.tell)(Moment::Begins { name, fits: 0, trees_max: None });
    }

    /// How often a model is fitted; see [`Course::fit_with`].
    fn fits_of(&self, is_chosen: bool) -> u64 {
        if self.sites.len() > 1 || !is_chosen { 1 } else { 2 }
    }

    pub fn fit(&self, samples: &[Sample]) -> Result<Fitted, TrainError> {
        self.fit_with(&self.options.algorithm, samples)
    }

    fn fit_with(&self, algorithm: &Algorithm, samples: &[Sample]) -> Result<Fitted, TrainError> {
        let mut clients = self.early_stopping_numbers(samples);
        let is_chosen = *algorithm == self.options.algorithm;
        let base = self.options.base.as_ref().filter(|_| is_chosen).map(|base| base.trees());
        let rows = self.rows_with_guests(samples, &mut clients)?;
        let grown = || (self.tell)(Moment::Grown);
        let fitted = algorithm.fit_by_client(&rows, &clients, base, &grown)?;
        (self.tell)(Moment::Fitted);
        // From several sites only what carries is told, and there people's worst moments are the
        // site's own: area 0.896 → 0.889. And the other algorithms are measured beside ours as they
        // come: theirs are slow to fit twice.
        if self.fits_of(is_chosen) == 1 {
            return Ok(fitted);
        }
        let worst = self.worst_moments(samples, &fitted.scorer);
        let samples: Vec<Sample> = samples.iter().chain(&worst).cloned().collect();
        let mut clients = self.early_stopping_numbers(&samples);
        let rows = self.rows_with_guests(&samples, &mut clients)?;
        let fitted = algorithm.fit_by_client(&rows, &clients, base, &grown)?;
        (self.tell)(Moment::Fitted);
        Ok(fitted)
    }

    fn early_stopping_numbers(&self, samples: &[Sample]) -> Vec<u64> {
        let number =
            |sample: &Sample| early_stopping_number(self.client(sample.site, sample.client).key);
        samples.iter().map(number).collect()
    }

    fn rows_with_guests(
        &self,
        samples: &[Sample],
        clients: &mut Vec<u64>,
    ) -> Result<Rows, TrainError> {
        let told = |feature| is_told(feature, self.sites);
        Guests::invite(self.resolution_us).join(self.rows(samples), clients, samples, told)
    }

    /// The page request at which each of these people scores highest, several times over: a person
    /// is refused at the worst moment of a visit and not at an average one, and rows at fixed page
    /// counts rarely hit it (hard examples; Sung & Poggio 1998).
    fn worst_moments(&self, samples: &[Sample], scorer: &Scorer) -> Vec<Sample> {
        let people: HashSet<ClientIndex> =
            samples.iter().filter(|s| !s.bad).map(|s| (s.site, s.client)).collect();
        let of = |(index, site)| {
            let takes = |client| people.contains(&(index, client));
            worst_moments(site, index, self.resolution_us, self.options.min_pages, takes, scorer)
        };
        let worst: Vec<Sample> = self.sites.iter().enumerate().flat_map(of).collect();
        worst.iter().cycle().take(worst.len() * WORST_WEIGHT).cloned().collect()
    }

    /// Which fifth a client belongs to.
    pub fn fold(&self, site: usize, client: usize) -> usize {
        (fold(self.client(site, client).key) % FOLDS) as usize
    }

    /// One model a fold, trained on the clients of the others that are not left out.
    pub fn cross_fit(
        &self,
        algorithm: &Algorithm,
        samples: &[Sample],
        left_out: &HashSet<ClientIndex>,
    ) -> Result<Vec<Scorer>, TrainError> {
        let of_fold = |fold: usize| {
            let trains = |s: &&Sample| {
                self.fold(s.site, s.client) != fold && !left_out.contains(&(s.site, s.client))
            };
            let kept: Vec<Sample> = samples.iter().filter(trains).cloned().collect();
            Ok(self.fit_with(algorithm, &kept)?.scorer)
        };
        (0..FOLDS as usize).map(of_fold).collect()
    }

    /// Each row's margin by the model that has not seen its client.
    pub fn out_of_fold(&self, samples: &[Sample], scorers: &[Scorer]) -> Vec<f32> {
        samples.iter().map(|s| scorers[self.fold(s.site, s.client)].margin(&s.features)).collect()
    }

    /// Each labelled client's highest margin over its rows with enough pages.
    pub fn highest_of_rows(&self, samples: &[Sample], margins: &[f32]) -> Scores<'a> {
        let mut best: std::collections::BTreeMap<ClientIndex, f32> =
            std::collections::BTreeMap::new();
        let judged = samples
            .iter()
            .zip(margins)
            .filter(|(sample, _)| sample.pages >= self.options.min_pages);
        for (sample, &margin) in judged {
            let best = best.entry((sample.site, sample.client)).or_insert(margin);
            *best = best.max(margin);
        }
        Scores(
            best.into_iter()
                .map(|((site, client), best)| (&self.client(site, client).labelled, best))
                .collect(),
        )
    }

    /// Highest scores, over all page requests, of the clients for which there is a scorer.
    pub fn scores<'s>(&self, scorer: impl Fn(usize, usize) -> Option<&'s Scorer>) -> Scores<'a> {
        self.named_scores(&self.highest(scorer))
    }

    /// The same by client.
    pub fn highest<'s>(
        &self,
        scorer: impl Fn(usize, usize) -> Option<&'s Scorer>,
    ) -> Vec<(ClientIndex, f32)> {
        let of = |(index, site): (usize, &Site)| {
            let best = highest(site, self.resolution_us, self.options.min_pages, |client| {
                scorer(index, client)
            });
            let best = best
                .into_iter()
                .enumerate()
                .filter_map(|(client, best)| Some(((index, client), best?)));
            best.collect::<Vec<_>>()
        };
        self.sites.iter().enumerate().flat_map(of).collect()
    }

    /// With the label that each client has.
    pub fn named_scores(&self, scores: &[(ClientIndex, f32)]) -> Scores<'a> {
        Scores(
            scores
                .iter()
                .map(|&((site, client), best)| (&self.client(site, client).labelled, best))
                .collect(),
        )
    }

    /// For each labelled person for whom there is a scorer, the highest score of a cohort that it
    /// met, if it met one.
    pub fn met_by_people<'s>(
        &self,
        scorer: impl Fn(usize, usize) -> Option<&'s Scorer>,
    ) -> Vec<Option<f32>> {
        let of = |(index, site): (usize, &Site)| {
            let is_person =
                |client: usize| self.client(index, client).labelled.label == Label::Human;
            let scorer =
                |client: usize| if is_person(client) { scorer(index, client) } else { None };
            met(site, self.resolution_us, self.options.min_pages, scorer)
        };
        self.sites.iter().enumerate().flat_map(of).flatten().collect()
    }

    /// Is it labelled human or bad?
    pub fn is_labelled(&self, site: usize, client: usize) -> bool {
        matches!(self.client(site, client).labelled.label, Label::Human | Label::Bad)
    }

    /// May a warm-up percentile count it? Everybody but welcome crawlers, robots that declare
    /// themselves or that somebody declared in a labels file, and suspects.
    pub fn is_undeclared(&self, site: usize, client: usize) -> bool {
        let labelled = &self.client(site, client).labelled;
        labelled.label != Label::GoodBot
            && !(labelled.label == Label::Bad
                && (self.options.labels_are_checked || labelled.why.starts_with("declared")))
            && !self.suspects.contains(&(site, client))
    }

    /// People with enough pages to be judged.
    pub fn people_judged(&self) -> u64 {
        let enough = |client: &&Client| client.pages >= self.options.min_pages;
        let people = |client: &&Client| client.labelled.label == Label::Human;
        self.sites.iter().flat_map(|site| &site.clients).filter(people).filter(enough).count()
            as u64
    }

    /// Half of the people and a fifth of the bots calibrate and do not train.
    pub fn is_apart(&self, site: usize, client: usize) -> bool {
        is_apart(self.client(site, client))
    }

    /// Site by site: trained on its first 70 % of time (and so much of the others), tested on who
    /// came after.
    pub fn held_out_by_time(&self, figures: &mut Figures) {
        self.late_scores(|site, scores| {
            figures.insert_scores(&self.named("held_out", site), scores)
        });
    }

    /// The same scores themselves; none when there is nothing to learn from before the cut.
    pub fn late_scores(&self, mut visit: impl FnMut(&Site, &Scores<'_>)) {
        let cuts: Vec<Timestamp> = self.sites.iter().map(|site| cut(&site.steps)).collect();
        let mut early: Vec<Site> =
            self.sites.iter().zip(&cuts).map(|(site, &cut)| before(site, cut)).collect();
        // What is remembered must be of that time as well.
        let mut late: Vec<Site> = Vec::new();
        for (early, site) in
            early.iter_mut().zip(self.sites).filter(|(_, site)| !site.memories.is_empty())
        {
            let Some(memory) = early.learn().ok().and_then(|file| SiteProfile::open(&file).ok())
            else {
                return;
            };
            let mut remembered = site.clone();
            remembered.remember_all(Arc::new(memory));
            late.push(remembered);
        }
        let judged = Course { sites: if late.is_empty() { self.sites } else { &late }, ..*self };
        let course = Course { sites: &early, ..*self };
        let Ok(Fitted { scorer, .. }) = course.fit(&course.samples(|_, _| true)) else { return };
        for (index, (site, &cut)) in self.sites.iter().zip(&cuts).enumerate() {
            let is_late =
                |at: usize, client: usize| at == index && site.clients[client].first_at >= cut;
            let scores = judged.scores(|at, client| {
                (is_late(at, client) && self.is_labelled(at, client)).then_some(&scorer)
            });
            visit(site, &scores);
        }
    }

    pub fn left_out_by_site(&self, figures: &mut Figures) {
        for (index, site) in self.sites.iter().enumerate() {
            if site.count(Label::Human) == 0 || site.count(Label::Bad) == 0 {
                continue;
            }
            let Ok(Fitted { scorer, .. }) = self.fit(&self.samples(|at, _| at != index)) else {
                continue;
            };
            let scores = self.scores(|at, client| {
                (at == index && self.is_labelled(at, client)).then_some(&scorer)
            });
            figures.insert_scores(&self.named("left_out", site), &scores);
        }
    }

    fn named(&self, what: &str, site: &Site) -> String {
        if self.sites.len() > 1 { format!("{what}/{}", site.name) } else { what.to_owned() }
    }

    /// Writes rows as CSV, with the features that a model of these sites is told; `margins` are out
    /// of fold.
    pub fn write_rows(
        &self,
        samples: &[Sample],
        margins: &[f32],
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let rows = self.rows(samples);
        let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        writeln!(out, "label,weight,client,site,fold,margin,{}", names.join(","))?;
        for (row, (sample, margin)) in samples.iter().zip(margins).enumerate() {
            let (label, weight) =
                (u8::from(sample.bad), rows.weights().map_or(1.0, |weights| weights[row]));
            let (site, client) = (sample.site, sample.client);
            write!(out, "{label},{weight},{client},{site},{},{margin}", self.fold(site, client))?;
            for value in rows.records.row(row) {
                // An empty field is a missing value.
                if value.is_nan() { write!(out, ",")? } else { write!(out, ",{value}")? }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// Is this client one that calibrates and does not train, where there are enough people?
pub fn is_apart(client: &Client) -> bool {
    match client.labelled.label {
        Label::Human => fold(client.key).is_multiple_of(2),
        _ => fold(client.key).is_multiple_of(FOLDS),
    }
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

/// Which part a client belongs to: a hash of its key (splitmix64), so that it is the same in every
/// run.
fn fold(key: ClientKey) -> u64 {
    let bits = key.to_bits();
    let mut x = (bits as u64) ^ ((bits >> 64) as u64).rotate_left(32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A client's number for early stopping, which must not go along with its fold.
pub(crate) fn early_stopping_number(key: ClientKey) -> u64 {
    fold(key) / FOLDS
}
