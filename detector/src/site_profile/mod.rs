//! What a model knows of one shop: which pages its people ask for, in which order, and what its
//! URLs look like.
//!
//! A profile is learnt offline, frozen in the model file ([`SiteProfileFile`]), and asked once per
//! request. It answers four questions:
//!
//! - which page and template a request is for ([`SiteProfile::place`])
//! - how rare that page is ([`SiteProfile::novelty`])
//! - whether people go from one page to another ([`SiteProfile::knows_step`])
//! - how odd a step from one template to another is ([`SiteProfile::surprise`])
//!
//! A scraper that samples the catalogue asks for pages that nobody looks at. One that follows
//! popularity still walks through the templates as no person does.
//!
//! Pages and steps are kept as 32-bit hashes with the site's own key. So the file does not spell
//! out where people went, and whoever has not read it cannot choose a page that passes for another.
//! An unknown page passes for a known one with probability 16,384 / 2³² = 4 · 10⁻⁶.
//!
//! Cost: about 190 KB per model, whatever the site. Placing a request reads its target twice and
//! allocates nothing. A look-up reads one cache line of an index and one or two of a table, even if
//! somebody chose the hashes.

mod error;
mod file;
mod pattern;
mod sorted;
mod templates;
#[cfg(test)]
mod tests;

pub use error::SiteProfileError;
pub use file::{PAGES_MAX, STEPS_MAX, SiteProfileFile, TemplateFile, VISITORS_MAX};
pub use pattern::{
    PATTERN_BYTES_MAX, Parameter, Pattern, SEGMENTS_MAX, Segment, parameters, segments,
};
pub use templates::{NUMBERS, OTHER, PARAMETERS_MAX, TEMPLATES_MAX, TemplateMatch, Templates};

use crate::url::{Class, UrlHasher};
use sorted::Sorted;

/// Where a request falls in the site profile: its page and its template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfilePlace {
    /// Keyed hash of the normalised URL; never 0.
    pub page: u32,
    /// Template number: 0..=14 for the most common page templates, [`OTHER`] for any other.
    pub template: u8,
    /// Page or asset as learnt; `None` where the request itself tells it.
    pub class: Option<Class>,
}

/// What a model knows of one shop.
#[derive(Clone)]
pub struct SiteProfile {
    hasher: UrlHasher,
    templates: Templates,
    pages: Sorted,
    /// Distinct clients that visited each page, in the order of `pages`.
    visitors: Box<[u16]>,
    steps: Sorted,
    /// The mean of log₂(N_u + ½) over the remembered visits, so that novelty is this − log₂(N_u +
    /// ½). NaN when there are no visits.
    level: f32,
    /// See [`SiteProfile::mix`].
    mix: [f32; NUMBERS],
    /// See [`SiteProfile::surprise`].
    surprise: [[f32; NUMBERS]; NUMBERS],
    assets_alone: Option<u16>,
}

impl SiteProfile {
    /// Checks every bound of a profile file and prepares it for look-ups.
    ///
    /// # Errors
    /// [`SiteProfileError`], which names the field that is wrong.
    pub fn open(file: &SiteProfileFile) -> Result<Self, SiteProfileError> {
        let key = file.check()?;
        let profile = Self {
            hasher: UrlHasher::new(key),
            templates: Templates::new(
                file.templates.iter().map(|template| (template.pattern.as_str(), template.class)),
            )?,
            pages: Sorted::new(&file.pages),
            visitors: file.visitors.as_slice().into(),
            steps: Sorted::new(&file.steps),
            level: level(file),
            mix: mix(&file.mix),
            surprise: surprise(&file.transitions, numbers(file)),
            assets_alone: file.assets_alone,
        };
        // With another hash or normal form every page would be unknown, and nobody would notice.
        if profile.page(PROBE.0, PROBE.1) != file.probe {
            return Err(SiteProfileError::Probe);
        }
        Ok(profile)
    }

    /// Where a request falls, given its target as [`crate::url::split`] takes it apart. O(segments
    /// + parameters).
    pub fn place(&self, path: &str, query: &str) -> ProfilePlace {
        let (template, class) = self
            .templates
            .find(path, query)
            .map_or((OTHER, None), |found| (found.number, found.class));
        ProfilePlace { page: self.page(path, query), template, class }
    }

    /// How many assets by their extension people here ask for without a page in between, if that is
    /// known.
    pub fn assets_alone(&self) -> Option<u16> {
        self.assets_alone
    }

