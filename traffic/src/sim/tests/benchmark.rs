//! The benchmark's site and the crowds that visit it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use detector::ClientKey;

use super::visits::{people_behind, site, visits};
use crate::sim::{
    BENCHMARK_SPAN_US, DEFAULT_START, Population, Truth, simulate_benchmark, simulate_scheduler,
};

#[test]
fn the_site_is_a_large_shop_with_galleries() {
    let catalogue = site().catalogue();
    assert_eq!((catalogue.products().len(), catalogue.categories().len()), (20_000, 24));
    assert!(catalogue.products().iter().all(|product| product.images == 30));
    let status = |target: &str| site().respond("GET", target, None).status;
    assert_eq!((status("/img/p/1001-30.jpg"), status("/img/p/1001-31.jpg")), (200, 404));
    assert_eq!((status("/p/21000"), status("/p/21001")), (200, 404));
}

#[test]
fn looks_follow_a_zipf_law() {
    let mut dice = crate::sim::Dice::new(3);
    let mut looks: HashMap<u32, u32> = HashMap::new();
    for _ in 0..400_000 {
        *looks.entry(site().catalogue().draw(&mut dice)).or_default() += 1;
    }
    let mut counts: Vec<f64> = looks.into_values().map(f64::from).collect();
    counts.sort_by(|a, b| b.total_cmp(a));
    // Between ranks 10 and 1,000, popularity by rank is a straight line in logarithms, of slope
    // -0.8 to -1.1. The slope is less at the shifted head.
    let slope = |from: usize, to: usize| {
        (counts[to] / counts[from]).ln() / ((to + 1) as f64 / (from + 1) as f64).ln()
    };
    let (head, tail) = (slope(9, 99), slope(99, 999));
    assert!((-1.15..-0.6).contains(&head) && (-1.2..-0.7).contains(&tail), "{head} {tail}");
}

#[test]
fn the_benchmark_has_everybody_once_with_a_name_and_a_reason() {
    let of_it: BTreeSet<Population> = Population::OF_THE_BENCHMARK.iter().copied().collect();
    assert_eq!(of_it.len(), Population::OF_THE_BENCHMARK.len());
    assert_eq!(of_it, Population::ALL.into_iter().collect());
    let names: BTreeSet<&str> = of_it.iter().map(|population| population.name()).collect();
    let reasons: BTreeSet<&str> = of_it.iter().map(|population| population.reasoning()).collect();
    assert_eq!((names.len(), reasons.len()), (of_it.len(), of_it.len()));
    for reason in reasons {
        assert!(
            reason.contains("Expected: ") && reason.ends_with('.') && !reason.contains("  "),
            "{reason}"
        );
    }
    // The tables show people first, then robots, then bots.
    let order =
        |truth| [Truth::Human, Truth::Welcome, Truth::Bad].iter().position(|other| *other == truth);
    assert!(Population::OF_THE_BENCHMARK.is_sorted_by_key(|population| order(population.truth())));
    // Populations must fit into the bits that addresses have for them.
    assert!(Population::ALL.len() <= 64);
}

#[test]
fn a_visitor_is_the_same_whoever_else_is_asked_for() {
    for population in Population::ALL {
        // Visitors who share a network or an address come together, so the first ones share it with
        // those that follow.
        let all = simulate_benchmark(site(), population, 5, DEFAULT_START, 0..3);
        let mut pieces = simulate_benchmark(site(), population, 5, DEFAULT_START, 2..3);
        pieces.extend(simulate_benchmark(site(), population, 5, DEFAULT_START, 0..2));
        pieces.sort_by(|a, b| (a.at, a.client, &a.target).cmp(&(b.at, b.client, &b.target)));
        assert!(all == pieces, "{population}");
        assert!(
            all != simulate_benchmark(site(), population, 6, DEFAULT_START, 0..3),
            "{population}"
        );
        assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at), "{population}");
        let end = DEFAULT_START.plus_micros(BENCHMARK_SPAN_US);
        assert!(
            all.iter().all(|request| (DEFAULT_START..end).contains(&request.at)),
            "{population}"
        );
    }
}

