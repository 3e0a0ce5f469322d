//! What it would have taken for a milder verdict.

use detector::model::ScoreRule;
use detector::{Action, Judge, Model, Reason, Score};

use super::explanation::Otherwise;
use super::story::Snapshot;
use crate::counterfactual::{Counterfactual, Counterfactuals, counterfactuals};

/// The most counterfactuals that are listed.
const WAYS_MAX: usize = 3;

/// What it would have taken for a milder verdict on a scored request: first not to be blocked, then
/// not even to be limited.
pub(super) fn otherwise(judge: &Judge, model: &Model, shown: &Snapshot) -> Vec<Otherwise> {
    let (policy, verdict) = (&judge.policy, &shown.verdict);
    // Whoever is limited by the guard is limited whatever the score.
    if !shown.is_scored || verdict.reason.rule().is_some() {
        return Vec::new();
    }
    let Some(score) = verdict.score else { return Vec::new() };
    let average = Average::of(model, score, shown);
    // A limited client is free again only when clearly below the threshold.
    let slack =
        if shown.standing.is_suspect(verdict.at) { policy.config().hysteresis } else { 0.0 };
    let margins = [policy.block_margin(), policy.limit_margin().map(|limit| limit - slack)];
    let mut found: Vec<Otherwise> = Vec::new();
    let drift = model.file().drift.as_ref();
    for below in margins.into_iter().flatten().filter(|&below| score.margin() >= below) {
        let answer = counterfactuals(model.scorer(), &shown.features, average.page(below), drift);
        let decided = |margin: f32| {
            let mut standing = shown.standing;
            policy.decide(
                Some(average.score(margin)),
                shown.class,
                shown.pages,
                &mut standing,
                verdict.at,
            )
        };
        let example =
            answer.ways().first().map_or_else(|| average.page(below).next_down(), |way| way.margin);
        let decision = decided(example);
        // A request that is limited in any case would not have been let through by a lower score.
        if severity(decision.action, decision.reason) >= severity(verdict.action, verdict.reason) {
            continue;
        }
        let answer = match answer {
            Counterfactuals::Ways { mut ways } => {
                // Each way is decided again, so that only those are listed that lead to this
                // verdict.
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

/// What a client's score would have been if its page had shown something else.
struct Average {
    rule: ScoreRule,
    step: u8,
    /// The client's score before the page.
    before: Option<Score>,
}

impl Average {
    fn of(model: &Model, score: Score, shown: &Snapshot) -> Self {
        let (rule, step) = (model.score_rule(), shown.standing.steps());
        let own = model.score(&shown.features).margin();
        let before = (!rule.is_last_page()).then(|| {
            Score::from_margin((score.margin() - rule.weight * own) / (1.0 - rule.weight))
        });
        Self { rule, step, before }
    }

    /// The score with a page of this margin.
    fn score(&self, margin: f32) -> Score {
        let score = self.rule.score(self.step, self.before, margin);
        score.unwrap_or_else(|| Score::from_margin(margin))
    }

    /// The margin that the page must have for this score.
    fn page(&self, score: f32) -> f32 {
        let rest = 1.0 - self.rule.weight;
        self.before.map_or(score, |before| (score - rest * before.margin()) / self.rule.weight)
    }
}

/// How severe a verdict is. A client with a rate of its own counts as limited even if it kept to
/// it.
fn severity(action: Action, reason: Reason) -> u8 {
    match (action, reason) {
        (Action::Block, _) => 2,
        (Action::Limit, _) => 1,
        (Action::Allow, reason) if reason.is_limit() => 1,
        (Action::Allow, _) => 0,
    }
}
