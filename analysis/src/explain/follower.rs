//! Follows one client through a log and explains what became of it.

use std::collections::HashMap;

use detector::features::{COUNT, FEATURES, Features};
use detector::policy::Standing;
use detector::{ClientKey, Detector, Event, Judge, Model, Reason, Score, Verdict};
use traffic::log::RecordedChallenge;
use trainer::evidence::{Evidence, Trace};
use trainer::label::Labels;

use super::crowd::{ClientSample, Normal};
use super::explanation::{Decisive, ExplainedFeature, Explanation, ScoreThresholds, Totals};
use super::moment::{FollowedLine, PastDecision, RequestChoice};
use super::otherwise::otherwise;
use super::story::{Snapshot, Story};
use super::{spoken_record, words};

/// Follows one client through a log, and samples everybody else for comparison.
pub struct Follower {
    story: Story,
    crowd: ClientSample,
    evidence: HashMap<ClientKey, Evidence>,
}

impl Follower {
    /// Follows this client; `which` of its requests is to be explained.
    pub(super) fn new(client: ClientKey, which: RequestChoice) -> Self {
        Self {
            story: Story::new(client, which),
            crowd: ClientSample::default(),
            evidence: HashMap::new(),
        }
    }

    /// Takes the verdict on a request of the followed client, and how it stood before.
    pub(super) fn take_own(
        &mut self,
        detector: &Detector,
        event: &Event,
        verdict: &Verdict,
        standing: Standing,
        line: FollowedLine,
    ) {
        self.story.take_own(detector, event, verdict, standing, line);
    }

    /// Takes the verdict on anybody's request.
    pub(super) fn take(
        &mut self,
        detector: &Detector,
        event: &Event,
        verdict: &Verdict,
        trace: Trace,
    ) {
        if event.client != self.story.client {
            self.story.passer_by(event);
        }
        if event.exempt.is_some() {
            return;
        }
        let evidence = self.evidence.entry(event.client).or_default();
        evidence.take(trace, verdict.class);
        if verdict.class == detector::Class::Page {
            self.crowd.note(event.client, evidence.pages(), || detector.features(event.client));
        }
    }

    /// Takes in what came of anybody's challenge.
    pub(super) fn challenged(&mut self, client: ClientKey, challenge: RecordedChallenge) {
        self.evidence.entry(client).or_default().challenge(challenge);
        if client == self.story.client {
            self.story.challenges.note(challenge);
        }
    }

    /// Notes how one of the client's requests ended, from a later line.
    pub(super) fn ended(&mut self, id: &str, status: u16) {
        self.story.ended(id, status);
    }

    /// Joins what two threads have seen. The one that saw more requests of the client tells its
    /// story.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let (mut one, other) =
            if other.story.requests > self.story.requests { (other, self) } else { (self, other) };
        one.crowd.join(other.crowd);
        one.evidence.extend(other.evidence);
        one
    }

    /// Explains the client; `None` if it never came, or if the request to explain does not exist.
    pub fn explain(mut self, judge: &Judge, labels: Option<&Labels>) -> Option<Explanation> {
        self.story.finish();
        let is_there = match &self.story.which {
            RequestChoice::Hardest => self.story.requests > 0,
            RequestChoice::Number(number) => *number >= 1 && *number <= self.story.requests,
            RequestChoice::Decision(id) => {
                let is_it = |past: &PastDecision| past.id == *id;
                self.story.decisive.is_some()
                    || self
                        .story
                        .moments
                        .iter()
                        .any(|moment| moment.recorded.as_ref().is_some_and(is_it))
            }
        };
        if !is_there {
            return None;
        }
        let decisive = self.decisive(judge, labels);
        if let Some((number, past)) =
            spoken_record::asked(&self.story).map(|asked| (asked.number, asked.recorded.clone()))
        {
            (self.story.recorded.number, self.story.recorded.decision) = (Some(number), past);
        }
        let Story { client, requests, pages, limited, blocked, last_at, .. } = self.story;
        let totals = Totals { requests, pages, limited, blocked, last_at };
        let score = |margin: Option<f32>| margin.map(|margin| Score::from_margin(margin).value());
        let policy = &judge.policy;
        let thresholds = ScoreThresholds {
            limit: score(policy.limit_margin()),
            block: score(policy.block_margin()),
            cohort: score(policy.cohort_margin()),
            min_pages: policy.min_pages(),
        };
        let model = judge.model.as_ref();
        let words = words::sentences(&self.story, decisive.as_ref(), judge, &totals, &thresholds);
        Some(Explanation {
            client: client.to_string(),
            model: model.map_or_else(String::new, |model| model.file().name.clone()),
            model_sha256: model.map_or_else(String::new, |model| model.sha256().to_owned()),
            words,
            is_repeated: (self.story.recorded.requests > 0)
                .then(|| self.story.recorded.is_repeated()),
            recorded: Some(self.story.recorded).filter(|recorded| recorded.requests > 0),
            thresholds,
            totals,
            decisive,
            left_out: requests - self.story.moments.len() as u64,
            timeline: self.story.moments,
        })
    }

    fn decisive(&self, judge: &Judge, labels: Option<&Labels>) -> Option<Decisive> {
        let decisive = self.story.decisive.as_ref()?;
        let is_limiting = |snapshot: &Snapshot| {
            let margin = snapshot.verdict.score.map(Score::margin);
            judge
                .policy
                .limit_margin()
                .is_none_or(|limit| margin.is_some_and(|margin| margin >= limit))
        };
        // If the client was banned or limited because of an earlier request, that request is
        // explained.
        let shown = match (&self.story.cause, decisive.verdict.reason) {
            (Some(cause), _) if !decisive.is_scored => cause,
            (Some(cause), Reason::Banned) => cause,
            (Some(cause), reason) if reason.is_score_limit() && !is_limiting(decisive) => cause,
            _ => decisive,
        };
        let model = judge.model.as_ref()?;
        let reference = model.file().drift.as_ref();
        let of = (self.story.client, shown.pages, &shown.features);
        let normal = self.crowd.normal(of, labels, &self.evidence, reference);
        let contributions = model.contributions(&shown.features);
        let score = shown.verdict.score.filter(|_| shown.is_scored);
        Some(Decisive {
            number: decisive.number,
            at: decisive.verdict.at,
            action: decisive.verdict.action,
            reason: decisive.verdict.reason,
            scored: shown.number,
            pages: shown.pages,
            score: score.map(Score::value),
            margin: score.map(Score::margin),
            probability: score.and_then(|score| model.probability(score)),
            base: contributions.base,
            features: rows(model, &shown.features, &contributions.by_feature, &normal),
            sum: contributions.sum(),
            otherwise: otherwise(judge, model, shown),
            browsers: decisive.standing.browsers(),
            cohort: self.story.cohort.clone().filter(|_| decisive.verdict.reason == Reason::Cohort),
            normal,
        })
    }
}

fn rows(
    model: &Model,
    features: &Features,
    parts: &[f32; COUNT],
    normal: &Normal,
) -> Vec<ExplainedFeature> {
    let row = |index: usize| ExplainedFeature {
        feature: FEATURES[index].name,
        words: FEATURES[index].words,
        is_asked: model.asks().has(index) && FEATURES[index].scored(),
        value: Some(features.0[index]).filter(|value| !value.is_nan()),
        part: parts[index],
        normal: normal.spreads[index],
    };
    let mut rows: Vec<ExplainedFeature> = (0..COUNT).map(row).collect();
    rows.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()));
    rows
}
