use detector::features::{COUNT, FEATURES, index_of};
use detector::model::{Logistic, Node, Trees};
use proptest::prelude::*;

use super::*;

fn split(feature: usize, threshold: f32, left: u16, right: u16) -> Node {
    Node { threshold, value: 0.0, feature: feature as u16, left, right }
}

fn unknown() -> Features {
    Features([f32::NAN; COUNT])
}

/// A model in which unique_window above 118 and gap_cv below 0.2 indicate a bot.
fn scorer() -> (Scorer, usize, usize) {
    let (unique, cv) = (index_of("unique_window").unwrap(), index_of("gap_cv").unwrap());
    let nodes = vec![
        split(unique, 118.0, 1, 2),
        Node::leaf(-2.0),
        split(unique, 400.0, 3, 4),
        Node::leaf(0.5),
        Node::leaf(1.0),
        split(cv, 0.2, 6, 7),
        Node::leaf(1.0),
        Node::leaf(-0.25),
    ];
    (Scorer::Trees(Trees::new(0.0, vec![0, 5], nodes).unwrap()), unique, cv)
}

#[test]
fn the_nearest_allowed_value_of_each_feature_is_found_and_is_allowed() {
    let (scorer, unique, cv) = scorer();
    let mut features = unknown();
    (features.0[unique], features.0[cv]) = (500.0, 0.1);
    let found = counterfactuals(&scorer, &features, 0.0, None);
    assert_eq!(found.ways().len(), 1, "only one feature can do it alone");
    assert_eq!(found.ways()[0].to_string(), "distinct URLs in ten minutes ≤ 118");
    let change = &found.ways()[0].changes[0];
    assert_eq!((change.to, change.until, found.ways()[0].margin), (118.0, None, -1.0));
    // One float above, it is still refused.
    features.0[unique] = 118.0_f32.next_up();
    assert!(scorer.margin(&features) >= 0.0);
    // With a higher threshold the other feature suffices too.
    features.0[unique] = 300.0;
    let found = counterfactuals(&scorer, &features, 0.5, None);
    let words: Vec<String> = found.ways().iter().map(ToString::to_string).collect();
    assert_eq!(words, ["distinct URLs in ten minutes ≤ 118", "spread of gaps ≥ 0.201"]);
    assert_eq!(counterfactuals(&scorer, &features, 9.0, None), Counterfactuals::Below);
}

#[test]
fn a_share_that_means_none_is_said_so() {
    let errors = index_of("error_share").unwrap();
    let nodes = vec![split(errors, 0.0000144, 1, 2), Node::leaf(-1.0), Node::leaf(1.0)];
    let scorer = Scorer::Trees(Trees::new(0.0, vec![0], nodes).unwrap());
    let mut features = unknown();
    features.0[errors] = 0.4;
    let found = counterfactuals(&scorer, &features, 0.0, None);
    assert_eq!(
        (found.ways()[0].to_string().as_str(), found.ways()[0].changes[0].to),
        ("without errors", 0.0)
    );
    // A share that can occur is printed as it is.
    let nodes = vec![split(errors, 0.125, 1, 2), Node::leaf(-1.0), Node::leaf(1.0)];
    let scorer = Scorer::Trees(Trees::new(0.0, vec![0], nodes).unwrap());
    let found = counterfactuals(&scorer, &features, 0.0, None);
    assert_eq!(found.ways()[0].to_string(), "share of errors ≤ 12.5 %");
}

#[test]
fn where_one_feature_is_not_enough_the_fewest_are_named_together() {
    let (scorer, unique, cv) = scorer();
    let mut features = unknown();
    (features.0[unique], features.0[cv]) = (500.0, 0.1);
    features.0[index_of("error_share").unwrap()] = 0.5;
    let found = counterfactuals(&scorer, &features, -2.0, None);
    assert_eq!(
        found.ways()[0].to_string(),
        "spread of gaps 0.201 and distinct URLs in ten minutes 118"
    );
    assert_eq!(found.ways()[0].margin, -2.25);
    // The threshold is lower than any sum of leaves.
    assert_eq!(
        counterfactuals(&scorer, &features, -2.25, None),
        Counterfactuals::Impossible { lowest: -2.25 }
    );
}

