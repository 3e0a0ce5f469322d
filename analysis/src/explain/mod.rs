//! What became of one client, and why: for people who ask.
//!
//! ```text
//!  every request ──► detector ──► verdict
//!      │ the client's own ─► story: score and verdict at each, and how it stood at the one that matters
//!      └ everybody's ──────► crowd: what is normal for people after as many pages
//!  story + crowd + judge ──► Explanation: words, timeline, features, contributions, counterfactuals
//! ```
//!
//! Nothing is measured or scored here: the detector does both, as the gate does, and each
//! counterfactual is scored by the same model and decided by the same policy, from the very
//! standing that the client had.

mod crowd;
mod pass;
mod record;
mod story;
mod words;

pub use crowd::{Crowd, Normal, PEOPLE_MIN, Source, Spread};
pub use record::Recorded;
pub use story::{Company, Line, MOMENTS_MAX, Moment, Past, Which};
pub use words::value;

use std::collections::HashMap;

use detector::features::{COUNT, FEATURES, Features};
pub use pass::{ExplainPass, ExplainWatch};

use detector::{
    Action, ClientKey, Detector, Event, Judge, Mode, Model, Observed, Reason, Score, Timestamp,
};
use serde::Serialize;
use trainer::evidence::{Evidence, Trace};
use trainer::label::Labels;

use crate::counterfactual::{Counterfactual, Counterfactuals, counterfactuals};
use story::{Snapshot, Story};

/// Ways out that are said.
const WAYS_MAX: usize = 3;

/// Everything there is to say of a client.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Who, as [`ClientKey`] displays it.
    pub client: String,
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model, in hex.
    pub model_sha256: String,
    /// What was decided and why, in a few sentences: what the gate's own log says of it first.
    pub words: Vec<String>,
    /// What the gate decided, where this is its event log; all that follows is of the judge that
    /// explains.
    pub recorded: Option<Recorded>,
    /// Does that judge decide all as the gate did? `None` where the log does not say what the gate
    /// did.
    pub is_repeated: Option<bool>,
    /// Scores from which something happens.
    pub thresholds: Thresholds,
    /// Requests in all, and how many would not have passed.
    pub totals: Totals,
    /// The request that is explained; `None` where the detector never measured the client.
    pub decisive: Option<Decisive>,
    /// The client's requests in order.
    pub timeline: Vec<Moment>,
    /// How many of its last requests are not in the timeline ([`MOMENTS_MAX`]).
    pub left_out: u64,
}

/// Scores (0..=1) from which something happens; `None` where nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Limited.
    pub limit: Option<f32>,
    /// Blocked.
    pub block: Option<f32>,
    /// Limited together with its network's newcomers.
    pub cohort: Option<f32>,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
}

/// Sums over a client's requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Page requests among them.
    pub pages: u64,
    /// Of the requests, those answered "come back later".
    pub limited: u64,
    /// Those refused.
    pub blocked: u64,
    /// Its last request, in µs since the epoch.
    pub last_at: Timestamp,
}

/// One request, taken apart.
#[derive(Clone, Debug, Serialize)]
pub struct Decisive {
    /// Its number among the client's requests, from 1.
    pub number: u64,
    /// When, in µs since the epoch.
    pub at: Timestamp,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The request whose features are shown: this one, or the one that led to it (a ban, the last
    /// score that limits).
    pub scored: u64,
    /// Page requests up to there.
    pub pages: u32,
    /// The score there, 0..=1; `None` where none was computed.
    pub score: Option<f32>,
    /// The same in log-odds.
    pub margin: Option<f32>,
    /// Share of bots among those who scored so when the model was calibrated.
    pub probability: Option<f32>,
    /// The margin of a client of whom nothing is known.
    pub base: f32,
    /// Every feature, the loudest first.
    pub features: Vec<Row>,
    /// Base and all parts: the margin.
    pub sum: f32,
    /// Whom the features are compared with.
    pub normal: Normal,
    /// What would have been decided otherwise, and how.
    pub otherwise: Vec<Otherwise>,
    /// Browsers counted at this address within the hour.
    pub browsers: u32,
    /// Those of the same network with the same browser, where that was the reason.
    pub company: Option<Company>,
}

/// One feature.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub feature: &'static str,
    /// In people's words.
    pub words: &'static str,
    /// Does the model look at it?
    pub is_asked: bool,
    /// What was measured; `None` where it was missing.
    pub value: Option<f32>,
    /// What it adds to the margin, in log-odds.
    pub part: f32,
    /// What is normal.
    pub normal: Option<Spread>,
}

/// What it would have taken for another verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Otherwise {
    /// What would have been decided.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The score that had to be undercut, 0..=1.
    pub below: f32,
    /// How.
    pub answer: Counterfactuals,
    /// The same in words, nearest first.
    pub words: Vec<String>,
}

/// Follows one client through a log, and everybody else for comparison.
pub struct Follower {
    story: Story,
    crowd: Crowd,
    evidence: HashMap<ClientKey, Evidence>,
}

impl Follower {
    /// Follows this client.
    pub fn new(client: ClientKey, which: Which) -> Self {
        Self { story: Story::new(client, which), crowd: Crowd::default(), evidence: HashMap::new() }
    }

    /// Has a request observed. `line` is wanted of the client that is followed, `trace` of
    /// everybody.
    pub fn observe(
        &mut self,
        detector: &Detector,
        event: &Event,
        mode: Mode,
        trace: Trace,
        line: Option<Line>,
    ) -> Observed {
        let observed = match line {
            Some(line) if event.client == self.story.client => {
                self.story.observe(detector, event, mode, line)
            }
            _ => {
                self.story.passer_by(event);
                detector.observe(event, mode)
            }
        };
        let verdict = &observed.verdict;
        if event.exempt.is_some() {
            return observed;
        }
        let evidence = self.evidence.entry(event.client).or_default();
        evidence.take(trace, verdict.class);
        if verdict.class == detector::Class::Page {
            self.crowd.note(event.client, evidence.pages(), || detector.features(event.client));
        }
        observed
    }

