//! Several shops that differ, visited by the same populations.
//!
//! What a detector learns on one shop must hold on another. So these shops differ in what their
//! logs show: whether assets are logged, the form of URLs, the resolution of times, the size of the
//! catalogue, and who shares an address.
//!
//! **To add a shop, add a row to [`SHOPS`].** A new form of URLs is a variant of [`Urls`] or
//! [`Assets`] in `layout.rs`; a new kind of visitor is a [`Population`].
//!
//! ```text
//!  Population ─► Visit ─► request ─► Site answers ─► Layout gives it this shop's URL ─► log
//!                                                    (or leaves it out of the log)
//! ```
//!
//! Everything comes from one seed. Labels name the population in `why`.
//!
//! Deliberately not simulated: reactions to a refusal.

mod crowd;
mod layout;
#[cfg(test)]
mod tests;

pub use crowd::{DEFAULT_START, simulate_shop};
pub use layout::{Assets, Scripts, Urls};

use super::population::Population;

/// The resolution of the times in a shop's log, and so the format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogResolution {
    /// Whole seconds: `combined`.
    Seconds,
    /// Milliseconds: nginx JSON.
    Millis,
}

/// A shop and its visitors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shop {
    /// Its name, one word; also the name of its folder.
    pub name: &'static str,
    /// The number of its products.
    pub products: usize,
    /// The number of its categories, at most 24.
    pub categories: usize,
    /// The form of its URLs.
    pub urls: Urls,
    /// Which assets its log shows.
    pub assets: Assets,
    /// What the scripts of its pages request.
    pub scripts: Scripts,
    /// The resolution of the times in its log.
    pub clock: LogResolution,
    /// People a day, not counting those of [`Shop::incident`].
    pub people: usize,
    /// Multiplies the number of bots: 1 is about 18 bots for 100 people.
    pub bots: f64,
    /// What is special about its days.
    pub incident: Incident,
}

/// What is special about the days of a shop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Incident {
    /// Nothing.
    None,
    /// This share of its people is behind a few addresses of a mobile network, about forty people
    /// behind each.
    CarrierNat(f64),
    /// In one hour of the day, ten times as many new people come as in others, all to the same few
    /// products.
    FlashSale,
    /// It has this many health checks of its own.
    HealthChecks(usize),
}

/// All shops.
pub const SHOPS: [Shop; 11] = [
    shop("boutique", 300, 8).urls(Urls::Plain, Assets::InLog, LogResolution::Millis),
    shop("warehouse", 20_000, 24).urls(Urls::Slugs, Assets::OnCdn, LogResolution::Seconds),
    shop("opencart", 1_500, 16).urls(Urls::Parameters, Assets::InLog, LogResolution::Seconds),
    shop("gallery", 800, 12).urls(Urls::Plain, Assets::WithoutExtension, LogResolution::Millis),
    shop("spa", 2_500, 20).urls(Urls::Api, Assets::OnCdn, LogResolution::Millis),
    shop("mobile", 2_000, 24)
        .urls(Urls::Plain, Assets::OnCdn, LogResolution::Millis)
        .with(Incident::CarrierNat(0.4)),
    shop("flashsale", 400, 10)
        .urls(Urls::Slugs, Assets::InLog, LogResolution::Millis)
        .with(Incident::FlashSale),
    shop("monitored", 1_000, 12)
        .urls(Urls::Plain, Assets::InLog, LogResolution::Seconds)
        .with(Incident::HealthChecks(3)),
    shop("outlet", 120, 4).urls(Urls::Parameters, Assets::OnCdn, LogResolution::Seconds),
    shop("besieged", 6_000, 24)
        .urls(Urls::Slugs, Assets::WithoutExtension, LogResolution::Seconds)
        .bots(3.0),
    shop("eager", 1_200, 12).scripts(Scripts::Eager),
];

/// How many visitors of each population come for every hundred people of a day. The numbers of bots
/// are also multiplied by the shop's factor and by a random one.
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
        clock: LogResolution::Millis,
        people: 600,
        bots: 1.0,
        incident: Incident::None,
    }
}

impl Shop {
    /// The shop with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SHOPS.iter().find(|shop| shop.name == name)
    }

    const fn urls(self, urls: Urls, assets: Assets, clock: LogResolution) -> Self {
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
