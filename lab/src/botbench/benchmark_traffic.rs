//! Which clients come, how many of each population, and under which seeds.

use std::sync::Arc;

use detector::Timestamp;
use traffic::sim::{
    DEFAULT_START, Population, SimRequest, Site, Truth, benchmark_site, simulate_benchmark,
};

use super::verdict::WantedShare;

const DAY_S: u64 = 86_400;
/// Number of addresses of one botnet.
const BOTNET: usize = 50_000;

/// How large a run is. Numbers of people are totals over all human populations, which share them
/// evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunScale {
    /// Days to train on.
    pub training_days: usize,
    /// People on each training day.
    pub training_people: usize,
    /// Visitors of each bad population on each training day.
    pub training_bots: usize,
    /// Days to test on.
    pub rounds: usize,
    /// People on each test day.
    pub people: usize,
    /// Visitors of each bad population, and of each population of welcome robots, on each test day.
    pub bots: usize,
    /// Number of test days on which a botnet of 50,000 addresses comes.
    pub botnet_rounds: usize,
    /// Clients in each cell of the heat map.
    pub heat_clients: usize,
    /// Only every n-th row and column of the heat map is run.
    pub heat_step: usize,
}

impl RunScale {
    /// The scale of the figures in `docs/benchmark.md`.
    pub const FULL: Self = Self {
        training_days: 4,
        training_people: 3_500,
        training_bots: 20,
        rounds: 12,
        people: 2_700,
        bots: 34,
        botnet_rounds: 1,
        heat_clients: 40,
        heat_step: 1,
    };
    /// A small scale, for a quick look and for tests.
    pub const QUICK: Self = Self {
        training_days: 1,
        training_people: 1_000,
        training_bots: 12,
        rounds: 2,
        people: 300,
        bots: 10,
        botnet_rounds: 0,
        heat_clients: 6,
        heat_step: 3,
    };
}

/// All random input, derived from one seed: one site, and separate seeds for training and test.
#[derive(Clone, Debug)]
pub(super) struct BenchmarkTraffic {
    pub site: Arc<Site>,
    pub training_seed: u64,
    pub test_seed: u64,
    pub heat_seed: u64,
    scale: RunScale,
}

impl BenchmarkTraffic {
    pub fn new(seed: u64, scale: RunScale) -> Self {
        let own = |stream: u64| mixed(seed.wrapping_mul(4).wrapping_add(stream));
        Self {
            site: benchmark_site(own(0)),
            training_seed: own(1),
            test_seed: own(2),
            heat_seed: own(3),
            scale,
        }
    }

    /// The training days. Populations that nobody could label, or that had not come yet, are left
    /// out.
    pub fn training(&self) -> impl ExactSizeIterator<Item = Vec<SimRequest>> {
        let RunScale { training_days, training_people: people, training_bots: bots, .. } =
            self.scale;
        (0..training_days).map(move |day| {
            let visitors_of_day =
                DayVisitors { people, bots, campaigns: usize::from(day == 0), botnets: 0 };
            self.day(self.training_seed, day, visitors_of_day, is_trained_on)
        })
    }

    /// One test day with every population.
    pub fn round(&self, round: usize) -> Vec<SimRequest> {
        let RunScale { people, bots, botnet_rounds, .. } = self.scale;
        let visitors_of_day =
            DayVisitors { people, bots, campaigns: 1, botnets: usize::from(round < botnet_rounds) };
        self.day(self.test_seed, round, visitors_of_day, |_| true)
    }

    fn day(
        &self,
        seed: u64,
        day: usize,
        visitors_of_day: DayVisitors,
        takes: impl Fn(Population) -> bool,
    ) -> Vec<SimRequest> {
        let start = DEFAULT_START.plus_secs(day as u64 * DAY_S);
        let mut requests = Vec::new();
        for population in
            Population::OF_THE_BENCHMARK.iter().copied().filter(|&population| takes(population))
        {
            let count = visitors_of_day.count(population);
            let visitors = day * count..(day + 1) * count;
            requests.extend(simulate_benchmark(&self.site, population, seed, start, visitors));
        }
        requests.sort_by_key(|request| (request.at, request.client));
        requests
    }