    /// How one of the client's requests ended, by another line.
    pub fn ended(&mut self, id: &str, status: u16) {
        self.story.ended(id, status);
    }

    /// Both together: whoever has seen more of the client tells its story.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let (mut one, other) =
            if other.story.requests > self.story.requests { (other, self) } else { (self, other) };
        one.crowd.join(other.crowd);
        one.evidence.extend(other.evidence);
        one
    }

    /// What there is to say; `None` where the client never came, or the request that was asked for
    /// did not.
    pub fn explain(mut self, judge: &Judge, labels: Option<&Labels>) -> Option<Explanation> {
        self.story.finish();
        let is_there = match &self.story.which {
            Which::Hardest => self.story.requests > 0,
            Which::Number(number) => *number >= 1 && *number <= self.story.requests,
            Which::Decision(id) => {
                let is_it = |past: &Past| past.id == *id;
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
            record::asked(&self.story).map(|asked| (asked.number, asked.recorded.clone()))
        {
            (self.story.recorded.number, self.story.recorded.decision) = (Some(number), past);
        }
        let Story { client, requests, pages, limited, blocked, last_at, .. } = self.story;
        let totals = Totals { requests, pages, limited, blocked, last_at };
        let score = |margin: Option<f32>| margin.map(|margin| Score::from_margin(margin).value());
        let policy = &judge.policy;
        let thresholds = Thresholds {
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
        // Banned or limited for what came before, it is that which is to be explained.
        let shown = match (&self.story.cause, decisive.verdict.reason) {
            (Some(cause), _) if !decisive.is_scored => cause,
            (Some(cause), Reason::Banned) => cause,
            (Some(cause), Reason::Limited) if !is_limiting(decisive) => cause,
            _ => decisive,
        };
        let model = judge.model.as_ref()?;
        let reference = model.file().drift.as_ref();
        let of = (self.story.client, shown.pages, &shown.features);
        let normal = self.crowd.normal(of, labels, &self.evidence, reference);
        let contributions = model.contributions(&shown.features);
        let score = shown.is_scored.then(|| model.score(&shown.features));
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
            company: self
                .story
                .company
                .clone()
                .filter(|_| decisive.verdict.reason == Reason::Cohort),
            normal,
        })
    }
}

fn rows(model: &Model, features: &Features, parts: &[f32; COUNT], normal: &Normal) -> Vec<Row> {
    let row = |index: usize| Row {
        feature: FEATURES[index].name,
        words: FEATURES[index].words,
        is_asked: model.asks().has(index) && FEATURES[index].scored(),
        value: Some(features.0[index]).filter(|value| !value.is_nan()),
        part: parts[index],
        normal: normal.spreads[index],
    };
    let mut rows: Vec<Row> = (0..COUNT).map(row).collect();
    rows.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()));
    rows
}

/// How hard a standing is: a rate of one's own, whether it was kept or not, is less than a ban.
fn severity(action: Action, reason: Reason) -> u8 {
    match (action, reason) {
        (Action::Block, _) => 2,
        (Action::Limit, _) | (_, Reason::Limited | Reason::Shared | Reason::Cohort) => 1,
        _ => 0,
    }
}

/// What it would have taken for a milder verdict on a scored request: not to be blocked, and not
/// even to be limited.
fn otherwise(judge: &Judge, model: &Model, shown: &Snapshot) -> Vec<Otherwise> {
    let (policy, verdict) = (&judge.policy, &shown.verdict);
    if !shown.is_scored {
        return Vec::new();
    }
    let Some(score) = verdict.score else { return Vec::new() };
    // Whoever is limited is free again only when clearly below.
    let slack =
        if shown.standing.is_suspect(verdict.at) { policy.config().hysteresis } else { 0.0 };
    let margins = [policy.block_margin(), policy.limit_margin().map(|limit| limit - slack)];
    let mut found: Vec<Otherwise> = Vec::new();
    for below in margins.into_iter().flatten().filter(|&below| score.margin() >= below) {
        let answer =
            counterfactuals(model.scorer(), &shown.features, below, model.file().drift.as_ref());
        let decided = |margin: f32| {
            let mut standing = shown.standing;
            policy.decide(
                Some(Score::from_margin(margin)),
                shown.class,
                shown.pages,
                &mut standing,
                verdict.at,
            )
        };
        let example = answer.ways().first().map_or(below.next_down(), |way| way.margin);
        let decision = decided(example);
        // What is limited as it is and never blocked would not have been limited by scoring less.
        if severity(decision.action, decision.reason) >= severity(verdict.action, verdict.reason) {
            continue;
        }
        let answer = match answer {
            Counterfactuals::Ways { mut ways } => {
                // Each is decided again: what is said is what would have happened.
                ways.retain(|way| {
                    let again = decided(way.margin);
                    (again.action, again.reason) == (decision.action, decision.reason)
                });
                ways.truncate(WAYS_MAX);
                Counterfactuals::Ways { ways }
            }
            other => other,
        };
        let words: Vec<String> = answer.ways().iter().map(Counterfactual::to_string).collect();
        let (action, reason) = (decision.action, decision.reason);
        if words.is_empty() || found.last().is_none_or(|last| last.words != words) {
            found.push(Otherwise {
                action,
                reason,
                below: Score::from_margin(below).value(),
                answer,
                words,
            });
        }
    }
    found
}
