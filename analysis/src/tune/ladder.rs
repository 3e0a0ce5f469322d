//! From highest scores to thresholds: which are proven, which stay, and which must be raised with
//! the others.

use std::collections::BTreeMap;

use detector::model::Budget;
use detector::{Model, Policy, Score};
use serde::Serialize;
use trainer::calibrate::{Budgets, Proof, errors_allowed, people_needed, percent, threshold_above};
use trainer::cohort::cohort_budget;
use trainer::label::Label;
use trainer::statistics::upper_bound;

use super::options::{TuneError, TuneOptions};
use super::people::ProvingPeople;
use super::step::LadderStep;
use super::stops::Stops;
use crate::format::{percent_at_most, score};

/// How a threshold came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdState {
    /// A new threshold that keeps the budget, proven by enough people.
    Proven,
    /// There are too few people for the budget: the threshold in force stays.
    Kept,
    /// There are too few people for the budget, and the threshold in force was below the new limit:
    /// it is raised to it.
    Raised,
    /// There are too few people for the budget, and no threshold is in force.
    None,
}

/// The threshold of one step, with its evidence.
#[derive(Clone, Debug, Serialize)]
pub struct StepThreshold {
    /// Which step.
    pub step: LadderStep,
    /// Share of people that it may hurt, as asked for. For the cohort step, these come on top of
    /// those whom the limit hurts.
    pub budget: f64,
    /// How the threshold came about.
    pub state: ThresholdState,
    /// The threshold as a score in 0..1, with as few digits as its proof allows; `None` if there is
    /// none.
    pub score: Option<f64>,
    /// The threshold in log-odds.
    pub margin: Option<f32>,
    /// The score that was in force before.
    pub before: Option<f64>,
    /// People whom the model has not seen.
    pub n: u64,
    /// How many of them are at or above the threshold.
    pub k: u64,
    /// Upper bound of the share of people at or above it, with the confidence asked for; also given
    /// for a threshold that stays.
    pub at_most: Option<f64>,
    /// People needed to prove the budget if none of them is above.
    pub needed: u64,
    /// How many of those are missing.
    pub missing: u64,
    /// The evidence in plain words.
    pub evidence: String,
    /// Clients of the log above the threshold, by label, whatever then becomes of them. Empty for
    /// the cohort step.
    pub above: BTreeMap<Label, u64>,
    /// What this step would refuse, with the whole ladder in force.
    pub stops: Stops,
}

impl StepThreshold {
    /// Whether the threshold is to be written into the configuration.
    pub fn is_changed(&self) -> bool {
        matches!(self.state, ThresholdState::Proven | ThresholdState::Raised)
    }
}

/// What a step's threshold is computed from.
struct StepInput<'a> {
    step: LadderStep,
    alpha: f64,
    delta: f64,
    /// The margin in force.
    before: Option<f32>,
    /// Margins of the people whom the step could hurt.
    scores: &'a [f32],
    /// Number of people that these are a part of.
    n: u64,
}

pub(super) fn ladder(
    sample: &ProvingPeople,
    model: &Model,
    options: &TuneOptions,
) -> Result<Vec<StepThreshold>, TuneError> {
    let Budgets { limit_alpha, block_alpha, delta } = options.budgets;
    let in_force = Policy::new(options.policy.clone(), Some(model))?;
    let scores = &sample.scores[..];
    let alone = |step, alpha, before| StepInput {
        step,
        alpha,
        delta,
        before,
        scores,
        n: scores.len() as u64,
    };
    let mut limit = rung(&alone(LadderStep::Limit, limit_alpha, in_force.limit_margin()));
    // A limit that stays could be above a new block threshold: then the block is raised to it.
    let mut block = rung(&alone(LadderStep::Block, block_alpha, in_force.block_margin()));
    raise(&mut block, &limit);
    count(&mut block, scores, delta);
    limit.evidence = evidence(&limit, &options.budgets);
    block.evidence = evidence(&block, &options.budgets);

    let met = &sample.met[..];
    let floor = Budget {
        margin: limit.margin.filter(|_| limit.state == ThresholdState::Proven),
        ..Budget::default()
    };
    let found = cohort_budget(met, &floor, options.budgets, Proof::Split);
    let of_met: Vec<f32> = met.iter().copied().flatten().collect();
    let n = met.len() as u64;
    let mut cohort = match found.margin.and_then(written) {
        Some((score, margin)) => StepThreshold {
            state: ThresholdState::Proven,
            score: Some(score),
            margin: Some(margin),
            evidence: found
                .evidence
                .replace("kept apart from training", "whom the model has not seen"),
            ..kept(&StepInput {
                step: LadderStep::Cohort,
                alpha: found.alpha,
                delta,
                before: in_force.cohort_margin(),
                scores: &of_met,
                n,
            })
        },
        None => StepThreshold {
            needed: people_needed(limit_alpha, delta),
            missing: people_needed(limit_alpha, delta).saturating_sub(n),
            evidence: format!("goes with the limit: {}", found.evidence),
            ..kept(&StepInput {
                step: LadderStep::Cohort,
                alpha: limit_alpha * 0.1,
                delta,
                before: in_force.cohort_margin(),
                scores: &of_met,
                n,
            })
        },
    };
    raise(&mut cohort, &limit);
    count(&mut cohort, &of_met, delta);
    Ok(vec![limit, block, cohort])
}

