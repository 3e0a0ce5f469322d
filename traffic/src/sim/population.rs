//! Who visits.

use std::fmt;

use super::brute_forcer::BruteForcer;
use super::dice::Dice;
use super::gallery_shopper::GalleryShopper;
use super::poller::Poller;
use super::scanner::Scanner;
use super::scraper::Scraper;
use super::shopper::Shopper;
use super::site::Site;
use super::visit::{Behave, Tempo};

/// What a visitor really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// A person.
    Human,
    /// Somebody to be stopped.
    Bad,
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
}

impl Truth {
    /// As labels files say it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Bad => "bad",
        }
    }
}

impl Population {
    /// Every population.
    pub const ALL: [Self; 8] = [
        Self::Shopper,
        Self::GalleryShopper,
        Self::Scraper,
        Self::SlowScraper,
        Self::MemorylessScraper,
        Self::Poller,
        Self::BruteForcer,
        Self::Scanner,
    ];

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
        }
    }

    /// Person or not.
    pub const fn truth(self) -> Truth {
        match self {
            Self::Shopper | Self::GalleryShopper => Truth::Human,
            _ => Truth::Bad,
        }
    }

    /// What such a visitor says it is. Most bots say they are browsers, so a rule on user agents would find the rest only.
    pub(super) fn user_agent(self, dice: &mut Dice) -> &'static str {
        let share_of_libraries = match self {
            Self::Shopper | Self::GalleryShopper => 0.0,
            Self::Scraper | Self::SlowScraper | Self::MemorylessScraper => 0.05,
            Self::Poller | Self::BruteForcer => 0.2,
            Self::Scanner => 0.4,
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
        }
    }
}

impl fmt::Display for Population {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
];

const LIBRARIES: &[&str] = &["python-requests/2.32.3", "Go-http-client/1.1", "curl/8.5.0", "okhttp/4.12.0"];
