//! One training run: its sites, its options, who trains, and as what.
//!
//! - `fit`: fitting and cross-fitting
//! - `scores`: highest scores of clients
//! - `unseen`: models tested on times and sites that they have not seen
//! - `rows_csv`: the training rows as CSV

mod fit;
mod rows_csv;
mod scores;
mod unseen;

use std::collections::HashSet;

use linfa::ParamGuard;
use ndarray::Array1;

use crate::algorithm::Algorithm;
use crate::attack::{Attack, assumed};
use crate::client_folds::{FOLDS, fold, is_apart};
use crate::label::Label;
use crate::options::Options;
use crate::progress::{Moment, Tell};
use crate::prune::ClientIndex;
use crate::samples::{Rows, Sample, rows, samples_of};
use crate::scoring::Scoring;
use crate::site::{Client, Site};

/// The weight of an unknown client that is taken for a bot because nothing says that it is a person
/// (learning from positive and unlabelled clients): most are no people, some are.
const UNKNOWN_WEIGHT: f32 = 0.3;

/// What stays the same throughout a training run.
pub(crate) struct TrainingRun<'a> {
    pub sites: &'a [Site],
    pub options: &'a Options,
    /// From when on clients are scored, and how.
    pub scoring: Scoring,
    /// Time step that all sites are measured with, in µs: the finest of their logs'.
    pub resolution_us: u32,
    /// Clients whom the base model takes for bots; see [`crate::poison`].
    pub suspects: &'a HashSet<ClientIndex>,
    /// Simulated bots on the site, where it is attacked.
    pub attack: Option<&'a Attack>,
    /// Is told how far the run is.
    pub tell: Tell<'a>,
}

impl<'a> TrainingRun<'a> {
    fn client(&self, site: usize, client: usize) -> &'a Client {
        &self.sites[site].clients[client]
    }

    /// What a client trains as: a bot (`true`), a person (`false`), or not at all.
    fn role(&self, site: usize, client: usize) -> Option<bool> {
        let learns_from_unknown = self.options.base.is_some() && !self.options.labels_are_checked;
        match self.client(site, client).labelled.label {
            Label::Bad => Some(true),
            Label::Human => (!self.suspects.contains(&(site, client))).then_some(false),
            Label::Unknown => learns_from_unknown.then_some(true),
            Label::GoodBot => None,
        }
    }

    /// Rows of the clients that train, of those that `takes` accepts (by site and client).
    pub fn samples(&self, takes: impl Fn(usize, usize) -> bool) -> Vec<Sample> {
        self.samples_as(
            |site, client| if takes(site, client) { self.role(site, client) } else { None },
        )
    }

    /// Rows of all clients, labelled or not, except suspects: what drift is measured against.
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
        samples_of(self.sites, bad)
    }

    /// The samples as weighted rows.
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

    /// Which of the [`FOLDS`] a client is in.
    pub fn fold(&self, site: usize, client: usize) -> usize {
        (fold(self.client(site, client).key) % FOLDS) as usize
    }

    /// Is this client labelled human or bad?
    pub fn is_labelled(&self, site: usize, client: usize) -> bool {
        matches!(self.client(site, client).labelled.label, Label::Human | Label::Bad)
    }

    /// Is this client labelled human?
    pub fn is_person(&self, site: usize, client: usize) -> bool {
        self.client(site, client).labelled.label == Label::Human
    }

    /// Does a warm-up percentile count this client? Not counted are welcome crawlers, suspects, and
    /// bots that declare themselves or that a labels file names.
    pub fn is_undeclared(&self, site: usize, client: usize) -> bool {
        let labelled = &self.client(site, client).labelled;
        labelled.label != Label::GoodBot
            && !(labelled.label == Label::Bad
                && (self.options.labels_are_checked || labelled.why.starts_with("declared")))
            && !self.suspects.contains(&(site, client))
    }

    /// How many people have enough pages to be judged.
    pub fn people_judged(&self) -> u64 {
        let enough = |client: &&Client| client.pages >= self.options.min_pages;
        let people = |client: &&Client| client.labelled.label == Label::Human;
        self.sites.iter().flat_map(|site| &site.clients).filter(people).filter(enough).count()
            as u64
    }

    /// How many of them are people by assumption only.
    pub fn assumed_judged(&self) -> u64 {
        let enough = |client: &&Client| client.pages >= self.options.min_pages;
        let assumed = |client: &&Client| assumed::is_assumed(client);
        self.sites.iter().flat_map(|site| &site.clients).filter(assumed).filter(enough).count()
            as u64
    }

    /// Is this client a person by assumption only?
    pub fn is_assumed(&self, site: usize, client: usize) -> bool {
        assumed::is_assumed(self.client(site, client))
    }

    /// Does this client calibrate instead of training?
    pub fn is_apart(&self, site: usize, client: usize) -> bool {
        is_apart(self.client(site, client))
    }

    /// Tells that a stage begins in which this algorithm is fitted for so many models.
    pub fn begin(&self, name: &'static str, models: u64, algorithm: &Algorithm) {
        let is_chosen = *algorithm == self.options.algorithm;
        let trees_max = match algorithm {
            Algorithm::Boosted(params) => params.check_ref().ok().map(|params| params.trees as u64),
            Algorithm::Logistic(_) | Algorithm::AdaBoost(_) => None,
        };
        (self.tell)(Moment::Begins { name, fits: models * self.fits_of(is_chosen), trees_max });
    }

    /// Tells that a stage begins in which nothing is fitted.
    pub fn begin_other(&self, name: &'static str) {
        (self.tell)(Moment::Begins { name, fits: 0, trees_max: None });
    }

    /// How often one model is fitted; see [`TrainingRun::fit_with`].
    fn fits_of(&self, is_chosen: bool) -> u64 {
        if self.sites.len() > 1 || !is_chosen { 1 } else { 2 }
    }
}
