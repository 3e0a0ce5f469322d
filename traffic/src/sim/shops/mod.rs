//! Shops that differ: the same people and bots, another shop around them.
//!
//! What a detector learns on one shop must hold on another, so here are shops that differ in what
//! their logs show: whether assets are in them, what a URL looks like, how finely time is told, how
//! large the catalogue is, who shares an address. **To add one, add a row to [`SHOPS`]**; a new way
//! to write URLs is a variant of [`Urls`] or [`Assets`] in `layout.rs`, a new kind of visitor a
//! [`Population`].
//!
//! ```text
//!  Population ─► Visit ─► Step ─► Site answers ─► Layout writes it as this shop would ─► log
//!                                                 (another URL, or not in this log at all)
//! ```
//!
//! Everything comes from one seed. Labels name the class in `why`.
//!
//! Not simulated on purpose: reactions to a refusal.

mod crowd;
mod layout;
#[cfg(test)]
mod tests;

pub use crowd::{DEFAULT_START, simulate_shop};
pub use layout::{Assets, Scripts, Urls};

use super::population::Population;

/// How finely a shop's log tells time, and so in which format it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Whole seconds: `combined`.
    Seconds,
    /// Milliseconds: nginx JSON.
    Millis,
}

/// A shop and who comes there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shop {
    /// One word; its folder's name.
    pub name: &'static str,
    /// Products it sells.
    pub products: usize,
    /// Shelves they stand on, at most 24.
    pub categories: usize,
    /// What its URLs look like.
    pub urls: Urls,
    /// Which assets its log shows.
    pub assets: Assets,
    /// What its pages' scripts ask for.
    pub scripts: Scripts,
    /// How finely its log tells time.
    pub clock: Clock,
    /// People a day, those of [`Shop::incident`] not counted.
    pub people: usize,
    /// Bots for each usual one: 1 is about 18 for 100 people.
    pub bots: f64,
    /// What is special about it.
    pub incident: Incident,
}

/// What is special about a shop's day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Incident {
    /// Nothing.
    None,
    /// This share of its people sits behind few addresses of a mobile network, some forty behind
    /// each.
    CarrierNat(f64),
    /// In one hour of the day ten times as many new people come as in others, to the same few
    /// products.
    FlashSale,
    /// So many health checks of its own.
    HealthChecks(usize),
}

/// All shops.
pub const SHOPS: [Shop; 11] = [
    shop("boutique", 300, 8).urls(Urls::Plain, Assets::InLog, Clock::Millis),
    shop("warehouse", 20_000, 24).urls(Urls::Slugs, Assets::OnCdn, Clock::Seconds),
    shop("opencart", 1_500, 16).urls(Urls::Parameters, Assets::InLog, Clock::Seconds),
    shop("gallery", 800, 12).urls(Urls::Plain, Assets::WithoutExtension, Clock::Millis),
    shop("spa", 2_500, 20).urls(Urls::Api, Assets::OnCdn, Clock::Millis),
    shop("mobile", 2_000, 24)
        .urls(Urls::Plain, Assets::OnCdn, Clock::Millis)
        .with(Incident::CarrierNat(0.4)),
    shop("flashsale", 400, 10)
        .urls(Urls::Slugs, Assets::InLog, Clock::Millis)
        .with(Incident::FlashSale),
    shop("monitored", 1_000, 12)
        .urls(Urls::Plain, Assets::InLog, Clock::Seconds)
        .with(Incident::HealthChecks(3)),
    shop("outlet", 120, 4).urls(Urls::Parameters, Assets::OnCdn, Clock::Seconds),
    shop("besieged", 6_000, 24)
        .urls(Urls::Slugs, Assets::WithoutExtension, Clock::Seconds)
        .bots(3.0),
    shop("eager", 1_200, 12).scripts(Scripts::Eager),
];

/// Visitors for each hundred people of a day. People first; bots are scaled and scattered by the
/// shop.
pub(super) const CROWD: [(Population, f64); 22] = [
    (Population::Shopper, 58.0),
    (Population::GalleryShopper, 10.0),
    (Population::ReturningShopper, 20.0),
    (Population::PriceWatcher, 7.0),
    (Population::Refresher, 5.0),
    (Population::Scraper, 1.2),
    (Population::SlowScraper, 1.0),
    (Population::MemorylessScraper, 1.0),
    (Population::Poller, 1.5),
    (Population::BruteForcer, 1.0),
    (Population::Scanner, 1.2),
    (Population::SitemapCrawler, 0.8),
    (Population::SamplingScraper, 1.0),
    (Population::PopularScraper, 1.0),
    (Population::ListScraper, 0.8),
    (Population::HumanPacedScraper, 1.2),
    (Population::ReplayingScraper, 1.0),
    (Population::TricklingScraper, 1.5),
    (Population::DeadLinkCrawler, 0.8),
    (Population::RotatingScraper, 0.8),
    (Population::CartPoller, 0.8),
    (Population::SlowBruteForcer, 1.5),
];

/// A shop of this size with 600 people a day.
const fn shop(name: &'static str, products: usize, categories: usize) -> Shop {
    Shop {
        name,
        products,
        categories,
        urls: Urls::Plain,
        assets: Assets::InLog,
        scripts: Scripts::Plain,
        clock: Clock::Millis,
        people: 600,
        bots: 1.0,
        incident: Incident::None,
    }
}

impl Shop {
    /// The shop of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SHOPS.iter().find(|shop| shop.name == name)
    }

    const fn urls(self, urls: Urls, assets: Assets, clock: Clock) -> Self {
        Self { urls, assets, clock, ..self }
    }

    const fn scripts(self, scripts: Scripts) -> Self {
        Self { scripts, ..self }
    }

    const fn with(self, incident: Incident) -> Self {
        Self { incident, ..self }
    }

    const fn bots(self, bots: f64) -> Self {
        Self { bots, ..self }
    }
}
