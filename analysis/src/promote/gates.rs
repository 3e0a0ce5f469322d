//! The gates that a challenger must pass.

use detector::Model;
use detector::model::ReadinessState;
use serde::Serialize;
use trainer::calibrate::Budgets;
use trainer::label::Label;
use trainer::statistics::{binomial_cdf, share, upper_bound};

use super::trial::{Trial, TrialClient};
use crate::format::{count, percent, percent_at_most};

/// Fewer new people show nothing of a budget.
pub const PEOPLE_MIN: u64 = 20;

/// A challenger may stop bots less fully than the champion by at most this share of their requests,
/// as the lower end of a 95 % interval has it. Without such a margin two equal models would never
/// pass, because the interval of their difference reaches below zero.
pub const BOTS_LOST_MAX: f64 = 0.1;

/// If the champion calls plainly more than this share of the people anomalous whom the challenger
/// learnt from, they may be bots that pass for people. Of people whom no attack is among, it calls
/// one in a hundred so.
pub const ODD_PEOPLE_MAX: f64 = 0.1;

/// One gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// What it asks about.
    pub name: &'static str,
    /// Did the challenger pass?
    pub is_passed: bool,
    /// What was measured, in words.
    pub words: String,
}

/// The gates that need no champion.
pub(super) fn alone(challenger: &Model, trial: &Trial, budgets: Budgets) -> Vec<Gate> {
    let readiness = challenger.readiness();
    let Trial { people, people_refused, people_blocked, .. } = *trial;
    let budget = |name, verb: &str, k: u64, alpha: f64| {
        // The chance of as many or more, if the budget were just kept.
        let chance = if k == 0 { 1.0 } else { 1.0 - binomial_cdf(k - 1, people, alpha) };
        let at_most = if people == 0 { 1.0 } else { upper_bound(k, people, budgets.delta) };
        let verdict = match (chance > budgets.delta, at_most <= alpha) {
            (false, _) => "more than",
            (true, false) => "not plainly more than",
            (true, true) => "proven to be within",
        };
        Gate {
            name,
            is_passed: chance > budgets.delta,
            words: format!(
                "{} of {} new people would be {verb}, {verdict} the {} allowed (at most {})",
                count(k),
                count(people),
                percent(alpha),
                percent_at_most(at_most)
            ),
        }
    };
    vec![
        Gate {
            name: "armed",
            is_passed: readiness.is_armed(),
            words: format!("its readiness is: {readiness}"),
        },
        Gate {
            name: "people",
            is_passed: people >= PEOPLE_MIN,
            words: format!(
                "{} new people to judge it on, and it needs {PEOPLE_MIN}: a longer --judge-on has \
                    more",
                count(people)
            ),
        },
        budget("limit_budget", "refused", people_refused, budgets.limit_alpha),
        budget("block_budget", "blocked", people_blocked, budgets.block_alpha),
    ]
}

/// Whether the challenger is as ready as the champion.
pub(super) fn readiness(challenger: &Model, champion: &Model) -> Gate {
    let rank = |model: &Model| match model.readiness().state {
        ReadinessState::Failed => 0,
        ReadinessState::Collecting => 1,
        ReadinessState::Ready => 2,
    };
    Gate {
        name: "readiness",
        is_passed: rank(challenger) >= rank(champion),
        words: format!(
            "its readiness is {:?} and that of the one in force {:?}",
            challenger.readiness().state,
            champion.readiness().state
        ),
    }
}

/// The gates that compare, client by client.
pub(super) fn beside(
    new: &[TrialClient],
    old: &[TrialClient],
    trials: [&Trial; 2],
    delta: f64,
) -> [Gate; 2] {
    let pairs = |label: Label| {
        new.iter().zip(old).filter(move |(new, _)| new.label == label && new.requests > 0)
    };
    let odds = |is_first: bool| {
        pairs(Label::Human)
            .filter(|(new, old)| {
                let (new, old) = (new.is_refused(), old.is_refused());
                if is_first { new && !old } else { old && !new }
            })
            .count() as u64
    };
    let (worse, better) = (odds(true), odds(false));
    // McNemar's test, exact and one-sided: of those whom only one refuses, half are by chance.
    let chance = if worse == 0 { 1.0 } else { 1.0 - binomial_cdf(worse - 1, worse + better, 0.5) };
    let hurt = Gate {
        name: "people_beside",
        is_passed: chance > delta,
        words: format!(
            "{} people would be refused by it alone and {} by the one in force alone",
            count(worse),
            count(better)
        ),
    };
    let differences: Vec<f64> =
        pairs(Label::Bad).map(|(new, old)| new.share_refused() - old.share_refused()).collect();
    let [challenger, champion] = trials;
    let words = format!(
        "it would refuse {} of the requests of {} bots (stops {}), the one in force {} (stops {})",
        percent(challenger.bot_requests_refused),
        count(challenger.bots),
        count(challenger.bots_stopped),
        percent(champion.bot_requests_refused),
        count(champion.bots_stopped),
    );
    let stopping = match interval(&differences) {
        None => Gate {
            name: "stopping",
            is_passed: true,
            words: "no new bot is known: stopping is not compared".to_owned(),
        },
        Some([mean, low, high]) => Gate {
            name: "stopping",
            is_passed: low >= -BOTS_LOST_MAX,
            words: format!(
                "{words}: a difference of {mean:+.3} (95 % {low:+.3} to {high:+.3}), and \
                    {BOTS_LOST_MAX:.3} less is allowed"
            ),
        },
    };
    [hurt, stopping]
}

