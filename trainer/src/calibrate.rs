//! Thresholds with a proof, from scores of people whom the model has not seen; and probabilities
//! for display.

use detector::model::Budget;
use linfa::dataset::Dataset;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

use crate::error::TrainError;
use crate::percent::percent_at_most;
use crate::statistics::{binomial_cdf, upper_bound};
use linfa_linear::IsotonicRegression;

/// False-positive budgets: which share of people may be limited and which blocked, and with what
/// confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budgets {
    /// Largest share of people that may be limited.
    pub limit_alpha: f64,
    /// Largest share of people that may be blocked.
    pub block_alpha: f64,
    /// Largest chance that a share is exceeded: 1 − confidence.
    pub delta: f64,
}

impl Default for Budgets {
    /// 1 % limited, 0.1 % blocked, at 95 %.
    fn default() -> Self {
        Self { limit_alpha: 0.01, block_alpha: 0.001, delta: 0.05 }
    }
}

/// Which models scored the calibration clients, and so what their scores prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Calibration clients were kept apart from training: the bound holds for this model.
    Split,
    /// Each client was scored by a model trained without it, but not by this one: an estimate,
    /// never good enough to block.
    CrossFitted,
}

/// The largest k for which `BinomCDF(k; n, α) ≤ δ`: how many of n people may lie above a threshold.
/// `None` if there are too few people even when none lies above.
pub fn errors_allowed(n: u64, alpha: f64, delta: f64) -> Option<u64> {
    let holds = |k: u64| binomial_cdf(k, n, alpha) <= delta;
    if !holds(0) {
        return None;
    }
    let mut k = 0;
    while k + 1 < n && holds(k + 1) {
        k += 1;
    }
    Some(k)
}

/// How many people a budget needs when none of them may lie above: ln δ / ln(1 − α).
pub fn people_needed(alpha: f64, delta: f64) -> u64 {
    (delta.ln() / (-alpha).ln_1p()).ceil() as u64
}

/// The threshold that keeps a budget, from the highest score of each calibration person. Without
/// enough people there is none, and the evidence says how many are missing.
pub fn block_budget(highest: &[f32], alpha: f64, delta: f64, proof: Proof) -> Budget {
    let n = highest.len() as u64;
    let refuse = |evidence: String| Budget { margin: None, alpha, delta, n, k: 0, evidence };
    let needed = people_needed(alpha, delta);
    match (errors_allowed(n, alpha, delta), proof) {
        (None, _) => refuse(format!(
            "needs {} more human clients: {needed} without an error prove {} at {} confidence, \
                there are {n}",
            needed.saturating_sub(n),
            percent(alpha),
            percent(1.0 - delta),
        )),
        (Some(_), Proof::CrossFitted) => {
            refuse(format!("needs people kept apart from training: at least {needed} of them"))
        }
        (Some(k), Proof::Split) => Budget {
            margin: threshold_above(highest, k),
            alpha,
            delta,
            n,
            k,
            evidence: format!(
                "{k} of {n} people kept apart from training lie above: at most {} of people, with \
                    {} confidence",
                percent(alpha),
                percent(1.0 - delta),
            ),
        },
    }
}

/// The threshold for limiting, which needs no proof. If there are too few people to prove the
/// budget, the threshold lies above all that were seen, and the evidence says what that proves.
pub fn limit_budget(highest: &[f32], alpha: f64, delta: f64, proof: Proof) -> Budget {
    let n = highest.len() as u64;
    if let (Some(_), Proof::Split) = (errors_allowed(n, alpha, delta), proof) {
        return block_budget(highest, alpha, delta, proof);
    }
    if n == 0 {
        let evidence = "there is no person with enough pages to calibrate on".to_owned();
        return Budget { margin: None, alpha, delta, n, k: 0, evidence };
    }
    let allowed = errors_allowed(n, alpha, delta);
    let k = allowed.unwrap_or(0);
    let bound = upper_bound(k, n, delta);
    let how = if proof == Proof::Split {
        "kept apart from training"
    } else {
        "scored by models trained without them"
    };
    let verdict = match allowed {
        Some(_) => format!(
            "an estimate that keeps the {} asked for, but no proof for this very model",
            percent(alpha)
        ),
        None => format!("not the {} asked for", percent(alpha)),
    };
    let evidence = format!(
        "{k} of {n} people {how} lie above: at most {} hurt with {} confidence, {verdict}; it \
            limits and never blocks",
        percent_at_most(bound),
        percent(1.0 - delta),
    );
    let margin = threshold_above(highest, k)
        .map(|margin| if allowed.is_none() { at_even_odds_or_above(margin) } else { margin });
    Budget { margin, alpha: bound.max(alpha), delta, n, k, evidence }
}

