//! Learns a site's profile ([`SiteProfileFile`]) from its traffic: what a model remembers of it.
//!
//! ```text
//! targets ─► patterns ─► classes ─► Layout: key, templates, places (from all who teach)
//!                                      └─► count: visitors, steps, transitions (of the clients taken)
//! ```
//!
//! The layout is the same whichever clients are taken. So the profiles of the folds of a cross-fit
//! differ in counts only, and a client's own visits never make its pages look known to the model
//! that judges it.
//!
//! Clients that are labelled as bots teach nothing, nor do those kept apart ([`Site::apart`]): a
//! budget holds for later clients only if those who prove it left no trace in the profile. Each
//! other client counts once per page, and only its first 48 pages and steps count, so that no
//! single client shapes the profile.

mod assets_alone;
mod classes;
#[cfg(test)]
mod classes_tests;
mod count;
pub(crate) mod fold;
mod of_site;
mod patterns;
mod teachers;
#[cfg(test)]
mod tests;

pub use fold::fold_of;

use std::cmp::Reverse;
use std::collections::HashMap;

use detector::site_profile::{
    NUMBERS, PAGES_MAX, STEPS_MAX, TEMPLATES_MAX, TemplateFile, Templates, VISITORS_MAX, probe,
};
use detector::url::{classify, split};
use detector::{Class, ProfilePlace, SiteProfile, SiteProfileError, SiteProfileFile};
use sha2::{Digest, Sha256};

use crate::site::Site;
use count::{Counts, count};
use patterns::AskedTarget;
use teachers::{PER_CLIENT, teaches};

/// Patterns are learnt from so many different targets of one client, assets included.
const TARGETS_PER_CLIENT: u32 = 256;

/// Learns from the clients that `takes` accepts (by index into [`Site::clients`]); templates,
/// classes and the key are learnt from all who teach.
///
/// # Errors
/// [`SiteProfileError`] when what was learnt cannot be opened, which would be a mistake of the
/// learner.
pub fn learn(
    site: &Site,
    takes: impl Fn(usize) -> bool,
) -> Result<SiteProfileFile, SiteProfileError> {
    let layout = Layout::of(site)?;
    Ok(layout.file(count(site, &layout.places, |client| teaches(site, client) && takes(client))))
}

/// Learns one profile per fold, the f-th without the clients of which [`fold_of`] is f.
///
/// # Errors
/// As [`learn`].
pub fn learn_folds(site: &Site, folds: usize) -> Result<Vec<SiteProfileFile>, SiteProfileError> {
    let layout = Layout::of(site)?;
    let without = |fold| {
        let of_others = |client: usize| {
            teaches(site, client) && fold_of(site.clients[client].key, folds) != fold
        };
        layout.file(count(site, &layout.places, of_others))
    };
    Ok((0..folds).map(without).collect())
}

/// What all profiles of a site have in common.
struct Layout {
    key: u64,
    templates: Vec<TemplateFile>,
    /// Where each target falls.
    places: Vec<ProfilePlace>,
    /// See [`assets_alone::learn`].
    assets_alone: Option<u16>,
}

impl Layout {
    fn of(site: &Site) -> Result<Self, SiteProfileError> {
        let templates = classed_patterns(site)?;
        let mut layout = Self {
            key: key(site),
            templates,
            places: Vec::new(),
            assets_alone: assets_alone::learn(site),
        };
        // Twice: the order of the templates says their numbers, and how often each is visited says
        // the order.
        layout.weigh(site)?;
        layout.templates.sort_by(|a, b| {
            let asset = |template: &TemplateFile| template.class == Some(Class::Asset);
            asset(a)
                .cmp(&asset(b))
                .then(b.share.total_cmp(&a.share))
                .then_with(|| a.pattern.cmp(&b.pattern))
        });
        layout.templates.retain(|template| template.share > 0.0 || template.class.is_some());
        layout.weigh(site)?;
        Ok(layout)
    }

    /// Places the targets and shares the visits of all who teach among the templates.
    fn weigh(&mut self, site: &Site) -> Result<(), SiteProfileError> {
        let profile = SiteProfile::open(&self.file(Counts::default()))?;
        self.places = site.places(&profile);
        let counts = count(site, &self.places, |client| teaches(site, client));
        let mut visits = vec![0_u64; self.templates.len()];
        for (target, &seen) in site.targets.iter().zip(&counts.targets) {
            let (path, query) = split(target);
            if let Some(index) = profile.pattern(path, query) {
                visits[index] += u64::from(seen);
            }
        }
        for (template, visits) in self.templates.iter_mut().zip(visits) {
            // Four digits: it is for people to read.
            template.share =
                (visits as f64 / f64::from(counts.visits.max(1)) * 1e4).round() as f32 / 1e4;
        }
        Ok(())
    }

    fn file(&self, counts: Counts) -> SiteProfileFile {
        let (pages, visitors) = most(&counts.pages, PAGES_MAX).into_iter().unzip();
        SiteProfileFile {
            key: format!("{:016x}", self.key),
            probe: probe(self.key),
            clients: counts.clients,
            visits: counts.visits,
            distinct: counts.pages.len() as u32,
            assets_alone: self.assets_alone,
            templates: self.templates.clone(),
            mix: counts.mix,
            transitions: counts.transitions,
            pages,
            visitors,
            steps: most(&counts.steps, STEPS_MAX).into_iter().map(|(step, _)| step).collect(),
        }
    }
}

