//! One client at its highest score: how high it was, why, and what the client asked for.

use std::collections::HashMap;

use detector::model::{Scorer, TopContributions};
use detector::{Class, Event, Features, Score};
use serde::Serialize;
use traffic::replay::Driver;
use trainer::label::Label;
use trainer::scoring::Scoring;
use trainer::site::Site;
use trainer::targets::NONE;
use trainer::unjudged::{UnjudgedClient, UnjudgedWindow};

/// A client as a report shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientSummary {
    /// The client field of the log.
    pub client: String,
    /// Its label.
    pub label: Label,
    /// Who or what gave the label.
    pub why: String,
    /// Its highest score; `null` if it has too few pages.
    pub score: Option<f64>,
    /// Number of the request with that score.
    pub at_request: Option<u64>,
    /// Number of requests.
    pub requests: u64,
    /// Number of page requests among them.
    pub pages: u64,
    /// Number of requests limited or blocked; `null` where no verdict was taken.
    pub refused: Option<u64>,
    /// Lower bound of the browsers it named within an hour; `null` where they were not counted.
    pub browsers: Option<u32>,
    /// The features that contributed most to that score, largest first.
    pub because: Vec<FeatureContribution>,
    /// The path it asked for most often, without the query, which may hold personal data.
    pub path: Option<String>,
}

/// One feature's contribution to a score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureContribution {
    /// Name of the feature.
    pub feature: &'static str,
    /// The feature in plain words, to stand before the value.
    pub words: &'static str,
    /// The measured value; `null` if it was missing.
    pub value: Option<f32>,
    /// Its contribution to the margin, in log-odds.
    pub part: f32,
}

/// Which client to summarise, and by which scorer.
pub(crate) struct SummaryRequest<'a> {
    pub client: usize,
    pub scorer: &'a Scorer,
    /// Number of the request to look at; if unknown, the one with the highest score.
    pub at_request: Option<u64>,
}

/// Passes over the site once more and summarises these clients, in the order given. Each is looked
/// at at one page request: the one named, or the first of the highest-scoring ones. Features are
/// measured in the detector's own windows.
pub(crate) fn client_summaries(
    site: &Site,
    resolution_us: u32,
    scoring: Scoring,
    of: &[SummaryRequest<'_>],
) -> Vec<ClientSummary> {
    let places: HashMap<usize, usize> =
        of.iter().enumerate().map(|(place, subject)| (subject.client, place)).collect();
    let mut builders: Vec<SummaryBuilder> =
        of.iter().map(|subject| SummaryBuilder::new(site, subject.client)).collect();
    let mut clients: HashMap<usize, Box<UnjudgedClient>> = HashMap::new();
    let mut driver = Driver::default();
    site.walk(|step| {
        let client = step.client as usize;
        let Some(&place) = places.get(&client) else { return };
        let (builder, subject) = (&mut builders[place], &of[place]);
        let create = || Box::new(UnjudgedClient::new(step.event.at));
        let known = clients.entry(client).or_insert_with(create);
        let at_request = |event: &Event, known: &UnjudgedClient| {
            builder.summary.requests += 1;
            if event.class != Class::Page {
                return;
            }
            builder.summary.pages += 1;
            *builder.asked.entry(step.target).or_insert(0) += 1;
            let features = Features::measure(&known.window);
            builder.last = scoring.score(known, builder.last, || subject.scorer.margin(&features));
            let is_it = subject.at_request.is_none_or(|at| at == builder.summary.requests);
            if let (true, Some(score)) = (is_it, builder.last) {
                builder.look(score, &features);
            }
        };
        let profile = site.profile_for(client);
        let mut subject = UnjudgedWindow { client: known, resolution_us, profile, at_request };
        driver.step(step, &mut subject);
    });
    builders
        .into_iter()
        .zip(of)
        .map(|(builder, subject)| builder.finish(site, subject.scorer))
        .collect()
}

/// A client's summary while it is being made.
struct SummaryBuilder {
    summary: ClientSummary,
    last: Option<Score>,
    worst: Option<(Score, Features)>,
    asked: HashMap<u32, u64>,
}

impl SummaryBuilder {
    fn new(site: &Site, client: usize) -> Self {
        let known = &site.clients[client];
        let summary = ClientSummary {
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
        Self { summary, last: None, worst: None, asked: HashMap::new() }
    }

    fn look(&mut self, score: Score, features: &Features) {
        if self.worst.as_ref().is_none_or(|(highest, _)| score > *highest) {
            self.worst = Some((score, *features));
            self.summary.at_request = Some(self.summary.requests);
        }
    }

    fn finish(self, site: &Site, scorer: &Scorer) -> ClientSummary {
        let mut summary = self.summary;
        summary.path = most_asked(site, &self.asked);
        if let Some((score, features)) = &self.worst {
            let contributions = match scorer {
                Scorer::Trees(trees) => trees.contributions(features),
                Scorer::Logistic(logistic) => logistic.contributions(features),
            };
            summary.score = Some(f64::from(score.value()));
            summary.because = spoken(&contributions.because(features));
        }
        summary
    }
}

fn spoken(because: &TopContributions) -> Vec<FeatureContribution> {
    let spoke = |spoke: &detector::model::Contribution| FeatureContribution {
        feature: spoke.definition().name,
        words: spoke.definition().words,
        value: (!spoke.value.is_nan()).then_some(spoke.value),
        part: spoke.part,
    };
    because.iter().map(spoke).collect()
}

/// The path with the most page requests; among equals the first in alphabetical order.
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
