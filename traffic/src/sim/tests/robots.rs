//! Welcome robots behave as their populations are described.

use super::visits::{clients, visits};
use crate::sim::{DEFAULT_START, Population};

#[test]
fn a_search_crawler_begins_with_its_manners_and_sees_the_catalogue() {
    for client in clients(Population::SearchCrawler, 10) {
        assert_eq!(client.pages[0].target, "/robots.txt");
        assert_eq!(client.pages[1].target, "/sitemap.xml");
        assert!(
            client.pages.len() >= 60 && client.distinct_share() > 0.6,
            "{}",
            client.distinct_share()
        );
        assert_eq!(client.share(|page| page.status != 200), 0.0);
        assert!(client.pages[0].user_agent.contains("bot"));
        assert!((1.0..25.0).contains(&client.median_gap_s()));
    }
}

#[test]
fn a_feed_reader_asks_for_one_feed_all_day() {
    for client in clients(Population::FeedReader, 20) {
        assert!(client.share(|page| page.target == "/feed.xml" && page.status == 200) > 0.7);
        assert!((20..130).contains(&client.pages.len()), "{}", client.pages.len());
    }
}

#[test]
fn an_uptime_monitor_asks_for_one_url_by_the_clock() {
    for client in clients(Population::HealthChecker, 8) {
        assert_eq!(client.distinct(), 1);
        let gaps = client.gaps_s();
        assert!((gaps[gaps.len() / 10] / gaps[gaps.len() * 9 / 10]) > 0.98);
        assert!(client.pages.len() > 1_000);
    }
}

#[test]
fn payments_are_told_in_pairs_and_accepted() {
    for client in clients(Population::PaymentWebhook, 8) {
        assert!(client.pages.iter().all(|page| (page.method, page.status) == ("POST", 200)));
        assert!(client.pages.len() > 300 && client.distinct() == 1, "{}", client.pages.len());
        let quick = client.gaps_s().iter().filter(|gap| **gap < 6.0).count() as f64
            / client.pages.len() as f64;
        assert!((0.4..0.8).contains(&quick), "{quick}");
    }
}

#[test]
fn robots_are_there_from_the_day_s_beginning() {
    for population in
        [Population::HealthChecker, Population::FeedReader, Population::PaymentWebhook]
    {
        let first = visits(population, 1)[0].at;
        assert!(first.micros_since(DEFAULT_START) < 1_800_000_000, "{population}");
    }
}
