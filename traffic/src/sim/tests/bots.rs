//! Bots behave as their populations are described.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use detector::ClientKey;

use super::visits::{Client, busy, clients, median, site, visits};
use crate::sim::{DEFAULT_START, Population};

#[test]
fn crawls_are_as_fast_as_they_are_called() {
    let gaps = |population| median(busy(population, 60).iter().map(Client::median_gap_s).collect());
    let (fast, slow, trickling) = (
        gaps(Population::Scraper),
        gaps(Population::SlowScraper),
        gaps(Population::TricklingScraper),
    );
    assert!((0.1..0.7).contains(&fast), "{fast}");
    assert!((1.0..8.0).contains(&slow), "{slow}");
    assert!((200.0..3_600.0).contains(&trickling), "{trickling}");
    for population in [Population::Scraper, Population::SlowScraper, Population::MemorylessScraper]
    {
        for client in busy(population, 20) {
            assert!(client.distinct_share() > 0.9 && client.assets.is_empty(), "{population}");
        }
    }
}

#[test]
fn a_memoryless_sleeper_has_no_beat() {
    for client in busy(Population::MemorylessScraper, 30) {
        let gaps = client.gaps_s();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        // The median of an exponential distribution is 0.69 of its mean.
        assert!(
            (0.4..0.95).contains(&(client.median_gap_s() / mean)),
            "{}",
            client.median_gap_s() / mean
        );
    }
}

#[test]
fn breadth_first_goes_level_by_level_and_never_twice() {
    for client in busy(Population::BreadthFirst, 30) {
        assert_eq!(client.distinct(), client.pages.len());
        assert_eq!(client.pages[0].target, "/");
        let first_level = client.pages[1..client.pages.len().min(25)].iter();
        assert!(
            first_level
                .clone()
                .all(|page| page.target.starts_with("/c/") && !page.target.contains('?'))
        );
        assert_eq!(client.share(|page| page.status != 200), 0.0);
    }
}

#[test]
fn enumerators_count_or_shuffle() {
    let number = |target: &str| target.rsplit('/').next().unwrap().parse::<i64>().unwrap();
    let steps_of_one = |client: &Client| {
        let numbers: Vec<i64> = client.pages.iter().map(|page| number(&page.target)).collect();
        numbers.windows(2).filter(|pair| (pair[1] - pair[0]).abs() == 1).count() as f64
            / (numbers.len() - 1) as f64
    };
    for client in busy(Population::SequentialEnumerator, 30) {
        assert!(steps_of_one(&client) > 0.95 && client.distinct_share() == 1.0);
    }
    let mut missing = Vec::new();
    for client in busy(Population::ShuffledEnumerator, 60) {
        assert!(steps_of_one(&client) < 0.05 && client.distinct_share() > 0.85);
        missing.push(client.share(|page| page.status == 404));
    }
    missing.sort_by(f64::total_cmp);
    assert!(missing[0] < 0.05 && (0.2..0.45).contains(&missing[missing.len() - 1]), "{missing:?}");
}

#[test]
fn a_price_monitor_comes_back_to_its_list() {
    for client in busy(Population::PriceMonitor, 40) {
        let distinct = client.distinct();
        assert!((15..=203).contains(&distinct), "{distinct}");
        assert!(
            client.pages.len() >= 3 * distinct,
            "{} requests for {distinct}",
            client.pages.len()
        );
        let silences = client.gaps_s().iter().filter(|gap| **gap > 900.0).count();
        assert!(silences >= 3, "{silences}");
    }
}

#[test]
fn pollers_ask_for_one_to_three_urls() {
    assert!(busy(Population::Poller, 60).iter().all(|client| client.distinct() <= 3));
}

#[test]
fn cron_bursts_at_full_minutes() {
    for client in busy(Population::CronBurster, 40) {
        let mut bursts = 1;
        for pair in client.pages.windows(2) {
            if pair[1].at.micros_since(pair[0].at) > 60_000_000 {
                bursts += 1;
                let second = pair[1].at.micros_since(DEFAULT_START) / 1_000_000 % 60;
                assert!(second < 15, "at second {second}");
            }
        }
        let per_burst = client.pages.len() as f64 / f64::from(bursts);
        assert!(bursts >= 8 && (14.0..61.0).contains(&per_burst), "{bursts} bursts of {per_burst}");
    }
}

#[test]
fn whoever_rotates_names_or_addresses_does() {
    assert!(busy(Population::RotatingScraper, 20).iter().all(|client| client.agents() >= 4));
    for campaign in 0..3 {
        let all = crate::sim::simulate_benchmark(
            site(),
            Population::SpreadScraper,
            1,
            DEFAULT_START,
            campaign..campaign + 1,
        );
        let hosts: BTreeSet<IpAddr> = all.iter().map(|request| request.client).collect();
        let networks: BTreeSet<ClientKey> =
            hosts.iter().map(|host| ClientKey::from_ip(*host).network()).collect();
        assert!(
            networks.len() == 1 && hosts.len() > 20,
            "{} networks, {} hosts",
            networks.len(),
            hosts.len()
        );
        assert!(all.len() < 10 * hosts.len() || hosts.len() == 254);
    }
}

