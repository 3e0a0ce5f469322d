//! What it would have taken for a milder verdict.

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
    // A limited client is free again only when clearly below the threshold.
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
