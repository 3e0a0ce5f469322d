//! The shops differ as they should, and their people behave as usual.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::super::population::{Population, Truth};
use super::super::{SimRequest, labels, write_combined, write_json};
use super::*;

const DAY_US: u64 = 86_400_000_000;

fn day(name: &str, people: usize) -> Vec<SimRequest> {
    simulate_shop(Shop::find(name).unwrap(), 1, DEFAULT_START, DAY_US, Some(people))
}

fn is_asset(target: &str) -> bool {
    detector::url::classify(detector::url::split(target).0, None) == detector::Class::Asset
}

/// The page requests of each client, for the populations that `takes` accepts.
fn pages(
    requests: &[SimRequest],
    takes: impl Fn(Population) -> bool,
) -> BTreeMap<IpAddr, Vec<&SimRequest>> {
    let mut pages: BTreeMap<IpAddr, Vec<&SimRequest>> = BTreeMap::new();
    for request in
        requests.iter().filter(|request| takes(request.population) && !is_asset(&request.target))
    {
        pages.entry(request.client).or_default().push(request);
    }
    pages
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_every_shop() {
    let mut all = BTreeSet::new();
    for shop in &SHOPS {
        let written = |seed| {
            let requests = simulate_shop(shop, seed, DEFAULT_START, DAY_US / 4, Some(60));
            let mut log = Vec::new();
            match shop.clock {
                LogResolution::Seconds => write_combined(&requests, &mut log).unwrap(),
                LogResolution::Millis => write_json(&requests, &mut log).unwrap(),
            }
            assert!(log.len() > 10_000, "{}", shop.name);
            log
        };
        let log = written(7);
        assert!(log == written(7), "{}", shop.name);
        assert!(log != written(8), "{}", shop.name);
        assert!(all.insert(log), "{} is another shop under a second name", shop.name);
    }
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<&str> = SHOPS.iter().map(|shop| shop.name).collect();
    assert_eq!(names.len(), SHOPS.len());
    assert_eq!(Shop::find("spa").unwrap().urls, Urls::Api);
    assert_eq!(Shop::find("nowhere"), None);
}

#[test]
fn requests_lie_within_the_span_and_in_order() {
    for shop in &SHOPS {
        let requests = simulate_shop(shop, 3, DEFAULT_START, DAY_US / 8, Some(80));
        assert!(requests.windows(2).all(|pair| pair[0].at <= pair[1].at), "{}", shop.name);
        let end = DEFAULT_START.plus_micros(DAY_US / 8);
        assert!(
            requests.iter().all(|request| (DEFAULT_START..end).contains(&request.at)),
            "{}",
            shop.name
        );
    }
}

#[test]
fn logs_show_as_many_assets_as_the_shop_delivers_itself() {
    for shop in &SHOPS {
        let requests = simulate_shop(shop, 1, DEFAULT_START, DAY_US / 2, Some(150));
        let people = || requests.iter().filter(|request| request.truth() == Truth::Human);
        let share = |is: &dyn Fn(&str) -> bool| {
            people().filter(|request| is(&request.target)).count() as f64 / people().count() as f64
        };
        let (assets, pictures) = (share(&is_asset), share(&|target| target.starts_with("/image/")));
        // Pages that scripts fetch ahead bring no pictures.
        let least = if shop.scripts == Scripts::Eager { 0.2 } else { 0.5 };
        match shop.assets {
            Assets::InLog => assert!(
                (least..0.95).contains(&assets) && pictures == 0.0,
                "{}: {assets}",
                shop.name
            ),
            Assets::OnCdn => {
                assert!(assets == 0.0 && pictures == 0.0, "{}: {assets} {pictures}", shop.name)
            }
            Assets::WithoutExtension => {
                // Such pictures are recognised by their directory and size.
                assert!(
                    assets == pictures && (0.5..0.95).contains(&pictures),
                    "{}: {assets} {pictures}",
                    shop.name
                );
            }
        }
    }
}

#[test]
fn every_class_comes_and_is_labelled_for_what_it_is() {
    for shop in &SHOPS {
        let requests = simulate_shop(shop, 2, DEFAULT_START, DAY_US, Some(150));
        let rows = labels(&requests);
        let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            *classes.entry(row.why).or_default() += 1;
        }
        for (population, _) in CROWD {
            assert!(classes.contains_key(population.name()), "{}: no {population}", shop.name);
        }
        let clients: BTreeSet<IpAddr> = requests.iter().map(|request| request.client).collect();
        assert_eq!(rows.len(), clients.len());
        // All requests from an address have one true label.
        for request in &requests {
            let row = rows.iter().find(|row| row.client == request.client).unwrap();
            assert_eq!(row.label, request.truth(), "{}: {}", shop.name, request.client);
        }
        let bad = rows.iter().filter(|row| row.label == Truth::Bad).count();
        assert!(
            bad >= 18 && rows.iter().filter(|row| row.label == Truth::Human).count() >= 80,
            "{}",
            shop.name
        );
    }
}