#[test]
fn a_botnet_has_fifty_thousand_addresses_and_ten_requests_of_each() {
    let mut per_address: HashMap<IpAddr, usize> = HashMap::new();
    let mut products: BTreeSet<String> = BTreeSet::new();
    // The crawl is simulated in pieces, as callers should do.
    for piece in 0..10 {
        let visitors = piece * 5_000..(piece + 1) * 5_000;
        for request in crate::sim::simulate_benchmark(
            site(),
            Population::BotnetScraper,
            1,
            DEFAULT_START,
            visitors,
        ) {
            *per_address.entry(request.client).or_default() += 1;
            products.insert(request.target);
        }
    }
    assert_eq!(per_address.len(), 50_000);
    assert!(per_address.values().all(|count| *count <= 10));
    // Together, the addresses have seen the whole catalogue.
    assert!(products.len() >= 20_000, "{}", products.len());
    let mut networks: BTreeMap<ClientKey, usize> = BTreeMap::new();
    per_address.keys().for_each(|client| {
        *networks.entry(ClientKey::from_ip(*client).network()).or_default() += 1
    });
    let crowded: usize = networks.values().filter(|count| **count >= 3).sum();
    assert!(crowded * 20 < 50_000, "{crowded} addresses with two or more others in their network");
}

#[test]
fn stuffing_is_refused_fast_and_slow() {
    for population in [Population::BruteForcer, Population::SlowBruteForcer] {
        for client in busy(population, 30) {
            let posts = client.pages.iter().filter(|page| page.method == "POST");
            assert!(posts.clone().all(|page| page.status == 401 && page.target == "/login"));
            assert!(posts.count() * 2 >= client.pages.len() - 1);
        }
    }
    let gaps = |population| median(busy(population, 30).iter().map(Client::median_gap_s).collect());
    assert!(gaps(Population::BruteForcer) < 12.0 && gaps(Population::SlowBruteForcer) > 200.0);
}

#[test]
fn a_cache_busting_flood_is_fast_and_never_repeats() {
    for client in busy(Population::CacheBuster, 20) {
        assert_eq!(client.distinct(), client.pages.len());
        assert!(client.median_gap_s() < 0.5 && client.pages.len() >= 200);
        assert_eq!(client.share(|page| page.status != 200), 0.0);
    }
}

#[test]
fn search_scraping_is_one_path_and_many_queries() {
    for client in busy(Population::SearchScraper, 30) {
        assert!(client.pages.iter().all(|page| page.target.starts_with("/search?q=")));
        assert!(client.distinct_share() > 0.95 && client.share(|page| page.status == 200) == 1.0);
    }
}

#[test]
fn scanners_find_nothing() {
    assert!(
        busy(Population::Scanner, 30)
            .iter()
            .all(|client| client.share(|page| page.status == 404) > 0.75)
    );
}

/// The share of product pages that belong to the site's thousand most popular products.
fn popular_share(population: Population, count: usize) -> f64 {
    let catalogue = site().catalogue();
    let mut looks: HashMap<u32, u32> = HashMap::new();
    let mut dice = crate::sim::Dice::new(9);
    (0..300_000).for_each(|_| *looks.entry(catalogue.draw(&mut dice)).or_default() += 1);
    let mut ranked: Vec<(u32, u32)> = looks.into_iter().map(|(id, looks)| (looks, id)).collect();
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    let popular: BTreeSet<u32> = ranked[..1_000].iter().map(|(_, id)| *id).collect();
    let ids: Vec<u32> = visits(population, count)
        .iter()
        .filter_map(|request| request.target.strip_prefix("/p/")?.split('?').next()?.parse().ok())
        .collect();
    ids.iter().filter(|id| popular.contains(id)).count() as f64 / ids.len() as f64
}

#[test]
fn the_mimic_is_true_to_popularity_and_an_enumerator_is_not() {
    let (people, mimic) =
        (popular_share(Population::Shopper, 200), popular_share(Population::PopularScraper, 60));
    let enumerator = popular_share(Population::ShuffledEnumerator, 60);
    assert!(mimic > 0.5 * people && enumerator < 0.2 * people, "{people} {mimic} {enumerator}");
}

#[test]
fn diluted_scraping_is_mostly_a_walk() {
    for client in busy(Population::DilutedScraper, 30) {
        // Scraped pages have no referer. Neither may the first page of a person.
        let alone = client.share(|page| page.referer.is_none() && page.target.starts_with("/p/"));
        assert!((0.05..0.2).contains(&alone) && !client.assets.is_empty(), "{alone}");
    }
}

#[test]
fn a_replayed_person_looks_like_one() {
    let of = |population| {
        let clients = clients(population, 300);
        let pages = median(clients.iter().map(|client| client.pages.len() as f64).collect());
        let gap = median(
            clients.iter().filter(|c| c.pages.len() > 5).map(Client::median_gap_s).collect(),
        );
        let assets: usize = clients.iter().map(|client| client.assets.len()).sum();
        let all: usize = clients.iter().map(|client| client.pages.len()).sum();
        (pages, gap, assets as f64 / all as f64)
    };
    let (person, replay) = (of(Population::ReturningShopper), of(Population::PersonReplay));
    assert!((0.4..2.5).contains(&(replay.0 / person.0)), "{person:?} {replay:?}");
    assert!((0.6..1.6).contains(&(replay.1 / person.1)), "{person:?} {replay:?}");
    assert!((0.4..2.5).contains(&(replay.2 / person.2)), "{person:?} {replay:?}");
}
