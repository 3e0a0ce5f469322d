//! One client at its worst moment: how high it scored, why, and what it asked for.

use std::collections::HashMap;

use detector::model::{Scorer, TopContributions};
use detector::{Class, Event, Features, Score, Window};
use serde::Serialize;
use traffic::replay::Driver;
use trainer::label::Label;
use trainer::site::Site;
use trainer::targets::NONE;
use trainer::unjudged::UnjudgedWindow;

/// A client as a report shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Portrait {
    /// What the log's client field held.
    pub client: String,
    /// What it is labelled.
    pub label: Label,
    /// Who or what gave the label.
    pub why: String,
    /// The highest score that it reached; `null` where it has too few pages.
    pub score: Option<f64>,
    /// At which of its requests.
    pub at_request: Option<u64>,
    /// Its requests.
    pub requests: u64,
    /// Of these, pages.
    pub pages: u64,
    /// Of its requests, those limited or blocked; `null` where no verdict was taken.
    pub refused: Option<u64>,
    /// Browsers it named within an hour at least; `null` where nobody counted.
    pub browsers: Option<u32>,
    /// What spoke loudest for that score, loudest first.
    pub because: Vec<Spoken>,
    /// The path it asked for most often, without its query, which may hold what is nobody's
    /// business.
    pub path: Option<String>,
}

/// One feature's part in a score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spoken {
    /// The feature.
    pub feature: &'static str,
    /// In people's words, before the value.
    pub words: &'static str,
    /// What was measured; `null` when it was missing.
    pub value: Option<f32>,
    /// What it added to the margin, in log-odds.
    pub part: f32,
}

/// Whom to portray.
pub(crate) struct Subject<'a> {
    pub client: usize,
    pub scorer: &'a Scorer,
    /// At which of its requests; at the one at which it scores highest where that is not known.
    pub at_request: Option<u64>,
}

/// Passes over the site once more and looks at each of these clients at the page request from
/// `min_pages` on at which it scores highest, the first of equals; through the detector's own
/// windows. In the order given.
pub(crate) fn portraits(
    site: &Site,
    resolution_us: u32,
    min_pages: u32,
    of: &[Subject<'_>],
) -> Vec<Portrait> {
    let places: HashMap<usize, usize> =
        of.iter().enumerate().map(|(place, subject)| (subject.client, place)).collect();
    let mut sitters: Vec<Sitter> =
        of.iter().map(|subject| Sitter::new(site, subject.client)).collect();
    let mut windows: HashMap<usize, Box<Window>> = HashMap::new();
    let mut driver = Driver::default();
    site.walk(|step| {
        let client = step.client as usize;
        let Some(&place) = places.get(&client) else { return };
        let (sitter, subject) = (&mut sitters[place], &of[place]);
        let window = windows.entry(client).or_insert_with(|| Box::new(Window::new(step.event.at)));
        let at_request = |event: &Event, window: &Window| {
            sitter.portrait.requests += 1;
            if event.class != Class::Page {
                return;
            }
            sitter.portrait.pages += 1;
            *sitter.asked.entry(step.target).or_insert(0) += 1;
            let is_it = match subject.at_request {
                Some(at) => at == sitter.portrait.requests,
                None => window.pages() >= min_pages,
            };
            if is_it {
                sitter.look(subject.scorer, &Features::measure(window));
            }
        };
        let memory = site.memory_for(client);
        driver.step(step, &mut UnjudgedWindow { window, resolution_us, memory, at_request });
    });
    sitters
        .into_iter()
        .zip(of)
        .map(|(sitter, subject)| sitter.finish(site, subject.scorer))
        .collect()
}

/// A portrait in the making.
struct Sitter {
    portrait: Portrait,
    worst: Option<(f32, Features)>,
    asked: HashMap<u32, u64>,
}

impl Sitter {
    fn new(site: &Site, client: usize) -> Self {
        let known = &site.clients[client];
        let portrait = Portrait {
            client: known.name.clone(),
            label: known.labelled.label,
            why: known.labelled.why.clone(),
            score: None,
            at_request: None,
            requests: 0,
            pages: 0,
            refused: None,
            browsers: None,
            because: Vec::new(),
            path: None,
        };
        Self { portrait, worst: None, asked: HashMap::new() }
    }

    fn look(&mut self, scorer: &Scorer, features: &Features) {
        let margin = scorer.margin(features);
        if self.worst.as_ref().is_none_or(|(highest, _)| margin > *highest) {
            self.worst = Some((margin, *features));
            self.portrait.at_request = Some(self.portrait.requests);
        }
    }

    fn finish(self, site: &Site, scorer: &Scorer) -> Portrait {
        let mut portrait = self.portrait;
        portrait.path = most_asked(site, &self.asked);
        if let Some((margin, features)) = &self.worst {
            let contributions = match scorer {
                Scorer::Trees(trees) => trees.contributions(features),
                Scorer::Logistic(logistic) => logistic.contributions(features),
            };
            portrait.score = Some(f64::from(Score::from_margin(*margin).value()));
            portrait.because = spoken(&contributions.because(features));
        }
        portrait
    }
}

fn spoken(because: &TopContributions) -> Vec<Spoken> {
    let spoke = |spoke: &detector::model::Spoke| Spoken {
        feature: spoke.definition().name,
        words: spoke.definition().words,
        value: (!spoke.value.is_nan()).then_some(spoke.value),
        part: spoke.part,
    };
    because.iter().map(spoke).collect()
}

/// The path of most page requests; of equals the first in the alphabet.
fn most_asked(site: &Site, asked: &HashMap<u32, u64>) -> Option<String> {
    let mut paths: HashMap<&str, u64> = HashMap::new();
    for (&target, &count) in asked.iter().filter(|(target, _)| **target != NONE) {
        *paths.entry(detector::url::split(site.targets.get(target)?).0).or_default() += count;
    }
    paths
        .into_iter()
        .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0)))
        .map(|(path, _)| path.to_owned())
}