#[test]
fn a_missing_value_is_filled_in_only_where_nothing_else_helps() {
    let (scorer, unique, cv) = scorer();
    let mut features = unknown();
    features.0[unique] = 500.0;
    let found = counterfactuals(&scorer, &features, 0.0, None);
    assert_eq!(
        found.ways()[0].to_string(),
        "distinct URLs in ten minutes ≤ 118",
        "gap_cv stays missing"
    );
    features.0[unique] = f32::NAN;
    features.0[cv] = 0.1;
    // Whether missing or measured, only the window can bring it that low.
    let found = counterfactuals(&scorer, &features, -0.5, None);
    let said = found.ways()[0].to_string();
    assert!(
        said.starts_with("distinct URLs in ten minutes at ") && said.ends_with("not known now"),
        "{said}"
    );
}

#[test]
fn a_linear_model_is_solved_within_what_a_feature_can_be() {
    let (cv, consistency) = (index_of("gap_cv").unwrap(), index_of("gap_consistency").unwrap());
    let mut weight = [0.0; COUNT];
    weight[cv] = 2.0;
    let linear = |weight: &[f32; COUNT]| {
        Scorer::Logistic(Box::new(
            Logistic::new(0.0, &[1.0; COUNT], &[4.0; COUNT], weight).unwrap(),
        ))
    };
    let mut features = unknown();
    features.0[cv] = 5.0;
    let found = counterfactuals(&linear(&weight), &features, 1.0, None);
    let [way] = found.ways() else { panic!("{found:?}") };
    assert!(way.margin < 1.0 && way.changes[0].to > 2.9, "{way:?}");
    // Neither a share nor a spread can fall below 0.
    weight[consistency] = 4.0;
    features.0[consistency] = 0.9;
    let found = counterfactuals(&linear(&weight), &features, -1.0, None);
    let [way] = found.ways() else { panic!("{found:?}") };
    assert_eq!(way.changes.len(), 2, "{way}");
    let none = counterfactuals(&linear(&weight), &features, -1.6, None);
    assert!(matches!(none, Counterfactuals::Impossible { lowest } if lowest == -1.5), "{none:?}");
}

/// Features of the forests and rows below: a spread, a share, a count and a duration.
const USED: [&str; 4] = ["gap_cv", "gap_consistency", "unique_window", "gap_median"];

/// Split points of the forests; some cannot be reached.
const VALUES: [f32; 6] = [-0.5, 0.0, 0.25, 0.6, 1.0, 40.0];

/// Forests in which a greedy search often gets stuck: deep for their few features, with leaves of
/// any sign.
fn any_forest(trees_max: usize) -> impl Strategy<Value = Scorer> {
    // A full tree of depth three: seven splits, eight leaves.
    let tree = (
        prop::collection::vec((0..USED.len(), 0..VALUES.len(), any::<bool>()), 7),
        prop::collection::vec(-2.0_f32..2.0, 8),
    );
    prop::collection::vec(tree, 1..=trees_max).prop_map(|trees| {
        let (mut roots, mut nodes) = (Vec::new(), Vec::new());
        for (splits, leaves) in trees {
            let root = nodes.len() as u16;
            roots.push(root);
            for (place, (feature, value, missing_left)) in splits.into_iter().enumerate() {
                let child = root + 2 * place as u16 + 1;
                let mut node =
                    split(index_of(USED[feature]).unwrap(), VALUES[value], child, child + 1);
                node.feature |= if missing_left { Node::MISSING_LEFT } else { 0 };
                nodes.push(node);
            }
            nodes.extend(leaves.into_iter().map(Node::leaf));
        }
        Scorer::Trees(Trees::new(0.0, roots, nodes).unwrap())
    })
}

fn any_row() -> impl Strategy<Value = Features> {
    prop::collection::vec(prop::option::weighted(0.8, 0.0_f32..1.0), USED.len()).prop_map(
        |values| {
            let mut features = unknown();
            for (name, value) in USED.iter().zip(values) {
                let scale =
                    if *name == "unique_window" || *name == "gap_median" { 80.0 } else { 1.0 };
                features.0[index_of(name).unwrap()] = value.map_or(f32::NAN, |value| value * scale);
            }
            features
        },
    )
}

/// The lowest margin over all values of these features: the measured ones and, if asked, the
/// missing ones.
fn lowest_of_all(scorer: &Scorer, features: &Features, also_missing: bool) -> f32 {
    let mut rows = vec![*features];
    for name in USED {
        let index = index_of(name).unwrap();
        if features.0[index].is_nan() && !also_missing {
            continue;
        }
        let (least, greatest) = range::range(index);
        let values: Vec<f32> = VALUES.iter().flat_map(|&value| [value, value.next_up()]).collect();
        let values = values.into_iter().filter(|value| (least..=greatest).contains(value));
        let moved = |value: f32| {
            rows.iter().map(move |row| {
                let mut row = *row;
                row.0[index] = value;
                row
            })
        };
        let more: Vec<Features> = values.flat_map(moved).collect();
        rows.extend(more);
    }
    rows.iter().map(|row| scorer.margin(row)).fold(f32::INFINITY, f32::min)
}