/// The lowest threshold that keeps the budget, or the one in force.
fn rung(input: &StepInput<'_>) -> StepThreshold {
    let allowed = errors_allowed(input.n, input.alpha, input.delta);
    let found = allowed.and_then(|k| threshold_above(input.scores, k)).and_then(written);
    let mut rung = kept(input);
    if let Some((score, margin)) = found {
        rung = StepThreshold {
            state: ThresholdState::Proven,
            score: Some(score),
            margin: Some(margin),
            ..rung
        };
    }
    count(&mut rung, input.scores, input.delta);
    rung
}

fn kept(input: &StepInput<'_>) -> StepThreshold {
    let before = input.before.map(|margin| f64::from(Score::from_margin(margin).value()));
    let needed = people_needed(input.alpha, input.delta);
    StepThreshold {
        step: input.step,
        budget: input.alpha,
        state: if input.before.is_some() { ThresholdState::Kept } else { ThresholdState::None },
        score: before,
        margin: input.before,
        before,
        n: input.n,
        k: 0,
        at_most: None,
        needed,
        missing: needed.saturating_sub(input.n),
        evidence: String::new(),
        above: BTreeMap::new(),
        stops: Stops::default(),
    }
}

/// Counts the people above the threshold and bounds their share.
fn count(rung: &mut StepThreshold, scores: &[f32], delta: f64) {
    rung.k = rung
        .margin
        .map_or(0, |margin| scores.iter().filter(|&&score| score >= margin).count() as u64);
    rung.at_most = rung.margin.filter(|_| rung.n > 0).map(|_| upper_bound(rung.k, rung.n, delta));
}

/// Raises a threshold to the limit, because nobody is blocked, or limited with a cohort, below it.
fn raise(rung: &mut StepThreshold, limit: &StepThreshold) {
    let (Some(own), Some(floor)) = (rung.margin, limit.margin) else { return };
    if own >= floor {
        return;
    }
    let Some((score, margin)) = written(floor) else { return };
    if rung.state == ThresholdState::Kept {
        rung.state = ThresholdState::Raised;
    }
    (rung.score, rung.margin) = (Some(score), Some(margin));
}

fn evidence(rung: &StepThreshold, budgets: &Budgets) -> String {
    let (budget, sure) = (percent(rung.budget), percent(1.0 - budgets.delta));
    let shown = rung.at_most.map_or_else(String::new, |at_most| {
        format!(
            "{} of {} people whom the model has not seen lie above it: at most {} of people",
            rung.k,
            rung.n,
            percent_at_most(at_most)
        )
    });
    let stays = match (rung.state, rung.before.map(score)) {
        (ThresholdState::Proven, _) => return format!("{shown}, with {sure} confidence"),
        (ThresholdState::Raised, Some(before)) => {
            format!(
                "the one in force ({before}) lies below the new limit and is raised to it; {shown}"
            )
        }
        (_, Some(before)) if shown.is_empty() => {
            format!("the one in force ({before}) stays, and nobody shows what it hurts")
        }
        (_, Some(before)) => format!("the one in force ({before}) stays; {shown}"),
        (_, None) => "there is none in force and there will be none".to_owned(),
    };
    if rung.missing == 0 {
        return format!(
            "no score below 1 is above enough of the {} people for {budget}: {stays}",
            rung.n
        );
    }
    format!(
        "needs {} more people: {} without an error prove {budget} at {sure} confidence, there are \
            {}; {stays}",
        rung.missing, rung.needed, rung.n
    )
}

/// The score with the fewest digits that is not below a margin and at most 0.02 log-odds above it,
/// and the score's margin. It has all digits if that is necessary. `None` if the margin is above
/// every score that can be written.
pub(super) fn written(margin: f32) -> Option<(f64, f32)> {
    let value = 1.0 / (1.0 + (-f64::from(margin)).exp());
    let at = |digits: i32| {
        let scale = 10_f64.powi(digits);
        let above = (value * scale).ceil();
        // The nearest one first: a threshold with few digits keeps them. The last one is for a
        // margin just above a score with few digits, which a 32-bit float reads as less.
        [(value * scale).round(), above, above + 1.0].into_iter().find_map(|score| {
            let score = score / scale;
            // The score as it is read from a configuration.
            let read = score as f32;
            let own = Score::from_value(read).margin();
            (read > 0.0 && read < 1.0 && own >= margin).then_some((score, own))
        })
    };
    let near = (3..=8).filter_map(at).find(|(_, own)| own - margin <= 0.02);
    near.or_else(|| {
        let mut read = (value as f32).max(f32::MIN_POSITIVE);
        while read < 1.0 && Score::from_value(read).margin() < margin {
            read = read.next_up();
        }
        let shortest: f64 = read.to_string().parse().ok()?;
        (read < 1.0).then(|| (shortest, Score::from_value(read).margin()))
    })
}
