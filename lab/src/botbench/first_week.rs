//! A young shop's first week: few people a day, no labels, and the model that the day's log gives.
//!
//! Each day the operator trains on all days so far, as `kidoban train` does on a log that nobody
//! has labelled, and the model is enforced on the next day with its own thresholds. Before the
//! first model there is the shipped one. The table says what is stopped and what that costs, day by
//! day.

use detector::Model;
use detector::model::seal;
use traffic::sim::Truth;
use trainer::TrainError;

use super::benchmark_traffic::{BenchmarkTraffic, RunScale};
use super::client_results::PopulationSum;
use super::columns::ColumnSet;
use super::learn::learn_unlabelled;
use super::options::{BenchOptions, BotBenchError};
use super::result::{ColumnOutcome, FirstWeek, WeekDay};
use super::rounds::{RoundResult, in_turn, pass};

/// People who come on a day, apart from an office, a carrier's address and a carrier's network.
const PEOPLE_A_DAY: usize = 300;
/// Visitors of each bad population and of each population of welcome robots on a day.
const BOTS_A_DAY: usize = 2;
/// The seed of the week's crowd: that of no other part of the benchmark.
const STREAM: u64 = 0x7765_656b;

/// Runs the week. `tell` is called after each day.
pub(super) fn first_week(
    options: &BenchOptions,
    training: &trainer::Options,
    tell: impl Fn() + Sync,
) -> Result<FirstWeek, BotBenchError> {
    let scale = RunScale { people: PEOPLE_A_DAY, bots: BOTS_A_DAY, ..RunScale::QUICK };
    let crowd = BenchmarkTraffic::new(options.seed ^ STREAM, scale);
    let tested = days(options.is_quick);
    let days = in_turn(options.threads, tested.len(), |index| {
        let learnt_days = tested[index];
        let model = match learnt_days {
            0 => options.models.first().map(|(_, model)| model.clone()),
            _ => Some(trained(&crowd, learnt_days, training)?),
        };
        let day = model.map(|model| day(&crowd, learnt_days, model)).transpose()?;
        tell();
        Ok::<_, BotBenchError>(day)
    })?;
    Ok(FirstWeek {
        people_a_day: PEOPLE_A_DAY,
        bots_a_day: BOTS_A_DAY,
        days: days.into_iter().flatten().collect(),
    })
}

/// How many days are learnt from before each day that is tested.
pub(super) const fn days(is_quick: bool) -> &'static [usize] {
    if is_quick { &[0, 1] } else { &[0, 1, 2, 4, 6] }
}

/// The model of the first days.
fn trained(
    crowd: &BenchmarkTraffic,
    days: usize,
    training: &trainer::Options,
) -> Result<Model, TrainError> {
    let file = learn_unlabelled((0..days).map(|day| crowd.round(day)), training)?;
    Model::parse(&seal(&file).map_err(TrainError::Export)?).map_err(TrainError::Export)
}

/// What the model does on the day after those that it learnt from.
fn day(
    crowd: &BenchmarkTraffic,
    learnt_days: usize,
    model: Model,
) -> Result<WeekDay, BotBenchError> {
    let thresholds = model.thresholds();
    let blocks = thresholds.block.margin.is_some();
    let column_set = ColumnSet { models: vec![("kidoban".to_owned(), model)], rules: None };
    let RoundResult { sums, .. } = pass(&column_set, learnt_days, &crowd.round(learnt_days))?;
    let mut people = PopulationSum::default();
    sums.iter()
        .filter(|(population, _)| population.truth() == Truth::Human)
        .for_each(|(_, sum)| people.join(sum));
    let bad = sums.into_iter().filter(|(population, _)| population.truth() == Truth::Bad);
    let bad: Vec<(&str, ColumnOutcome)> = bad
        .filter_map(|(population, sum)| {
            Some((population.name(), sum.row(population.name(), "").of.into_iter().next()?))
        })
        .collect();
    let mean = |share: fn(&ColumnOutcome) -> f64| {
        let shares = bad.iter().map(|(_, of)| share(of)).filter(|share| !share.is_nan());
        let (sum, count) =
            shares.fold((0.0, 0.0), |(sum, count), share| (sum + share, count + 1.0));
        sum / count
    };
    Ok(WeekDay {
        learnt_days,
        blocks,
        people: people.row("people", ""),
        populations: bad.len(),
        found: mean(|of| of.detected.value()),
        found_let_through: mean(|of| of.found_let_through.value()),
        let_through: mean(|of| of.let_through.value()),
        mostly_through: bad
            .iter()
            .filter(|(_, of)| of.found_let_through.value() > 0.25)
            .map(|(name, _)| *name)
            .collect(),
    })
}