/// Reads a printed change back: the feature's words, and the number after them.
fn said(way: &Counterfactual, features: &Features) -> Features {
    let mut changed = *features;
    for part in way.to_string().split(" and ") {
        if let Some(none) = part.strip_prefix("without ") {
            let share = format!("share of {none}");
            changed.0[FEATURES.iter().position(|feature| feature.words == share).unwrap()] = 0.0;
            continue;
        }
        let part = part.replace(", which is not known now", "").replace(" at ", " ");
        let words = FEATURES
            .iter()
            .position(|feature| part.starts_with(feature.words) && USED.contains(&feature.name));
        let index = words.unwrap_or_else(|| panic!("{part:?} names no feature"));
        let rest = part[FEATURES[index].words.len()..].trim();
        let number = match rest.strip_prefix("from ") {
            Some(range) => {
                let (from, to) = range.split_once(" to ").unwrap();
                if way.changes[0].to < way.changes[0].measured.unwrap() { to } else { from }
            }
            None => rest.trim_start_matches(['≤', '≥', ' ']),
        };
        let number = match number.strip_suffix(" %") {
            Some(percent) => format!("{percent}e-2"),
            None => number.trim_end_matches(" s").trim_end_matches(" bits").to_owned(),
        };
        changed.0[index] = number.parse().unwrap_or_else(|_| panic!("{number:?} of {part:?}"));
    }
    changed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every answer is true, and there is an answer whenever one exists: all values are tried.
    #[test]
    fn a_counterfactual_always_flips_and_there_is_one_whenever_there_can_be(
        scorer in any_forest(5), features in any_row(), down in 0.0_f32..6.0,
    ) {
        let threshold = scorer.margin(&features) - down;
        match counterfactuals(&scorer, &features, threshold, None) {
            Counterfactuals::Below => prop_assert!(false, "the margin is not below"),
            Counterfactuals::Ways { ways } => {
                prop_assert!(!ways.is_empty());
                for way in &ways {
                    prop_assert!(scorer.margin(&way.apply(&features)) < threshold, "{}", way);
                    prop_assert_eq!(way.margin, scorer.margin(&way.apply(&features)));
                    prop_assert!(scorer.margin(&said(way, &features)) < threshold, "{} is not true \
                        as said", way);
                    for change in &way.changes {
                        let (least, greatest) = range::range(change.index);
                        prop_assert!((least..=greatest).contains(&change.to), "{}", way);
                        if let (1, Some(until)) = (ways[0].changes.len(), change.until) {
                            let mut far = features;
                            far.0[change.index] = until;
                            prop_assert!(scorer.margin(&far) < threshold, "the far end of {}", way);
                        }
                    }
                    // None of several changes is unnecessary.
                    for left_out in 0..way.changes.len() {
                        let mut fewer = way.clone();
                        fewer.changes.remove(left_out);
                        prop_assert!(scorer.margin(&fewer.apply(&features)) >= threshold, "{}",
                            way);
                    }
                }
            }
            Counterfactuals::Impossible { lowest } => {
                prop_assert!(lowest_of_all(&scorer, &features, true) >= threshold);
                prop_assert!(lowest <= lowest_of_all(&scorer, &features, true) + 1e-4);
            }
            Counterfactuals::Unknown { .. } => prop_assert!(false, "a forest this small is \
                searched to the end"),
        }
    }

    #[test]
    fn a_weighted_sum_is_brought_under_any_threshold_that_it_can_reach(
        weights in prop::collection::vec(-3.0_f32..3.0, USED.len()), features in any_row(), down
            in 0.0_f32..9.0,
    ) {
        let mut weight = [0.0; COUNT];
        for (name, value) in USED.iter().zip(weights) {
            weight[index_of(name).unwrap()] = value;
        }
        let scorer = Logistic::new(0.5, &[0.5; COUNT], &[2.0; COUNT], &weight).unwrap();
        let scorer = Scorer::Logistic(Box::new(scorer));
        let threshold = scorer.margin(&features) - down;
        match counterfactuals(&scorer, &features, threshold, None) {
            Counterfactuals::Ways { ways } => for way in ways {
                prop_assert!(scorer.margin(&way.apply(&features)) < threshold, "{}", way);
                prop_assert!(scorer.margin(&said(&way, &features)) < threshold, "{} is not true as \
                    said", way);
            },
            Counterfactuals::Impossible { lowest } => prop_assert!(lowest >= threshold),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
