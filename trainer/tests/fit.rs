//! All algorithms learn, say the same before and after export, and repeat themselves byte for byte.

#![allow(clippy::unwrap_used)] // in a test a failing unwrap is a failing test

use detector::features::{COUNT, FEATURES, Trend, index_of};
use detector::model::{Budget, Card, Readiness, ScoreRule, Scorer, Thresholds, seal};
use detector::{Features, Model};
use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use trainer::adaboost::AdaBoostParams;
use trainer::boosted::{Boosted, BoostedParams};
use trainer::export::{ModelParts, export};
use trainer::logistic::LogisticParams;
use trainer::samples::{Rows, Sample};
use trainer::statistics::auc;
use trainer::{Algorithm, TrainError};

/// Bots repeat their gaps and ask for many or for few URLs; a tenth of all values is missing.
fn rows(count: usize, seed: u64) -> Rows {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut records = Array2::from_elem((count, COUNT), f32::NAN);
    let mut targets = Array1::from_elem(count, false);
    let (similarity, unique) =
        (index_of("gap_self_similarity").unwrap(), index_of("unique_ratio").unwrap());
    for row in 0..count {
        let bad = rng.gen_bool(0.3);
        targets[row] = bad;
        for feature in 0..COUNT {
            records[(row, feature)] = rng.gen_range(0.0..1.0);
        }
        let noise: f32 = rng.gen_range(0.0..0.5);
        records[(row, similarity)] = if bad { 0.4 + noise } else { noise };
        records[(row, unique)] = match bad {
            true if rng.gen_bool(0.5) => rng.gen_range(0.9..1.0),
            true => rng.gen_range(0.0..0.2),
            false => rng.gen_range(0.1..0.95),
        };
        for feature in 0..COUNT {
            if rng.gen_bool(0.1) {
                records[(row, feature)] = f32::NAN;
            }
        }
    }
    let weights = (0..count).map(|row| if row % 3 == 0 { 2.0 } else { 0.5 }).collect();
    DatasetBase::new(records, targets).with_weights(weights)
}

fn every_algorithm() -> [Algorithm; 3] {
    [
        Algorithm::default(),
        Algorithm::Logistic(LogisticParams::default()),
        Algorithm::AdaBoost(AdaBoostParams::default()),
    ]
}

fn area(margins: &Array1<f32>, rows: &Rows) -> f64 {
    let side = |bad: bool| -> Vec<f32> {
        margins
            .iter()
            .zip(&rows.targets)
            .filter(|(_, is_bad)| **is_bad == bad)
            .map(|(margin, _)| *margin)
            .collect()
    };
    auc(&side(false), &side(true)).unwrap()
}

fn features(rows: &Rows, row: usize) -> Features {
    Features(std::array::from_fn(|feature| rows.records[(row, feature)]))
}

fn sealed(algorithm: &Algorithm, rows: &Rows) -> Vec<u8> {
    let scorer = algorithm.fit(rows).unwrap();
    let samples: Vec<Sample> = (0..rows.records.nrows())
        .map(|row| Sample {
            site: 0,
            client: row,
            pages: 5,
            features: features(rows, row),
            bad: rows.targets[row],
        })
        .collect();
    let budget = Budget {
        margin: Some(1.0),
        alpha: 0.01,
        delta: 0.05,
        n: 300,
        k: 0,
        evidence: "made up for a test".to_owned(),
    };
    let thresholds = Thresholds {
        min_pages: 5,
        score_rule: ScoreRule::LAST_PAGE,
        limit: budget.clone(),
        block: budget.clone(),
        cohort: budget,
    };
    let parts = ModelParts {
        name: "test".to_owned(),
        thresholds,
        readiness: Readiness::default(),
        calibration: vec![[0.0, 0.5]],
        resolution_us: 1,
        drift: None,
        site: None,
        card: Card::default(),
    };
    seal(&export(&scorer, &samples, parts)).unwrap()
}

