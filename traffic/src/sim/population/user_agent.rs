//! The user agents that visitors send.

use super::{Population, Truth};
use crate::sim::dice::Dice;
use crate::sim::robots::{feed_reader, payment_webhook, search_crawler};

impl Population {
    /// A user agent for a visitor of this population. Most bots send a browser's, so a rule on user
    /// agents finds only the rest.
    pub(in crate::sim) fn user_agent(self, dice: &mut Dice) -> &'static str {
        if self == Self::CarrierShopper {
            // Two phone browsers: one on iOS, one on Android.
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
}

/// Browsers on computers and phones.
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

/// Versions of the shop's app.
const APPS: &[&str] = &[
    "ShopApp/5.2.0 (iPhone; iOS 18.6)",
    "ShopApp/5.2.0 (Android 15)",
    "ShopApp/5.1.3 (Android 14)",
];

/// HTTP libraries and tools.
const LIBRARIES: &[&str] =
    &["python-requests/2.32.3", "Go-http-client/1.1", "curl/8.5.0", "okhttp/4.12.0"];