#[test]
fn people_are_many_kinds_of_people() {
    let requests = day("boutique", 500);
    let one = |population| pages(&requests, move |who| who == population);
    let mut shoppers: Vec<usize> = one(Population::Shopper).values().map(Vec::len).collect();
    shoppers.sort_unstable();
    let (median, most) = (shoppers[shoppers.len() / 2], shoppers[shoppers.len() - 1]);
    // Heavy-tailed: most see a dozen pages, some see ten times as many.
    assert!((6..20).contains(&median) && most > 3 * median, "median {median}, most {most}");
    let longest_pause_s = |pages: &Vec<&SimRequest>| {
        pages
            .windows(2)
            .map(|pair| pair[1].at.micros_since(pair[0].at) / 1_000_000)
            .max()
            .unwrap_or(0)
    };
    let returns = one(Population::ReturningShopper);
    let returned = returns.values().filter(|pages| longest_pause_s(pages) > 1_800).count();
    assert!(returned * 2 > returns.len(), "{returned} of {}", returns.len());
    for pages in one(Population::PriceWatcher).values() {
        let distinct: BTreeSet<&str> =
            pages.iter().map(|request| request.target.as_str()).collect();
        assert!(distinct.len() <= 7, "{distinct:?}");
    }
    let reloads = one(Population::Refresher);
    let share = |pages: &Vec<&SimRequest>| {
        pages.windows(2).filter(|pair| pair[0].target == pair[1].target).count() as f64
            / pages.len() as f64
    };
    let mean = reloads.values().map(share).sum::<f64>() / reloads.len() as f64;
    assert!(mean > 0.5, "{mean}");
}

#[test]
fn bots_keep_the_pace_and_the_breadth_of_their_class() {
    let requests = day("opencart", 800);
    let median_gap_s = |pages: &[&SimRequest]| {
        let mut gaps: Vec<u64> =
            pages.windows(2).map(|pair| pair[1].at.micros_since(pair[0].at)).collect();
        gaps.sort_unstable();
        gaps[gaps.len() / 2] as f64 / 1e6
    };
    let long = |population| {
        let all = pages(&requests, move |who| who == population);
        let mut long: Vec<Vec<SimRequest>> = Vec::new();
        for pages in all.values().filter(|pages| pages.len() >= 12) {
            long.push(pages.iter().map(|request| (*request).clone()).collect());
        }
        assert!(!long.is_empty(), "no {population} with a dozen pages");
        long
    };
    for bot in long(Population::TricklingScraper) {
        let gap_s = median_gap_s(&bot.iter().collect::<Vec<_>>());
        assert!((150.0..4_500.0).contains(&gap_s), "{gap_s}");
    }
    for bot in long(Population::SlowBruteForcer) {
        let posts: Vec<&SimRequest> =
            bot.iter().filter(|request| request.method == "POST").collect();
        let gap_s = median_gap_s(&posts);
        assert!(
            [284.0, 522.0, 1_468.0].iter().any(|pace| (gap_s / pace - 1.0).abs() < 0.2),
            "{gap_s}"
        );
        assert!(posts.iter().all(|request| request.status == 401));
    }
    let distinct_share = |bot: &[SimRequest]| {
        bot.iter().map(|request| &request.target).collect::<BTreeSet<_>>().len() as f64
            / bot.len() as f64
    };
    assert!(long(Population::SamplingScraper).iter().all(|bot| distinct_share(bot) > 0.95));
    for bot in long(Population::CartPoller) {
        assert!(distinct_share(&bot) < 0.2, "{}", distinct_share(&bot));
    }
    for bot in long(Population::ListScraper) {
        assert!(bot.iter().all(|request| !request.target.contains("product_id")));
    }
    for bot in long(Population::DeadLinkCrawler) {
        let dead =
            bot.iter().filter(|request| request.status == 404).count() as f64 / bot.len() as f64;
        assert!((0.05..0.85).contains(&dead), "{dead}");
    }
    for bot in long(Population::RotatingScraper) {
        assert!(bot.iter().map(|request| request.user_agent).collect::<BTreeSet<_>>().len() >= 4);
    }
    let spread = pages(&requests, |who| who == Population::SpreadScraper);
    assert!(spread.len() >= 10, "{} addresses", spread.len());
    assert!(spread.keys().all(|client| client.to_string().starts_with("192.0.2.")));
}

#[test]
fn each_incident_shows() {
    let mobile = day("mobile", 400);
    let shared = pages(&mobile, |who| who == Population::SharedShopper);
    assert!((2..=8).contains(&shared.len()), "{} addresses for 160 people", shared.len());
    assert!(shared.values().all(|pages| pages.len() > 100));

    let sale = day("flashsale", 480);
    let new = pages(&sale, |who| who == Population::SaleShopper);
    let first_hour =
        |pages: &&Vec<&SimRequest>| pages[0].at.micros_since(DEFAULT_START) / 3_600_000_000 == 12;
    assert!((180..=200).contains(&new.len()), "{} came for the sale", new.len());
    assert!(new.values().filter(first_hour).count() * 100 >= new.len() * 95);

    let monitored = day("monitored", 100);
    for checks in pages(&monitored, |who| who == Population::HealthChecker).values() {
        assert!(checks.len() >= 1_000, "{} checks", checks.len());
    }

    let spa = day("spa", 100);
    let calls = spa.iter().filter(|request| request.target.starts_with("/api/v1/")).count();
    assert!(calls * 10 > spa.len() * 7, "{calls} of {}", spa.len());
    assert!(spa.iter().any(|request| request.target.starts_with("/api/v1/products?category=")));
}
