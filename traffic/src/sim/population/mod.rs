//! The populations: kinds of visitors, each with its name and its true label.

mod behaviour;
mod reasoning;
mod user_agent;

use std::fmt;

/// The true label of a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// A person.
    Human,
    /// A bot that should be stopped.
    Bad,
    /// A robot that the shop wants, such as its own health check.
    Welcome,
}

/// A kind of visitor.
///
/// The position of a variant is part of every seed, so new ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Population {
    /// A person who browses, compares, perhaps buys.
    Shopper,
    /// A person who opens many tabs and flicks through pictures.
    GalleryShopper,
    /// A bot that copies the whole catalogue, at several pages a second.
    Scraper,
    /// A bot that copies the whole catalogue, at a page every few seconds.
    SlowScraper,
    /// A bot that copies the whole catalogue, at exponential gaps.
    MemorylessScraper,
    /// A bot that requests a few products again and again.
    Poller,
    /// A bot that guesses passwords.
    BruteForcer,
    /// A bot that looks for vulnerabilities: attack paths that do not exist here.
    Scanner,
    // The demo's populations end here. Those up to the next comment also visit `SHOPS`.
    /// A person with several sessions, hours apart.
    ReturningShopper,
    /// A person who looks at the same products every few hours.
    PriceWatcher,
    /// A person who reloads a page until something happens.
    Refresher,
    /// People behind one address of their mobile network.
    SharedShopper,
    /// People who all come at once for a sale.
    SaleShopper,
    /// The shop's own health check.
    HealthChecker,
    /// A bot that copies the catalogue by number, after `robots.txt` and the site map.
    SitemapCrawler,
    /// A bot that takes a random sample of products.
    SamplingScraper,
    /// A bot that takes products as often as people look at them.
    PopularScraper,
    /// A bot that takes list pages only.
    ListScraper,
    /// A bot that copies any part of the shop, at lognormal gaps of some seconds.
    HumanPacedScraper,
    /// A bot that copies any part of the shop, and replays the gaps of a recorded person.
    ReplayingScraper,
    /// A bot that copies any part of the shop, at a request every 5 to 60 minutes.
    TricklingScraper,
    /// A bot that goes through an old list with many dead links.
    DeadLinkCrawler,
    /// A bot that sends another user agent with every request.
    RotatingScraper,
    /// One scraper on all addresses of a /24, or all /64s of a /56.
    SpreadScraper,
    /// A bot that puts sold-out products into a cart until one stays there.
    CartPoller,
    /// A bot that guesses a password every few minutes, for days.
    SlowBruteForcer,
    /// A person with a phone among others of the same carrier. Each has an address in one /24, and
    /// one of two browsers.
    CarrierShopper,
    /// A botnet that guesses passwords, one or two from each address.
    DistributedBruteForcer,
    // The populations of `SHOPS` end here. Those that follow visit the benchmark's site only.
    /// A bot that sends requests at a fixed period.
    Scheduler0,
    /// A bot that sends requests at a period ± 10 %.
    Scheduler10,
    /// A bot that sends requests at a period ± 30 %.
    Scheduler30,
    /// A bot that sends requests at a period ± 50 %.
    Scheduler50,
    /// A person with the shop's app.
    MobileApp,
    /// A person whose single-page front end prefetches products.
    SpaShopper,
    /// A person with twenty tabs.
    PowerShopper,
    /// People of an office behind one address.
    OfficeWorker,
    /// A person who reads each product for minutes.
    SlowReader,
    /// A person whose pictures come from a CDN.
    CdnShopper,
    /// A search engine's crawler.
    SearchCrawler,
    /// A feed reader.
    FeedReader,
    /// The webhook calls of a payment provider.
    PaymentWebhook,
    /// A bot that counts through product numbers.
    SequentialEnumerator,
    /// A bot that goes through product numbers in random order.
    ShuffledEnumerator,
    /// A bot that follows links, nearest first.
    BreadthFirst,
    /// A bot that goes through a list of products every half hour to every three hours.
    PriceMonitor,
    /// A scheduled job that sends bursts at full minutes.
    CronBurster,
    /// A flood of requests with parameters never seen before.
    CacheBuster,
    /// A bot that copies the shop through its search.
    SearchScraper,
    /// One address of a crawl over 50,000 addresses.
    BotnetScraper,
    /// A bot that scrapes one page for every eight clicks of a simulated person.
    DilutedScraper,
    /// A bot that replays recorded visits of people.
    PersonReplay,
    /// A bot that copies the whole shop as fast as it answers.
    Mirror,
    /// A person who opens a product in a tab every few seconds and never goes back.
    TabOpener,
    /// A person who reloads a page every second or two.
    ImpatientReloader,
    /// A bot that copies pictures and asks for no page.
    PictureScraper,
    /// A bot that holds products in carts and never buys.
    CartHoarder,
}

