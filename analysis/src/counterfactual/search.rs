//! Moves several features at once, if no single one suffices.
//!
//! A greedy search comes first: in each round it makes the move that lowers the margin most. If
//! that gets stuck, a forest is searched by branch and bound. A box of feature values has a lower
//! bound, the sum of its least reachable leaves; it is split at a node that is undecided in it. The
//! result is then reduced: what need not move goes back, and the rest moves as little as possible.
//! It takes milliseconds; the search ends after [`BOXES_MAX`] boxes.

use detector::Features;
use detector::features::COUNT;
use detector::model::{Node, Scorer, Trees};

use super::change::Change;
use super::range::range;
use super::single::ScorerProbe;

/// Most boxes looked at; each takes ten microseconds for a forest of usual size.
const BOXES_MAX: usize = 20_000;
/// Rounding error of a sum of leaves.
const ROUNDING: f64 = 1e-5;

/// Result of a search.
pub enum Search {
    /// These values are below the threshold.
    Found(Box<Features>),
    /// No values are: the margin is never lower than this.
    Impossible(f32),
    /// None were found; this was the lowest margin.
    Unknown(f32),
}

/// Looks for feature values below the threshold. Measured values may move; missing ones only if
/// `also_missing`.
pub fn search(
    probe: &ScorerProbe<'_>,
    features: &Features,
    threshold: f32,
    also_missing: bool,
) -> Search {
    let free = |feature: usize| also_missing || !features.0[feature].is_nan();
    let reached = descend(probe, features, threshold, free);
    let lowest = probe.scorer.margin(&reached);
    if lowest < threshold {
        return Search::Found(Box::new(reached));
    }
    match probe.scorer {
        Scorer::Trees(trees) => branch(trees, features, threshold, also_missing, lowest),
        // Each term of a weighted sum has already gone as low as it can.
        Scorer::Logistic(logistic) => {
            let ends = |feature: usize| {
                logistic.parameters().3[feature] > 0.0 || range(feature).1.is_finite()
            };
            let is_bounded = probe.movable().filter(|&feature| free(feature)).all(ends);
            if is_bounded { Search::Impossible(lowest) } else { Search::Unknown(lowest) }
        }
    }
}

/// The fewest and smallest of the changes that lead from `features` to `found`.
pub fn smallest(
    probe: &ScorerProbe<'_>,
    features: &Features,
    found: &Features,
    threshold: f32,
) -> Vec<Change> {
    let mut at = *found;
    let moved = |at: &Features| -> Vec<usize> {
        (0..COUNT)
            .filter(|&feature| at.0[feature].to_bits() != features.0[feature].to_bits())
            .collect()
    };
    let restored =
        |at: &Features, feature: usize| probe.margin_at(at, feature, features.0[feature]);
    loop {
        // Those with the least effect first.
        let mut order = moved(&at);
        order.sort_by(|&a, &b| restored(&at, a).total_cmp(&restored(&at, b)));
        for feature in order {
            if restored(&at, feature) < threshold {
                at.0[feature] = features.0[feature];
            }
        }
        let mut changes = Vec::new();
        for feature in moved(&at) {
            let nearest = probe.nearest(&at, features.0[feature], feature, threshold);
            let change = nearest
                .unwrap_or_else(|| probe.exactly(feature, features.0[feature], at.0[feature]));
            at.0[feature] = change.to;
            changes.push(change);
        }
        // A change that became smaller can make another one unnecessary.
        if moved(&at).into_iter().all(|feature| restored(&at, feature) >= threshold) {
            return changes;
        }
    }
}

/// Moves one feature after the other, each time the one that lowers the margin most.
fn descend(
    probe: &ScorerProbe<'_>,
    features: &Features,
    threshold: f32,
    free: impl Fn(usize) -> bool,
) -> Features {
    let mut at = *features;
    let mut margin = probe.scorer.margin(&at);
    let values: Vec<(usize, Vec<f32>)> = probe
        .movable()
        .filter(|&feature| free(feature))
        .map(|feature| (feature, probe.representatives(feature)))
        .collect();
    while margin >= threshold {
        let moves = values
            .iter()
            .flat_map(|(feature, values)| values.iter().map(|&value| (*feature, value)));
        let tried =
            moves.map(|(feature, value)| (probe.margin_at(&at, feature, value), feature, value));
        let Some((least, feature, value)) =
            tried.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 < margin)
        else {
            break;
        };
        at.0[feature] = value;
        margin = least;
    }
    at
}

