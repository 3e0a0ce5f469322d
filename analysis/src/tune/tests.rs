use detector::model::{Budget, ScorerFile, Thresholds};
use detector::{Model, PolicyConfig, Score, Timestamp};
use proptest::prelude::*;
use trainer::calibrate::Budgets;
use trainer::protocol::{model_of, without_thresholds};

use super::ladder::{ladder, written};
use super::people::{People, ProvingPeople};
use super::*;

/// A model that gives every client the same score, with these thresholds in force.
fn model(limit: Option<f32>, block: Option<f32>) -> Model {
    let zeros = || vec![0.0; detector::features::COUNT];
    let scale = vec![1.0; detector::features::COUNT];
    let scorer =
        ScorerFile::Logistic { bias: 0.0, mean: zeros(), scale, weight: zeros() }.check().unwrap();
    let own = |margin| Budget { margin, ..Budget::default() };
    let thresholds = Thresholds {
        limit: own(limit),
        block: own(block),
        ..without_thresholds(Scoring::last_page(5))
    };
    model_of("mute", &scorer, thresholds).unwrap()
}

/// `n` people, the first at margin 6 and each further one a thousandth below.
fn climbed(n: usize, model: &Model, budgets: Budgets) -> Vec<StepThreshold> {
    let scores: Vec<f32> = (0..n).map(|i| 6.0 - i as f32 / 1_000.0).collect();
    let people = People { known: n as u64, judged: n as u64, ..People::none(false, 0) };
    let sample = ProvingPeople { people, scores, met: Vec::new() };
    let options = TuneOptions { budgets, ..TuneOptions::default() };
    ladder(&sample, model, &options).unwrap()
}

const BUDGETS: Budgets = Budgets { limit_alpha: 0.01, block_alpha: 0.001, delta: 0.05 };

#[test]
fn enough_people_prove_both_thresholds_and_no_more_of_them_lie_above_than_may() {
    let ladder = climbed(4_742, &model(None, None), BUDGETS);
    for (rung, k) in ladder.iter().zip([35, 1]) {
        assert_eq!(rung.state, ThresholdState::Proven, "{rung:?}");
        assert_eq!(trainer::calibrate::errors_allowed(4_742, rung.budget, 0.05), Some(k));
        assert!(rung.k <= k && rung.at_most.unwrap() <= rung.budget, "{rung:?}");
        assert_eq!((rung.n, rung.missing), (4_742, 0));
        assert!(
            rung.evidence.contains("of 4742 people whom the model has not seen"),
            "{}",
            rung.evidence
        );
    }
    assert!(ladder[0].margin <= ladder[1].margin);
}

#[test]
fn too_few_people_leave_the_threshold_in_force_and_say_how_many_are_missing() {
    let few = Budgets { block_alpha: 0.000_1, ..BUDGETS };
    let without = climbed(1_000, &model(None, None), few);
    assert_eq!(
        (without[0].state, without[1].state),
        (ThresholdState::Proven, ThresholdState::None)
    );
    assert_eq!((without[1].needed, without[1].missing), (29_956, 28_956));
    assert_eq!((without[1].score, without[1].at_most), (None, None));
    assert!(
        without[1]
            .evidence
            .contains("needs 28956 more people: 29956 without an error prove 0.01 %")
    );

    // At 7 it is above everybody; it stays, and its evidence is stated.
    let kept = &climbed(1_000, &model(None, Some(7.0)), few)[1];
    assert_eq!((kept.state, kept.margin, kept.k), (ThresholdState::Kept, Some(7.0), 0));
    assert!((0.002_9..0.003_1).contains(&kept.at_most.unwrap()), "{kept:?}");
    assert!(!kept.is_changed() && kept.evidence.contains("stays"), "{}", kept.evidence);

    let nobody = climbed(0, &model(Some(1.0), None), BUDGETS);
    assert_eq!(
        (nobody[0].state, nobody[0].missing, nobody[0].at_most),
        (ThresholdState::Kept, 299, None)
    );
    assert_eq!(nobody[2].state, ThresholdState::None);
}

#[test]
fn nobody_is_blocked_below_the_new_limit() {
    // A block threshold below almost everybody, which these people cannot prove, though they can
    // prove the new limit.
    let raised = climbed(1_000, &model(Some(1.0), Some(2.0)), BUDGETS);
    let (limit, block) = (&raised[0], &raised[1]);
    assert_eq!((limit.state, block.state), (ThresholdState::Proven, ThresholdState::Raised));
    assert!(block.margin >= limit.margin && block.is_changed(), "{block:?}");
    assert!(
        block.evidence.contains("lies below the new limit and is raised to it"),
        "{}",
        block.evidence
    );
}

#[test]
fn a_policy_that_contradicts_itself_is_an_error() {
    let policy =
        PolicyConfig { limit_score: Some(0.9), block_score: Some(0.5), ..PolicyConfig::default() };
    let options = TuneOptions { policy, ..TuneOptions::default() };
    let said = tune(&model(None, None), Site::default(), &options).unwrap_err().to_string();
    assert!(said.contains("block_score"), "{said}");
    let budgets = Budgets { limit_alpha: 0.001, block_alpha: 0.01, delta: 0.05 };
    let options = TuneOptions { budgets, ..TuneOptions::default() };
    assert!(matches!(tune(&model(None, None), Site::default(), &options), Err(TuneError::Budgets)));
}

#[test]
fn an_empty_log_proves_nothing_and_stops_nothing() {
    let tuned = tune(&model(Some(1.0), None), Site::default(), &TuneOptions::default()).unwrap();
    assert!(!tuned.is_kept() && tuned.keys().is_empty());
    assert_eq!((tuned.requests, tuned.stops.clone(), tuned.span_us), (0, Stops::default(), [0, 0]));
    assert!(tuned.snippet().contains("# limit_score stays at 0.731\n"), "{}", tuned.snippet());
}

#[test]
fn a_session_ends_with_half_an_hour_of_silence() {
    let mut sessions = Vec::new();
    let mut current = None;
    for (at, expect) in [(0, 1), (1_799, 1), (3_598, 1), (5_398, 2), (5_399, 2)] {
        pass::follow(&mut sessions, &mut current, 0, Timestamp::from_secs(at));
        assert_eq!(sessions.len(), expect, "at {at} s");
    }
}

proptest! {
    /// The written score is never below what is proven, and hardly above it.
    #[test]
    fn a_written_score_keeps_its_proof(margin in -9.0_f32..16.0) {
        let (score, own) = written(margin).unwrap();
        prop_assert!(own >= margin);
        // Near 1 a 32-bit float is coarse.
        prop_assert!(own - margin <= 0.021 || margin > 12.0, "{margin} became {own}");
        let read: f32 = format!("{score:?}").parse().unwrap();
        prop_assert_eq!(Score::from_value(read).margin(), own);
        prop_assert!(written(own).unwrap().1 >= own);
        // The printed number is the one that is set, unless eight digits cannot tell it from 1.
        prop_assert!(crate::format::score(score).parse() == Ok(score) || margin > 12.0, "{score}");
    }
}
