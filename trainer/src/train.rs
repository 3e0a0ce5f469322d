//! Training: from the traffic of sites to a model file.
//!
//! 1. **Suspects** (with a base model): clients that look anomalous to the base, and that nobody
//!    has labelled as people, do not count as ordinary.
//! 2. **Held out by client and by time**: a model of the first 70 % of each site's steps judges the
//!    clients that appear only after them. **Left out by site**, where there are several sites: a
//!    model of the others judges each.
//! 3. **Doubted labels** do not train; what that changes is measured. **Compared**: the three
//!    algorithms on the same folds.
//! 4. **Fitting** the model that is written. With a base this is the adapted model, unless the base
//!    is plainly better on clients that neither has seen.
//! 5. **Calibration.** With enough people, half of them are kept apart from training and prove the
//!    budgets ([`Proof::Split`]). With fewer, five models that each leave out a fifth of the
//!    clients score them ([`Proof::CrossFitted`]): good for showing probabilities and for limiting,
//!    never for blocking.
//! 6. **Readiness**: whether it may refuse anybody.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::slice;

use detector::SiteProfileFile;
use detector::model::{Budget, Card, File, Thresholds};

use crate::adapt::Base;
use crate::algorithm::Fitted;
use crate::attack::Attack;
use crate::attack::assumed::{self, CLIENTS_MIN};
use crate::calibrate::{
    Proof, assumed_budget, block_budget, errors_allowed, isotonic, limit_budget, people_needed,
    unproven_limit, warm_up_budget,
};
use crate::client_folds::is_apart;
use crate::cohort::cohort_budget;
use crate::error::TrainError;
use crate::export::{ModelParts, export};
use crate::fold_models::FoldModels;
use crate::held_out::{HeldOut, HeldOutClient};
use crate::label::Label;
pub use crate::options::Options;
use crate::poison::{self, Suspects};
use crate::progress::{Ledger, Moment, Stage, nobody};
use crate::quality::Figures;
use crate::readiness::readiness;
use crate::reference::reference;
use crate::samples::{Sample, resolution_us};
use crate::scoring::Scoring;
use crate::site::{Client, Site};
use crate::training_run::TrainingRun;

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

