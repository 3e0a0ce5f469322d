//! A day of the benchmark's site with all populations at once, as a log to look at or train on.
//!
//! There are many people, and a few bots of each kind, as in real shops. Whoever shares or spreads
//! over a network comes as a whole network.

use std::sync::Arc;

use detector::Timestamp;

use super::{BENCHMARK_SPAN_US, benchmark_site, simulate_benchmark};
use crate::sim::crowd::SimRequest;
use crate::sim::population::{Population, Truth};
use crate::sim::site::Site;

/// The usual number of people a day, not counting those who share an address.
pub const BENCHMARK_PEOPLE: usize = 1_000;

/// All requests to the benchmark's site in `span_us` microseconds from `start`, in order of
/// arrival. `people` people come a day, and every day has other visitors.
pub fn simulate_benchmark_day(
    seed: u64,
    start: Timestamp,
    span_us: u64,
    people: usize,
) -> Vec<SimRequest> {
    let site: Arc<Site> = benchmark_site(seed);
    let end = start.plus_micros(span_us);
    let mut requests = Vec::new();
    for population in Population::OF_THE_BENCHMARK {
        let count = count(*population, people);
        for day in 0..span_us.div_ceil(BENCHMARK_SPAN_US) {
            let midnight = start.plus_micros(day * BENCHMARK_SPAN_US);
            let first = day as usize * count;
            let visits =
                simulate_benchmark(&site, *population, seed, midnight, first..first + count);
            requests.extend(visits.into_iter().filter(|request| request.at < end));
        }
    }
    requests.sort_by(|a, b| (a.at, a.client, &a.target).cmp(&(b.at, b.client, &b.target)));
    requests
}

/// How many visitors of a population come on a day with this many people.
fn count(population: Population, people: usize) -> usize {
    let per_thousand = match population {
        Population::Shopper => 300,
        Population::MobileApp => 150,
        Population::GalleryShopper | Population::SpaShopper | Population::CdnShopper => 90,
        Population::ReturningShopper => 120,
        Population::PriceWatcher | Population::SlowReader => 40,
        Population::PowerShopper | Population::Refresher => 25,
        Population::TabOpener | Population::ImpatientReloader => 20,
        // Ten times as many as come in a minute of the evening.
        Population::SaleShopper => 30,
        Population::CarrierShopper => 250,
        // One visitor is a whole office, a carrier's address, or a campaign.
        Population::OfficeWorker
        | Population::SharedShopper
        | Population::SpreadScraper
        | Population::DistributedBruteForcer => 1,
        // 50,000 addresses for 10,000 people.
        Population::BotnetScraper => 5_000,
        _ if population.truth() == Truth::Welcome => 2,
        _ => 5,
    };
    (people * per_thousand).div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sim::{DEFAULT_START, labels};

    #[test]
    fn a_day_has_everybody_and_one_truth_for_each_address() {
        let day = simulate_benchmark_day(3, DEFAULT_START, BENCHMARK_SPAN_US, 40);
        let present: BTreeSet<Population> = day.iter().map(|request| request.population).collect();
        assert_eq!(present.len(), Population::ALL.len());
        assert!(day.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let clients: BTreeSet<_> =
            day.iter().map(|request| (request.client, request.population)).collect();
        assert_eq!(clients.len(), labels(&day).len());
    }

    #[test]
    fn another_day_brings_other_people() {
        let three = simulate_benchmark_day(3, DEFAULT_START, 60 * 3_600_000_000, 10);
        let on = |day: u64| -> BTreeSet<_> {
            let from = DEFAULT_START.plus_micros(day * BENCHMARK_SPAN_US);
            let to = from.plus_micros(BENCHMARK_SPAN_US);
            three
                .iter()
                .filter(|request| (from..to).contains(&request.at))
                .map(|request| request.client)
                .collect()
        };
        assert!(on(0).is_disjoint(&on(1)) && !on(2).is_empty());
        assert!(
            three.iter().all(|request| request.at.micros_since(DEFAULT_START) < 60 * 3_600_000_000)
        );
    }
}
