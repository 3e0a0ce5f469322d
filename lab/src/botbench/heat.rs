//! The heat map: which schedulers are detected, by period and jitter.

use traffic::sim::simulate_scheduler;

use super::benchmark_traffic::{BenchmarkTraffic, RunScale};
use super::columns::ColumnSet;
use super::options::BotBenchError;
use super::result::{HeatMap, Share};
use super::rounds::{in_turn, pass};

/// Periods, from half a second to five minutes.
const PERIODS_S: [f64; 7] = [0.5, 2.0, 5.0, 15.0, 30.0, 60.0, 300.0];
/// Jitters as a share of the period; at 1 a gap is anything from nothing to twice the period.
const JITTERS: [f64; 7] = [0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0];

/// Number of cells of the map.
pub(super) fn cells(scale: RunScale) -> usize {
    axis(&PERIODS_S, scale).len() * axis(&JITTERS, scale).len()
}

fn axis(values: &[f64], scale: RunScale) -> Vec<f64> {
    values.iter().copied().step_by(scale.heat_step).collect()
}

/// Runs every cell. `step` is called after each one.
pub(super) fn heat(
    crowd: &BenchmarkTraffic,
    scale: RunScale,
    column_set: &ColumnSet,
    threads: usize,
    step: impl Fn() + Sync,
) -> Result<HeatMap, BotBenchError> {
    let (periods_s, jitters) = (axis(&PERIODS_S, scale), axis(&JITTERS, scale));
    // Only the detector runs here; the tables show what rules do with schedulers.
    let detector = ColumnSet { models: column_set.models[..1].to_vec(), rules: None };
    let shares = in_turn(threads, periods_s.len() * jitters.len(), |cell| {
        let (period_s, jitter) = (periods_s[cell / jitters.len()], jitters[cell % jitters.len()]);
        let visitors = 0..scale.heat_clients;
        let requests = simulate_scheduler(
            &crowd.site,
            period_s,
            jitter,
            crowd.heat_seed,
            BenchmarkTraffic::start(),
            visitors,
        );
        let sums = pass(&detector, cell, &requests)?.sums;
        step();
        let of = sums.into_values().next().and_then(|sum| sum.row("", "").of.into_iter().next());
        Ok::<_, BotBenchError>(
            of.map_or((Share::default(), Share::default()), |of| (of.detected, of.blocked)),
        )
    })?;
    let rows = |of: fn(&(Share, Share)) -> Share| -> Vec<Vec<Share>> {
        shares.chunks(jitters.len()).map(|row| row.iter().map(of).collect()).collect()
    };
    let (detected, blocked) = (rows(|cell| cell.0), rows(|cell| cell.1));
    Ok(HeatMap { periods_s, jitters, detected, blocked })
}
