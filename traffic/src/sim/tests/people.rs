//! People behave as their populations are described.

use std::collections::BTreeMap;

use super::visits::{busy, clients, median, visits};
use crate::sim::{DEFAULT_START, Population, Truth};

const HOUR_US: u64 = 3_600_000_000;

#[test]
fn people_see_few_errors_and_no_two_behave_alike() {
    for population in
        Population::OF_THE_BENCHMARK.iter().filter(|population| population.truth() == Truth::Human)
    {
        let count = super::visits::people_behind(*population);
        let clients = clients(*population, (200 / count).max(2));
        let pages: usize = clients.iter().map(|client| client.pages.len()).sum();
        let errors = clients
            .iter()
            .flat_map(|client| &client.pages)
            .filter(|page| page.status >= 400)
            .count();
        assert!(errors * 50 < pages, "{population}: {errors} errors in {pages} pages");
        if count == 1 {
            let per_client =
                median(clients.iter().map(|client| client.pages.len() as f64).collect());
            assert!((4.0..150.0).contains(&per_client), "{population}: {per_client} pages");
            let mut gaps: Vec<f64> = clients
                .iter()
                .filter(|client| client.pages.len() > 8)
                .map(|c| c.median_gap_s())
                .collect();
            gaps.sort_by(f64::total_cmp);
            assert!(
                gaps[gaps.len() * 9 / 10] > 1.3 * gaps[gaps.len() / 10],
                "{population}: one pace"
            );
        }
    }
}

#[test]
fn an_app_calls_the_api_alone_and_asks_for_news_by_the_clock() {
    for client in busy(Population::MobileApp, 60) {
        assert!(client.assets.is_empty());
        assert!(
            client
                .pages
                .iter()
                .all(|page| page.target.starts_with("/api/v1/") && page.referer.is_none())
        );
        assert!(client.pages[0].user_agent.starts_with("ShopApp/"));
        let news: Vec<u64> = client
            .pages
            .iter()
            .filter(|page| page.target.ends_with("/notifications"))
            .map(|page| page.at.micros_since(DEFAULT_START) / 1_000_000)
            .collect();
        let gaps = news.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(
            news.len() < 3
                || gaps.filter(|gap| [15, 30, 60].contains(gap)).count() * 3 >= news.len(),
            "{news:?}"
        );
    }
}

#[test]
fn a_front_end_that_fetches_ahead_asks_for_products_nobody_clicked() {
    let clients = busy(Population::SpaShopper, 80);
    let (mut bursts, mut with_pictures) = (0, 0);
    for client in &clients {
        with_pictures += usize::from(!client.assets.is_empty());
        let documents =
            client.pages.iter().filter(|page| !page.target.starts_with("/api/")).count();
        assert!(documents <= 1, "{documents} documents");
        // What a script requests exists. The page of a bookmark may not.
        assert_eq!(
            client.share(|page| page.status == 404 && page.target.starts_with("/api/")),
            0.0
        );
        bursts += usize::from(client.most_products_within(2) >= 10);
    }
    assert!(bursts * 10 > clients.len() * 6, "{bursts} of {}", clients.len());
    // Some people have everything in their cache.
    assert!(with_pictures * 10 > clients.len() * 9, "{with_pictures} of {}", clients.len());
}

#[test]
fn a_power_shopper_opens_twenty_tabs_at_once() {
    let clients = busy(Population::PowerShopper, 80);
    let bursts = clients.iter().filter(|client| client.most_products_within(15) >= 19).count();
    assert!(bursts * 10 > clients.len() * 7, "{bursts} of {}", clients.len());
    let again = clients.iter().filter(|client| client.distinct_share() < 0.9).count();
    assert!(again * 4 > clients.len(), "{again} of {}", clients.len());
}

#[test]
fn galleries_bring_bursts_of_pictures() {
    let mut thirties = 0;
    for client in clients(Population::GalleryShopper, 60) {
        let mut of_one: BTreeMap<&str, usize> = BTreeMap::new();
        for picture in client.assets.iter().filter_map(|asset| asset.target.strip_prefix("/img/p/"))
        {
            *of_one.entry(picture.split('-').next().unwrap()).or_default() += 1;
        }
        thirties += usize::from(of_one.values().any(|count| *count == 30));
    }
    assert!(thirties >= 30, "{thirties} of 60 looked through a whole gallery");
}

#[test]
fn a_slow_reader_takes_minutes_for_a_page() {
    let clients = busy(Population::SlowReader, 60);
    let gaps = median(clients.iter().map(|client| median(client.gaps_s())).collect());
    assert!(gaps > 40.0, "{gaps} s");
    assert!(clients.iter().all(|client| client.pages.len() < 90));
}

#[test]
fn a_returning_buyer_is_away_for_hours() {
    let clients = busy(Population::ReturningShopper, 80);
    let returned = clients
        .iter()
        .filter(|client| client.gaps_s().last().is_some_and(|gap| *gap > 1_800.0))
        .count();
    assert!(returned * 2 > clients.len(), "{returned} of {}", clients.len());
}

#[test]
fn of_a_site_on_a_cdn_only_pages_are_seen() {
    let clients = clients(Population::CdnShopper, 100);
    assert!(clients.iter().all(|client| client.assets.is_empty()));
    assert!(median(clients.iter().map(|client| client.pages.len() as f64).collect()) >= 6.0);
}

#[test]
fn an_office_shops_at_lunch_with_many_browsers() {
    for client in clients(Population::OfficeWorker, 4) {
        assert!(client.agents() >= 5, "{}", client.agents());
        let hour = |at: detector::Timestamp| at.micros_since(DEFAULT_START) / HOUR_US;
        assert!(client.pages.iter().all(|page| hour(page.at) >= 9));
        let at_lunch = client.share(|page| hour(page.at) == 12);
        assert!(
            (0.35..0.8).contains(&at_lunch) && client.pages.len() > 400,
            "{at_lunch}, {}",
            client.pages.len()
        );
    }
}

#[test]
fn some_people_of_every_front_end_buy() {
    for population in
        [Population::Shopper, Population::MobileApp, Population::SpaShopper, Population::CdnShopper]
    {
        let requests = visits(population, 700);
        let bought = requests.iter().filter(|request| {
            ["/checkout/complete", "/api/v1/orders"].contains(&request.target.as_str())
                && request.status == 200
        });
        assert!(bought.count() >= 3, "{population}");
    }
}
