//! Has traffic changed since the model was trained, and does its budget still hold? The comparison
//! itself is the detector's ([`detector::drift`]), so that the gate can make it live.

use std::collections::BTreeMap;

use detector::Features;
use detector::drift::{Drift, DriftCounts, PSI_ALARM, SCORE};
use detector::features::{FEATURES, index_of};
use detector::model::{Budget, Model};
use serde::Serialize;
use trainer::label::Label;
use trainer::samples::{highest, walk};
use trainer::site::Site;
use trainer::statistics::{Interval, share};

use crate::format::{count, range};

/// PSI that custom calls a large shift.
const PSI_LARGE: f64 = 0.25;
/// Where only a shift beyond this would show, nothing is shown: half of all traffic would have to
/// be of another kind.
const PSI_BLIND: f64 = 1.0;
/// Features that a sentence names; tables have them all.
const NAMED_MAX: usize = 5;

/// A log beside the model that judges it.
#[derive(Clone, Debug, Serialize)]
pub struct Examined {
    /// Name of the model.
    pub model: String,
    /// Clients of the log with enough pages to be judged.
    pub clients_judged: u64,
    /// Share of them that score from the limit threshold on; `None` without one.
    pub share_above_limit: Option<f64>,
    /// What moved; `None` when the model remembers nothing to compare with, or nobody was judged.
    pub drift: Option<Drift>,
    /// PSI of the score that so many clients would have to pass before it is told from chance;
    /// `None` with nothing to compare.
    pub least_shift: Option<f64>,
    /// For each threshold, by name, whether its budget still holds.
    pub budgets: BTreeMap<&'static str, Held>,
}

/// Does a budget hold among the people of a log?
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// Share of people that may be hurt: what the evidence carries, which can be more than was
    /// asked for.
    pub budget: f64,
    /// That evidence, in the model's words.
    pub evidence: String,
    /// People of the log that are judged.
    pub people: u64,
    /// Of these, how many the threshold would hurt.
    pub above: u64,
    /// 95 % interval of their share (Clopper & Pearson 1934).
    pub share_ci: [f64; 2],
    /// What follows.
    pub verdict: Verdict,
}

/// A threshold in force, and the share of people that its proof allows.
#[derive(Clone, Debug)]
pub struct Promise {
    /// From this margin on.
    pub margin: f32,
    /// Share of people, 0..=1.
    pub budget: f64,
    /// What proves it, in words.
    pub evidence: String,
}

impl Promise {
    /// What a model promises of limit and block; `None` where it has no threshold.
    pub fn of_model(model: &Model) -> [Option<Self>; 2] {
        let thresholds = model.thresholds();
        [&thresholds.limit, &thresholds.block].map(|budget: &Budget| {
            Some(Self {
                margin: budget.margin?,
                budget: budget.alpha,
                evidence: budget.evidence.clone(),
            })
        })
    }
}

/// What people say of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval lies within it.
    Holds,
    /// The interval contains it: more people would tell.
    Unsure,
    /// The whole interval lies above it.
    Broken,
}

impl Examined {
    /// Enough were judged, nothing moved and no budget is broken: a log that stopped is no good
    /// news.
    pub fn is_quiet(&self) -> bool {
        let can_tell = self.least_shift.is_some_and(|least| least <= PSI_BLIND);
        can_tell
            && self.drift.as_ref().is_some_and(|drift| !drift.is_alarming())
            && self.budgets.values().all(|held| held.verdict != Verdict::Broken)
    }

