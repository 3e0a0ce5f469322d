//! Moves one feature: between two neighbouring split points nothing changes, so each stretch is
//! tried once.

use detector::Features;
use detector::features::FEATURES;
use detector::model::{Node, Reference, Scorer};

use super::change::Change;
use super::range::range;

/// A scorer with its split points by feature, prepared for many calls.
pub struct ScorerProbe<'a> {
    pub scorer: &'a Scorer,
    pub reference: Option<&'a Reference>,
    splits: Vec<Vec<f32>>,
}

/// How near to the exact bound a rounder number must lie, relative to it.
const ROUND: f64 = 0.01;
/// A share below one request in two hundred reads as none: its remainder has long faded.
pub const LEAST_SHARE: f32 = 0.005;

impl<'a> ScorerProbe<'a> {
    pub fn new(scorer: &'a Scorer, reference: Option<&'a Reference>) -> Self {
        let splits = (0..FEATURES.len()).map(|feature| splits(scorer, feature)).collect();
        Self { scorer, reference, splits }
    }

    /// Indices of the features that can move the margin, ascending.
    pub fn movable(&self) -> impl Iterator<Item = usize> + '_ {
        (0..FEATURES.len()).filter(|&feature| match self.scorer {
            Scorer::Trees(_) => !self.splits[feature].is_empty(),
            Scorer::Logistic(logistic) => logistic.parameters().3[feature] != 0.0,
        })
    }

    pub fn margin_at(&self, features: &Features, feature: usize, value: f32) -> f32 {
        let mut moved = *features;
        moved.0[feature] = value;
        self.scorer.margin(&moved)
    }

    /// One value in each stretch of a feature, within its range. For a weighted sum, both ends of
    /// the range, where they exist.
    pub fn representatives(&self, feature: usize) -> Vec<f32> {
        let (least, greatest) = range(feature);
        if let Scorer::Logistic(_) = self.scorer {
            return [least, greatest].into_iter().filter(|value| value.is_finite()).collect();
        }
        let splits = &self.splits[feature];
        let above = splits.last().map(|last| last.next_up());
        splits
            .iter()
            .copied()
            .chain(above)
            .filter(|value| (least..=greatest).contains(value))
            .collect()
    }

    /// The nearest value of this feature at which the margin is below `threshold`, with all other
    /// features as in `features`. Distance is measured from `from`; if that is missing, from what
    /// is usual.
    pub fn nearest(
        &self,
        features: &Features,
        from: f32,
        feature: usize,
        threshold: f32,
    ) -> Option<Change> {
        let at = |value: f32| self.margin_at(features, feature, value);
        let start = if from.is_nan() { self.usual(feature) } else { from };
        if from.is_nan() && at(start) < threshold {
            return Some(self.change(feature, from, (start, start)));
        }
        let (least, greatest) = range(feature);
        let (exact, far) = match self.scorer {
            Scorer::Trees(_) => {
                stretch(&self.splits[feature], start, (least, greatest), |value| {
                    at(value) < threshold
                })?
            }
            Scorer::Logistic(logistic) => {
                let (_, _, scale, weight) = logistic.parameters();
                let slope = weight[feature] / scale[feature];
                let excess = at(start) - threshold;
                // A thousandth further, so that rounding does not leave it on the threshold.
                let to = start - (excess + 1e-3 * excess.abs().max(1.0)) / slope;
                if !(to.is_finite() && (least..=greatest).contains(&to)) {
                    return None;
                }
                (to, if slope > 0.0 { least } else { greatest })
            }
        };
        let rounder = rounder(feature, exact, far);
        let to = if at(rounder) < threshold { rounder } else { exact };
        (at(to) < threshold).then(|| self.change(feature, from, (to, far)))
    }

    /// Values nearer than this were not tried.
    pub fn exactly(&self, feature: usize, from: f32, to: f32) -> Change {
        self.change(feature, from, (to, to))
    }

    fn change(&self, feature: usize, from: f32, (to, far): (f32, f32)) -> Change {
        let (least, greatest) = range(feature);
        let ends = far > least && far < greatest && far != to;
        Change {
            index: feature,
            feature: FEATURES[feature].name,
            words: FEATURES[feature].words,
            measured: (!from.is_nan()).then_some(from),
            to,
            until: ends.then_some(far),
            distance: self.distance(feature, from, to),
        }
    }

    fn distance(&self, feature: usize, from: f32, to: f32) -> f32 {
        match self.reference.and_then(|reference| reference.features.get(feature)) {
            _ if from.is_nan() => 1.0,
            Some(deciles) => (deciles.bin(to) as f32 - deciles.bin(from) as f32).abs() / 10.0,
            None => (to - from).abs() / from.abs().max(1e-3),
        }
    }

    /// The middle of ordinary traffic, or of the range.
    fn usual(&self, feature: usize) -> f32 {
        let (least, greatest) = range(feature);
        let edges = self
            .reference
            .and_then(|reference| reference.features.get(feature))
            .map(|deciles| &deciles.edges);
        let middle = edges.and_then(|edges| edges.get(edges.len() / 2)).copied();
        let middle =
            middle.unwrap_or(if greatest.is_finite() { least.midpoint(greatest) } else { least });
        middle.clamp(least, greatest)
    }
}

