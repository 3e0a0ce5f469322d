//! Who visits.

use std::fmt;

use super::bots::botnet_scraper::{self, BotnetScraper};
use super::bots::breadth_first::{self, BreadthFirst};
use super::bots::brute_forcer::{self, BruteForcer};
use super::bots::cache_buster::{self, CacheBuster};
use super::bots::cart_poller::{self, CartPoller};
use super::bots::crawler::{self, Crawler};
use super::bots::cron_burster::{self, CronBurster};
use super::bots::diluted_scraper::{self, DilutedScraper};
use super::bots::enumerator::{self, Enumerator};
use super::bots::mirror;
use super::bots::person_replay::{self, PersonReplay};
use super::bots::poller::{self, Poller};
use super::bots::price_monitor::{self, PriceMonitor};
use super::bots::scanner::{self, Scanner};
use super::bots::scheduler::{self, Scheduler};
use super::bots::scraper::{self, Scraper};
use super::bots::search_scraper::{self, SearchScraper};
use super::dice::Dice;
use super::people::gallery_shopper::{self, GalleryShopper};
use super::people::mobile_app::{self, MobileApp};
use super::people::power_shopper::{self, PowerShopper};
use super::people::price_watcher::{self, PriceWatcher};
use super::people::refresher::{self, Refresher};
use super::people::returning_shopper::{self, ReturningShopper};
use super::people::shopper::{self, Shopper};
use super::people::slow_reader::{self, SlowReader};
use super::people::spa_shopper::{self, SpaShopper};
use super::people::{carrier_nat, carrier_shopper, cdn_shopper, flash_sale, office_worker};
use super::robots::feed_reader::{self, FeedReader};
use super::robots::health_checker::{self, HealthChecker};
use super::robots::payment_webhook::{self, PaymentWebhook};
use super::robots::search_crawler::{self, SearchCrawler};
use super::site::Site;
use super::visit::{Behave, Tempo};

/// What a visitor really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// A person.
    Human,
    /// Somebody to be stopped.
    Bad,
    /// A robot of the shop's own.
    Welcome,
}

/// A kind of visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Population {
    /// A person who browses, compares, perhaps buys.
    Shopper,
    /// A person who opens many tabs and flicks through pictures.
    GalleryShopper,
    /// Walks the whole catalogue, several pages a second.
    Scraper,
    /// Walks the whole catalogue, a page every few seconds.
    SlowScraper,
    /// Walks the whole catalogue in exponential gaps.
    MemorylessScraper,
    /// Asks for the same few products again and again.
    Poller,
    /// Guesses passwords.
    BruteForcer,
    /// Looks for holes: attack paths that do not exist here.
    Scanner,
    // The demo's crowd ends here; what follows comes to the shops of `shops/`.
    /// A person with several sessions, hours apart.
    ReturningShopper,
    /// A person who looks at the same products every few hours.
    PriceWatcher,
    /// A person who reloads a page until something happens.
    Refresher,
    /// People behind one address of their mobile network.
    SharedShopper,
    /// People who came for a sale, all at once.
    SaleShopper,
    /// The shop's own health check.
    HealthChecker,
    /// Walks the catalogue by number, after `robots.txt` and site map.
    SitemapCrawler,
    /// Takes a random sample of products.
    SamplingScraper,
    /// Takes what people look at, as often.
    PopularScraper,
    /// Takes list pages only.
    ListScraper,
    /// Any breadth, at lognormal gaps of some seconds.
    HumanPacedScraper,
    /// Any breadth, playing back a person's own gaps.
    ReplayingScraper,
    /// Any breadth, a request every 5 to 60 minutes.
    TricklingScraper,
    /// Goes through an old list: many dead links.
    DeadLinkCrawler,
    /// Another user agent at every request.
    RotatingScraper,
    /// One scraper over the addresses of a /24, or the /64s of a /56.
    SpreadScraper,
    /// Puts sold-out things into a cart until they are not.
    CartPoller,
    /// A password every few minutes, for as long as it takes.
    SlowBruteForcer,
    /// A person with a telephone among others of the same carrier: an address of its own in their
    /// /24, one of two browsers.
    CarrierShopper,
    /// A botnet that guesses passwords, a guess or two from each address.
    DistributedBruteForcer,
    // Those of the shops end here; what follows comes to the benchmark's site only. The order is
    // part of every seed: append.
    /// Asks at a fixed period.
    Scheduler0,
    /// Asks at a period ±10 %.
    Scheduler10,
    /// Asks at a period ±30 %.
    Scheduler30,
    /// Asks at a period ±50 %.
    Scheduler50,
    /// A person with the shop's app.
    MobileApp,
    /// A person whose front end fetches ahead.
    SpaShopper,
    /// A person with twenty tabs.
    PowerShopper,
    /// People of an office behind one address.
    OfficeWorker,
    /// A person who reads for minutes.
    SlowReader,
    /// A person whose pictures come from a CDN.
    CdnShopper,
    /// A search engine's crawler.
    SearchCrawler,
    /// A feed reader.
    FeedReader,
    /// A payment provider's calls.
    PaymentWebhook,
    /// Counts through product numbers.
    SequentialEnumerator,
    /// Goes through product numbers in any order.
    ShuffledEnumerator,
    /// Follows links, nearest first.
    BreadthFirst,
    /// Goes through a list of products every hour or few.
    PriceMonitor,
    /// Bursts at full minutes.
    CronBurster,
    /// Floods with parameters never seen before.
    CacheBuster,
    /// Copies the shop through its search.
    SearchScraper,
    /// One address of a crawl over many thousand.
    BotnetScraper,
    /// Scrapes once in eight clicks of a person's walk.
    DilutedScraper,
    /// Plays back recorded people.
    PersonReplay,
    /// Copies the whole shop as fast as it answers.
    Mirror,
}

