//! Makes the behaviour of a visitor of each population.

use super::Population;
use crate::sim::bots::botnet_scraper::BotnetScraper;
use crate::sim::bots::breadth_first::BreadthFirst;
use crate::sim::bots::brute_forcer::BruteForcer;
use crate::sim::bots::cache_buster::CacheBuster;
use crate::sim::bots::cart_hoarder::CartHoarder;
use crate::sim::bots::cart_poller::CartPoller;
use crate::sim::bots::crawler::Crawler;
use crate::sim::bots::cron_burster::CronBurster;
use crate::sim::bots::diluted_scraper::DilutedScraper;
use crate::sim::bots::enumerator::Enumerator;
use crate::sim::bots::mirror;
use crate::sim::bots::person_replay::PersonReplay;
use crate::sim::bots::picture_scraper::PictureScraper;
use crate::sim::bots::poller::Poller;
use crate::sim::bots::price_monitor::PriceMonitor;
use crate::sim::bots::scanner::Scanner;
use crate::sim::bots::scheduler::Scheduler;
use crate::sim::bots::scraper::Scraper;
use crate::sim::bots::search_scraper::SearchScraper;
use crate::sim::dice::Dice;
use crate::sim::people::gallery_shopper::GalleryShopper;
use crate::sim::people::impatient_reloader::ImpatientReloader;
use crate::sim::people::mobile_app::MobileApp;
use crate::sim::people::power_shopper::PowerShopper;
use crate::sim::people::price_watcher::PriceWatcher;
use crate::sim::people::refresher::Refresher;
use crate::sim::people::returning_shopper::ReturningShopper;
use crate::sim::people::shopper::Shopper;
use crate::sim::people::slow_reader::SlowReader;
use crate::sim::people::spa_shopper::SpaShopper;
use crate::sim::people::tab_opener::TabOpener;
use crate::sim::people::{carrier_nat, cdn_shopper, flash_sale, office_worker};
use crate::sim::robots::feed_reader::FeedReader;
use crate::sim::robots::health_checker::HealthChecker;
use crate::sim::robots::payment_webhook::PaymentWebhook;
use crate::sim::robots::search_crawler::SearchCrawler;
use crate::sim::site::Site;
use crate::sim::visit::{Behave, Tempo};

impl Population {
    /// A behaviour for one visitor of this population, with its own speed and habits.
    pub(in crate::sim) fn behaviour(
        self,
        site: &Site,
        tempo: Tempo,
        dice: &mut Dice,
    ) -> Box<dyn Behave> {
        match self {
            Self::Shopper => Box::new(Shopper::new(tempo, dice)),
            Self::GalleryShopper => Box::new(GalleryShopper::new(tempo, dice)),
            Self::Scraper => Box::new(Scraper::fast(site, tempo, dice)),
            Self::SlowScraper => Box::new(Scraper::slow(site, tempo, dice)),
            Self::MemorylessScraper => Box::new(Scraper::memoryless(site, tempo, dice)),
            Self::Poller => Box::new(Poller::new(site, tempo, dice)),
            Self::BruteForcer => Box::new(BruteForcer::new(tempo, dice)),
            Self::Scanner => Box::new(Scanner::new(tempo, dice)),
            Self::ReturningShopper => Box::new(ReturningShopper::new(tempo, dice)),
            Self::PriceWatcher => Box::new(PriceWatcher::new(tempo, dice)),
            Self::Refresher => Box::new(Refresher::new(tempo, dice)),
            Self::SharedShopper | Self::CarrierShopper => carrier_nat::person(tempo, dice),
            Self::SaleShopper => flash_sale::person(tempo, dice),
            Self::HealthChecker => Box::new(HealthChecker::new(tempo, dice)),
            Self::CartPoller => Box::new(CartPoller::new(site, tempo, dice)),
            Self::SlowBruteForcer => Box::new(BruteForcer::slow(tempo, dice)),
            Self::DistributedBruteForcer => Box::new(BruteForcer::distributed(tempo, dice)),
            Self::Scheduler0 => Box::new(Scheduler::new(0.0, site, tempo, dice)),
            Self::Scheduler10 => Box::new(Scheduler::new(0.1, site, tempo, dice)),
            Self::Scheduler30 => Box::new(Scheduler::new(0.3, site, tempo, dice)),
            Self::Scheduler50 => Box::new(Scheduler::new(0.5, site, tempo, dice)),
            Self::MobileApp => Box::new(MobileApp::new(tempo, dice)),
            Self::SpaShopper => Box::new(SpaShopper::new(tempo, dice)),
            Self::PowerShopper => Box::new(PowerShopper::new(tempo, dice)),
            Self::OfficeWorker => office_worker::person(tempo, dice),
            Self::SlowReader => Box::new(SlowReader::new(tempo, dice)),
            Self::CdnShopper => cdn_shopper::person(tempo, dice),
            Self::SearchCrawler => Box::new(SearchCrawler::new(tempo, dice)),
            Self::FeedReader => Box::new(FeedReader::new(tempo, dice)),
            Self::PaymentWebhook => Box::new(PaymentWebhook::new(tempo, dice)),
            Self::SequentialEnumerator => Box::new(Enumerator::new(false, site, tempo, dice)),
            Self::ShuffledEnumerator => Box::new(Enumerator::new(true, site, tempo, dice)),
            Self::BreadthFirst => Box::new(BreadthFirst::new(tempo, dice)),
            Self::PriceMonitor => Box::new(PriceMonitor::new(site, tempo, dice)),
            Self::CronBurster => Box::new(CronBurster::new(site, tempo, dice)),
            Self::CacheBuster => Box::new(CacheBuster::new(site, tempo, dice)),
            Self::SearchScraper => Box::new(SearchScraper::new(site, tempo, dice)),
            Self::BotnetScraper => Box::new(BotnetScraper::new(site, tempo, dice)),
            Self::DilutedScraper => Box::new(DilutedScraper::new(site, tempo, dice)),
            Self::PersonReplay => Box::new(PersonReplay::new(site, tempo, dice)),
            Self::Mirror => Box::new(mirror::mirror(tempo, dice)),
            Self::TabOpener => Box::new(TabOpener::new(tempo, dice)),
            Self::ImpatientReloader => Box::new(ImpatientReloader::new(tempo, dice)),
            Self::PictureScraper => Box::new(PictureScraper::new(site, tempo, dice)),
            Self::CartHoarder => Box::new(CartHoarder::new(site, tempo, dice)),
            _ => Box::new(Crawler::of(self, site, tempo, dice)),
        }
    }
}
