//! The bot benchmark: every simulated population, and real logs, against the detector and the
//! peers' rules.
//!
//! ```text
//!  seed ─┬─► training days ─► train, as an operator does ─► model ─┐
//!        │          └───────► the peers' rules learn ──────────────┤
//!        ├─► test rounds, each a day of everybody ─────────────────┴─► fates of clients ─► rows, verdicts, targets
//!        └─► schedulers, period × jitter ───────────────────────────► heat map
//! ```
//!
//! - [`result`]: what comes out, as data
//! - `crowd.rs`: who comes, how many, under which seeds; `learn.rs`: from training traffic to model
//!   and rules
//! - `columns.rs`: detector and rules behind one face; `rounds.rs`: traffic through them;
//!   `fates.rs`: what became of whom
//! - `verdict.rs`: ahead or not, and what had to be reached; `heat.rs`, `sites.rs`: schedulers,
//!   real logs
//!
//! The detector is the gate's, with the default policy, fed as the gate feeds it. Seeds of training
//! and test are disjoint, the site is one. The same seed gives the same result, however many
//! threads work.

mod columns;
mod crowd;
mod fates;
mod heat;
mod learn;
pub mod result;
mod rounds;
mod sites;
mod verdict;

use std::sync::{Mutex, PoisonError};

use detector::{Model, PolicyError};
use traffic::sim::{Population, Truth};
use trainer::TrainError;
use trainer::calibrate::Budgets;
use trainer::progress::Stage;
use trainer::site::Site;

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

/// Runs it. `tell` hears how far it is, by several threads, one after the other.
///
/// # Errors
/// [`BotBenchError`].
pub fn run(
    options: &Options,
    tell: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<BotBench, BotBenchError> {
    run_at(options, if options.is_quick { Scale::QUICK } else { Scale::FULL }, tell)
}

fn run_at(
    options: &Options,
    scale: Scale,
    tell: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<BotBench, BotBenchError> {
    let crowd = Crowd::new(options.seed, scale);
    let training = trainer::Options {
        name: "benchmark".to_owned(),
        budgets: options.budgets,
        data: vec![format!("simulated with seed {}", crowd.training_seed)],
        ..trainer::Options::default()
    };
    let Learned { model, file, learnt, counts } =
        learn(crowd.training(), &training, options.seed, tell)?;
    let model_sha256 = model.sha256().to_owned();
    let mut models = vec![("kidoban".to_owned(), model)];
    models.extend(options.models.iter().cloned());
    let contest = Contest { models, rules: Some(learnt) };

    let (Shown { sums, mut refused }, heat) =
        tested(&crowd, scale, &contest, options.threads, tell)?;
    refused.truncate(REFUSED_SHOWN);
    let sites = sites::sites(&options.sites, &training, options.seed, tell)?;

    let columns = contest.columns();
    let mut people = Sum::default();
    sums.iter()
        .filter(|(population, _)| population.truth() == Truth::Human)
        .for_each(|(_, sum)| people.join(sum));
    let people = people.row("people", "Everybody of all human populations.");
    let [human, robots, bad] =
        [Truth::Human, Truth::Welcome, Truth::Bad].map(|truth| rows(&sums, truth));
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

/// Everybody against everything, and the heat map.
fn tested(
    crowd: &Crowd,
    scale: Scale,
    contest: &Contest,
    threads: usize,
    tell: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<(Shown, HeatMap), BotBenchError> {
    let steps = Steps::new("everybody against everything", "days", scale.rounds, tell);
    let rounds = in_turn(threads, scale.rounds, |round| {
        let shown = pass(contest, round, &crowd.round(round))?;
        steps.one_more();
        Ok::<_, BotBenchError>(shown)
    })?;
    let steps = Steps::new("schedulers by period and jitter", "cells", heat::cells(scale), tell);
    let heat = heat::heat(crowd, scale, contest, threads, || steps.one_more())?;
    Ok((together(rounds), heat))
}

/// A stage that several threads bring forward.
struct Steps<'a> {
    name: &'static str,
    unit: &'static str,
    of: usize,
    done: Mutex<usize>,
    tell: &'a (dyn Fn(Stage<'_>) + Sync),
}

impl<'a> Steps<'a> {
    /// None is done.
    fn new(
        name: &'static str,
        unit: &'static str,
        of: usize,
        tell: &'a (dyn Fn(Stage<'_>) + Sync),
    ) -> Self {
        if of > 0 {
            tell(Stage { name, done: 0, of: of as u64, unit });
        }
        Self { name, unit, of, done: Mutex::new(0), tell }
    }

    fn one_more(&self) {
        // The lock is held while it is told, or a thread could tell less than one before it.
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        (self.tell)(Stage {
            name: self.name,
            done: *done as u64,
            of: self.of as u64,
            unit: self.unit,
        });
    }
}

/// One row a population, in the order of the benchmark.
fn rows(sums: &Sums, truth: Truth) -> Vec<Row> {
    let of_truth =
        Population::OF_THE_BENCHMARK.iter().filter(|population| population.truth() == truth);
    of_truth
        .filter_map(|population| {
            Some(sums.get(population)?.clone().row(population.name(), population.reasoning()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