/// Mean of paired differences and its 95 % interval, by the normal law. One pair shows itself
/// alone.
fn interval(differences: &[f64]) -> Option<[f64; 3]> {
    let n = differences.len() as f64;
    if differences.is_empty() {
        return None;
    }
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|value| (value - mean).powi(2)).sum();
    let half = 1.96 * (squares / (n - 1.0).max(1.0) / n).sqrt();
    Some([mean, mean - half, mean + half])
}

/// Whether the people whom the challenger learnt from look like people to the champion.
pub(super) fn poison([odd, people]: [u64; 2]) -> Gate {
    let low = if people == 0 { 0.0 } else { share(odd, people).low };
    Gate {
        name: "poison",
        is_passed: low <= ODD_PEOPLE_MAX,
        words: format!(
            "of {} people whom it learnt from, {} look like bots to the one in force, where {} \
                may: bots that pass for people may have taught it. Look with kidoban label \
                --propose; if they are people, train by hand",
            count(people),
            count(odd),
            percent(ODD_PEOPLE_MAX)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(label: Label, refused: u64) -> TrialClient {
        TrialClient { label, is_judged: true, requests: 10, limited: refused, blocked: 0 }
    }

    fn stopping(new: &[u64], old: &[u64]) -> Gate {
        let clients = |refused: &[u64]| -> Vec<TrialClient> {
            refused.iter().map(|&refused| client(Label::Bad, refused)).collect()
        };
        let trials = [&Trial::default(), &Trial::default()];
        let [_, stopping] = beside(&clients(new), &clients(old), trials, 0.05);
        stopping
    }

    #[test]
    fn who_stops_less_by_the_interval_is_refused() {
        assert!(stopping(&[], &[]).is_passed, "nothing to compare");
        assert!(stopping(&[5; 9], &[5; 9]).is_passed, "the same");
        assert!(stopping(&[9; 9], &[0; 9]).is_passed, "better");
        assert!(!stopping(&[0; 9], &[5; 9]).is_passed, "worse");
        assert!(!stopping(&[0], &[5]).is_passed, "one bot shows it as well");
        // Two of five are lost: the mean is clear, and the interval more so.
        assert!(!stopping(&[9, 9, 9, 0, 0], &[9; 5]).is_passed);
        // One of a hundred is within the margin.
        let mut new = vec![9; 100];
        new[0] = 0;
        assert!(stopping(&new, &[9; 100]).is_passed);
    }

    #[test]
    fn who_refuses_plainly_more_people_is_refused() {
        let clients = |refused: usize| -> Vec<TrialClient> {
            (0..100).map(|i| client(Label::Human, u64::from(i < refused))).collect()
        };
        let trials = [&Trial::default(), &Trial::default()];
        let passes = |new, old| beside(&clients(new), &clients(old), trials, 0.05)[0].is_passed;
        assert!(passes(0, 0) && passes(4, 0) && passes(0, 50) && passes(9, 6));
        assert!(!passes(5, 0) && !passes(30, 20));
    }

    #[test]
    fn people_who_look_like_bots_to_the_champion_are_poison_where_they_are_many() {
        assert!(
            poison([0, 0]).is_passed && poison([1, 3]).is_passed && poison([12, 100]).is_passed
        );
        assert!(!poison([30, 100]).is_passed && !poison([9, 10]).is_passed);
    }

    #[test]
    fn a_mean_has_an_interval_and_nothing_has_none() {
        assert_eq!(interval(&[]), None);
        assert_eq!(interval(&[0.5]), Some([0.5; 3]));
        let [mean, low, high] = interval(&[0.0, 1.0, 0.0, 1.0]).unwrap();
        assert!(mean == 0.5 && (low + 0.0658).abs() < 0.001 && (high - 1.0658).abs() < 0.001);
    }
}