#[test]
fn all_algorithms_learn_what_is_there_to_learn() {
    let (train, test) = (rows(4_000, 1), rows(4_000, 2));
    let boosted: Array1<f32> = BoostedParams::default().fit(&train).unwrap().predict(&test.records);
    assert!(area(&boosted, &test) > 0.97, "boosted {}", area(&boosted, &test));
    let logistic: Array1<f32> =
        LogisticParams::default().fit(&train).unwrap().predict(&test.records);
    assert!(area(&logistic, &test) > 0.85, "logistic {}", area(&logistic, &test));
    let adaboost: Array1<f32> =
        AdaBoostParams::default().fit(&train).unwrap().predict(&test.records);
    assert!(area(&adaboost, &test) > 0.95, "adaboost {}", area(&adaboost, &test));
}

#[test]
fn the_exported_model_scores_every_row_as_the_fitted_one() {
    let rows = rows(2_000, 3);
    let check = |algorithm: &Algorithm, fitted: &Array1<f32>| {
        let model = Model::parse(&sealed(algorithm, &rows)).unwrap();
        for (row, &margin) in fitted.iter().enumerate() {
            assert_eq!(model.score(&features(&rows, row)).margin(), margin, "row {row}");
        }
    };
    let params = BoostedParams::default();
    check(&Algorithm::Boosted(params.clone()), &params.fit(&rows).unwrap().predict(&rows.records));
    let params = LogisticParams::default();
    check(&Algorithm::Logistic(params.clone()), &params.fit(&rows).unwrap().predict(&rows.records));
    let params = AdaBoostParams::default();
    check(&Algorithm::AdaBoost(params.clone()), &params.fit(&rows).unwrap().predict(&rows.records));
}

#[test]
fn the_flat_form_of_adaboost_says_what_linfa_itself_predicts() {
    let (train, test) = (rows(3_000, 8), rows(3_000, 9));
    let fitted = AdaBoostParams::default().fit(&train).unwrap();
    for rows in [&train, &test] {
        let by_linfa = fitted.predict_by_linfa(&rows.records);
        let margins: Array1<f32> = fitted.predict(&rows.records);
        assert!(by_linfa.iter().any(|&bad| bad) && by_linfa.iter().any(|&bad| !bad));
        for (row, (&bad, &margin)) in by_linfa.iter().zip(&margins).enumerate() {
            assert_eq!(bad, margin > 0.0, "row {row}: {margin}");
        }
    }
}

#[test]
fn another_seed_draws_other_rows_for_adaboost() {
    let rows = rows(1_000, 10);
    let fit =
        |seed| sealed(&Algorithm::AdaBoost(AdaBoostParams::default().trees(5).seed(seed)), &rows);
    assert_eq!(fit(1), fit(1));
    assert_ne!(fit(1), fit(2));
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let rows = rows(2_000, 4);
    for algorithm in every_algorithm() {
        assert_eq!(sealed(&algorithm, &rows), sealed(&algorithm, &rows));
    }
}

#[test]
fn contributions_add_up_to_the_score() {
    let rows = rows(1_000, 5);
    for algorithm in every_algorithm() {
        let model = Model::parse(&sealed(&algorithm, &rows)).unwrap();
        for row in 0..1_000 {
            let features = features(&rows, row);
            let (sum, margin) =
                (model.contributions(&features).sum(), model.score(&features).margin());
            assert!((sum - margin).abs() < 1e-4, "row {row}: {sum} instead of {margin}");
        }
    }
}

#[test]
fn constrained_features_move_the_score_one_way_only() {
    let mut rows = rows(3_000, 6);
    // A trap: in the data, high self-similarity is what people have.
    let similarity = index_of("gap_self_similarity").unwrap();
    for row in 0..3_000 {
        let value = &mut rows.records[(row, similarity)];
        *value = 1.0 - *value;
    }
    let scorer = Algorithm::default().fit(&rows).unwrap();
    for row in 0..300 {
        for (index, feature) in FEATURES.iter().enumerate() {
            let sign = match feature.trend {
                Trend::Rising => 1.0,
                Trend::Falling => -1.0,
                Trend::Free => continue,
            };
            let mut features = features(&rows, row);
            let mut before = f32::NEG_INFINITY;
            for step in 0..=20 {
                features.0[index] =
                    sign * (step as f32 / 20.0) + if sign < 0.0 { 1.0 } else { 0.0 };
                let margin = scorer.margin(&features);
                assert!(margin >= before - 1e-5, "{} row {row}", feature.name);
                before = margin;
            }
        }
    }
}