/// Trains on one or more labelled sites. `step(stage)` is told what is being done and how much of
/// it is over.
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
    let own = sites;
    let (with_people, attack) = attacked(sites, options);
    let sites = with_people.as_ref().map_or(sites, slice::from_ref);
    let Suspects { clients: suspects, kept } = suspects(sites, options)?;
    let step = RefCell::new((Ledger::default(), step));
    let tell = |moment: Moment| {
        let (ledger, step) = &mut *step.borrow_mut();
        step(ledger.take(moment));
    };
    let run = TrainingRun {
        sites,
        options,
        scoring: Scoring::of_sites(sites.len(), options.min_pages),
        resolution_us: resolution_us(sites),
        suspects: &suspects,
        attack: attack.as_ref(),
        tell: &tell,
    };
    let mut figures = Figures::default();
    let mut dropped = BTreeMap::new();
    let earlier = if options.guard.is_some() { "the model in force" } else { "the base model" };
    if !suspects.is_empty() {
        dropped
            .insert(format!("anomalous to {earlier}: not taken for people"), suspects.len() as u64);
    }
    if kept > 0 {
        dropped.insert(
            format!(
                "anomalous to {earlier}, as nearly all people here: taken for people all the same"
            ),
            kept,
        );
    }

    run.begin("held out by time", 1, &options.algorithm);
    run.held_out_by_time(&mut figures);
    if sites.len() > 1 {
        run.begin("each site left out", sites.len() as u64, &options.algorithm);
        run.left_out_by_site(&mut figures);
    }
    let people = run.people_judged();
    let n_assumed = run.assumed_judged();
    let needed = people_needed(options.budgets.block_alpha, options.budgets.delta);
    // People who taught the site profile are no strangers to the model, so they prove nothing.
    let are_strangers = sites.iter().all(|site| site.profiles.is_empty() || !site.apart.is_empty());
    let proof = if people / 2 >= needed && are_strangers && n_assumed == 0 {
        Proof::Split
    } else {
        Proof::CrossFitted
    };
    let apart = |site: usize, client: usize| proof == Proof::Split && run.is_apart(site, client);
    let all = run.samples(|site, client| !apart(site, client));

    let has_people = all.iter().any(|sample| !sample.bad);
    let is_too_few = n_assumed > 0 && n_assumed == people && people < CLIENTS_MIN;
    if options.base.is_none() && (is_too_few || !has_people) {
        return Err(TrainError::TooFew(assumed::nobody(sites, options)));
    }

    let mut folds = FoldModels::new(&run, &all, proof, &mut figures, &mut dropped)?;
    folds.weigh_base(&run, &all, run.suspected(|site, client| !apart(site, client)), &mut figures);
    // A base that is kept is read as it was.
    let scoring = match &options.base {
        Some(base) if folds.keeps_base => Scoring::of(base.model().thresholds()),
        _ => run.scoring,
    };
    let run = TrainingRun { scoring, ..run };
    run.begin("fitting", 1, &options.algorithm);
    let is_kept = |sample: &&Sample| !folds.doubted.contains(&(sample.site, sample.client));
    let samples: Vec<Sample> = all.iter().filter(is_kept).cloned().collect();
    let Fitted { scorer, rounds } = folds.fit(&run, &samples)?;
    run.begin_other("calibrating");
    // Whom the assumption was dropped for is no person whom a threshold must spare.
    let wanted = |site: usize, client: usize| {
        run.is_labelled(site, client)
            && !(run.is_assumed(site, client) && folds.doubted.contains(&(site, client)))
    };
    let scorer_for = |site: usize, client: usize| match proof {
        Proof::Split => apart(site, client).then_some(&scorer),
        Proof::CrossFitted => folds.scorers.get(run.fold(site, client)),
    };
    let by_client = run
        .highest(|site, client| if wanted(site, client) { scorer_for(site, client) } else { None });
    let scores = run.named_scores(&by_client);
    let (people_scores, bots) = (scores.of(Label::Human), scores.of(Label::Bad));
    let budgets = options.budgets;
    let mut thresholds = Thresholds {
        min_pages: options.min_pages,
        score_rule: run.scoring.rule,
        limit: limit_budget(&people_scores, budgets.limit_alpha, budgets.delta, proof),
        block: block_budget(&people_scores, budgets.block_alpha, budgets.delta, proof),
        cohort: Budget::default(),
    };
    let n = people_scores.len() as u64;
    if n_assumed > 0 {
        let assumed = by_client.iter().filter(|&&((site, client), _)| run.is_assumed(site, client));
        let people = |site, client| run.is_person(site, client) && wanted(site, client);
        let by_own = run.highest(|site, client| people(site, client).then_some(&scorer));
        let by_own: Vec<f32> = by_own.into_iter().map(|(_, margin)| margin).collect();
        let assumed = assumed.count() as u64;
        thresholds.limit = assumed_budget(&people_scores, &by_own, assumed, &budgets);
        thresholds.block = block_budget(&[], budgets.block_alpha, budgets.delta, proof);
    } else if sites.len() == 1 && errors_allowed(n, budgets.limit_alpha, budgets.delta).is_none() {
        let undeclared = run.scores(|site, client| {
            if run.is_undeclared(site, client) {
                folds.scorers.get(run.fold(site, client))
            } else {
                None
            }
        });
        let undeclared: Vec<f32> = undeclared.0.iter().map(|row| row.1).collect();
        let warm_up = warm_up_budget(&undeclared, &people_scores, options.warm_up, budgets.delta);
        thresholds.limit = unproven_limit(thresholds.limit, warm_up, &undeclared);
    }
    // Nobody here can be taken for a person: the base says what is limited.
    if let (Some(base), true) = (&options.base, people_scores.is_empty()) {
        let limit = &base.model().thresholds().limit;
        let evidence = format!("the base's own, as nobody here calibrates one: {}", limit.evidence);
        thresholds.limit = Budget { evidence, ..limit.clone() };
    }
    let met = run.met_by_people(scorer_for);
    thresholds.cohort = cohort_budget(&met, &thresholds.limit, budgets, proof);
    let tagged: Vec<(f32, bool)> = people_scores
        .iter()
        .map(|&score| (score, false))
        .chain(bots.iter().map(|&score| (score, true)))
        .collect();
    let calibration = isotonic(&tagged)?;
    figures.insert_scores("calibration", &scores);
    if let Some(attack) = run.attack
        && proof == Proof::CrossFitted
    {
        let attackers = attack.highest(&folds.scorers, options.min_pages);
        figures.insert("attack", &people_scores, &attackers);
    }
    let thresholds = in_order(thresholds);
    figures.insert_thresholds(&thresholds, &bots);
    for (class, scores) in scores.by_class() {
        let class = if class.is_empty() { "bad" } else { class };
        figures.insert(&format!("class/{class}"), &people_scores, &scores);
    }

    let scored_by = |site: usize, client: usize| match proof {
        Proof::Split => 0,
        Proof::CrossFitted => run.fold(site, client),
    };
    let held_out_clients = by_client.iter().map(|&((site, client), margin)| HeldOutClient {
        site,
        client,
        margin,
        scorer: scored_by(site, client),
    });
    let held_out_clients = held_out_clients.collect();
    let mut readiness = readiness(&figures.0, &thresholds, people, n_assumed, 2 * needed);
    readiness.forced = options.is_forced && !readiness.is_armed();
    let mut parameters = options.algorithm.parameters()?;
    parameters.extend(rounds.map(|rounds| ("trees".to_owned(), rounds as f64)));
    let card = Card {
        algorithm: options.algorithm.name().to_owned(),
        parameters,
        trained_until_us: sites
            .iter()
            .filter_map(|site| site.span())
            .map(|[_, last]| last.as_micros())
            .max()
            .unwrap_or(0),
        data_sha256: options.data_sha256.clone(),
        sites_sha256: options.sites_sha256.clone(),
        data: options.data.clone(),
        clients: Label::ALL
            .iter()
            .map(|label| (label.to_string(), own.iter().map(|site| site.count(*label)).sum()))
            .collect(),
        labels: rules(sites, run.attack),
        dropped,
        base: options.base.as_ref().map_or_else(String::new, Base::named),
        rows: samples.len() as u64,
        metrics: figures.0,
    };
    let limit_margin = thresholds.limit.margin;
    let parts = ModelParts {
        name: options.name.clone(),
        thresholds,
        readiness,
        calibration,
        resolution_us: run.resolution_us,
        site: options.profile.clone(),
        drift: reference(&run.everybody(), &scorer, options.min_pages, limit_margin),
        card,
    };
    let file = export(&scorer, &samples, parts);
    let is_adapted = !folds.keeps_base;
    let scorers = match proof {
        Proof::Split => vec![scorer],
        Proof::CrossFitted => folds.scorers,
    };
    let held_out = HeldOut { scorers, clients: held_out_clients };
    Ok(Trained { file, proof, is_adapted, held_out })
}

