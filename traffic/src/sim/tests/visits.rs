//! Helpers that measure visits to the benchmark's site, client by client.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use crate::sim::{DEFAULT_START, Population, SimRequest, Site, benchmark_site, simulate_benchmark};

/// The site, made once for all tests because it takes a while.
pub fn site() -> &'static Arc<Site> {
    static SITE: OnceLock<Arc<Site>> = OnceLock::new();
    SITE.get_or_init(|| benchmark_site(1))
}

pub fn visits(population: Population, count: usize) -> Vec<SimRequest> {
    simulate_benchmark(site(), population, 1, DEFAULT_START, 0..count)
}

/// How many people of a population are behind one address.
pub fn people_behind(population: Population) -> usize {
    match population {
        Population::SharedShopper => 500,
        Population::OfficeWorker => 50,
        _ => 1,
    }
}

/// The requests from one address, pages and assets apart.
#[derive(Default)]
pub struct Client {
    pub pages: Vec<SimRequest>,
    pub assets: Vec<SimRequest>,
}

pub fn is_asset(target: &str) -> bool {
    detector::url::classify(detector::url::split(target).0, None) == detector::Class::Asset
}

/// All clients of this many visitors.
pub fn clients(population: Population, count: usize) -> Vec<Client> {
    let mut clients: BTreeMap<IpAddr, Client> = BTreeMap::new();
    for request in visits(population, count) {
        let client = clients.entry(request.client).or_default();
        if is_asset(&request.target) { &mut client.assets } else { &mut client.pages }
            .push(request);
    }
    clients.into_values().collect()
}

/// The clients that have requested at least a dozen pages.
pub fn busy(population: Population, count: usize) -> Vec<Client> {
    let mut clients = clients(population, count);
    clients.retain(|client| client.pages.len() >= 12);
    assert!(
        clients.len() * 2 > count,
        "{population}: {} of {count} with a dozen pages",
        clients.len()
    );
    clients
}

impl Client {
    /// Gaps between pages in seconds, sorted.
    pub fn gaps_s(&self) -> Vec<f64> {
        let mut gaps: Vec<f64> = self
            .pages
            .windows(2)
            .map(|pair| pair[1].at.micros_since(pair[0].at) as f64 / 1e6)
            .collect();
        gaps.sort_by(f64::total_cmp);
        gaps
    }

    pub fn median_gap_s(&self) -> f64 {
        let gaps = self.gaps_s();
        gaps[gaps.len() / 2]
    }

    pub fn distinct(&self) -> usize {
        self.pages.iter().map(|page| page.target.as_str()).collect::<BTreeSet<_>>().len()
    }

    pub fn distinct_share(&self) -> f64 {
        self.distinct() as f64 / self.pages.len() as f64
    }

    /// The share of pages for which `is` holds.
    pub fn share(&self, is: impl Fn(&SimRequest) -> bool) -> f64 {
        self.pages.iter().filter(|page| is(page)).count() as f64 / self.pages.len() as f64
    }

    pub fn agents(&self) -> usize {
        self.pages.iter().map(|page| page.user_agent).collect::<BTreeSet<_>>().len()
    }

    /// The largest number of distinct products within this many seconds.
    pub fn most_products_within(&self, secs: u64) -> usize {
        let products: Vec<&SimRequest> =
            self.pages.iter().filter(|page| page.target.contains("/p")).collect();
        let within = |from: usize| {
            let near = products[from..]
                .iter()
                .take_while(|page| page.at.micros_since(products[from].at) < secs * 1_000_000);
            near.map(|page| page.target.as_str()).collect::<BTreeSet<_>>().len()
        };
        (0..products.len()).map(within).max().unwrap_or(0)
    }
}

/// The median.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