impl Truth {
    /// The label's name in labels files.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Bad => "bad",
            Self::Welcome => "good_bot",
        }
    }
}

impl Population {
    /// All populations.
    pub const ALL: [Self; 56] = [
        Self::Shopper,
        Self::GalleryShopper,
        Self::Scraper,
        Self::SlowScraper,
        Self::MemorylessScraper,
        Self::Poller,
        Self::BruteForcer,
        Self::Scanner,
        Self::ReturningShopper,
        Self::PriceWatcher,
        Self::Refresher,
        Self::SharedShopper,
        Self::SaleShopper,
        Self::HealthChecker,
        Self::SitemapCrawler,
        Self::SamplingScraper,
        Self::PopularScraper,
        Self::ListScraper,
        Self::HumanPacedScraper,
        Self::ReplayingScraper,
        Self::TricklingScraper,
        Self::DeadLinkCrawler,
        Self::RotatingScraper,
        Self::SpreadScraper,
        Self::CartPoller,
        Self::SlowBruteForcer,
        Self::CarrierShopper,
        Self::DistributedBruteForcer,
        Self::Scheduler0,
        Self::Scheduler10,
        Self::Scheduler30,
        Self::Scheduler50,
        Self::MobileApp,
        Self::SpaShopper,
        Self::PowerShopper,
        Self::OfficeWorker,
        Self::SlowReader,
        Self::CdnShopper,
        Self::SearchCrawler,
        Self::FeedReader,
        Self::PaymentWebhook,
        Self::SequentialEnumerator,
        Self::ShuffledEnumerator,
        Self::BreadthFirst,
        Self::PriceMonitor,
        Self::CronBurster,
        Self::CacheBuster,
        Self::SearchScraper,
        Self::BotnetScraper,
        Self::DilutedScraper,
        Self::PersonReplay,
        Self::Mirror,
        Self::TabOpener,
        Self::ImpatientReloader,
        Self::PictureScraper,
        Self::CartHoarder,
    ];

    /// The populations of the benchmark, in the order of its tables: people, welcome robots, bots.
    pub const OF_THE_BENCHMARK: &[Self] = &[
        // People.
        Self::Shopper,
        Self::MobileApp,
        Self::GalleryShopper,
        Self::SpaShopper,
        Self::PowerShopper,
        Self::ReturningShopper,
        Self::OfficeWorker,
        Self::SharedShopper,
        Self::SlowReader,
        Self::SaleShopper,
        Self::CdnShopper,
        Self::CarrierShopper,
        Self::PriceWatcher,
        Self::Refresher,
        Self::TabOpener,
        Self::ImpatientReloader,
        // Welcome robots.
        Self::SearchCrawler,
        Self::FeedReader,
        Self::HealthChecker,
        Self::PaymentWebhook,
        // Bots that copy the catalogue.
        Self::Mirror,
        Self::Scraper,
        Self::SlowScraper,
        Self::BreadthFirst,
        Self::SequentialEnumerator,
        Self::ShuffledEnumerator,
        Self::SitemapCrawler,
        Self::SamplingScraper,
        Self::ListScraper,
        Self::SearchScraper,
        Self::DeadLinkCrawler,
        Self::MemorylessScraper,
        Self::TricklingScraper,
        Self::PictureScraper,
        // Bots that come back at set times.
        Self::PriceMonitor,
        Self::Poller,
        Self::CartPoller,
        Self::CartHoarder,
        Self::Scheduler0,
        Self::Scheduler10,
        Self::Scheduler30,
        Self::Scheduler50,
        Self::CronBurster,
        // Bots that change their address or user agent.
        Self::RotatingScraper,
        Self::SpreadScraper,
        Self::BotnetScraper,
        // Bots that guess passwords, flood, or look for vulnerabilities.
        Self::BruteForcer,
        Self::SlowBruteForcer,
        Self::DistributedBruteForcer,
        Self::CacheBuster,
        Self::Scanner,
        // Bots that behave like people.
        Self::PopularScraper,
        Self::HumanPacedScraper,
        Self::ReplayingScraper,
        Self::DilutedScraper,
        Self::PersonReplay,
    ];

