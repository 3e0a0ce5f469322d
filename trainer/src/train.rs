//! The whole way from traffic to a model file.
//!
//! 1. **Suspects** (with a base model): who looks anomalous to it and is vouched for by nobody does
//!    not count as ordinary.
//! 2. **Held out by client and by time**: a model of the first 70 % of each site's time judges the
//!    clients that appear only after it. **Left out by site**, where there are several: how good it
//!    is on a shop it never saw.
//! 3. **Doubted labels** do not train; what that does is measured. **Compared**: the three
//!    algorithms on the same folds.
//! 4. The model that is written. With a base, unless that is plainly better on clients that neither
//!    saw.
//! 5. **Calibration.** With enough people, half of them are kept apart from training and prove the
//!    budgets ([`Proof::Split`]). With fewer, five models that each leave out a fifth of the
//!    clients score them ([`Proof::CrossFitted`]): good for showing probabilities and for limiting,
//!    never for blocking.
//! 6. **Readiness**: whether it may refuse anybody.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::io;

use detector::SiteProfileFile;
use detector::model::{Budget, Card, File, Scorer, Thresholds};

use crate::TrainError;
use crate::adaboost::AdaBoostParams;
use crate::adapt::{Base, gain, is_worth_it};
use crate::algorithm::{Algorithm, Fitted};
use crate::boosted::BoostedParams;
use crate::calibrate::{
    Budgets, Proof, block_budget, errors_allowed, isotonic, limit_budget, people_needed,
    warm_up_budget,
};
use crate::cohort::cohort_budget;
use crate::course::{Course, FOLDS, is_apart};
use crate::export::{Said, export};
use crate::held_out::{HeldOut, HeldOutClient};
use crate::label::Label;
use crate::logistic::LogisticParams;
use crate::poison;
use crate::progress::{Ledger, Moment, Stage, nobody};
use crate::prune::{ClientIndex, doubted};
use crate::quality::Figures;
use crate::readiness::readiness;
use crate::reference::reference;
use crate::samples::Sample;
use crate::site::{Client, Site};

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
    /// A model to adapt to the site.
    pub base: Option<Base>,
    /// Has somebody looked at the labels (a file), or are they weak rules'?
    pub labels_are_checked: bool,
    /// Leave out of training whose label models contradict that have not seen it?
    pub prunes: bool,
    /// Measure the other algorithms as well?
    pub compares: bool,
    /// Share of undeclared clients below a limit threshold as long as too few people are known.
    pub warm_up: f64,
    /// Arm it even when a gate fails?
    pub is_forced: bool,
    /// What [`Site::learn`] returned, where there is one site and the model is to remember it.
    pub memory: Option<SiteProfileFile>,
    /// File names of the logs.
    pub data: Vec<String>,
    /// SHA-256 over the logs as read.
    pub data_sha256: String,
    /// The same of each site's logs, where there are several.
    pub sites_sha256: Vec<String>,
}