/// The lowest limit threshold that comes without a proof: even odds. Where no bot is near the
/// people of a log, the highest of their scores is close to 0, and a limit there would stop the
/// usual clients of tomorrow.
const UNPROVEN_MIN: f32 = 0.0;

/// The threshold, but not below even odds.
fn at_even_odds_or_above(margin: f32) -> f32 {
    margin.max(UNPROVEN_MIN)
}

/// The limit threshold where people are such by assumption (`assumed` of them): above as many of
/// them as the budget says, and never below even odds. `highest` are their scores by models that
/// have not seen them, `by_own` by the model itself: of these models the scale may differ where
/// clients and attackers are alike, and a model must not limit the very clients it was made of.
pub fn assumed_budget(highest: &[f32], by_own: &[f32], assumed: u64, budgets: &Budgets) -> Budget {
    let (alpha, delta, n) = (budgets.limit_alpha, budgets.delta, highest.len() as u64);
    let spared = (n as f64 * alpha) as u64;
    let above = [highest, by_own].map(|scores| threshold_above(scores, spared));
    let margin = above.into_iter().flatten().reduce(f32::max).map(at_even_odds_or_above);
    let Some(margin) = margin else {
        return limit_budget(highest, alpha, delta, Proof::CrossFitted);
    };
    let k = highest.iter().filter(|&&score| score >= margin).count() as u64;
    let bound = upper_bound(k, n, delta);
    let evidence = format!(
        "{k} of {n} clients lie above, of whom {assumed} are taken for people by assumption: no \
            proof; it limits and never blocks"
    );
    Budget { margin: Some(margin), alpha: bound.max(alpha), delta, n, k, evidence }
}

/// Among fewer clients there is no 99th percentile.
const WARM_UP_CLIENTS_MIN: usize = 100;

/// The limit threshold while too few people are known to prove one: above `share` of the site's
/// undeclared clients. `None` if there are fewer than 100 of those. The evidence says how many of
/// the known people it would have limited.
pub fn warm_up_budget(
    undeclared: &[f32],
    people: &[f32],
    share: f64,
    delta: f64,
) -> Option<Budget> {
    if undeclared.len() < WARM_UP_CLIENTS_MIN {
        return None;
    }
    let spared = (undeclared.len() as f64 * share).ceil() as usize;
    let above = (undeclared.len() - spared.min(undeclared.len())) as u64;
    let margin = at_even_odds_or_above(threshold_above(undeclared, above)?);
    let above = undeclared.iter().filter(|&&score| score >= margin).count();
    let n = people.len() as u64;
    let k = people.iter().filter(|&&score| score >= margin).count() as u64;
    let bound = if n == 0 { 1.0 } else { upper_bound(k, n, delta) };
    let evidence = format!(
        "warm-up: {above} of this site's {} undeclared clients lie above, {k} of {n} known people: \
            at most {} of people hurt \
         with {} confidence; it limits and never blocks",
        undeclared.len(),
        percent_at_most(bound),
        percent(1.0 - delta),
    );
    Some(Budget { margin: Some(margin), alpha: bound, delta, n, k, evidence })
}

/// With fewer people, the highest of their scores says little about the next person's.
const PEOPLE_MIN: u64 = 20;

/// The limit threshold of those two that are no proof: `by_people`, above everybody who is known
/// for a person, or the warm-up's. The warm-up counts clients among whom bots may be, so its
/// threshold may lie among these. Where it limits none of the known people, the one by people
/// limits none either and finds more.
pub fn unproven_limit(by_people: Budget, warm_up: Option<Budget>, undeclared: &[f32]) -> Budget {
    let Some(warm_up) = warm_up else { return by_people };
    let (Some(low), Some(high)) = (by_people.margin, warm_up.margin) else { return warm_up };
    if by_people.n < PEOPLE_MIN || warm_up.k > 0 || low >= high {
        return warm_up;
    }
    let above = undeclared.iter().filter(|&&score| score >= low).count();
    let evidence = format!(
        "{}; {above} of this site's {} undeclared clients lie above",
        by_people.evidence,
        undeclared.len()
    );
    Budget { evidence, ..by_people }
}

