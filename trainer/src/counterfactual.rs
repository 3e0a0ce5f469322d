//! What would have been allowed: the smallest change of one feature that brings a margin under a threshold.
//!
//! Between two neighbouring split points of a feature nothing changes, so it suffices to try each stretch once: about
//! a thousand scores, half a millisecond. Offline, for people who ask why.

use std::fmt;

use detector::Features;
use detector::features::{COUNT, FEATURES};
use detector::model::{Node, Reference, Scorer};

/// One feature, elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counterfactual {
    /// Index of the feature.
    pub feature: usize,
    /// What was measured.
    pub measured: f32,
    /// The nearest value that is allowed.
    pub allowed: f32,
    /// The far end of the stretch of values that are allowed, infinite where it does not end.
    pub until: f32,
    /// The margin there.
    pub margin: f32,
    /// How far it is: the share of ordinary traffic between the two values (in tenths); without a reference, the change
    /// relative to the value measured.
    pub distance: f32,
}

impl fmt::Display for Counterfactual {
    /// `unique_window ≤ 118`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FEATURES[self.feature].name;
        let number = |value: f32| if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") };
        match (self.allowed < self.measured, self.until.is_infinite()) {
            (true, true) => write!(f, "{name} ≤ {}", number(self.allowed)),
            (false, true) => write!(f, "{name} ≥ {}", number(self.allowed)),
            (true, false) => write!(f, "{name} from {} to {}", number(self.until), number(self.allowed)),
            (false, false) => write!(f, "{name} from {} to {}", number(self.allowed), number(self.until)),
        }
    }
}

/// For each feature that can do it alone, the nearest value at which the margin lies below `threshold`; nearest first.
/// Empty when no single feature can, or the margin is below already. A missing value is not changed.
pub fn counterfactuals(
    scorer: &Scorer,
    features: &Features,
    threshold: f32,
    reference: Option<&Reference>,
) -> Vec<Counterfactual> {
    if scorer.margin(features) < threshold {
        return Vec::new();
    }
    let of_feature = |feature: usize| {
        let measured = features.0[feature];
        if measured.is_nan() || !FEATURES[feature].scored() {
            return None;
        }
        let distance = |to: f32| match reference.and_then(|reference| reference.features.get(feature)) {
            Some(deciles) => (deciles.bin(to) as f32 - deciles.bin(measured) as f32).abs() / 10.0,
            None => (to - measured).abs() / measured.abs().max(1e-3),
        };
        let moved = |to: f32| {
            let mut moved = *features;
            moved.0[feature] = to;
            scorer.margin(&moved)
        };
        let found = match scorer {
            Scorer::Trees(trees) => stretch(&splits(trees.nodes(), feature), measured, |to| moved(to) < threshold),
            Scorer::Logistic(logistic) => {
                let (_, _, scale, weight) = logistic.parameters();
                let slope = weight[feature] / scale[feature];
                let excess = scorer.margin(features) - threshold;
                // A thousandth further, so that rounding does not leave it on the threshold.
                let to = measured - (excess + 1e-3 * excess.abs().max(1.0)) / slope;
                let far = if slope > 0.0 { f32::NEG_INFINITY } else { f32::INFINITY };
                (to.is_finite() && moved(to) < threshold).then_some((to, far))
            }
        };
        let (allowed, until) = found?;
        let (margin, distance) = (moved(allowed), distance(allowed));
        Some(Counterfactual { feature, measured, allowed, until, margin, distance })
    };
    let mut found: Vec<Counterfactual> = (0..COUNT).filter_map(of_feature).collect();
    let relative = |change: &Counterfactual| (change.allowed - change.measured).abs() / change.measured.abs().max(1e-3);
    found.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(relative(a).total_cmp(&relative(b))));
    found
}

/// Where a forest splits a feature, rising.
fn splits(nodes: &[Node], feature: usize) -> Vec<f32> {
    let splits_it = |node: &&Node| usize::from(node.feature & !Node::MISSING_LEFT) == feature;
    let mut splits: Vec<f32> = nodes.iter().filter(splits_it).map(|node| node.threshold).collect();
    splits.sort_unstable_by(f32::total_cmp);
    splits.dedup();
    splits
}