/// The hashes that most clients share, at most `many`: ascending, each with its number of clients.
fn most(counts: &HashMap<u32, u32>, many: usize) -> Vec<(u32, u16)> {
    let mut ranked: Vec<(u32, u32)> =
        counts.iter().map(|(&hash, &clients)| (hash, clients)).collect();
    ranked.sort_unstable_by_key(|&(hash, clients)| (Reverse(clients), hash));
    ranked.truncate(many);
    ranked.sort_unstable();
    ranked.into_iter().map(|(hash, clients)| (hash, clients.min(VISITORS_MAX) as u16)).collect()
}

/// The key that the site's pages are hashed with: a digest of who asked for what and when, of all
/// who teach, so that the same log gives the same file and nobody else can know it.
fn key(site: &Site) -> u64 {
    let mut digest = Sha256::new().chain_update(b"kidoban memory key");
    let mut is_known = vec![false; site.targets.len()];
    site.walk(|step| {
        if !teaches(site, step.client as usize) {
            return;
        }
        digest.update(step.event.client.to_bits().to_le_bytes());
        digest.update(step.event.at.as_micros().to_le_bytes());
        if let Some(is_known) = is_known.get_mut(step.target as usize)
            && !std::mem::replace(is_known, true)
        {
            digest.update(site.targets.get(step.target).unwrap_or_default().as_bytes());
            digest.update(b"\n");
        }
    });
    digest.finalize().iter().take(8).fold(0, |key, &byte| key << 8 | u64::from(byte))
}

/// The site's patterns with what each was learnt to be. Targets that look like pages and those that
/// look like assets are learnt apart, and of the latter a pattern only stays where it overrules the
/// prior.
fn classed_patterns(site: &Site) -> Result<Vec<TemplateFile>, SiteProfileError> {
    let priors: Vec<Class> =
        site.targets.iter().map(|target| classify(split(target).0, None)).collect();
    let clients = clients_by_target(site);
    let patterns = [Class::Page, Class::Asset].map(|prior| {
        let asked = site.targets.iter().zip(&clients).zip(&priors);
        let asked = asked.filter(|&((_, &clients), &of)| clients > 0 && of == prior);
        patterns::learn(
            &asked
                .map(|((target, &clients), _)| AskedTarget::new(target, clients))
                .collect::<Vec<_>>(),
        )
    });
    let open = |patterns: &[String]| {
        Templates::new(patterns.iter().map(|pattern| (pattern.as_str(), None)))
    };
    let templates = [open(&patterns[0])?, open(&patterns[1])?];
    let [pages, assets] = &patterns;
    let group = |(target, prior): (&str, &Class)| {
        let (path, query) = split(target);
        if [".css", ".js", ".mjs"].iter().any(|ending| path.to_ascii_lowercase().ends_with(ending))
        {
            return None;
        }
        let (templates, offset) =
            if *prior == Class::Page { (&templates[0], 0) } else { (&templates[1], pages.len()) };
        templates.find(path, query).map(|found| offset + usize::from(found.index))
    };
    let groups: Vec<Option<usize>> = site.targets.iter().zip(&priors).map(group).collect();
    let evidence = classes::gather(site, &groups, pages.len() + assets.len());
    let template = |(pattern, class): (&String, _)| TemplateFile {
        pattern: pattern.clone(),
        class,
        share: 0.0,
    };
    let learnt = pages
        .iter()
        .zip(&evidence)
        .map(|(pattern, evidence)| (pattern, evidence.is_asset(pattern).then_some(Class::Asset)));
    let mut found: Vec<TemplateFile> = learnt.map(template).collect();
    for (pattern, _) in
        assets.iter().zip(&evidence[pages.len()..]).filter(|(_, evidence)| evidence.is_page())
    {
        match found.iter_mut().find(|template| template.pattern == *pattern) {
            // What looks like a page and what looks like an asset under one pattern, and both are
            // pages.
            Some(template) if template.class.is_none() => template.class = Some(Class::Page),
            // Learnt to be both: the prior holds for each.
            Some(template) => template.class = None,
            None => found.insert(0, template((pattern, Some(Class::Page)))),
        }
    }
    found.truncate(TEMPLATES_MAX);
    while Templates::new(found.iter().map(|template| (template.pattern.as_str(), template.class)))
        .is_err()
    {
        // Too many different parameters between the two: the rarest goes.
        if found.pop().is_none() {
            break;
        }
    }
    Ok(found)
}

/// How many clients that teach asked for each target. The first 256 targets of each client count.
fn clients_by_target(site: &Site) -> Vec<u32> {
    let mut clients = vec![0_u32; site.targets.len()];
    let mut asked: Vec<Vec<u32>> = vec![Vec::new(); site.clients.len()];
    site.walk(|step| {
        let asked = &mut asked[step.client as usize];
        // What the shop does not have says nothing about its URLs, whoever tries it.
        let fits = step.status < 400
            && asked.len() < TARGETS_PER_CLIENT as usize
            && teaches(site, step.client as usize);
        if let Some(count) = clients.get_mut(step.target as usize)
            && fits
            && !asked.contains(&step.target)
        {
            asked.push(step.target);
            *count += 1;
        }
    });
    clients
}

const _: () = assert!(NUMBERS == 16 && PER_CLIENT <= u8::MAX as usize);
