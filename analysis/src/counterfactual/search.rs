//! Several features moved at once, where no single one suffices.
//!
//! First greedily: each round the one move that lowers the margin most. Where that gets stuck, a
//! forest is searched by branch and bound: a box of feature values, below whose least reachable
//! leaves no sum can lie, is split at a node that is undecided in it. What is found is then made
//! small: whatever need not move goes back, and the rest comes as near as it can. Milliseconds; the
//! search is cut off after [`BOXES_MAX`] boxes.

use detector::Features;
use detector::features::COUNT;
use detector::model::{Node, Scorer, Trees};

use super::change::Change;
use super::range::range;
use super::single::Asked;

/// Boxes looked at, ten microseconds each for a forest of ours.
const BOXES_MAX: usize = 20_000;
/// Rounding of a sum of leaves.
const ROUNDING: f64 = 1e-5;

/// What a search came to.
pub enum Search {
    /// These values lie below the threshold.
    Found(Box<Features>),
    /// Nothing does: no margin is lower than this.
    Impossible(f32),
    /// Nothing was found; this was the lowest margin.
    Unknown(f32),
}

/// Looks for feature values below the threshold. Those measured may be moved, the missing only if
/// `also_missing`.
pub fn search(
    asked: &Asked<'_>,
    features: &Features,
    threshold: f32,
    also_missing: bool,
) -> Search {
    let free = |feature: usize| also_missing || !features.0[feature].is_nan();
    let reached = descend(asked, features, threshold, free);
    let lowest = asked.scorer.margin(&reached);
    if lowest < threshold {
        return Search::Found(Box::new(reached));
    }
    match asked.scorer {
        Scorer::Trees(trees) => branch(trees, features, threshold, also_missing, lowest),
        // Each term was brought as low as it goes, where it ends.
        Scorer::Logistic(logistic) => {
            let ends = |feature: usize| {
                logistic.parameters().3[feature] > 0.0 || range(feature).1.is_finite()
            };
            let is_bounded = asked.movable().filter(|&feature| free(feature)).all(ends);
            if is_bounded { Search::Impossible(lowest) } else { Search::Unknown(lowest) }
        }
    }
}

/// The fewest and nearest of the changes that lead from `features` to `found`.
pub fn smallest(
    asked: &Asked<'_>,
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
        |at: &Features, feature: usize| asked.margin_at(at, feature, features.0[feature]);
    loop {
        // The least needed first.
        let mut order = moved(&at);
        order.sort_by(|&a, &b| restored(&at, a).total_cmp(&restored(&at, b)));
        for feature in order {
            if restored(&at, feature) < threshold {
                at.0[feature] = features.0[feature];
            }
        }
        let mut changes = Vec::new();
        for feature in moved(&at) {
            let nearest = asked.nearest(&at, features.0[feature], feature, threshold);
            let change = nearest
                .unwrap_or_else(|| asked.exactly(feature, features.0[feature], at.0[feature]));
            at.0[feature] = change.to;
            changes.push(change);
        }
        // Where one came nearer, another may not be needed any more.
        if moved(&at).into_iter().all(|feature| restored(&at, feature) >= threshold) {
            return changes;
        }
    }
}

/// Moves one feature after the other, each time the one that lowers the margin most.
fn descend(
    asked: &Asked<'_>,
    features: &Features,
    threshold: f32,
    free: impl Fn(usize) -> bool,
) -> Features {
    let mut at = *features;
    let mut margin = asked.scorer.margin(&at);
    let values: Vec<(usize, Vec<f32>)> = asked
        .movable()
        .filter(|&feature| free(feature))
        .map(|feature| (feature, asked.representatives(feature)))
        .collect();
    while margin >= threshold {
        let moves = values
            .iter()
            .flat_map(|(feature, values)| values.iter().map(|&value| (*feature, value)));
        let tried =
            moves.map(|(feature, value)| (asked.margin_at(&at, feature, value), feature, value));
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

/// What a feature may be.
#[derive(Clone, Copy)]
struct Within {
    /// Both ends included; `None` where it stays missing.
    known: Option<(f32, f32)>,
    may_be_missing: bool,
}

/// What each feature may be.
#[derive(Clone)]
struct Region([Within; COUNT]);

impl Region {
    /// The ways that a walk may take at a node.
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

    /// The values nearest to these.
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

    /// The two parts that a node divides it into: first whether its feature is known at all, then
    /// which way it goes.
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

/// The least and greatest leaf that can be reached, and the first node on the way that can go both
/// ways.
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
        // What was measured is possible, whatever the range says.
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
        // Popped last in, first out.
        open.extend([parts.0, parts.1]);
    }
    Search::Unknown(lowest)
}
