//! What a model remembers of one shop: which pages its people ask for, in which order, and what its
//! URLs look like.
//!
//! Learnt offline, frozen in the model file ([`SiteProfileFile`]), and asked once per request. It
//! answers four questions: where a request falls ([`SiteProfile::place`]), how rare its page is
//! ([`SiteProfile::novelty`]), whether anyone has gone that way before ([`SiteProfile::knows_step`]), and how
//! odd the way from template to template is ([`SiteProfile::surprise`]). A scraper that samples the
//! catalogue asks for what nobody looks at; one that follows popularity still walks through the
//! templates as no person does.
//!
//! Pages and steps are remembered as 32-bit hashes with the site's own key, so the file does not
//! spell out where people went, and whoever has not read it cannot choose a page that passes for
//! another. A page that is not known passes for a known one with probability 16,384 / 2³² = 4 ·
//! 10⁻⁶.
//!
//! Cost: about 190 KB per model, whatever the site; placing a request reads its target twice and
//! allocates nothing; a look-up reads one cache line of an index and one or two of a table, also
//! where somebody chose the hashes.

mod file;
mod sorted;
mod templates;
#[cfg(test)]
mod tests;

pub use file::{
    PAGES_MAX, STEPS_MAX, SiteProfileError, SiteProfileFile, TemplateFile, VISITORS_MAX,
};
pub use templates::{
    PARAMETERS_MAX, PATTERN_BYTES_MAX, Parameter, Pattern, SEGMENTS_MAX, Segment, TEMPLATES_MAX,
    Templates, parameters, segments,
};

use crate::url::{Class, UrlHasher};
use sorted::Sorted;

/// Templates told apart by [`SiteProfile::mix`] and [`SiteProfile::surprise`]: the 15 most common and any
/// other.
pub const NUMBERS: usize = 16;
/// The number of a request that falls into none of the 15 most common templates.
pub const OTHER: u8 = 15;

/// Where a request falls in the site as remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Keyed hash of the normalised URL; never 0.
    pub page: u32,
    /// 0..=14 the most common page templates, 15 any other.
    pub template: u8,
    /// Page or asset as learnt; `None` where the prior holds.
    pub class: Option<Class>,
}

/// One shop, as remembered.
#[derive(Clone)]
pub struct SiteProfile {
    hasher: UrlHasher,
    templates: Templates,
    pages: Sorted,
    /// Distinct clients by page, in the order of `pages`.
    visitors: Box<[u16]>,
    steps: Sorted,
    /// log₂(N + ½V) less the mean over the remembered visits, so that novelty is this − log₂(N_u +
    /// ½). NaN: no visits.
    level: f32,
    mix: [f32; NUMBERS],
    surprise: [[f32; NUMBERS]; NUMBERS],
}

impl SiteProfile {
    /// Checks every bound of a file and takes it over.
    ///
    /// # Errors
    /// [`SiteProfileError`], which names the field that is wrong.
    pub fn open(file: &SiteProfileFile) -> Result<Self, SiteProfileError> {
        let key = file.check()?;
        let memory = Self {
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
        };
        // Another hash or another normaliser would make every page unknown, silently.
        if memory.page(PROBE.0, PROBE.1) != file.probe {
            return Err(SiteProfileError::Probe);
        }
        Ok(memory)
    }

    /// Where a request falls, given its target split as by [`crate::url::split`]. O(segments +
    /// parameters).
    pub fn place(&self, path: &str, query: &str) -> Place {
        let (template, class) = self
            .templates
            .find(path, query)
            .map_or((OTHER, None), |found| (found.number, found.class));
        Place { page: self.page(path, query), template, class }
    }

    /// Remembered clients that asked for this page; 0 where it is not known.
    pub fn visitors(&self, page: u32) -> u32 {
        self.pages
            .find(page)
            .and_then(|index| self.visitors.get(index))
            .map_or(0, |&visitors| u32::from(visitors))
    }

    /// How rare this page is, in bits: −log₂((N_u + ½) / (N + ½V)) for N_u of N remembered visits
    /// to V pages, less its mean over those visits, so that 0 is what the site's people ask for on
    /// average.
    ///
    /// NaN (missing) when nothing is remembered.
    pub fn novelty(&self, page: u32) -> f32 {
        self.level - (self.visitors(page) as f32 + 0.5).log2()
    }

    /// Has a remembered client gone from this page to that one?
    pub fn knows_step(&self, from: u32, to: u32) -> bool {
        self.steps.find(step(from, to)).is_some()
    }

    /// How odd it is to go from this template to that one: −log₂ P(to | from) in bits, with one
    /// more step to every template than was seen (Laplace).
    pub fn surprise(&self, from: u8, to: u8) -> f32 {
        self.surprise[usize::from(from.min(OTHER))][usize::from(to.min(OTHER))]
    }

    /// Share of the remembered visits by template, each with half a visit more than was seen
    /// (Krichevsky and Trofimov 1981), so that no share is 0 and log₂(q/p) is finite. Sums to 1.
    pub fn mix(&self) -> &[f32; NUMBERS] {
        &self.mix
    }

    /// The template's index in the file, among all of them.
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

/// A target that exercises the normaliser; its hash stands in the file.
const PROBE: (&str, &str) = ("/kidob%61n//%e6%9c%a8/", "b=2&utm_source=x&%61=1");

/// The [`SiteProfileFile::probe`] for this key.
pub fn probe(key: u64) -> u32 {
    let (path, query) = UrlHasher::new(key).hash(PROBE.0, PROBE.1);
    high_half(path ^ query.rotate_left(32))
}

/// The hash of a step from page to page, as it stands in [`SiteProfileFile::steps`]; never 0. The pages
/// are keyed already.
pub fn step(from: u32, to: u32) -> u32 {
    high_half(u64::from(from) << 32 | u64::from(to))
}

/// 32 well mixed bits (splitmix64's finaliser), 0 made 1.
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

fn level(file: &SiteProfileFile) -> f32 {
    let visits = f64::from(file.visits);
    let kept: f64 = file.visitors.iter().map(|&count| f64::from(count)).sum();
    let known: f64 =
        file.visitors.iter().map(|&count| f64::from(count) * (f64::from(count) + 0.5).log2()).sum();
    // Visits to pages that are not kept measure as visits to pages that nobody knows: log₂ ½ = −1.
    // The logarithm of N + ½V is in every novelty and in their mean, so it cancels.
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
