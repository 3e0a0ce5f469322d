//! How good a model is: the object that `evaluate --json` prints.

use std::collections::BTreeMap;

use detector::{Model, Timestamp};
use serde::Serialize;
use trainer::label::Label;

use super::ladder::Rung;
use super::refusals::Refusals;
use crate::format::{count, time};
use crate::portrait::Portrait;
use crate::separation::Separation;
use crate::sources::is_trained_on;

/// The object that `evaluate --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Name of the model.
    pub model: String,
    /// Did this very log train the model? Then every figure flatters it. See
    /// [`Evaluation::of_logs`].
    pub in_sample: bool,
    /// End of the model's training, in µs since the epoch.
    pub trained_until_us: i64,
    /// Clients judged who were there by then, by label: on the site that trained the model they may
    /// have taught it. None of a model that was trained on several sites, whose logs are known one
    /// by one.
    pub may_have_trained: BTreeMap<Label, u64>,
    /// Clients by label.
    pub clients: BTreeMap<Label, u64>,
    /// Of these, clients with too few pages.
    pub not_judged: BTreeMap<Label, u64>,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
    /// Area under the ROC curve, people against bad robots.
    pub auc: Option<f64>,
    /// Its 95 % interval.
    pub auc_ci: Option<[f64; 2]>,
    /// Share of bad robots caught when that share of people is hurt; `null` where there are fewer
    /// people than have one in that share.
    pub tpr_at_fpr: BTreeMap<String, Option<f64>>,
    /// Its 95 % intervals.
    pub tpr_at_fpr_ci: BTreeMap<String, Option<[f64; 2]>>,
    /// Share of bad robots above everybody who is a person: what so few people can show.
    pub with_none_hurt: Option<NoneHurt>,
    /// At the model's own thresholds; `null` where it has none.
    pub at_threshold: BTreeMap<String, Option<AtThreshold>>,
    /// All requests of a bad robot up to the one that crosses the strictest threshold, over those
    /// detected.
    pub requests_to_detect: Option<Requests>,
    /// By the reason of the label.
    pub by_class: BTreeMap<String, ByClass>,
    /// What fixed rules do on the same clients.
    pub baselines: BTreeMap<String, AsBaseline>,
    /// What the model's own thresholds refused, verdict by verdict, as a gate would have.
    pub refusals: Refusals,
    /// How the highest scores lie.
    pub separation: Separation,
    /// What a threshold at each of these scores would stop.
    pub ladder: Vec<Rung>,
    /// Bad robots with enough pages by the request that crosses the strictest threshold.
    pub detection: Detection,
    /// Who scores highest.
    pub top: Vec<Portrait>,
    /// Who scores nearest to the limit threshold (0.5 where there is none): a label for these
    /// teaches most.
    pub borderline: Vec<Portrait>,
    /// Addresses of so many browsers that they are never blocked, the busiest first.
    pub shared: Vec<Portrait>,
}

/// How soon bad robots are found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Detection {
    /// Bad robots there were.
    pub of: u64,
    /// `[requests, robots]`: so many were found by their so-manieth request. Both rise.
    pub by_request: Vec<[u64; 2]>,
}

/// Just above the highest person.
#[derive(Clone, Debug, Serialize)]
pub struct NoneHurt {
    /// People judged.
    pub people: u64,
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
}

/// Shares caught and hurt at a threshold.
#[derive(Clone, Debug, Serialize)]
pub struct AtThreshold {
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
    /// Share of people hurt.
    pub fpr: f64,
    /// Its 95 % interval.
    pub fpr_ci: [f64; 2],
}

/// How many requests it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Requests {
    /// Half took at most so many.
    pub median: u64,
    /// Nine of ten took at most so many.
    pub p90: u64,
}

/// One class of bad robots.
#[derive(Clone, Debug, Serialize)]
pub struct ByClass {
    /// Clients judged.
    pub n: u64,
    /// Against all people.
    pub auc: Option<f64>,
    /// Share caught at the limit threshold; without one, at 1 % of people hurt, where there are
    /// people enough.
    pub tpr: Option<f64>,
    /// Its 95 % interval.
    pub tpr_ci: Option<[f64; 2]>,
}

/// A fixed rule on the same clients.
#[derive(Clone, Debug, Serialize)]
pub struct AsBaseline {
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Share of people hurt.
    pub fpr: f64,
    /// Over those caught.
    pub requests_to_detect: Option<Requests>,
    /// How soon it stops them.
    pub detection: Detection,
}

impl Evaluation {
    /// With a word on whether the logs, by the digest over them as read, are those that trained the
    /// model.
    #[must_use]
    pub fn of_logs(mut self, model: &Model, data_sha256: &str) -> Self {
        self.in_sample = is_trained_on(model.card(), data_sha256);
        self
    }

    /// What is wrong with the sample, in a sentence: it has, or may have, taught the model.
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
