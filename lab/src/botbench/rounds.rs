//! Runs the test days: each has a seed of its own, threads share them, and results are summed in
//! order.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use detector::{PolicyError, Score, Verdict};
use traffic::sim::{Population, SimRequest, Truth};

use super::client_results::{ClientResults, PopulationSum};
use super::columns::ColumnSet;
use super::learn::{ClientNumbers, baseline_request};
use super::result::RefusedPerson;

/// Sums by population.
pub(super) type PopulationSums = BTreeMap<Population, PopulationSum>;

/// Results of one run of traffic.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundResult {
    pub sums: PopulationSums,
    /// People and welcome robots that the first column refused, and why, in order of time.
    pub refused: Vec<RefusedPerson>,
}

/// Passes a run of traffic through fresh columns.
pub(super) fn pass(
    column_set: &ColumnSet,
    day: usize,
    requests: &[SimRequest],
) -> Result<RoundResult, PolicyError> {
    let columns = column_set.columns();
    let mut numbers = ClientNumbers::default();
    let clients: Vec<u32> = requests.iter().map(|request| numbers.of(request)).collect();
    let number = clients.iter().max().map_or(0, |&last| last as usize + 1);
    let mut populations: Vec<Option<Population>> = vec![None; number];
    let mut running_columns = column_set.running_columns(number)?;
    let mut client_results = ClientResults::new(columns.len());
    let mut refused = Vec::new();
    for (request, &client) in requests.iter().zip(&clients) {
        let baseline_request = baseline_request(request, client);
        let client = client as usize;
        populations[client].get_or_insert(request.population);
        let count = client_results.count(client);
        for (column, running) in running_columns.iter_mut().enumerate() {
            let event = |detector: &detector::Detector| detector.event(&request.as_request());
            let answer = Some((request.completed_at(), request.status));
            let action = running.see(&baseline_request, answer, event);
            let is_news = client_results.note(client, column, count, action);
            if is_news && column == 0 && request.truth() == Truth::Human {
                refused.extend(running.verdict().map(|verdict| told(request, day, count, verdict)));
            }
        }
    }
    let mut sums = PopulationSums::new();
    for (client, population) in populations.into_iter().enumerate() {
        let Some(population) = population else { continue };
        client_results.add_to(sums.entry(population).or_default(), client);
    }
    Ok(RoundResult { sums, refused })
}

fn told(request: &SimRequest, day: usize, count: u32, verdict: &Verdict) -> RefusedPerson {
    RefusedPerson {
        population: request.population.name(),
        client: request.client.to_string(),
        day,
        request: count,
        action: verdict.action,
        reason: verdict.reason,
        score: verdict.score.map(Score::value),
        because: verdict.because.iter().map(ToString::to_string).collect(),
    }
}

/// Calls `work` with each number below `count` on this many threads. Returns the results in order
/// of the numbers, so they do not depend on the threads.
pub(super) fn in_turn<T: Send, E: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let (work, next) = (&work, &next);
    let mut done: Vec<(usize, Result<T, E>)> = thread::scope(|scope| {
        let worker = move || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return done;
                }
                done.push((number, work(number)));
            }
        };
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(worker)).collect();
        let mut all = worker();
        // A panic in another thread continues here.
        others.into_iter().for_each(|other| {
            all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        all
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The sum of several rounds.
pub(super) fn together(rounds: Vec<RoundResult>) -> RoundResult {
    let mut all = RoundResult::default();
    for round in rounds {
        for (population, sum) in round.sums {
            all.sums.entry(population).or_default().join(&sum);
        }
        all.refused.extend(round.refused);
    }
    all
}
