//! Whether traffic has changed since the model was trained, and whether its budgets still hold. The
//! comparison itself is the detector's ([`detector::drift`]), so that the gate can make it live.

use std::collections::BTreeMap;

use detector::Features;
use detector::drift::{Drift, DriftCounts, PSI_ALARM, SCORE};
use detector::features::{FEATURES, index_of};
use detector::model::{Budget, Model};
use serde::Serialize;
use trainer::label::Label;
use trainer::samples::{highest, walk};
use trainer::scoring::Scoring;
use trainer::site::Site;
use trainer::statistics::{Interval, share};

use crate::format::{count, range};

/// The population stability index (PSI) from which a shift is conventionally called large.
const PSI_LARGE: f64 = 0.25;
/// If only a shift beyond this PSI could be detected, the log is too small: half of all traffic
/// would have to be of another kind.
const PSI_BLIND: f64 = 1.0;
/// Features named in a sentence; tables list all of them.
const NAMED_MAX: usize = 5;

/// A log compared with the model that judges it.
#[derive(Clone, Debug, Serialize)]
pub struct Examined {
    /// Name of the model.
    pub model: String,
    /// Clients of the log with enough pages to be judged.
    pub clients_judged: u64,
    /// Share of the judged clients at or above the limit threshold; `None` without a threshold.
    pub share_above_limit: Option<f64>,
    /// What moved; `None` if the model has no reference to compare with, or nobody was judged.
    pub drift: Option<Drift>,
    /// PSI that the score must exceed, with this many clients, to be told from chance; `None` if
    /// there is nothing to compare.
    pub least_shift: Option<f64>,
    /// Whether each threshold's budget still holds, by the threshold's name.
    pub budgets: BTreeMap<&'static str, BudgetCheck>,
}

/// Whether a budget holds among the people of a log.
#[derive(Clone, Debug, Serialize)]
pub struct BudgetCheck {
    /// Share of people that may be hurt: what the evidence supports, which can be more than was
    /// asked for.
    pub budget: f64,
    /// That evidence, in the model's words.
    pub evidence: String,
    /// People of the log that are judged.
    pub people: u64,
    /// How many of them the threshold would hurt.
    pub above: u64,
    /// 95 % interval of their share (Clopper & Pearson 1934).
    pub share_ci: [f64; 2],
    /// What the interval says of the budget.
    pub verdict: BudgetVerdict,
}

/// A threshold in force, and the share of people that its proof allows.
#[derive(Clone, Debug)]
pub struct Promise {
    /// The threshold, in log-odds.
    pub margin: f32,
    /// Share of people that may reach it, 0..=1.
    pub budget: f64,
    /// What proves it, in words.
    pub evidence: String,
}

impl Promise {
    /// The promises of a model's limit and block thresholds; `None` where it has no threshold.
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

/// What a log says of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetVerdict {
    /// The whole interval lies within the budget.
    Holds,
    /// The interval contains the budget; more people would decide it.
    Unsure,
    /// The whole interval lies above the budget.
    Broken,
}

impl Examined {
    /// Enough clients were judged, nothing moved and no budget is broken. A log with too few
    /// clients is not quiet: it may have stopped.
    pub fn is_quiet(&self) -> bool {
        let can_tell = self.least_shift.is_some_and(|least| least <= PSI_BLIND);
        can_tell
            && self.drift.as_ref().is_some_and(|drift| !drift.is_alarming())
            && self.budgets.values().all(|held| held.verdict != BudgetVerdict::Broken)
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

/// Names what has shifted, in plain words.
pub fn words(name: &'static str) -> &'static str {
    match index_of(name) {
        Some(feature) => FEATURES[feature].words,
        None if name == SCORE => "the score, in log-odds",
        None => name,
    }
}

impl BudgetCheck {
    /// The conclusion on the budget, its evidence, and what to do.
    pub fn in_words(&self) -> String {
        let seen = format!(
            "{} of {} known people above, 95 % {}",
            count(self.above),
            count(self.people),
            range(self.share_ci)
        );
        match self.verdict {
            BudgetVerdict::Holds => format!("holds ({seen})"),
            BudgetVerdict::Unsure if self.people == 0 => {
                "nobody in this log is known for a person; give --labels".to_owned()
            }
            BudgetVerdict::Unsure => format!("neither shown nor refuted by so few people ({seen})"),
            BudgetVerdict::Broken => {
                format!("BROKEN ({seen}). Raise the threshold, or train again on recent logs")
            }
        }
    }
}

/// Compares a log with what the model was trained on. The site's labels say who is a person. Its
/// pages are placed by the model's own site profile ([`Site::use_profile`]), as the gate does it.
/// `promise` is of the limit and block thresholds in force.
pub fn examine(site: &Site, model: &Model, promises: [Option<Promise>; 2]) -> Examined {
    let thresholds = model.thresholds();
    let (resolution_us, min_pages) = (model.resolution_us(), thresholds.min_pages);
    let counts = DriftCounts::default();
    walk(site, resolution_us, |_, known| {
        let pages = known.window.pages();
        if pages >= min_pages && detector::drift::SCHEDULE.contains(&pages) {
            let features = Features::measure_only(&known.window, model.asks());
            counts.take(model, pages, &features, model.score(&features).margin());
        }
    });
    let scoring = Scoring::of(thresholds);
    let highest = highest(site, resolution_us, scoring, |_| Some(model.scorer()));
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
            () if people.is_empty() => BudgetVerdict::Unsure,
            () if low > budget => BudgetVerdict::Broken,
            () if high <= budget => BudgetVerdict::Holds,
            () => BudgetVerdict::Unsure,
        };
        BudgetCheck {
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