/// The values that a feature may have.
#[derive(Clone, Copy)]
struct Within {
    /// Both ends included; `None` if it stays missing.
    known: Option<(f32, f32)>,
    may_be_missing: bool,
}

/// The values that each feature may have.
#[derive(Clone)]
struct Region([Within; COUNT]);

impl Region {
    /// The ways that a walk can take at a node.
    fn ways(&self, node: &Node) -> (bool, bool) {
        let within = self.0[feature_of(node)];
        let missing_left = node.feature & Node::MISSING_LEFT != 0;
        let (left, right) = within
            .known
            .map_or((false, false), |(low, high)| (low <= node.threshold, high > node.threshold));
        (
            left || within.may_be_missing && missing_left,
            right || within.may_be_missing && !missing_left,
        )
    }

    /// The values nearest to these features.
    fn nearest(&self, features: &Features) -> Features {
        Features(std::array::from_fn(|index| {
            let (from, within) = (features.0[index], self.0[index]);
            match within.known {
                _ if from.is_nan() && within.may_be_missing => f32::NAN,
                Some((low, high)) if from.is_nan() => {
                    low.midpoint(high).clamp(low, high).min(f32::MAX)
                }
                Some((low, high)) => from.clamp(low, high),
                None => f32::NAN,
            }
        }))
    }

    /// The two parts that a node divides the box into: first by whether its feature is missing,
    /// then by which way it goes.
    fn split(&self, node: &Node) -> Option<(Self, Self)> {
        let feature = feature_of(node);
        let within = self.0[feature];
        let (low, high) = within.known?;
        let with = |known, may_be_missing| {
            let mut part = self.clone();
            part.0[feature] = Within { known, may_be_missing };
            part
        };
        Some(if within.may_be_missing {
            (with(None, true), with(within.known, false))
        } else {
            let (top, bottom) = (high.min(node.threshold), low.max(node.threshold.next_up()));
            (with(Some((low, top)), false), with(Some((bottom, high)), false))
        })
    }
}

fn feature_of(node: &Node) -> usize {
    usize::from(node.feature & !Node::MISSING_LEFT)
}

/// The least and greatest leaf that can be reached, and the first node on the way that is
/// undecided.
fn reach(nodes: &[Node], at: u16, region: &Region) -> (f32, f32, Option<u16>) {
    let node = &nodes[usize::from(at)];
    if node.is_leaf() {
        return (node.value, node.value, None);
    }
    match region.ways(node) {
        (true, true) => {
            let (left, right) = (reach(nodes, node.left, region), reach(nodes, node.right, region));
            (left.0.min(right.0), left.1.max(right.1), Some(at))
        }
        (true, false) => reach(nodes, node.left, region),
        _ => reach(nodes, node.right, region),
    }
}

fn branch(
    trees: &Trees,
    features: &Features,
    threshold: f32,
    also_missing: bool,
    lowest: f32,
) -> Search {
    let scorer = |features: &Features| trees.margin(features);
    let within = |feature: usize| {
        let value = features.0[feature];
        let (least, greatest) = range(feature);
        // A measured value is possible, whatever the range says.
        let known =
            (!value.is_nan() || also_missing).then(|| (least.min(value), greatest.max(value)));
        Within { known, may_be_missing: value.is_nan() }
    };
    let mut open = vec![Region(std::array::from_fn(within))];
    let mut lowest = lowest;
    let mut bound_of_all = None;
    for _ in 0..BOXES_MAX {
        let Some(region) = open.pop() else {
            return Search::Impossible(bound_of_all.unwrap_or(lowest));
        };
        let mut bound = f64::from(trees.base());
        let mut widest: Option<(f32, u16)> = None;
        for &root in trees.roots() {
            let (low, high, undecided) = reach(trees.nodes(), root, &region);
            bound += f64::from(low);
            if let Some(node) = undecided
                && widest.is_none_or(|(width, _)| high - low > width)
            {
                widest = Some((high - low, node));
            }
        }
        bound_of_all = bound_of_all.or(Some(bound as f32));
        if bound >= f64::from(threshold) + ROUNDING {
            continue;
        }
        let point = region.nearest(features);
        let margin = scorer(&point);
        if margin < threshold {
            return Search::Found(Box::new(point));
        }
        lowest = lowest.min(margin);
        let Some((_, node)) = widest else { continue };
        let node = &trees.nodes()[usize::from(node)];
        let Some(parts) = region.split(node) else { continue };
        // A stack: last in, first out.
        open.extend([parts.0, parts.1]);
    }
    Search::Unknown(lowest)
}
