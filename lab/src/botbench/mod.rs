//! The bot benchmark: runs every simulated population, and real logs, against the detector and the
//! rules of other projects.
//!
//! ```text
//!  seed ─┬─► training days ─► train, as an operator does ─► model ─┐
//!        │          └───────► the peers' rules learn ──────────────┤
//!        ├─► test rounds, each a day of everybody ─────────────────┴─► fates of clients ─► rows, verdicts, targets
//!        └─► schedulers, period × jitter ───────────────────────────► heat map
//! ```
//!
//! - [`result`]: the result as data
//! - `benchmark_traffic.rs`: which clients come, and their seeds; `learn.rs`: trains the model and
//!   the rules
//! - `columns.rs`: detector and rules behind one interface; `rounds.rs`: passes traffic through
//!   them; `client_results.rs`: what became of each client
//! - `verdict.rs`: comparisons and targets; `heat.rs`: schedulers; `sites.rs`: real logs;
//!   `first_week.rs`: a young shop's first days, without labels
//!
//! The detector has the default policy and is driven as the gate drives it. Training and test share
//! the site but no seed. The same seed gives the same result with any number of threads.

mod benchmark_traffic;
mod client_results;
mod columns;
mod first_week;
mod heat;
mod learn;
mod options;
pub mod result;
mod rounds;
mod sites;
mod stage_progress;
mod verdict;

use traffic::sim::{Population, Truth};
use trainer::progress::Stage;

pub use options::{BenchOptions, BotBenchError};

use benchmark_traffic::{BenchmarkTraffic, RunScale};
use client_results::PopulationSum;
use columns::ColumnSet;
use learn::{TrainedModel, learn};
use result::{BotBench, HeatMap, PopulationRow, REFUSED_SHOWN, Training};
use rounds::{PopulationSums, RoundResult, in_turn, pass, together};
use stage_progress::StageProgress;

/// Runs the benchmark. `tell` is called with the progress, from several threads but never at once.
///
/// # Errors
/// [`BotBenchError`].
pub fn run(
    options: &BenchOptions,
    tell: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<BotBench, BotBenchError> {
    run_at(options, if options.is_quick { RunScale::QUICK } else { RunScale::FULL }, tell)
}

fn run_at(
    options: &BenchOptions,
    scale: RunScale,
    tell: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<BotBench, BotBenchError> {
    let crowd = BenchmarkTraffic::new(options.seed, scale);
    let training = trainer::Options {
        name: "benchmark".to_owned(),
        budgets: options.budgets,
        data: vec![format!("simulated with seed {}", crowd.training_seed)],
        ..trainer::Options::default()
    };
    let TrainedModel { model, file, learnt, counts } =
        learn(crowd.training(), &training, options.seed, tell)?;
    let model_sha256 = model.sha256().to_owned();
    let mut models = vec![("kidoban".to_owned(), model)];
    models.extend(options.models.iter().cloned());
    let column_set = ColumnSet { models, rules: Some(learnt) };

    let (RoundResult { sums, mut refused }, heat) =
        tested(&crowd, scale, &column_set, options.threads, tell)?;
    refused.truncate(REFUSED_SHOWN);
    let tested_days = first_week::days(options.is_quick).len();
    let steps = StageProgress::new("a young shop's first week", "days", tested_days, tell);
    let first_week = first_week::first_week(options, &training, || steps.one_more())?;
    let sites = sites::sites(&options.sites, &training, options.seed, tell)?;

    let columns = column_set.columns();
    let mut people = PopulationSum::default();
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
            left_out: benchmark_traffic::left_out().map(Population::name).collect(),
            readiness: file.readiness.to_string(),
            limit: file.thresholds.limit,
            block: file.thresholds.block,
            cohort: file.thresholds.cohort,
        },
        verdicts: verdict::verdicts(&columns, &people, &bad),
        targets: verdict::targets(&people, &bad, &benchmark_traffic::WANTED),
        columns,
        people,
        human,
        refused,
        robots,
        bad,
        heat,
        first_week,
        sites,
    };
    found.summary = verdict::summary(&found);
    Ok(found)
}

/// Runs the test days through every column, then the heat map.
fn tested(
    crowd: &BenchmarkTraffic,
    scale: RunScale,
    column_set: &ColumnSet,
    threads: usize,
    tell: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<(RoundResult, HeatMap), BotBenchError> {
    let steps = StageProgress::new("everybody against everything", "days", scale.rounds, tell);
    let rounds = in_turn(threads, scale.rounds, |round| {
        let shown = pass(column_set, round, &crowd.round(round))?;
        steps.one_more();
        Ok::<_, BotBenchError>(shown)
    })?;
    let steps =
        StageProgress::new("schedulers by period and jitter", "cells", heat::cells(scale), tell);
    let heat = heat::heat(crowd, scale, column_set, threads, || steps.one_more())?;
    Ok((together(rounds), heat))
}

/// One row for each population of this kind, in the order of the benchmark.
fn rows(sums: &PopulationSums, truth: Truth) -> Vec<PopulationRow> {
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