/// The smallest threshold above all but the k highest scores. Scores equal to it or higher are
/// refused.
pub fn threshold_above(highest: &[f32], k: u64) -> Option<f32> {
    let mut sorted = highest.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    sorted.get(usize::try_from(k).ok()?).map(|spared| spared.next_up())
}

/// A share as the evidence of a threshold has it: `0.10 %`, `95 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    traffic::percent(share, if percent >= 9.995 { 0 } else { 2 })
}

/// Isotonic calibration: `[margin, probability]` knots, rising. For display only; thresholds stay
/// on the margin.
///
/// # Errors
/// What linfa's isotonic regression refuses.
pub fn isotonic(scored: &[(f32, bool)]) -> Result<Vec<[f32; 2]>, TrainError> {
    if !scored.iter().any(|row| row.1) || scored.iter().all(|row| row.1) {
        return Ok(Vec::new());
    }
    let mut sorted = scored.to_vec();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let records = Array2::from_shape_fn((sorted.len(), 1), |(row, _)| f64::from(sorted[row].0));
    let targets: Array1<f64> = sorted.iter().map(|row| f64::from(u8::from(row.1))).collect();
    let fitted = IsotonicRegression::new()
        .fit(&Dataset::new(records.clone(), targets))
        .map_err(|error| TrainError::Fit(error.to_string()))?;
    let probabilities: Array1<f64> = linfa::traits::Predict::predict(&fitted, &records);
    let mut knots: Vec<[f32; 2]> = Vec::new();
    for (row, probability) in sorted.iter().zip(probabilities) {
        let knot = [row.0, probability.clamp(0.0, 1.0) as f32];
        match knots.last_mut() {
            Some(last) if last[0] == knot[0] => last[1] = last[1].max(knot[1]),
            _ => knots.push(knot),
        }
    }
    // Inside a flat stretch nothing is said that its ends do not say.
    let flat = |i: usize| {
        i > 0
            && i + 1 < knots.len()
            && knots[i - 1][1] == knots[i][1]
            && knots[i + 1][1] == knots[i][1]
    };
    Ok((0..knots.len()).filter(|&i| !flat(i)).map(|i| knots[i]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_people_are_those_of_the_binomial() {
        assert_eq!(people_needed(0.001, 0.05), 2_995);
        assert_eq!(errors_allowed(2_994, 0.001, 0.05), None);
        assert_eq!(errors_allowed(2_995, 0.001, 0.05), Some(0));
        assert_eq!(errors_allowed(4_742, 0.001, 0.05), Some(1));
    }

    #[test]
    fn too_few_people_give_no_block_threshold_and_the_number_missing() {
        let people: Vec<f32> = (0..1_000).map(|i| i as f32).collect();
        let budget = block_budget(&people, 0.001, 0.05, Proof::Split);
        assert_eq!(budget.margin, None);
        assert!(budget.evidence.contains("needs 1995 more human clients"), "{}", budget.evidence);
        assert_eq!(block_budget(&vec![0.0; 9_000], 0.001, 0.05, Proof::CrossFitted).margin, None);
    }

    #[test]
    fn a_threshold_spares_all_but_k_people() {
        let people: Vec<f32> = (0..4_742).map(|i| i as f32).collect();
        let budget = block_budget(&people, 0.001, 0.05, Proof::Split);
        let threshold = budget.margin.unwrap();
        assert_eq!(people.iter().filter(|&&score| score >= threshold).count(), 1);
    }

    #[test]
    fn a_limit_without_proof_spares_everyone_seen_and_says_what_that_shows() {
        let budget = limit_budget(&[0.5, 1.5, 1.0], 0.01, 0.05, Proof::CrossFitted);
        assert!(budget.margin.unwrap() > 1.5);
        assert!(budget.alpha > 0.6 && budget.evidence.contains("64 %"), "{}", budget.evidence);
    }

    #[test]
    fn a_warm_up_limits_one_in_a_hundred_undeclared_clients() {
        let clients: Vec<f32> = (0..1_000).map(|i| i as f32).collect();
        let budget = warm_up_budget(&clients, &[5.0, 995.0], 0.99, 0.05).unwrap();
        let margin = budget.margin.unwrap();
        assert_eq!(clients.iter().filter(|&&score| score >= margin).count(), 10);
        assert_eq!((budget.n, budget.k), (2, 1));
        assert!(
            budget.evidence.starts_with("warm-up: 10 of this site's 1000 undeclared"),
            "{}",
            budget.evidence
        );
        assert!(
            budget.evidence.contains("1 of 2 known people")
                && budget.evidence.contains("never blocks")
        );
        assert_eq!(warm_up_budget(&clients[..99], &[], 0.99, 0.05).map(|budget| budget.n), None);
    }

    #[test]
    fn of_two_limits_that_spare_everybody_known_the_one_that_finds_more_is_taken() {
        let people: Vec<f32> = (0..161).map(|i| i as f32 / 100.0).collect();
        let by_people = || limit_budget(&people, 0.01, 0.05, Proof::CrossFitted);
        // A tenth of the undeclared are bots, with scores from 5 on.
        let undeclared: Vec<f32> =
            people.iter().copied().chain((0..18).map(|i| 5.0 + i as f32)).collect();
        let warm_up = warm_up_budget(&undeclared, &people, 0.99, 0.05);
        assert!(warm_up.as_ref().unwrap().margin.unwrap() > 20.0);
        let taken = unproven_limit(by_people(), warm_up.clone(), &undeclared);
        assert!(taken.margin.unwrap() > 1.6 && taken.margin.unwrap() < 1.61, "{taken:?}");
        assert!(taken.evidence.contains("18 of this site's 179 undeclared"), "{}", taken.evidence);
        let few = limit_budget(&people[..19], 0.01, 0.05, Proof::CrossFitted);
        let taken = unproven_limit(few, warm_up.clone(), &undeclared);
        assert_eq!(taken.margin, warm_up.unwrap().margin);
    }

    #[test]
    fn no_limit_without_a_proof_lies_below_even_odds() {
        let calm: Vec<f32> = (0..200).map(|i| -5.0 - i as f32 / 100.0).collect();
        let by_people = limit_budget(&calm, 0.01, 0.05, Proof::CrossFitted);
        assert_eq!(by_people.margin, Some(0.0), "{by_people:?}");
        let warm_up = warm_up_budget(&calm, &[], 0.99, 0.05).unwrap();
        assert_eq!(warm_up.margin, Some(0.0));
        assert!(warm_up.evidence.contains("warm-up: 0 of"), "{}", warm_up.evidence);
        let assumed = assumed_budget(&calm, &calm, 200, &Budgets::default());
        assert_eq!((assumed.margin, assumed.k), (Some(0.0), 0));
    }

    #[test]
    fn people_by_assumption_never_prove_anything() {
        let clients: Vec<f32> = (0..9_000).map(|i| i as f32).collect();
        let budget = assumed_budget(&clients, &[], 9_000, &Budgets::default());
        assert_eq!(budget.k, 90);
        assert!(budget.alpha > 0.01, "{budget:?}");
        assert!(budget.evidence.contains("9000 are taken for people by assumption"));
        // The model itself scores them higher.
        let higher: Vec<f32> = clients.iter().map(|score| score + 500.0).collect();
        let budget = assumed_budget(&clients, &higher, 9_000, &Budgets::default());
        assert_eq!(budget.k, 0, "{budget:?}");
        assert!(budget.margin.unwrap() > 9_000.0);
    }

    #[test]
    fn isotonic_knots_rise() {
        let scored: Vec<(f32, bool)> =
            (0..200).map(|i| (i as f32 / 10.0, (i * i) % 200 < i)).collect();
        let knots = isotonic(&scored).unwrap();
        assert!(knots.is_sorted_by(|a, b| a[0] < b[0] && a[1] <= b[1]), "{knots:?}");
        assert!(isotonic(&[(1.0, true)]).unwrap().is_empty());
    }
}
