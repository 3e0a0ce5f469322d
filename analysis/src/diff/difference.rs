//! What changes from one judge to another: the object that `diff --json` prints.

use detector::{Action, Detector, Judge, Reason, Score, Timestamp, Verdict};
use serde::Serialize;

use crate::explain::ScoreThresholds;
use crate::format::{count, percent};

/// What changes from the first judge to the second.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The first judge.
    pub before: JudgeSummary,
    /// The second judge.
    pub after: JudgeSummary,
    /// Lines read.
    pub lines: u64,
    /// Lines that could not be read.
    pub refused: u64,
    /// Number of requests.
    pub requests: u64,
    /// Number of clients.
    pub clients: u64,
    /// Requests whose action changes.
    pub requests_changed: u64,
    /// Clients with such a request.
    pub clients_changed: u64,
    /// Requests by what both judges decide.
    pub by_request: Vec<ActionChange>,
    /// Clients by the hardest action of each judge.
    pub by_client: Vec<ActionChange>,
    /// Requests whose action changes, by both reasons; the most frequent first.
    pub reasons: Vec<ReasonChange>,
    /// Changes by kind of client: conversions, good robots, labels.
    pub affected: Vec<Affected>,
    /// Paths of the requests whose action changes, with digits as `#`; the most frequent first.
    pub paths: Vec<PathChange>,
    /// Clients whose treatment changes; those with the most changed requests first.
    pub changed: Vec<ClientChange>,
}

/// One of the two judges.
#[derive(Clone, Debug, Serialize)]
pub struct JudgeSummary {
    /// Its name, as the command line gave it: a file.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model, in hex.
    pub model_sha256: String,
    /// The scores from which something happens.
    pub thresholds: ScoreThresholds,
}

/// How many requests or clients get one action from the first judge and one from the second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ActionChange {
    /// Action of the first judge.
    pub before: Action,
    /// Action of the second judge.
    pub after: Action,
    /// How many.
    pub number: u64,
}

/// Requests whose action changes, by both reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReasonChange {
    /// `allow/usual`
    pub before: String,
    /// `limit/limited`
    pub after: String,
    /// Number of requests.
    pub requests: u64,
}

/// Changes for the clients of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Affected {
    /// A conversion's name, a label, or the good robots.
    pub who: String,
    /// Clients of this kind in the log.
    pub clients: u64,
    /// Clients that the second judge refuses more.
    pub harder: u64,
    /// Clients that the second judge refuses less.
    pub softer: u64,
    /// Clients that the first judge limits or blocks at least once.
    pub stopped_before: u64,
    /// Clients that the second judge limits or blocks at least once.
    pub stopped_after: u64,
    /// The first few that the second judge refuses more.
    pub examples: Vec<String>,
}

/// Changes for one path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathChange {
    /// The path without parameters, digits as `#`, cut to a length.
    pub path: String,
    /// Requests that the second judge refuses harder.
    pub harder: u64,
    /// Requests that the second judge refuses less.
    pub softer: u64,
}

/// One client whose treatment changes.
#[derive(Clone, Debug, Serialize)]
pub struct ClientChange {
    /// The client's address or name.
    pub client: String,
    /// Number of its requests.
    pub requests: u64,
    /// Requests that the second judge refuses harder.
    pub harder: u64,
    /// Requests that the second judge refuses less.
    pub softer: u64,
    /// The kinds it belongs to: conversions, good robot, label.
    pub known_as: Vec<String>,
    /// The first request whose action changes.
    pub first: FirstChange,
}

/// The verdicts of both judges on one request.
#[derive(Clone, Debug, Serialize)]
pub struct FirstChange {
    /// When, in µs since the epoch.
    pub at: Timestamp,
    /// Its number among the client's requests, from 1.
    pub number: u64,
    /// Its path, as in [`PathChange::path`].
    pub path: String,
    /// Verdict of the first judge.
    pub before: VerdictWords,
    /// Verdict of the second judge.
    pub after: VerdictWords,
}

/// A verdict, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct VerdictWords {
    /// What the judge decides.
    pub action: Action,
    /// Its reason.
    pub reason: Reason,
    /// The client's score, 0..=1.
    pub score: Option<f32>,
    /// The features that contributed most, if the request is refused.
    pub because: Vec<String>,
}

impl Difference {
    /// Whether no action changes.
    pub fn is_none(&self) -> bool {
        self.requests_changed == 0
    }

    /// How much changes, in one sentence.
    pub fn in_words(&self) -> String {
        let [before, after] = [&self.before.name, &self.after.name];
        if self.is_none() {
            return format!(
                "Nothing changes: {} requests of {} clients are treated alike by {before} and \
                    {after}.",
                count(self.requests),
                count(self.clients)
            );
        }
        let share = |part: u64, whole: u64| percent(part as f64 / whole.max(1) as f64);
        format!(
            "From {before} to {after}, {} of {} requests change ({}) and {} of {} clients ({}).",
            count(self.requests_changed),
            count(self.requests),
            share(self.requests_changed, self.requests),
            count(self.clients_changed),
            count(self.clients),
            share(self.clients_changed, self.clients),
        )
    }
}

impl JudgeSummary {
    /// Describes a detector's judge.
    pub fn of(name: &str, detector: &Detector) -> Self {
        let judge: &Judge = &detector.judge();
        let score = |margin: Option<f32>| margin.map(|margin| Score::from_margin(margin).value());
        Self {
            name: name.to_owned(),
            model: judge.model.as_ref().map_or_else(String::new, |model| model.file().name.clone()),
            model_sha256: judge
                .model
                .as_ref()
                .map_or_else(String::new, |model| model.sha256().to_owned()),
            thresholds: ScoreThresholds {
                limit: score(judge.policy.limit_margin()),
                block: score(judge.policy.block_margin()),
                cohort: score(judge.policy.cohort_margin()),
                min_pages: judge.policy.min_pages(),
            },
        }
    }
}

impl VerdictWords {
    pub(super) fn of(verdict: &Verdict) -> Self {
        Self {
            action: verdict.action,
            reason: verdict.reason,
            score: verdict.score.map(Score::value),
            because: verdict.because.iter().map(ToString::to_string).collect(),
        }
    }
}