impl Default for Options {
    /// Checked labels, all of which train; one algorithm.
    fn default() -> Self {
        Self {
            name: "model".to_owned(),
            algorithm: Algorithm::default(),
            budgets: Budgets::default(),
            min_pages: detector::policy::MIN_PAGES,
            base: None,
            labels_are_checked: true,
            prunes: false,
            compares: false,
            warm_up: 0.99,
            is_forced: false,
            memory: None,
            data: Vec::new(),
            data_sha256: String::new(),
            sites_sha256: Vec::new(),
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
    /// With a base: was it adapted, or is it kept as it was because adapting plainly lost?
    pub is_adapted: bool,
    /// The clients that calibrated it, as models scored them that had not seen them.
    pub held_out: HeldOut,
}

/// Trains on one or more labelled sites. `step(stage)` is told what is being done, and how far it
/// is.
///
/// # Errors
/// [`TrainError`] when there is nothing to learn from.
pub fn train(
    sites: &[Site],
    options: &Options,
    step: impl FnMut(Stage<'_>),
) -> Result<Trained, TrainError> {
    if !(0.5..1.0).contains(&options.warm_up) {
        return Err(TrainError::Parameter(
            "the warm-up percentile must be from 50 to below 100".to_owned(),
        ));
    }
    let suspects = suspects(sites, options)?;
    let step = RefCell::new((Ledger::default(), step));
    let tell = |moment: Moment| {
        let (ledger, step) = &mut *step.borrow_mut();
        step(ledger.take(moment));
    };
    let course = Course {
        sites,
        options,
        resolution_us: resolution_us(sites),
        suspects: &suspects,
        tell: &tell,
    };
    let mut figures = Figures::default();
    let mut dropped = BTreeMap::new();
    if !suspects.is_empty() {
        dropped.insert(
            "anomalous to the base model: not taken for people".to_owned(),
            suspects.len() as u64,
        );
    }

    course.begin("held out by time", 1, &options.algorithm);
    course.held_out_by_time(&mut figures);
    if sites.len() > 1 {
        course.begin("each site left out", sites.len() as u64, &options.algorithm);
        course.left_out_by_site(&mut figures);
    }
    let people = course.people_judged();
    let needed = people_needed(options.budgets.block_alpha, options.budgets.delta);
    // People who taught the memory are no strangers to it, and prove nothing.
    let are_strangers = sites.iter().all(|site| site.memories.is_empty() || !site.apart.is_empty());
    let proof =
        if people / 2 >= needed && are_strangers { Proof::Split } else { Proof::CrossFitted };
    let apart = |site: usize, client: usize| proof == Proof::Split && course.is_apart(site, client);
    let all = course.samples(|site, client| !apart(site, client));

    let mut folds = Folds::new(&course, &all, proof, &mut figures, &mut dropped)?;
    folds.weigh_base(
        &course,
        &all,
        course.suspected(|site, client| !apart(site, client)),
        &mut figures,
    );
    course.begin("fitting", 1, &options.algorithm);
    let is_kept = |sample: &&Sample| !folds.doubted.contains(&(sample.site, sample.client));
    let samples: Vec<Sample> = all.iter().filter(is_kept).cloned().collect();
    let Fitted { scorer, rounds } = folds.fit(&course, &samples)?;
    course.begin_other("calibrating");
    let wanted = |site: usize, client: usize| course.is_labelled(site, client);
    let scorer_for = |site: usize, client: usize| match proof {
        Proof::Split => apart(site, client).then_some(&scorer),
        Proof::CrossFitted => folds.scorers.get(course.fold(site, client)),
    };
    let by_client = course
        .highest(|site, client| if wanted(site, client) { scorer_for(site, client) } else { None });
    let scores = course.named_scores(&by_client);
    let (people_scores, bots) = (scores.of(Label::Human), scores.of(Label::Bad));
    let budgets = options.budgets;
    let mut thresholds = Thresholds {
        min_pages: options.min_pages,
        limit: limit_budget(&people_scores, budgets.limit_alpha, budgets.delta, proof),
        block: block_budget(&people_scores, budgets.block_alpha, budgets.delta, proof),
        cohort: Budget::default(),
    };
    let n = people_scores.len() as u64;
    if sites.len() == 1 && errors_allowed(n, budgets.limit_alpha, budgets.delta).is_none() {
        let undeclared = course.scores(|site, client| {
            if course.is_undeclared(site, client) {
                folds.scorers.get(course.fold(site, client))
            } else {
                None
            }
        });
        let undeclared: Vec<f32> = undeclared.0.iter().map(|row| row.1).collect();
        let warm_up = warm_up_budget(&undeclared, &people_scores, options.warm_up, budgets.delta);
        thresholds.limit = warm_up.unwrap_or(thresholds.limit);
    }
    let met = course.met_by_people(scorer_for);
    thresholds.cohort = cohort_budget(&met, &thresholds.limit, budgets, proof);
    let tagged: Vec<(f32, bool)> = people_scores
        .iter()
        .map(|&score| (score, false))
        .chain(bots.iter().map(|&score| (score, true)))
        .collect();
    let calibration = isotonic(&tagged)?;
    figures.insert_scores("calibration", &scores);
    let thresholds = in_order(thresholds);
    figures.insert_thresholds(&thresholds, &bots);
    for (class, scores) in scores.by_class() {
        let class = if class.is_empty() { "bad" } else { class };
        figures.insert(&format!("class/{class}"), &people_scores, &scores);
    }

    let scored_by = |site: usize, client: usize| match proof {
        Proof::Split => 0,
        Proof::CrossFitted => course.fold(site, client),
    };
    let held_out_clients = by_client.iter().map(|&((site, client), margin)| HeldOutClient {
        site,
        client,
        margin,
        scorer: scored_by(site, client),
    });
    let held_out_clients = held_out_clients.collect();
    let mut readiness = readiness(&figures.0, &thresholds, people, 2 * needed);
    readiness.forced = options.is_forced && !readiness.is_armed();
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
        sites_sha256: options.sites_sha256.clone(),
        data: options.data.clone(),
        clients: Label::ALL
            .iter()
            .map(|label| (label.to_string(), sites.iter().map(|site| site.count(*label)).sum()))
            .collect(),
        labels: rules(sites),
        dropped,
        base: options.base.as_ref().map_or_else(String::new, Base::named),
        rows: samples.len() as u64,
        metrics: figures.0,
    };
    let limit_margin = thresholds.limit.margin;
    let said = Said {
        name: options.name.clone(),
        thresholds,
        readiness,
        calibration,
        resolution_us: course.resolution_us,
        site: options.memory.clone(),
        drift: reference(&course.everybody(), &scorer, options.min_pages, limit_margin),
        card,
    };
    let file = export(&scorer, &samples, said);
    let is_adapted = !folds.keeps_base;
    let scorers = match proof {
        Proof::Split => vec![scorer],
        Proof::CrossFitted => folds.scorers,
    };
    let held_out = HeldOut { scorers, clients: held_out_clients };
    Ok(Trained { file, proof, is_adapted, held_out })
}

/// Has a site remember its people, as [`Options::memory`] wants it: with enough of them to prove
/// the budgets, those who will are kept apart from it.
///
/// # Errors
/// [`TrainError::Fit`]: a mistake of the learner.
pub fn remember(site: &mut Site, options: &Options) -> Result<SiteProfileFile, TrainError> {
    let failed = |error: detector::SiteProfileError| TrainError::Fit(error.to_string());
    let judged = |client: &&Client| {
        client.labelled.label == Label::Human && client.pages >= options.min_pages
    };
    let people = site.clients.iter().filter(judged).count() as u64;
    let needed = people_needed(options.budgets.block_alpha, options.budgets.delta);
    let apart =
        if people / 2 >= needed { site.clients.iter().map(is_apart).collect() } else { Vec::new() };
    site.learn_without(apart).map_err(failed)
}

/// Writes the training rows as CSV: `label,weight,client,site,fold,margin` and the features, empty
/// where a model of these sites is not told; the margin is that of a model that has not seen the
/// client. For comparisons with other learners.
///
/// # Errors
/// [`TrainError`] as [`train`]; [`TrainError::Write`] when it cannot be written.
pub fn write_rows(
    sites: &[Site],
    options: &Options,
    out: &mut dyn io::Write,
) -> Result<(), TrainError> {
    let suspects = suspects(sites, options)?;
    let course = Course {
        sites,
        options,
        resolution_us: resolution_us(sites),
        suspects: &suspects,
        tell: &nobody,
    };
    let samples = course.samples(|_, _| true);
    let scorers = course.cross_fit(&options.algorithm, &samples, &HashSet::new())?;
    course
        .write_rows(&samples, &course.out_of_fold(&samples, &scorers), out)
        .map_err(TrainError::Write)
}

fn resolution_us(sites: &[Site]) -> u32 {
    sites.iter().map(|site| site.resolution_us).max().unwrap_or(1).max(1)
}

fn suspects(sites: &[Site], options: &Options) -> Result<HashSet<ClientIndex>, TrainError> {
    let Some(base) = &options.base else { return Ok(HashSet::new()) };
    if !options.data_sha256.is_empty() && base.model().card().data_sha256 == options.data_sha256 {
        return Err(TrainError::Parameter(
            "the base was trained on this very log: give a later one".to_owned(),
        ));
    }
    Ok(poison::suspects(sites, base.model(), resolution_us(sites), options.labels_are_checked))
}

/// Models by fold, and what they say about labels, algorithms and the base.
struct Folds {
    /// Empty where nothing needs them.
    scorers: Vec<Scorer>,
    doubted: HashSet<ClientIndex>,
    keeps_base: bool,
}

impl Folds {
    fn new(
        course: &Course<'_>,
        samples: &[Sample],
        proof: Proof,
        figures: &mut Figures,
        dropped: &mut BTreeMap<String, u64>,
    ) -> Result<Self, TrainError> {
        let options = course.options;
        let mut folds = Self { scorers: Vec::new(), doubted: HashSet::new(), keeps_base: false };
        let is_needed = proof == Proof::CrossFitted
            || options.base.is_some()
            || options.compares
            || options.prunes;
        if !is_needed {
            return Ok(folds);
        }
        course.begin("cross-fitting", FOLDS, &options.algorithm);
        let measure = |name: &str, margins: &[f32], figures: &mut Figures| {
            figures.insert_scores(name, &course.highest_of_rows(samples, margins));
        };
        folds.scorers = course.cross_fit(&options.algorithm, samples, &folds.doubted)?;
        if options.prunes {
            course.begin("looking for wrong labels", FOLDS, &options.algorithm);
            let margins = course.out_of_fold(samples, &folds.scorers);
            // Unknown clients have no label to doubt.
            let is_labelled = |sample: &&Sample| course.is_labelled(sample.site, sample.client);
            let labelled: Vec<Sample> = samples.iter().filter(is_labelled).cloned().collect();
            let of_labelled: Vec<f32> = course.out_of_fold(&labelled, &folds.scorers);
            folds.doubted = doubted(&labelled, &of_labelled);
            measure("before_pruning", &margins, figures);
            if !folds.doubted.is_empty() {
                folds.prune(course, samples, &margins, figures, dropped)?;
            }
        }
        if options.compares {
            let all = [
                Algorithm::Boosted(BoostedParams::default()),
                Algorithm::Logistic(LogisticParams::default()),
                Algorithm::AdaBoost(AdaBoostParams::default()),
            ];
            // Counted in fits: of three algorithms one grows trees as ours does.
            let others =
                all.iter().filter(|other| other.name() != options.algorithm.name()).count() as u64;
            (course.tell)(Moment::Begins {
                name: "comparing algorithms",
                fits: others * FOLDS,
                trees_max: None,
            });
            for algorithm in all {
                let is_chosen = algorithm.name() == options.algorithm.name();
                let fitted = if is_chosen {
                    Ok(folds.scorers.clone())
                } else {
                    course.cross_fit(&algorithm, samples, &folds.doubted)
                };
                // One that gives up on these rows has no line in the table.
                let Ok(scorers) = fitted else { continue };
                let margins = course.out_of_fold(samples, &scorers);
                measure(&format!("compare/{}", algorithm.name()), &margins, figures);
            }
        }
        Ok(folds)
    }

    /// Fits again without the doubted, and keeps that if it orders the clients at least as well
    /// **as they are labelled**, though the doubted count as people there. Not by how many bots are
    /// caught at 1 % of people hurt: where more than 1 % of people are bots, that says where those
    /// lie.
    fn prune(
        &mut self,
        course: &Course<'_>,
        samples: &[Sample],
        before: &[f32],
        figures: &mut Figures,
        dropped: &mut BTreeMap<String, u64>,
    ) -> Result<(), TrainError> {
        let pruned = course.cross_fit(&course.options.algorithm, samples, &self.doubted)?;
        let before = course.highest_of_rows(samples, before);
        let after = course.highest_of_rows(samples, &course.out_of_fold(samples, &pruned));
        figures.insert_scores("after_pruning", &after);
        let [people, bots] =
            [Label::Human, Label::Bad].map(|label| [before.of(label), after.of(label)]);
        let is_kept = gain([&people[0], &people[1]], [&bots[0], &bots[1]])
            .is_some_and(|gain| gain.value >= 0.0);
        for &(site, client) in &self.doubted {
            let label = course.sites[site].clients[client].labelled.label;
            let verdict = if is_kept {
                "left out of training"
            } else {
                "trained on, as leaving them out lost"
            };
            *dropped.entry(format!("labelled {label}, looks otherwise: {verdict}")).or_insert(0) +=
                1;
        }
        if is_kept {
            self.scorers = pruned;
        } else {
            self.doubted.clear();
        }
        Ok(())
    }

    /// Keeps the base where adapting it plainly loses on clients that the adapted models did not
    /// see. Suspects did not train, so nobody has seen them: whom both call anomalous is no
    /// measure, but whom the base alone mistakes counts against it.
    fn weigh_base(
        &mut self,
        course: &Course<'_>,
        samples: &[Sample],
        mut suspected: Vec<Sample>,
        figures: &mut Figures,
    ) {
        let Some(base) = &course.options.base else { return };
        let to_both = poison::anomalous(&suspected, &course.out_of_fold(&suspected, &self.scorers));
        suspected.retain(|sample| !to_both.contains(&(sample.site, sample.client)));
        let samples = &[samples, &suspected].concat();
        let scorer = base.model().scorer();
        let by_base: Vec<f32> =
            samples.iter().map(|sample| scorer.margin(&sample.features)).collect();
        let by_base = course.highest_of_rows(samples, &by_base);
        let adapted = course.highest_of_rows(samples, &course.out_of_fold(samples, &self.scorers));
        figures.insert_scores("base", &by_base);
        figures.insert_scores("adapted", &adapted);
        let [people, bots] =
            [Label::Human, Label::Bad].map(|label| [by_base.of(label), adapted.of(label)]);
        let gain = gain([&people[0], &people[1]], [&bots[0], &bots[1]]);
        if let Some(gain) = gain {
            figures.insert_one(
                "gain/auc".to_owned(),
                gain,
                (people[0].len() as u64, bots[0].len() as u64),
            );
        }
        self.keeps_base = !gain.is_some_and(is_worth_it);
        if self.keeps_base {
            self.scorers = vec![scorer.clone(); self.scorers.len()];
        }
    }

    fn fit(&self, course: &Course<'_>, samples: &[Sample]) -> Result<Fitted, TrainError> {
        match &course.options.base {
            Some(base) if self.keeps_base => {
                Ok(Fitted { scorer: base.model().scorer().clone(), rounds: Some(0) })
            }
            _ => course.fit(samples),
        }
    }
}

/// A client must be limited before it is blocked: a block threshold below the limit threshold goes
/// up to it, which keeps both budgets.
fn in_order(mut thresholds: Thresholds) -> Thresholds {
    if let (Some(limit), Some(block)) = (thresholds.limit.margin, thresholds.block.margin)
        && limit > block
    {
        thresholds.block.margin = Some(limit);
    }
    thresholds
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