#[test]
fn nothing_is_learnt_from_one_class_or_with_nonsense() {
    let mut one = rows(100, 7);
    one.targets.fill(true);
    assert!(matches!(BoostedParams::default().fit(&one), Err(TrainError::OneClass)));
    assert!(matches!(LogisticParams::default().fit(&one), Err(TrainError::OneClass)));
    assert!(BoostedParams::default().trees(0).check().is_err());
    assert!(BoostedParams::default().learning_rate(f64::NAN).check().is_err());
    assert!(
        BoostedParams::default().features(vec![index_of("depth_mean").unwrap()]).check().is_err()
    );
    assert!(LogisticParams::default().alpha(-1.0).check().is_err());
    assert!(matches!(AdaBoostParams::default().fit(&one), Err(TrainError::OneClass)));
    assert!(AdaBoostParams::default().trees(0).check().is_err());
    assert!(AdaBoostParams::default().trees(5_000).check().is_err());
    assert!(AdaBoostParams::default().depth_max(0).check().is_err());
}

#[test]
fn boosting_stops_early_on_held_out_clients_and_repeats_itself() {
    // Noise around a simple rule, two rows a client, hasty parameters: the trees after the first
    // few learn by heart.
    let mut rows = rows(3_000, 11);
    let clients: Vec<u64> =
        (0..3_000_u64).map(|row| (row / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    for chunk in 0..1_500 {
        let flips = rng.gen_bool(0.3);
        for row in chunk * 2..(chunk + 1) * 2 {
            rows.targets[row] = rows.targets[row] != flips;
        }
    }
    let hasty = || BoostedParams::default().patience(5).learning_rate(0.5).leaf_rows_min(1.0);
    let params = hasty().trees(100).check().unwrap();
    let stopped = params.fit_by_client(&rows, &clients, None).unwrap();
    assert!(
        stopped.was_stopped_by_clients && (1..100).contains(&stopped.rounds),
        "{} trees",
        stopped.rounds
    );
    let again = params.fit_by_client(&rows, &clients, None).unwrap();
    let trees = |fitted: &Boosted| match fitted.scorer() {
        Scorer::Trees(trees) => trees,
        Scorer::Logistic(_) => panic!("trees"),
    };
    assert_eq!(trees(&stopped), trees(&again));
    assert_eq!(trees(&stopped).roots().len(), stopped.rounds);
    // The same number of trees is fitted on all rows: refitted, not kept.
    let plain = hasty().trees(stopped.rounds).fit(&rows).unwrap();
    assert_eq!(trees(&stopped), trees(&plain));
    // Nobody to hold out: all trees.
    let alone = params.fit_by_client(&rows, &[1; 3_000], None).unwrap();
    assert!(!alone.was_stopped_by_clients && alone.rounds == 100);
}

#[test]
fn boosting_goes_on_where_a_base_ends() {
    let (early, late) = (rows(2_000, 13), rows(2_000, 14));
    let clients: Vec<u64> =
        (0..2_000_u64).map(|row| row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).collect();
    let Scorer::Trees(base) = BoostedParams::default().trees(2).fit(&early).unwrap().scorer()
    else {
        panic!("trees")
    };
    let params = BoostedParams::default().check().unwrap();
    let adapted = params.fit_by_client(&late, &clients, Some(&base)).unwrap();
    let Scorer::Trees(trees) = adapted.scorer() else { panic!("trees") };
    assert_eq!(trees.roots()[..2], base.roots()[..]);
    assert_eq!(trees.nodes()[..base.nodes().len()], base.nodes()[..]);
    assert_eq!(trees.roots().len(), 2 + adapted.rounds);
    let test = rows(2_000, 15);
    let by_base: Array1<f32> = (0..2_000).map(|row| base.margin(&features(&test, row))).collect();
    let by_adapted: Array1<f32> = adapted.predict(&test.records);
    assert!(area(&by_adapted, &test) > area(&by_base, &test), "nothing was added");
}