/// The allowed value nearest to the one measured, and the far end of the stretch it begins.
fn stretch(splits: &[f32], measured: f32, is_allowed: impl Fn(f32) -> bool) -> Option<(f32, f32)> {
    // Stretch i reaches up to split i, the last one to infinity.
    let here = splits.partition_point(|&split| split < measured);
    let below = (0..here).rev().find(|&i| is_allowed(splits[i])).map(|first| {
        let last = (0..first).rev().take_while(|&i| is_allowed(splits[i])).last().unwrap_or(first);
        let far = if last == 0 { f32::NEG_INFINITY } else { splits[last - 1].next_up() };
        (splits[first], far)
    });
    let above = (here..splits.len()).find(|&i| is_allowed(splits[i].next_up())).map(|first| {
        let end = (first + 1..splits.len()).find(|&i| !is_allowed(splits[i].next_up()));
        (splits[first].next_up(), end.map_or(f32::INFINITY, |end| splits[end]))
    });
    match (below, above) {
        (Some(below), Some(above)) if measured - below.0 <= above.0 - measured => Some(below),
        (_, Some(above)) => Some(above),
        (below, None) => below,
    }
}

#[cfg(test)]
mod tests {
    use detector::features::index_of;
    use detector::model::{Logistic, Trees};

    use super::*;

    /// unique_window above 118 and gap_cv below 0.2 are bots'.
    fn scorer() -> (Scorer, usize, usize) {
        let (unique, cv) = (index_of("unique_window").unwrap(), index_of("gap_cv").unwrap());
        let split = |feature: usize, threshold, left, right| Node {
            threshold,
            value: 0.0,
            feature: feature as u16,
            left,
            right,
        };
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
        let mut features = Features([f32::NAN; COUNT]);
        (features.0[unique], features.0[cv]) = (500.0, 0.1);
        let found = counterfactuals(&scorer, &features, 0.0, None);
        assert_eq!(found.len(), 1, "only one feature can do it alone");
        assert_eq!(found[0].to_string(), "unique_window ≤ 118");
        assert_eq!((found[0].allowed, found[0].until, found[0].margin), (118.0, f32::NEG_INFINITY, -1.0));
        // One step above, it is still refused.
        features.0[unique] = 118.0_f32.next_up();
        assert!(scorer.margin(&features) >= 0.0);
        // A higher threshold, and the other feature suffices too.
        features.0[unique] = 300.0;
        let words: Vec<String> =
            counterfactuals(&scorer, &features, 0.5, None).iter().map(ToString::to_string).collect();
        assert_eq!(words, ["unique_window ≤ 118", "gap_cv ≥ 0.200"]);
        assert!(counterfactuals(&scorer, &features, 9.0, None).is_empty(), "allowed already");
    }

    #[test]
    fn a_stretch_ends_where_the_next_one_is_refused() {
        let allowed = |value: f32| (1.5..=5.0).contains(&value);
        assert_eq!(stretch(&[1.0, 2.0, 3.0, 5.0, 7.0], 9.0, allowed), Some((5.0, 1.0_f32.next_up())));
        assert_eq!(
            stretch(&[1.5, 6.0], 1.0, |value| value > 1.0 && value < 6.5),
            Some((1.5_f32.next_up(), f32::INFINITY))
        );
        assert_eq!(stretch(&[1.0], 0.0, |_| false), None);
    }

    #[test]
    fn a_linear_model_is_solved() {
        let mut weight = [0.0; COUNT];
        weight[0] = 2.0;
        let scorer = Scorer::Logistic(Box::new(Logistic::new(0.0, &[1.0; COUNT], &[4.0; COUNT], &weight).unwrap()));
        let mut features = Features([f32::NAN; COUNT]);
        features.0[0] = 9.0;
        let found = counterfactuals(&scorer, &features, 1.0, None);
        assert!(found.len() == 1 && found[0].margin < 1.0 && found[0].allowed > 2.9, "{found:?}");
    }
}
