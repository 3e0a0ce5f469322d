//! The result of an evaluation: the object that `evaluate --json` prints.

use std::collections::BTreeMap;

use detector::{Model, Timestamp};
use serde::Serialize;
use trainer::label::Label;

use super::ladder::ThresholdRow;
use super::refusals::Refusals;
use crate::client_summary::ClientSummary;
use crate::format::{count, time};
use crate::separation::Separation;
use crate::sources::is_trained_on;

/// How good a model is on a labelled log.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Name of the model.
    pub model: String,
    /// Whether this very log trained the model, so that every figure flatters it. See
    /// [`Evaluation::of_logs`].
    pub in_sample: bool,
    /// End of the model's training, in µs since the epoch.
    pub trained_until_us: i64,
    /// Judged clients that appear before the end of the training, by label. If this site trained
    /// the model, they may have been trained on. Empty for a model that was trained on several
    /// sites, because their logs are known one by one.
    pub may_have_trained: BTreeMap<Label, u64>,
    /// Clients by label.
    pub clients: BTreeMap<Label, u64>,
    /// Clients with too few pages, by label.
    pub not_judged: BTreeMap<Label, u64>,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
    /// The step (pages without a long pause) from which on a page is scored; 1 where every page is.
    pub from_step: u32,
    /// Area under the ROC curve, people against bad robots.
    pub auc: Option<f64>,
    /// Its 95 % interval.
    pub auc_ci: Option<[f64; 2]>,
    /// Share of bad robots found if at most this share of people is too; `null` if there are too
    /// few people for that share to be one person.
    pub tpr_at_fpr: BTreeMap<String, Option<f64>>,
    /// Its 95 % intervals.
    pub tpr_at_fpr_ci: BTreeMap<String, Option<[f64; 2]>>,
    /// Share of bad robots that score above every person: all that a few people can show.
    pub with_none_hurt: Option<NoneHurt>,
    /// Results at the model's own thresholds; `null` where it has none.
    pub at_threshold: BTreeMap<String, Option<AtThreshold>>,
    /// Number of requests of a bad robot up to the one that crosses the strictest threshold, over
    /// those detected.
    pub requests_to_detect: Option<RequestsToDetect>,
    /// Results by the reason of the label.
    pub by_class: BTreeMap<String, ByClass>,
    /// Results of fixed rules on the same clients.
    pub baselines: BTreeMap<String, AsBaseline>,
    /// What the model's own thresholds refuse, verdict by verdict, as a gate would.
    pub refusals: Refusals,
    /// The distribution of the highest scores.
    pub separation: Separation,
    /// What a threshold at each of these scores would stop.
    pub ladder: Vec<ThresholdRow>,
    /// How soon bad robots with enough pages cross the strictest threshold.
    pub detection: Detection,
    /// The clients that score highest.
    pub top: Vec<ClientSummary>,
    /// The clients that score nearest to the limit threshold (0.5 if there is none): labelling
    /// these improves the model most.
    pub borderline: Vec<ClientSummary>,
    /// Addresses with so many browsers that they are never blocked, the busiest first.
    pub shared: Vec<ClientSummary>,
}

/// How soon bad robots are found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Detection {
    /// Number of bad robots.
    pub of: u64,
    /// `[requests, robots]`: by this request, this many robots were found. Both ascend.
    pub by_request: Vec<[u64; 2]>,
}

/// Results at the threshold just above the highest-scoring person.
#[derive(Clone, Debug, Serialize)]
pub struct NoneHurt {
    /// Number of people judged.
    pub people: u64,
    /// Share of bad robots found.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
}

/// Shares of bad robots and of people at a threshold or above.
#[derive(Clone, Debug, Serialize)]
pub struct AtThreshold {
    /// Share of bad robots found.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
    /// Share of people found.
    pub fpr: f64,
    /// Its 95 % interval.
    pub fpr_ci: [f64; 2],
}

/// How many requests it took to detect a client.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RequestsToDetect {
    /// Half of the clients took at most this many.
    pub median: u64,
    /// Nine of ten clients took at most this many.
    pub p90: u64,
}

/// Results for one class of bad robots.
#[derive(Clone, Debug, Serialize)]
pub struct ByClass {
    /// Number of clients judged.
    pub n: u64,
    /// Area under the ROC curve, against all people.
    pub auc: Option<f64>,
    /// Share found at the limit threshold. If there is none, at 1 % of people hurt, if there are
    /// enough people for that.
    pub tpr: Option<f64>,
    /// Its 95 % interval.
    pub tpr_ci: Option<[f64; 2]>,
}

/// Results of a fixed rule on the same clients.
#[derive(Clone, Debug, Serialize)]
pub struct AsBaseline {
    /// Share of bad robots found.
    pub tpr: f64,
    /// Share of people found.
    pub fpr: f64,
    /// Requests it took, over those found.
    pub requests_to_detect: Option<RequestsToDetect>,
    /// How soon the rule stops them.
    pub detection: Detection,
}

impl Evaluation {
    /// Notes whether these logs trained the model, by the digest over them as read.
    #[must_use]
    pub fn of_logs(mut self, model: &Model, data_sha256: &str) -> Self {
        self.in_sample = is_trained_on(model.card(), data_sha256);
        self
    }

    /// A warning, in a sentence, if this log did or may have trained the model.
    pub fn flattery(&self) -> Option<String> {
        if self.in_sample {
            return Some(
                "This log trained the model: every figure flatters it. Give a later log to see \
                    what it is worth."
                    .to_owned(),
            );
        }
        let known: u64 = self.may_have_trained.values().sum();
        let judged: u64 =
            self.clients.values().sum::<u64>() - self.not_judged.values().sum::<u64>();
        (known > 0).then(|| {
            format!(
                "{} of {} judged clients were there before {} UTC, when the model's training \
                    ended: if this log was part of it, they taught \
                 the model, and the figures flatter it.",
                count(known),
                count(judged),
                time(Timestamp::from_micros(self.trained_until_us)),
            )
        })
    }
}