/// Learns a site's profile for [`Options::profile`]. If there are enough people to prove the
/// budgets, the clients that will prove them are kept apart and teach the profile nothing.
///
/// # Errors
/// [`TrainError::Fit`]: a mistake of the learner.
pub fn learn_profile(site: &mut Site, options: &Options) -> Result<SiteProfileFile, TrainError> {
    let failed = |error: detector::SiteProfileError| TrainError::Fit(error.to_string());
    let judged = |client: &&Client| {
        client.labelled.label == Label::Human && client.pages >= options.min_pages
    };
    let people = site.clients.iter().filter(judged).count() as u64;
    let needed = people_needed(options.budgets.block_alpha, options.budgets.delta);
    let apart =
        if people / 2 >= needed { site.clients.iter().map(is_apart).collect() } else { Vec::new() };
    // People by assumption teach what the site is, but stay unknown to whoever asks.
    let with_people = Some(&*site).filter(|_| options.attacks);
    let Some(with_people) = with_people.and_then(|site| assumed::with_people(site, options)) else {
        return site.learn_without(apart).map_err(failed);
    };
    let own = site.clients.iter().map(|client| client.labelled.clone()).collect::<Vec<_>>();
    *site = with_people;
    let learnt = site.learn_without(apart).map_err(failed);
    site.clients.iter_mut().zip(own).for_each(|(client, own)| client.labelled = own);
    learnt
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
    let (with_people, attack) = attacked(sites, options);
    let sites = with_people.as_ref().map_or(sites, slice::from_ref);
    let Suspects { clients: suspects, .. } = suspects(sites, options)?;
    let run = TrainingRun {
        sites,
        options,
        scoring: Scoring::of_sites(sites.len(), options.min_pages),
        resolution_us: resolution_us(sites),
        suspects: &suspects,
        attack: attack.as_ref(),
        tell: &nobody,
    };
    let samples = run.samples(|_, _| true);
    let scorers = run.cross_fit(&options.algorithm, &samples, &HashSet::new())?;
    run.write_rows(&samples, &run.out_of_fold(&samples, &scorers), out).map_err(TrainError::Write)
}

/// The site with people by assumption, where that is needed, and simulated bots on it. Of several
/// sites each should have its own people and bots, and where somebody checked the labels of both,
/// those are better.
fn attacked(sites: &[Site], options: &Options) -> (Option<Site>, Option<Attack>) {
    let [site] = sites else { return (None, None) };
    let is_one_sided = site.count(Label::Human) == 0 || site.count(Label::Bad) == 0;
    if !options.attacks || (options.labels_are_checked && !is_one_sided) {
        return (None, None);
    }
    let with_people = assumed::with_people(site, options);
    let attack = Attack::on(with_people.as_ref().unwrap_or(site), site.resolution_us.max(1));
    (with_people, Some(attack).filter(|attack| !attack.is_empty()))
}

fn suspects(sites: &[Site], options: &Options) -> Result<Suspects, TrainError> {
    let base = options.base.as_ref().map(Base::model);
    let Some(earlier) = options.guard.as_ref().or(base) else { return Ok(Suspects::default()) };
    if !options.data_sha256.is_empty()
        && base.is_some_and(|base| base.card().data_sha256 == options.data_sha256)
    {
        return Err(TrainError::Parameter(
            "the base was trained on this very log: give a later one".to_owned(),
        ));
    }
    Ok(poison::suspects(sites, earlier, resolution_us(sites), options.labels_are_checked))
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

/// Clients by the rule that labelled them, over all sites, and the simulated attackers.
fn rules(sites: &[Site], attack: Option<&Attack>) -> BTreeMap<String, u64> {
    let attackers = attack.map(Attack::counts).unwrap_or_default();
    let mut rules: BTreeMap<String, u64> = attackers
        .into_iter()
        .map(|(way, number)| (format!("simulated bad: {way}"), number))
        .collect();
    for client in sites.iter().flat_map(|site| &site.clients) {
        let rule = match client.labelled.why.as_str() {
            "" => client.labelled.label.to_string(),
            why => format!("{}: {why}", client.labelled.label),
        };
        *rules.entry(rule).or_insert(0) += 1;
    }
    rules
}