    /// How many remembered clients asked for this page; 0 if it is not known.
    pub fn visitors(&self, page: u32) -> u32 {
        self.pages
            .find(page)
            .and_then(|index| self.visitors.get(index))
            .map_or(0, |&visitors| u32::from(visitors))
    }

    /// How rare this page is, in bits, relative to what the site's people ask for on average (0).
    ///
    /// This is −log₂((N_u + ½) / (N + ½V)) less its mean over the remembered visits, where N_u of N
    /// remembered visits to V pages were to this page. NaN (missing) when nothing is remembered.
    pub fn novelty(&self, page: u32) -> f32 {
        self.level - (self.visitors(page) as f32 + 0.5).log2()
    }

    /// Has a remembered client gone from page `from` to page `to`?
    pub fn knows_step(&self, from: u32, to: u32) -> bool {
        self.steps.find(step(from, to)).is_some()
    }

    /// How odd it is to go from template `from` to template `to`: −log₂ P(to | from) in bits. One
    /// step to every template is added to those that were seen (Laplace).
    pub fn surprise(&self, from: u8, to: u8) -> f32 {
        self.surprise[usize::from(from.min(OTHER))][usize::from(to.min(OTHER))]
    }

    /// Share of the remembered visits by template; the sum is 1. Half a visit is added to each
    /// (Krichevsky and Trofimov 1981), so that no share is 0 and log₂(q/p) is finite.
    pub fn mix(&self) -> &[f32; NUMBERS] {
        &self.mix
    }

    /// The index in the file of the template that a request falls into.
    pub fn pattern(&self, path: &str, query: &str) -> Option<usize> {
        self.templates.find(path, query).map(|found| usize::from(found.index))
    }

    fn page(&self, path: &str, query: &str) -> u32 {
        let (path, query) = self.hasher.hash(path, query);
        high_half(path ^ query.rotate_left(32))
    }
}

impl std::fmt::Debug for SiteProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SiteProfile(secret)")
    }
}

/// A path and a query that need much normalising. Their hash stands in the file.
const PROBE: (&str, &str) = ("/kidob%61n//%e6%9c%a8/", "b=2&utm_source=x&%61=1");

/// The value of [`SiteProfileFile::probe`] for this key.
pub fn probe(key: u64) -> u32 {
    let (path, query) = UrlHasher::new(key).hash(PROBE.0, PROBE.1);
    high_half(path ^ query.rotate_left(32))
}

/// The hash of a step from page to page, as it stands in [`SiteProfileFile::steps`]; never 0. It
/// needs no key, because the pages are keyed hashes.
pub fn step(from: u32, to: u32) -> u32 {
    high_half(u64::from(from) << 32 | u64::from(to))
}

/// 32 well-mixed bits (the finaliser of splitmix64); 0 becomes 1.
fn high_half(bits: u64) -> u32 {
    let mut x = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (((x ^ (x >> 31)) >> 32) as u32).max(1)
}

/// How many template numbers the site uses: its numbered templates and "any other".
fn numbers(file: &SiteProfileFile) -> usize {
    let pages =
        file.templates.iter().filter(|template| template.class != Some(Class::Asset)).count();
    pages.min(NUMBERS - 1) + 1
}

/// See [`SiteProfile::level`].
fn level(file: &SiteProfileFile) -> f32 {
    let visits = f64::from(file.visits);
    let kept: f64 = file.visitors.iter().map(|&count| f64::from(count)).sum();
    let known: f64 =
        file.visitors.iter().map(|&count| f64::from(count) * (f64::from(count) + 0.5).log2()).sum();
    // A visit to a page that is not kept counts as one to an unknown page: log₂ ½ = −1. The
    // logarithm of N + ½V is in every novelty and in their mean, so it cancels out.
    ((known - (visits - kept)) / visits) as f32
}

fn mix(counts: &[u32; NUMBERS]) -> [f32; NUMBERS] {
    let sum: f64 = counts.iter().map(|&count| f64::from(count) + 0.5).sum();
    counts.map(|count| ((f64::from(count) + 0.5) / sum) as f32)
}

fn surprise(counts: &[[u32; NUMBERS]; NUMBERS], numbers: usize) -> [[f32; NUMBERS]; NUMBERS] {
    counts.map(|row| {
        let sum: f64 = row.iter().map(|&count| f64::from(count)).sum::<f64>() + numbers as f64;
        row.map(|count| -((f64::from(count) + 1.0) / sum).log2() as f32)
    })
}
