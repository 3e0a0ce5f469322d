//! What changes from one judge to another: the object that `diff --json` prints.

use detector::{Action, Detector, Judge, Reason, Score, Timestamp, Verdict};
use serde::Serialize;

use crate::explain::Thresholds;
use crate::format::{count, percent};

/// What changes from the first judge to the second.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The first.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// Lines read.
    pub lines: u64,
    /// Lines that could not be read.
    pub refused: u64,
    /// Requests.
    pub requests: u64,
    /// Clients.
    pub clients: u64,
    /// Requests that are treated otherwise.
    pub requests_changed: u64,
    /// Clients with such a request.
    pub clients_changed: u64,
    /// Requests by what both decide.
    pub by_request: Vec<Cell>,
    /// Clients by the hardest that each decides.
    pub by_client: Vec<Cell>,
    /// The reasons of the requests that change, the most frequent first.
    pub reasons: Vec<ReasonChange>,
    /// Who it concerns: outcomes reached, good robots, labels.
    pub affected: Vec<Affected>,
    /// Paths of the requests that change, digits as `#`, the most frequent first.
    pub paths: Vec<PathChange>,
    /// Clients that change, the most requests first.
    pub changed: Vec<ClientChange>,
}

/// One of the two.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// As it was named: the file.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model, in hex.
    pub model_sha256: String,
    /// Scores from which something happens.
    pub thresholds: Thresholds,
}

/// How many are treated so by the one and so by the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// By the first.
    pub before: Action,
    /// By the second.
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
    /// Requests.
    pub requests: u64,
}

/// Clients of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Affected {
    /// An outcome's name, a label, or the good robots.
    pub who: String,
    /// How many of them the log has.
    pub clients: u64,
    /// Of them, those whom the second refuses more.
    pub harder: u64,
    /// Those whom it refuses less.
    pub softer: u64,
    /// Those whom the first limits or blocks at all.
    pub stopped_before: u64,
    /// Those whom the second does.
    pub stopped_after: u64,
    /// The first few whom it refuses more.
    pub examples: Vec<String>,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathChange {
    /// Without parameters, digits as `#`, cut.
    pub path: String,
    /// Requests refused harder.
    pub harder: u64,
    /// Requests refused less.
    pub softer: u64,
}

/// One client that changes.
#[derive(Clone, Debug, Serialize)]
pub struct ClientChange {
    /// Who.
    pub client: String,
    /// Requests in all.
    pub requests: u64,
    /// Of these, refused harder.
    pub harder: u64,
    /// Refused less.
    pub softer: u64,
    /// What it is known as: outcomes, good robot, label.
    pub known_as: Vec<String>,
    /// The first request that changes.
    pub first: FirstChange,
}

/// One request, twice decided.
#[derive(Clone, Debug, Serialize)]
pub struct FirstChange {
    /// When, in µs since the epoch.
    pub at: Timestamp,
    /// Its number among the client's, from 1.
    pub number: u64,
    /// Its path, as above.
    pub path: String,
    /// By the first.
    pub before: Told,
    /// By the second.
    pub after: Told,
}

/// A verdict in words.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The client's score, 0..=1.
    pub score: Option<f32>,
    /// What spoke loudest, where it is refused.
    pub because: Vec<String>,
}

impl Difference {
    /// Does anything change?
    pub fn is_none(&self) -> bool {
        self.requests_changed == 0
    }

    /// How much, in one sentence.
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

impl Side {
    /// What this judge is.
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
            thresholds: Thresholds {
                limit: score(judge.policy.limit_margin()),
                block: score(judge.policy.block_margin()),
                cohort: score(judge.policy.cohort_margin()),
                min_pages: judge.policy.min_pages(),
            },
        }
    }
}

impl Told {
    pub(super) fn of(verdict: &Verdict) -> Self {
        Self {
            action: verdict.action,
            reason: verdict.reason,
            score: verdict.score.map(Score::value),
            because: verdict.because.iter().map(ToString::to_string).collect(),
        }
    }
}