/// The split points of a feature in a forest, ascending.
fn splits(scorer: &Scorer, feature: usize) -> Vec<f32> {
    let Scorer::Trees(trees) = scorer else { return Vec::new() };
    let splits_it = |node: &&Node| usize::from(node.feature & !Node::MISSING_LEFT) == feature;
    let mut splits: Vec<f32> =
        trees.nodes().iter().filter(splits_it).map(|node| node.threshold).collect();
    splits.sort_unstable_by(f32::total_cmp);
    splits.dedup();
    splits
}

/// The allowed value nearest to `from`, and the far end of the stretch that begins there, both
/// within the range.
fn stretch(
    splits: &[f32],
    from: f32,
    (least, greatest): (f32, f32),
    is_allowed: impl Fn(f32) -> bool,
) -> Option<(f32, f32)> {
    // Stretch i reaches up to split i, the last one to infinity.
    let here = splits.partition_point(|&split| split < from);
    let top = |i: usize| splits[i].min(greatest);
    let bottom = |i: usize| splits[i].next_up().max(least);
    let lower = |i: usize| splits[i] >= least && is_allowed(top(i));
    let upper = |i: usize| splits[i] < greatest && is_allowed(bottom(i));
    let below = (0..here).rev().find(|&i| lower(i)).map(|first| {
        let last = (0..first).rev().take_while(|&i| lower(i)).last().unwrap_or(first);
        (top(first), if last == 0 { least } else { splits[last - 1].next_up().max(least) })
    });
    let above = (here..splits.len()).find(|&i| upper(i)).map(|first| {
        let end = (first + 1..splits.len()).find(|&i| !upper(i));
        (bottom(first), end.map_or(greatest, |end| splits[end].min(greatest)))
    });
    match (below, above) {
        (Some(below), Some(above)) if from - below.0 <= above.0 - from => Some(below),
        (_, Some(above)) => Some(above),
        (below, None) => below,
    }
}

/// The shortest number that can be printed instead of `exact`: between it and `far`, and hardly
/// further away. The printed number is the one that is scored.
fn rounder(feature: usize, exact: f32, far: f32) -> f32 {
    let (low, high) = (exact.min(far), exact.max(far));
    let down = far < exact;
    let fits = |said: f64| {
        let near = (said - f64::from(exact)).abs() <= ROUND * f64::from(exact).abs();
        (near && (low..=high).contains(&(said as f32))).then_some(said as f32)
    };
    // A share this small reads as none.
    if FEATURES[feature].is_share() && down && exact < LEAST_SHARE && low == 0.0 {
        return 0.0;
    }
    let whole = |value: f64| if down { value.floor() } else { value.ceil() };
    if FEATURES[feature].name == "log_n" {
        // A whole number of pages.
        let said = whole(f64::from(exact).exp()).max(1.0).ln() as f32;
        return if (low..=high).contains(&said) { said } else { exact };
    }
    (0..8)
        .find_map(|digits| {
            fits(whole(f64::from(exact) * 10_f64.powi(digits)) / 10_f64.powi(digits))
        })
        .unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use detector::features::index_of;

    use super::*;

    const ALL: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

    #[test]
    fn a_stretch_ends_where_the_next_one_is_refused() {
        let allowed = |value: f32| (1.5..=5.0).contains(&value);
        assert_eq!(
            stretch(&[1.0, 2.0, 3.0, 5.0, 7.0], 9.0, ALL, allowed),
            Some((5.0, 1.0_f32.next_up()))
        );
        let up = stretch(&[1.5, 6.0], 1.0, ALL, |value| value > 1.0 && value < 6.5);
        assert_eq!(up, Some((1.5_f32.next_up(), f32::INFINITY)));
        assert_eq!(stretch(&[1.0], 0.0, ALL, |_| false), None);
    }

    #[test]
    fn nothing_outside_the_range_is_offered() {
        assert_eq!(stretch(&[0.0, 0.5], 0.4, (0.0, 1.0), |value| value < 0.0), None);
        assert_eq!(stretch(&[0.5, 1.0], 0.4, (0.0, 1.0), |value| value > 1.0), None);
        assert_eq!(stretch(&[-0.5, 0.5], 0.7, (0.0, 1.0), |_| true), Some((0.5, 0.0)));
        assert_eq!(
            stretch(&[0.5, 2.0], 0.2, (0.0, 1.0), |value| value > 0.5),
            Some((0.5_f32.next_up(), 1.0))
        );
    }

    #[test]
    fn what_is_said_is_short_near_and_within_the_stretch() {
        let cv = index_of("gap_cv").unwrap();
        let check = |exact: f32, far: f32, expect: f32| {
            assert_eq!(rounder(cv, exact, far), expect, "{exact} {far}")
        };
        check(118.43, 0.0, 118.0);
        check(0.2_f32.next_up(), 5.6, 0.201);
        check(0.5994, 5.6, 0.6);
        check(0.5994, 0.5995, 0.5994);
        check(3.0, 0.0, 3.0);
        let errors = index_of("error_share").unwrap();
        assert_eq!(rounder(errors, 0.0000144, 0.0), 0.0);
        assert!(rounder(errors, 0.0000144, 0.00001) > 0.0, "the stretch ends above nothing");
        let pages = index_of("log_n").unwrap();
        assert_eq!(rounder(pages, 4.703, 0.0), 110_f32.ln());
    }
}