    /// When the heat map's schedulers begin.
    pub fn start() -> Timestamp {
        DEFAULT_START
    }
}

/// How many visitors come on one day.
#[derive(Clone, Copy)]
struct DayVisitors {
    /// People of all populations together.
    people: usize,
    /// Visitors of each ordinary population of bots.
    bots: usize,
    /// Bots with some hundreds of addresses each.
    campaigns: usize,
    /// Botnets of 50,000 addresses.
    botnets: usize,
}

/// A population whose visitors are not one person or program at one address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SharedAddresses {
    /// One address that this many people share.
    Address(usize),
    /// A bot with some hundreds of addresses.
    Campaign,
    /// One address of a botnet.
    Botnet,
}

fn shared_addresses(population: Population) -> Option<SharedAddresses> {
    match population.name() {
        "carrier_nat" => Some(SharedAddresses::Address(500)),
        "office_nat" => Some(SharedAddresses::Address(50)),
        "spread_scraper" | "distributed_brute_forcer" => Some(SharedAddresses::Campaign),
        "botnet_scraper" => Some(SharedAddresses::Botnet),
        _ => None,
    }
}

impl DayVisitors {
    /// Number of visitors of a population on this day.
    fn count(self, population: Population) -> usize {
        let is_ordinary = |population: &&Population| {
            population.truth() == Truth::Human && shared_addresses(**population).is_none()
        };
        let ordinary = Population::OF_THE_BENCHMARK.iter().filter(is_ordinary).count();
        let people = self.people.div_ceil(ordinary.max(1));
        match (shared_addresses(population), population.truth()) {
            (Some(SharedAddresses::Address(persons)), _) => (people / persons).max(1),
            (Some(SharedAddresses::Campaign), _) => self.campaigns,
            (Some(SharedAddresses::Botnet), _) => self.botnets * BOTNET,
            (None, Truth::Human) => people,
            (None, Truth::Bad | Truth::Welcome) => self.bots,
        }
    }
}

/// Is this population a botnet of 50,000 addresses, which only long runs have?
#[cfg(test)]
pub(super) fn is_botnet(population: Population) -> bool {
    shared_addresses(population) == Some(SharedAddresses::Botnet)
}

/// Whether a population can be in the training data, because somebody who looks at a log could
/// label it. That excludes bots that replay a person exactly, that scrape one page for every eight
/// that a person reads, and a botnet's thousands. It also excludes `mirror`, which comes for the
/// first time in the test: a shop has no flood in its log before the first.
pub(super) fn is_trained_on(population: Population) -> bool {
    !matches!(population.name(), "person_replay" | "diluted_scraper" | "botnet_scraper" | "mirror")
}

/// Populations of the benchmark that no model is trained on.
pub(super) fn left_out() -> impl Iterator<Item = Population> {
    Population::OF_THE_BENCHMARK.iter().copied().filter(|&population| !is_trained_on(population))
}

/// The share of each population that has to be detected.
pub(super) const WANTED: [WantedShare; 15] = [
    ("mirror", 0.99),
    ("scraper", 0.99),
    ("enumerator_sequential", 0.99),
    ("enumerator_shuffled", 0.99),
    ("poller", 0.99),
    ("brute_forcer", 0.99),
    ("cache_buster", 0.99),
    ("scanner", 0.99),
    ("scheduler_0", 0.95),
    ("scheduler_10", 0.95),
    ("scheduler_30", 0.95),
    ("scheduler_50", 0.95),
    ("slow_scraper", 0.95),
    ("price_monitor", 0.90),
    ("breadth_first", 0.90),
];

/// The finishing step of splitmix64 (Steele et al. 2014).
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