impl Truth {
    /// As labels files say it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Bad => "bad",
            Self::Welcome => "good_bot",
        }
    }
}

impl Population {
    /// Every population.
    pub const ALL: [Self; 52] = [
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
    ];

    /// Those of the benchmark, in the order of its tables: people, welcome robots, bots.
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
        // Welcome.
        Self::SearchCrawler,
        Self::FeedReader,
        Self::HealthChecker,
        Self::PaymentWebhook,
        // Copying the catalogue.
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
        // Coming back by the clock.
        Self::PriceMonitor,
        Self::Poller,
        Self::CartPoller,
        Self::Scheduler0,
        Self::Scheduler10,
        Self::Scheduler30,
        Self::Scheduler50,
        Self::CronBurster,
        // Changing who they are.
        Self::RotatingScraper,
        Self::SpreadScraper,
        Self::BotnetScraper,
        // Guessing, flooding, probing.
        Self::BruteForcer,
        Self::SlowBruteForcer,
        Self::DistributedBruteForcer,
        Self::CacheBuster,
        Self::Scanner,
        // As people.
        Self::PopularScraper,
        Self::HumanPacedScraper,
        Self::ReplayingScraper,
        Self::DilutedScraper,
        Self::PersonReplay,
    ];

    /// Those of the demo, and of [`Mix::of`](super::Mix::of).
    pub const OF_THE_DEMO: &[Self] = Self::ALL.split_at(8).0;

    /// Its name, one word; also the `why` of its labels.
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
        }
    }

    /// What it is, why it is in the benchmark, and what is expected of a detector.
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
        }
    }

    /// Person or not.
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
            | Self::CdnShopper => Truth::Human,
            Self::HealthChecker | Self::SearchCrawler | Self::FeedReader | Self::PaymentWebhook => {
                Truth::Welcome
            }
            _ => Truth::Bad,
        }
    }

    /// What such a visitor says it is. Most bots say they are browsers, so a rule on user agents
    /// would find the rest only.
    pub(super) fn user_agent(self, dice: &mut Dice) -> &'static str {
        if self == Self::CarrierShopper {
            // What telephones say: one of Apple's, one of the others.
            return dice.pick(&BROWSERS[2..4]);
        }
        let share_of_libraries = match self {
            Self::MobileApp => return dice.pick(APPS),
            Self::SearchCrawler => return dice.pick(search_crawler::AGENTS),
            Self::FeedReader => return dice.pick(feed_reader::AGENTS),
            Self::PaymentWebhook => return payment_webhook::AGENT,
            _ if self.truth() == Truth::Human => 0.0,
            Self::Poller | Self::BruteForcer | Self::SlowBruteForcer | Self::CartPoller => 0.2,
            Self::Scanner => 0.4,
            Self::HealthChecker => return "kube-probe/1.31",
            Self::RotatingScraper
            | Self::DistributedBruteForcer
            | Self::BotnetScraper
            | Self::DilutedScraper
            | Self::PersonReplay => 0.0,
            _ => 0.05,
        };
        let names = if dice.chance(share_of_libraries) { LIBRARIES } else { BROWSERS };
        dice.pick(names)
    }

    pub(super) fn behaviour(self, site: &Site, tempo: Tempo, dice: &mut Dice) -> Box<dyn Behave> {
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
            _ => Box::new(Crawler::of(self, site, tempo, dice)),
        }
    }
}

impl fmt::Display for Population {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
        Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 \
        Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
        Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
];

/// The shop's app.
const APPS: &[&str] = &[
    "ShopApp/5.2.0 (iPhone; iOS 18.6)",
    "ShopApp/5.2.0 (Android 15)",
    "ShopApp/5.1.3 (Android 14)",
];

const LIBRARIES: &[&str] =
    &["python-requests/2.32.3", "Go-http-client/1.1", "curl/8.5.0", "okhttp/4.12.0"];