    /// The populations of the demo, and of [`Mix::of`](super::Mix::of).
    pub const OF_THE_DEMO: &[Self] = Self::ALL.split_at(8).0;

    /// Its name, one word. Labels files have it in the column `why`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::GalleryShopper => "gallery_shopper",
            Self::Scraper => "scraper",
            Self::SlowScraper => "slow_scraper",
            Self::MemorylessScraper => "memoryless_scraper",
            Self::Poller => "poller",
            Self::BruteForcer => "brute_forcer",
            Self::Scanner => "scanner",
            Self::ReturningShopper => "returning_shopper",
            Self::PriceWatcher => "price_watcher",
            Self::Refresher => "refresher",
            Self::SharedShopper => "carrier_nat",
            Self::SaleShopper => "flash_sale",
            Self::HealthChecker => "health_checker",
            Self::SitemapCrawler => "sitemap_crawler",
            Self::SamplingScraper => "sampling_scraper",
            Self::PopularScraper => "popular_scraper",
            Self::ListScraper => "list_scraper",
            Self::HumanPacedScraper => "human_paced_scraper",
            Self::ReplayingScraper => "replaying_scraper",
            Self::TricklingScraper => "trickling_scraper",
            Self::DeadLinkCrawler => "dead_link_crawler",
            Self::RotatingScraper => "rotating_scraper",
            Self::SpreadScraper => "spread_scraper",
            Self::CartPoller => "cart_poller",
            Self::SlowBruteForcer => "slow_brute_forcer",
            Self::CarrierShopper => "carrier_24",
            Self::DistributedBruteForcer => "distributed_brute_forcer",
            Self::Scheduler0 => "scheduler_0",
            Self::Scheduler10 => "scheduler_10",
            Self::Scheduler30 => "scheduler_30",
            Self::Scheduler50 => "scheduler_50",
            Self::MobileApp => "mobile_app",
            Self::SpaShopper => "spa_prefetch",
            Self::PowerShopper => "power_shopper",
            Self::OfficeWorker => "office_nat",
            Self::SlowReader => "slow_reader",
            Self::CdnShopper => "cdn_shopper",
            Self::SearchCrawler => "search_crawler",
            Self::FeedReader => "feed_reader",
            Self::PaymentWebhook => "payment_webhook",
            Self::SequentialEnumerator => "enumerator_sequential",
            Self::ShuffledEnumerator => "enumerator_shuffled",
            Self::BreadthFirst => "breadth_first",
            Self::PriceMonitor => "price_monitor",
            Self::CronBurster => "cron_burster",
            Self::CacheBuster => "cache_buster",
            Self::SearchScraper => "search_scraper",
            Self::BotnetScraper => "botnet_scraper",
            Self::DilutedScraper => "diluted_scraper",
            Self::PersonReplay => "person_replay",
            Self::Mirror => "mirror",
            Self::TabOpener => "tab_opener",
            Self::ImpatientReloader => "impatient_reloader",
            Self::PictureScraper => "picture_scraper",
            Self::CartHoarder => "cart_hoarder",
        }
    }

    /// The true label of its visitors.
    pub const fn truth(self) -> Truth {
        match self {
            Self::Shopper
            | Self::GalleryShopper
            | Self::ReturningShopper
            | Self::PriceWatcher
            | Self::Refresher
            | Self::SharedShopper
            | Self::CarrierShopper
            | Self::SaleShopper
            | Self::MobileApp
            | Self::SpaShopper
            | Self::PowerShopper
            | Self::OfficeWorker
            | Self::SlowReader
            | Self::CdnShopper
            | Self::TabOpener
            | Self::ImpatientReloader => Truth::Human,
            Self::HealthChecker | Self::SearchCrawler | Self::FeedReader | Self::PaymentWebhook => {
                Truth::Welcome
            }
            _ => Truth::Bad,
        }
    }
}

impl fmt::Display for Population {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