    /// What moved, in a sentence or two.
    pub fn in_words(&self) -> String {
        let Some(drift) = &self.drift else {
            return "Nobody in this log has pages enough to be judged: nothing can be said."
                .to_owned();
        };
        let moved: Vec<&str> = drift
            .features
            .iter()
            .filter(|shift| shift.alarm)
            .map(|shift| words(shift.name))
            .collect();
        let clients = format!(
            "{} clients now, {} when {} was trained",
            count(drift.clients_now),
            count(drift.clients_then),
            self.model
        );
        let named = moved.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
        let moved_all = match moved.len().saturating_sub(NAMED_MAX) {
            0 => named,
            more => format!("{named} and {more} more"),
        };
        match (drift.score.alarm, moved.is_empty()) {
            (false, true) => match self.least_shift.unwrap_or(f64::INFINITY) {
                blind if blind > PSI_BLIND => format!(
                    "Too few to say ({clients}): only a shift above PSI {blind:.1} would show, and \
                        {PSI_LARGE} is a large one. Give a longer \
                     log."
                ),
                dim if dim > PSI_LARGE => format!(
                    "Nothing moved beyond chance ({clients}); so few show a shift above PSI \
                        {dim:.2} only, and {PSI_LARGE} is a large one."
                ),
                _ => format!("Nothing moved beyond chance ({clients})."),
            },
            (true, true) => {
                format!(
                    "Scores moved though no single feature did ({clients}). Train again on recent \
                        logs."
                )
            }
            (false, false) => format!(
                "Moved: {moved_all} ({clients}). The score did not follow: look at what changed in \
                    the shop, and train again soon."
            ),
            (true, false) => {
                format!(
                    "The score moved, and so did {moved_all} ({clients}). Train again on recent \
                        logs."
                )
            }
        }
    }
}

/// What a shift is of, in people's words.
pub fn words(name: &'static str) -> &'static str {
    match index_of(name) {
        Some(feature) => FEATURES[feature].words,
        None if name == SCORE => "the score, in log-odds",
        None => name,
    }
}

impl Held {
    /// What follows, on what it stands, and what to do.
    pub fn in_words(&self) -> String {
        let seen = format!(
            "{} of {} known people above, 95 % {}",
            count(self.above),
            count(self.people),
            range(self.share_ci)
        );
        match self.verdict {
            Verdict::Holds => format!("holds ({seen})"),
            Verdict::Unsure if self.people == 0 => {
                "nobody in this log is known for a person; give --labels".to_owned()
            }
            Verdict::Unsure => format!("neither shown nor refuted by so few people ({seen})"),
            Verdict::Broken => {
                format!("BROKEN ({seen}). Raise the threshold, or train again on recent logs")
            }
        }
    }
}

/// Compares a log with what the model was trained on. The site's people are whom its labels say;
/// its pages are placed by the model's own memory ([`Site::remember_all`]), as the gate does it.
/// The promises are of limit and block in force.
pub fn examine(site: &Site, model: &Model, promises: [Option<Promise>; 2]) -> Examined {
    let thresholds = model.thresholds();
    let (resolution_us, min_pages) = (model.resolution_us(), thresholds.min_pages);
    let counts = DriftCounts::default();
    walk(site, resolution_us, |_, window, pages| {
        if pages >= min_pages && detector::drift::SCHEDULE.contains(&pages) {
            let features = Features::measure_only(window, model.asks());
            counts.take(model, pages, &features, model.score(&features).margin());
        }
    });
    let highest = highest(site, resolution_us, min_pages, |_| Some(model.scorer()));
    let judged: Vec<f32> = highest.iter().copied().flatten().collect();
    let of_people = site
        .clients
        .iter()
        .zip(&highest)
        .filter(|(client, _)| client.labelled.label == Label::Human);
    let people: Vec<f32> = of_people.filter_map(|(_, score)| *score).collect();
    let above = |scores: &[f32], margin: f32| {
        scores.iter().filter(|&&score| score >= margin).count() as u64
    };
    let held = |Promise { margin, budget, evidence }: Promise| {
        let above = above(&people, margin);
        let Interval { low, high, .. } = share(above, people.len() as u64);
        let verdict = match () {
            () if people.is_empty() => Verdict::Unsure,
            () if low > budget => Verdict::Broken,
            () if high <= budget => Verdict::Holds,
            () => Verdict::Unsure,
        };
        Held {
            budget,
            evidence,
            people: people.len() as u64,
            above,
            share_ci: [low, high],
            verdict,
        }
    };
    let budgets = ["limit", "block"].into_iter().zip(promises);
    let drift = counts.compare(model);
    Examined {
        model: model.file().name.clone(),
        least_shift: drift.as_ref().map(|drift| drift.score.noise.max(PSI_ALARM)),
        clients_judged: judged.len() as u64,
        share_above_limit: thresholds
            .limit
            .margin
            .map(|margin| share(above(&judged, margin), judged.len() as u64).value),
        drift,
        budgets: budgets.filter_map(|(name, promise)| Some((name, held(promise?)))).collect(),
    }
}
