//! What each population is, why it is in the benchmark, and what is expected of a detector.

use super::Population;
use crate::sim::bots::{
    botnet_scraper, breadth_first, brute_forcer, cache_buster, cart_hoarder, cart_poller, crawler,
    cron_burster, diluted_scraper, enumerator, mirror, person_replay, picture_scraper, poller,
    price_monitor, scanner, scheduler, scraper, search_scraper,
};
use crate::sim::people::{
    carrier_nat, carrier_shopper, cdn_shopper, flash_sale, gallery_shopper, impatient_reloader,
    mobile_app, office_worker, power_shopper, price_watcher, refresher, returning_shopper, shopper,
    slow_reader, spa_shopper, tab_opener,
};
use crate::sim::robots::{feed_reader, health_checker, payment_webhook, search_crawler};

impl Population {
    /// A text of two or three sentences: what the population is, why it is in the benchmark, and
    /// what is expected of a detector.
    pub const fn reasoning(self) -> &'static str {
        match self {
            Self::Shopper => shopper::REASONING,
            Self::GalleryShopper => gallery_shopper::REASONING,
            Self::Scraper => scraper::REASONING_FAST,
            Self::SlowScraper => scraper::REASONING_SLOW,
            Self::MemorylessScraper => scraper::REASONING_MEMORYLESS,
            Self::Poller => poller::REASONING,
            Self::BruteForcer => brute_forcer::REASONING_FAST,
            Self::Scanner => scanner::REASONING,
            Self::ReturningShopper => returning_shopper::REASONING,
            Self::PriceWatcher => price_watcher::REASONING,
            Self::Refresher => refresher::REASONING,
            Self::SharedShopper => carrier_nat::REASONING,
            Self::SaleShopper => flash_sale::REASONING,
            Self::HealthChecker => health_checker::REASONING,
            Self::SitemapCrawler => crawler::reasoning::SITEMAP,
            Self::SamplingScraper => crawler::reasoning::SAMPLING,
            Self::PopularScraper => crawler::reasoning::POPULAR,
            Self::ListScraper => crawler::reasoning::LISTS,
            Self::HumanPacedScraper => crawler::reasoning::HUMAN_PACED,
            Self::ReplayingScraper => crawler::reasoning::REPLAYING,
            Self::TricklingScraper => crawler::reasoning::TRICKLING,
            Self::DeadLinkCrawler => crawler::reasoning::DEAD_LINKS,
            Self::RotatingScraper => crawler::reasoning::ROTATING,
            Self::SpreadScraper => crawler::reasoning::SPREAD,
            Self::CartPoller => cart_poller::REASONING,
            Self::SlowBruteForcer => brute_forcer::REASONING_SLOW,
            Self::CarrierShopper => carrier_shopper::REASONING,
            Self::DistributedBruteForcer => brute_forcer::REASONING_DISTRIBUTED,
            Self::Scheduler0 => scheduler::REASONING_0,
            Self::Scheduler10 => scheduler::REASONING_10,
            Self::Scheduler30 => scheduler::REASONING_30,
            Self::Scheduler50 => scheduler::REASONING_50,
            Self::MobileApp => mobile_app::REASONING,
            Self::SpaShopper => spa_shopper::REASONING,
            Self::PowerShopper => power_shopper::REASONING,
            Self::OfficeWorker => office_worker::REASONING,
            Self::SlowReader => slow_reader::REASONING,
            Self::CdnShopper => cdn_shopper::REASONING,
            Self::SearchCrawler => search_crawler::REASONING,
            Self::FeedReader => feed_reader::REASONING,
            Self::PaymentWebhook => payment_webhook::REASONING,
            Self::SequentialEnumerator => enumerator::REASONING_SEQUENTIAL,
            Self::ShuffledEnumerator => enumerator::REASONING_SHUFFLED,
            Self::BreadthFirst => breadth_first::REASONING,
            Self::PriceMonitor => price_monitor::REASONING,
            Self::CronBurster => cron_burster::REASONING,
            Self::CacheBuster => cache_buster::REASONING,
            Self::SearchScraper => search_scraper::REASONING,
            Self::BotnetScraper => botnet_scraper::REASONING,
            Self::DilutedScraper => diluted_scraper::REASONING,
            Self::PersonReplay => person_replay::REASONING,
            Self::Mirror => mirror::REASONING,
            Self::TabOpener => tab_opener::REASONING,
            Self::ImpatientReloader => impatient_reloader::REASONING,
            Self::PictureScraper => picture_scraper::REASONING,
            Self::CartHoarder => cart_hoarder::REASONING,
        }
    }
}
