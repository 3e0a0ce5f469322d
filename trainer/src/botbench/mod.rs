//! The bot benchmark: every simulated population, and real logs, against the detector and the peers' rules.
//!
//! ```text
//!  seed ─┬─► training days ─► train, as an operator does ─► model ─┐
//!        │          └───────► the peers' rules learn ──────────────┤
//!        ├─► test rounds, each a day of everybody ─────────────────┴─► fates of clients ─► rows, verdicts, targets
//!        └─► schedulers, period × jitter ───────────────────────────► heat map
//! ```
//!
//! - [`result`]: what comes out, as data
//! - `crowd.rs`: who comes, how many, under which seeds; `learn.rs`: from training traffic to model and rules
//! - `columns.rs`: detector and rules behind one face; `rounds.rs`: traffic through them; `fates.rs`: what became of whom
//! - `verdict.rs`: ahead or not, and what had to be reached; `heat.rs`, `sites.rs`: schedulers, real logs
//!
//! The detector is the gate's, with the default policy, fed as the gate feeds it. Seeds of training and test are disjoint, the site is one.
//! The same seed gives the same result, however many threads work.

mod columns;
mod crowd;
mod fates;
mod heat;
mod learn;
pub mod result;
mod rounds;
mod sites;
mod verdict;

use std::sync::atomic::{AtomicUsize, Ordering};

use detector::{Model, PolicyError};
use traffic::sim::{Population, Truth};

use crate::TrainError;
use crate::calibrate::Budgets;
use crate::site::Site;
use columns::Contest;
use crowd::{Crowd, Scale};
use fates::Sum;
use learn::{Learned, learn};
use result::{BotBench, HeatMap, REFUSED_SHOWN, Row, Training};
use rounds::{Shown, Sums, in_turn, pass, together};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything random comes from it.
    pub seed: u64,
    /// Fewer clients.
    pub is_quick: bool,
    /// Threads at work; the result does not depend on it.
    pub threads: usize,
    /// Budgets of the model that is trained.
    pub budgets: Budgets,
    /// Models to show beside it, by name, such as the shipped one.
    pub models: Vec<(String, Model)>,
    /// Labelled real logs.
    pub sites: Vec<Site>,
}

/// How far it is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// What it does.
    pub what: &'a str,
    /// Steps done.
    pub done: usize,
    /// Steps in all; they do not all last as long.
    pub of: usize,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum BotBenchError {
    /// Nothing could be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A model's thresholds contradict each other.
    #[error("a model's thresholds: {0}")]
    Policy(#[from] PolicyError),
}

/// Steps before the first round: training.
const TRAINING_STEPS: usize = 1;

/// Runs it. `progress` is told what begins and what is done, by several threads.
///
/// # Errors
/// [`BotBenchError`].
pub fn run(options: &Options, progress: &(dyn Fn(Progress<'_>) + Sync)) -> Result<BotBench, BotBenchError> {
    run_at(options, if options.is_quick { Scale::QUICK } else { Scale::FULL }, progress)
}

fn run_at(
    options: &Options,
    scale: Scale,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<BotBench, BotBenchError> {
    let done = AtomicUsize::new(0);
    let of = TRAINING_STEPS + scale.rounds + heat::cells(scale) + options.sites.len();
    let tell = |what: &str, steps: usize| {
        let done = done.fetch_add(steps, Ordering::Relaxed) + steps;
        progress(Progress { what, done: done.min(of), of });
    };

    tell("simulating what to train on", 0);
    let crowd = Crowd::new(options.seed, scale);
    let training = crate::Options {
        name: "benchmark".to_owned(),
        budgets: options.budgets,
        data: vec![format!("simulated with seed {}", crowd.training_seed)],
        ..crate::Options::default()
    };
    let Learned { model, file, learnt, counts } =
        learn(crowd.training(), &training, options.seed, |what| tell(&format!("training: {what}"), 0))?;
    let model_sha256 = model.sha256().to_owned();
    let mut models = vec![("kidoban".to_owned(), model)];
    models.extend(options.models.iter().cloned());
    let contest = Contest { models, rules: Some(learnt) };

    tell("everybody against everything", TRAINING_STEPS);
    let (Shown { sums, mut refused }, heat) = tested(&crowd, scale, &contest, options.threads, &|what| tell(what, 1))?;
    refused.truncate(REFUSED_SHOWN);
    let sites = sites::sites(&options.sites, &training, options.seed, |site| tell(&format!("real logs: {site}"), 1))?;

    let columns = contest.columns();
    let mut people = Sum::default();
    sums.iter().filter(|(population, _)| population.truth() == Truth::Human).for_each(|(_, sum)| people.join(sum));
    let people = people.row("people", "Everybody of all human populations.");
    let [human, robots, bad] = [Truth::Human, Truth::Welcome, Truth::Bad].map(|truth| rows(&sums, truth));
    let mut found = BotBench {
        summary: String::new(),
        seed: options.seed,
        is_quick: options.is_quick,
        training: Training {
            seeds: vec![crowd.training_seed],
            test_seeds: vec![crowd.test_seed, crowd.heat_seed],
            requests: counts.requests,
            people: counts.people,
            bots: counts.bots,
            model_sha256,
            left_out: crowd::left_out().map(Population::name).collect(),
            readiness: file.readiness.to_string(),
            limit: file.thresholds.limit,
            block: file.thresholds.block,
            cohort: file.thresholds.cohort,
        },
        verdicts: verdict::verdicts(&columns, &people, &bad),
        targets: verdict::targets(&people, &bad, &crowd::WANTED),
        columns,
        people,
        human,
        refused,
        robots,
        bad,
        heat,
        sites,
    };
    found.summary = verdict::summary(&found);
    Ok(found)
}

/// Everybody against everything, and the heat map. `step` is told after each round and each cell.
fn tested(
    crowd: &Crowd,
    scale: Scale,
    contest: &Contest,
    threads: usize,
    step: &(dyn Fn(&str) + Sync),
) -> Result<(Shown, HeatMap), BotBenchError> {
    let rounds = in_turn(threads, scale.rounds, |round| {
        let shown = pass(contest, round, &crowd.round(round))?;
        step("everybody against everything");
        Ok::<_, BotBenchError>(shown)
    })?;
    let heat = heat::heat(crowd, scale, contest, threads, || step("schedulers by period and jitter"))?;
    Ok((together(rounds), heat))
}

/// One row a population, in the order of the benchmark.
fn rows(sums: &Sums, truth: Truth) -> Vec<Row> {
    let of_truth = Population::OF_THE_BENCHMARK.iter().filter(|population| population.truth() == truth);
    of_truth
        .filter_map(|population| Some(sums.get(population)?.clone().row(population.name(), population.reasoning())))
        .collect()
}

#[cfg(test)]
mod tests;
