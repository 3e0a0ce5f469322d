//! Finds the clients nearest to a threshold.

use std::collections::HashMap;

use detector::model::TopContributions;
use detector::{ClientKey, Detector, Event, Score, Timestamp, Verdict};
use serde::Serialize;
use trainer::evidence::{Evidence, Norms, Trace};
use trainer::label::{Label, Labels};

/// Farthest distance from a threshold, in log-odds, at which a client is listed: e³, 20 times the
/// odds.
const BAND: f32 = 3.0;

/// One client near a threshold.
#[derive(Clone, Debug, Serialize)]
pub struct Borderline {
    /// The client's address or name.
    pub client: String,
    /// Requests in the log.
    pub requests: u64,
    /// Page requests among them.
    pub pages: u32,
    /// Its highest score, 0..=1.
    pub score: f32,
    /// When it had that score, in µs since the epoch.
    pub at: Timestamp,
    /// `limit`, `block`, or `even odds` where no threshold is in force.
    pub threshold: &'static str,
    /// That threshold as a score, 0..=1.
    pub threshold_score: f32,
    /// Distance from the threshold in log-odds; negative below it.
    pub distance: f32,
    /// The features that contributed most towards "bot" at that request.
    pub because: Vec<String>,
    /// The label that weak rules suggest, from what no score sees.
    pub guess: Label,
    /// Which rule suggests it.
    pub why: String,
}

#[derive(Clone, Debug, Default)]
struct ClientRecord {
    requests: u64,
    evidence: Evidence,
    best: Option<HighestScore>,
}

#[derive(Clone, Copy, Debug)]
struct HighestScore {
    margin: f32,
    at: Timestamp,
    because: TopContributions,
}

/// A client with its distance from the nearest threshold.
type RankedClient<'a> = (f32, ClientKey, &'a ClientRecord, HighestScore, (&'static str, f32));

/// Collects clients near a threshold while a log is read.
#[derive(Clone, Debug)]
pub struct NearThreshold {
    thresholds: Vec<(&'static str, f32)>,
    clients: HashMap<ClientKey, ClientRecord>,
}

impl NearThreshold {
    /// Looks near the thresholds of this detector's judge.
    pub fn new(detector: &Detector) -> Self {
        let judge = detector.judge();
        let own = [("limit", judge.policy.limit_margin()), ("block", judge.policy.block_margin())];
        let mut thresholds: Vec<_> =
            own.into_iter().filter_map(|(name, margin)| Some((name, margin?))).collect();
        if thresholds.is_empty() {
            thresholds.push(("even odds", 0.0));
        }
        Self { thresholds, clients: HashMap::new() }
    }

    /// Takes in a request after it was observed.
    pub fn note(&mut self, detector: &Detector, event: &Event, verdict: &Verdict, trace: Trace) {
        if event.exempt.is_some() {
            return;
        }
        let known = self.clients.entry(event.client).or_default();
        known.requests += 1;
        known.evidence.take(trace, verdict.class);
        let Some(margin) = verdict.score.map(Score::margin) else { return };
        if known.best.is_some_and(|best| margin <= best.margin) {
            return;
        }
        let is_near =
            self.thresholds.iter().any(|(_, threshold)| (margin - threshold).abs() <= BAND);
        let because = || {
            let (judge, features) = (detector.judge(), detector.features(event.client)?);
            Some(judge.model.as_ref()?.contributions(&features).because(&features))
        };
        let because = is_near.then(because).flatten().unwrap_or_default();
        known.best = Some(HighestScore { margin, at: verdict.at, because });
    }

    /// Adds what another part has seen, of other clients.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.clients.extend(other.clients);
        self
    }

    /// The `top` unlabelled clients nearest to a threshold, nearest first.
    pub fn nearest(&self, labels: Option<&Labels>, top: usize) -> Vec<Borderline> {
        let is_open = |client: ClientKey| {
            let label =
                labels.and_then(|labels| labels.find(client)).map(|labelled| labelled.label);
            matches!(label, None | Some(Label::Unknown))
        };
        let mut found: Vec<RankedClient<'_>> = Vec::new();
        for (&client, known) in self.clients.iter().filter(|(client, _)| is_open(**client)) {
            let Some(best) = known.best else { continue };
            let nearest = self
                .thresholds
                .iter()
                .map(|&(name, threshold)| (best.margin - threshold, name, threshold));
            let nearest = nearest.min_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
            if let Some((distance, name, threshold)) =
                nearest.filter(|(distance, ..)| distance.abs() <= BAND)
            {
                found.push((distance, client, known, best, (name, threshold)));
            }
        }
        found.sort_by(|a, b| a.0.abs().total_cmp(&b.0.abs()).then(a.1.cmp(&b.1)));
        let norms = Norms::of(self.clients.values().map(|known| &known.evidence));
        let row = |(distance, client, known, best, (name, threshold)): RankedClient<'_>| {
            let labelled = known.evidence.label(&norms);
            Borderline {
                client: client.to_string(),
                requests: known.requests,
                pages: known.evidence.pages(),
                score: Score::from_margin(best.margin).value(),
                at: best.at,
                threshold: name,
                threshold_score: Score::from_margin(threshold).value(),
                distance,
                because: best.because.iter().map(ToString::to_string).collect(),
                guess: labelled.label,
                why: labelled.why,
            }
        };
        found.into_iter().take(top).map(row).collect()
    }
}