#[test]
fn addresses_of_two_populations_never_meet() {
    let mut owner: HashMap<IpAddr, Population> = HashMap::new();
    for population in Population::ALL {
        let few = if people_behind(population) > 1 { 2 } else { 40 };
        for request in visits(population, few.min(if is_campaign(population) { 2 } else { few })) {
            assert_eq!(
                *owner.entry(request.client).or_insert(population),
                population,
                "{}",
                request.client
            );
        }
    }
}

fn is_campaign(population: Population) -> bool {
    matches!(population, Population::SpreadScraper | Population::DistributedBruteForcer)
}

#[test]
fn visitors_have_an_address_each_and_networks_of_their_own() {
    for (population, count) in
        [(Population::Shopper, 3_000), (Population::SharedShopper, 4), (Population::Scanner, 300)]
    {
        let requests = visits(population, count);
        let clients: BTreeSet<ClientKey> =
            requests.iter().map(|request| ClientKey::from_ip(request.client)).collect();
        assert_eq!(clients.len(), count, "{population}");
        let networks: BTreeSet<ClientKey> = clients.iter().map(|client| client.network()).collect();
        assert!(networks.len() * 10 > count * 7, "{population}: {} networks", networks.len());
    }
    let carrier = visits(Population::CarrierShopper, 500);
    let networks: BTreeSet<ClientKey> =
        carrier.iter().map(|request| ClientKey::from_ip(request.client).network()).collect();
    let clients: BTreeSet<IpAddr> = carrier.iter().map(|request| request.client).collect();
    assert_eq!((networks.len(), clients.len()), (2, 500));
}

#[test]
fn five_hundred_people_share_a_carriers_address_in_one_evening() {
    let requests = visits(Population::SharedShopper, 1);
    let agents: BTreeSet<&str> = requests.iter().map(|request| request.user_agent).collect();
    let pages = requests.iter().filter(|request| !request.target.starts_with("/img/")).count();
    assert!(agents.len() >= 6 && pages > 3_000, "{} browsers, {pages} pages", agents.len());
    assert!(
        requests.iter().all(|request| request.at.micros_since(DEFAULT_START) >= 19 * 3_600_000_000)
    );
}

#[test]
fn a_sales_people_come_within_a_minute() {
    let requests = visits(Population::SaleShopper, 400);
    let mut first: BTreeMap<IpAddr, u64> = BTreeMap::new();
    for request in &requests {
        first
            .entry(request.client)
            .or_insert_with(|| request.at.micros_since(DEFAULT_START) / 1_000_000);
    }
    assert_eq!(first.len(), 400);
    let minute = first.values().filter(|second| (43_200..43_300).contains(*second)).count();
    assert!(minute >= 390, "{minute} of 400 in the sale's first minute");
}

#[test]
fn schedulers_keep_their_period_and_their_jitter() {
    let gaps = |period_s, jitter| {
        let requests = simulate_scheduler(site(), period_s, jitter, 1, DEFAULT_START, 0..20);
        let mut last: HashMap<IpAddr, u64> = HashMap::new();
        let mut gaps = Vec::new();
        for request in &requests {
            let at = request.at.micros_since(DEFAULT_START);
            if let Some(before) = last.insert(request.client, at) {
                gaps.push((at - before) as f64 / 1e6 / period_s);
            }
        }
        gaps.sort_by(f64::total_cmp);
        assert!((2_900..5_100).contains(&gaps.len()), "{}", gaps.len());
        (gaps[gaps.len() / 50], gaps[gaps.len() / 2], gaps[gaps.len() * 49 / 50])
    };
    for (period_s, jitter) in [(1.0, 0.0), (10.0, 0.1), (60.0, 0.3), (600.0, 0.5)] {
        let (low, middle, high) = gaps(period_s, jitter);
        // An answer takes up to a tenth of a second besides.
        assert!((low - (1.0 - 0.96 * jitter)).abs() < 0.07, "{period_s} s ± {jitter}: {low}");
        assert!((middle - 1.0).abs() < 0.07, "{period_s} s ± {jitter}: {middle}");
        assert!((high - (1.0 + 0.96 * jitter)).abs() < 0.07, "{period_s} s ± {jitter}: {high}");
    }
}
