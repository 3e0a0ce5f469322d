//! A sum of regression trees in flat arrays.
//!
//! All nodes of all trees lie in one slice; a child always stands after its parent, so every walk
//! ends. A missing value goes the way its node says. Scores are summed over [`super::intervals`],
//! the same trees laid out for being asked all at once, or, where trees are large, over
//! [`super::steps`], laid out for walking; explanations walk the nodes, which know what was
//! expected on the way.

use super::intervals::Intervals;
use super::steps::Steps;
use super::{Contributions, file::ModelError};
use crate::features::{COUNT, FEATURES, Features, Set};

/// One node. A leaf has `feature == LEAF` and its own index in `left` and `right`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Goes left when the feature's value is at most this.
    pub threshold: f32,
    /// Leaf: what it adds to the margin, in log-odds. Inner node: the mean of what the training
    /// rows below it got.
    pub value: f32,
    /// Feature index; bit 15: a missing value goes left.
    pub feature: u16,
    /// Index of the left child.
    pub left: u16,
    /// Index of the right child.
    pub right: u16,
}

impl Node {
    /// Marks a leaf.
    pub const LEAF: u16 = 0x7fff;
    /// Set in `feature`: a missing value goes left.
    pub const MISSING_LEFT: u16 = 0x8000;

    /// A leaf that adds `value`.
    pub const fn leaf(value: f32) -> Self {
        Self { threshold: 0.0, value, feature: Self::LEAF, left: 0, right: 0 }
    }

    /// Does it add its value, and end the walk?
    pub const fn is_leaf(&self) -> bool {
        self.feature & !Self::MISSING_LEFT == Self::LEAF
    }
}

/// A checked forest.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    base: f32,
    roots: Vec<u16>,
    nodes: Vec<Node>,
    laid: Laid,
}

/// The same trees once more, for summing.
#[derive(Clone, Debug, PartialEq)]
enum Laid {
    Intervals(Intervals),
    Steps(Steps),
}

/// Deeper than any trainer of ours goes; bounds what one score can cost.
const DEPTH_MAX: u32 = 64;

impl Trees {
    /// Checks every index and number once.
    ///
    /// # Errors
    /// Names the first tree or node that is out of bounds, points backwards, is not finite or
    /// scores a feature that may not be scored.
    pub fn new(base: f32, roots: Vec<u16>, nodes: Vec<Node>) -> Result<Self, ModelError> {
        let wrong = |what: String| Err(ModelError::Content(what));
        if !base.is_finite() {
            return wrong("base is not finite".into());
        }
        if roots.len() > nodes.len() {
            return wrong(format!("{} trees of {} nodes", roots.len(), nodes.len()));
        }
        if let Some(root) = roots.iter().find(|&&root| usize::from(root) >= nodes.len()) {
            return wrong(format!("root {root} is out of bounds: there are {} nodes", nodes.len()));
        }
        if nodes.len() > usize::from(Node::LEAF) {
            return wrong(format!("{} nodes are more than can be numbered", nodes.len()));
        }
        for (index, node) in nodes.iter().enumerate() {
            if !node.threshold.is_finite() || !node.value.is_finite() {
                return wrong(format!("node {index} holds a number that is not finite"));
            }
            if node.is_leaf() {
                continue;
            }
            let feature = usize::from(node.feature & !Node::MISSING_LEFT);
            match FEATURES.get(feature) {
                None => {
                    return wrong(format!(
                        "node {index} asks for feature {feature}: there are {COUNT}"
                    ));
                }
                Some(known) if !known.scored() => {
                    return wrong(format!(
                        "node {index} asks for {}, which may not be scored",
                        known.name
                    ));
                }
                Some(_) => {}
            }
            for child in [node.left, node.right] {
                if usize::from(child) <= index || usize::from(child) >= nodes.len() {
                    return wrong(format!(
                        "node {index} has child {child}, which does not stand after it"
                    ));
                }
            }
        }
        let below = depths(&nodes);
        let depth_of =
            |roots: &[u16]| roots.iter().map(|&root| below[usize::from(root)]).max().unwrap_or(0);
        if depth_of(&roots) > DEPTH_MAX {
            return wrong(format!("a tree is deeper than {DEPTH_MAX}"));
        }
        let Some(steps) = Steps::new(&roots, &nodes) else {
            return wrong("trees share nodes".into());
        };
        let laid = Intervals::new(&roots, &nodes).map_or(Laid::Steps(steps), Laid::Intervals);
        Ok(Self { base, roots, nodes, laid })
    }

    /// Sum over all trees, in log-odds.
    pub fn margin(&self, features: &Features) -> f32 {
        let sum = match &self.laid {
            Laid::Intervals(intervals) => intervals.sum(features),
            Laid::Steps(steps) => steps.sum(features),
        };
        (f64::from(self.base) + sum) as f32
    }

    /// Saabas 2014 ("interpreting random forests"): along each path, what every split moved the
    /// expectation by.
    pub fn contributions(&self, features: &Features) -> Contributions {
        let mut base = f64::from(self.base);
        let mut parts = [0.0_f64; COUNT];
        for &root in &self.roots {
            let mut node = &self.nodes[usize::from(root)];
            base += f64::from(node.value);
            while !node.is_leaf() {
                let child = &self.nodes[usize::from(next(node, features))];
                parts[usize::from(node.feature & !Node::MISSING_LEFT)] +=
                    f64::from(child.value) - f64::from(node.value);
                node = child;
            }
        }
        Contributions { base: base as f32, by_feature: parts.map(|part| part as f32) }
    }

    /// The features that some node asks for.
    pub fn asks(&self) -> Set {
        let inner = self.nodes.iter().filter(|node| !node.is_leaf());
        inner.fold(Set::NONE, |set, node| set.with(usize::from(node.feature & !Node::MISSING_LEFT)))
    }

    /// What is added to every margin.
    pub fn base(&self) -> f32 {
        self.base
    }

    /// Where each tree starts.
    pub fn roots(&self) -> &[u16] {
        &self.roots
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

/// Steps from each node to its deepest leaf. Children stand after their parents, so one pass from
/// the end suffices.
fn depths(nodes: &[Node]) -> Vec<u32> {
    let mut below = vec![0; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev().filter(|(_, node)| !node.is_leaf()) {
        below[index] = 1 + below[usize::from(node.left)].max(below[usize::from(node.right)]);
    }
    below
}

fn next(node: &Node, features: &Features) -> u16 {
    let value = features.0[usize::from(node.feature & !Node::MISSING_LEFT)];
    let left = if value.is_nan() {
        node.feature & Node::MISSING_LEFT != 0
    } else {
        value <= node.threshold
    };
    if left { node.left } else { node.right }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stump(feature: u16, missing_left: bool) -> Vec<Node> {
        let flag = if missing_left { Node::MISSING_LEFT } else { 0 };
        vec![
            Node { threshold: 0.5, value: 0.25, feature: feature | flag, left: 1, right: 2 },
            Node::leaf(-1.0),
            Node::leaf(2.0),
        ]
    }

    fn with(feature: usize, value: f32) -> Features {
        let mut features = Features([f32::NAN; COUNT]);
        features.0[feature] = value;
        features
    }

    #[test]
    fn values_go_left_up_to_the_threshold_and_missing_where_the_node_says() {
        let check = |missing_left, value, expect| {
            let trees = Trees::new(0.0, vec![0], stump(1, missing_left)).unwrap();
            assert_eq!(trees.margin(&with(1, value)), expect);
        };
        check(true, 0.5, -1.0);
        check(true, 0.6, 2.0);
        check(true, f32::NAN, -1.0);
        check(false, f32::NAN, 2.0);
    }

    #[test]
    fn contributions_add_up_to_the_margin() {
        let trees = Trees::new(0.5, vec![0], stump(1, true)).unwrap();
        let features = with(1, 0.9);
        let parts = trees.contributions(&features);
        assert_eq!(parts.by_feature[1], 1.75);
        assert_eq!(parts.sum(), trees.margin(&features));
    }

    /// A forest of random shape, and rows in which everything may be missing.
    #[test]
    fn the_walk_ends_where_the_nodes_say() {
        let mut state = 7_u64;
        let mut dice = move |sides: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        let mut laid = [0, 0];
        for (trees, leaves_max) in
            [0, 1, 7, 8, 9, 30, 200].into_iter().flat_map(|trees| [(trees, 8), (trees, 40)])
        {
            let (mut roots, mut nodes) = (Vec::new(), Vec::new());
            for _ in 0..trees {
                roots.push(nodes.len() as u16);
                let mut leaves = 1;
                let mut open = vec![nodes.len()];
                nodes.push(Node::leaf(0.0));
                while let Some(index) = open.pop() {
                    nodes[index] = Node::leaf(dice(2_049) as f32 / 1_024.0 - 1.0);
                    if leaves < leaves_max && dice(10) < 6 {
                        leaves += 1;
                        let flag = if dice(2) == 0 { Node::MISSING_LEFT } else { 0 };
                        let (left, right) = (nodes.len() as u16, nodes.len() as u16 + 1);
                        let feature = dice(16) as u16 | flag;
                        nodes[index] =
                            Node { threshold: dice(10) as f32, value: 0.0, feature, left, right };
                        nodes.extend([Node::leaf(0.0); 2]);
                        open.extend([usize::from(left), usize::from(right)]);
                    }
                }
            }
            let forest = Trees::new(0.5, roots.clone(), nodes.clone()).unwrap();
            let steps = Steps::new(&roots, &nodes).unwrap();
            laid[usize::from(matches!(forest.laid, Laid::Steps(_)))] += 1;
            for _ in 0..200 {
                let features = Features(std::array::from_fn(|_| match dice(12) {
                    0..3 => f32::NAN,
                    3 => f32::INFINITY,
                    4 => f32::NEG_INFINITY,
                    _ => dice(10) as f32,
                }));
                let mut sum = 0.5;
                for &root in &roots {
                    let mut node = &nodes[usize::from(root)];
                    while !node.is_leaf() {
                        node = &nodes[usize::from(next(node, &features))];
                    }
                    sum += f64::from(node.value);
                }
                assert_eq!(forest.margin(&features), sum as f32);
                assert_eq!(forest.margin(&features), (0.5 + steps.sum(&features)) as f32);
            }
        }
        assert!(laid.iter().all(|&forests| forests > 3), "both layouts are seen: {laid:?}");
    }

    /// Leaves whose sum depends on the order, so that it is the same order.
    #[test]
    fn both_layouts_round_alike() {
        let mut state = 3_u64;
        let mut dice = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f32::from_bits((state >> 34) as u32 % 0x4000_0000 + 0x2000_0000)
        };
        let (mut roots, mut nodes) = (Vec::new(), Vec::new());
        for tree in 0..90_u16 {
            let at = nodes.len() as u16;
            roots.push(at);
            let inner = |left| Node {
                threshold: 0.5,
                value: 0.0,
                feature: tree % 7,
                left,
                right: left + 1,
            };
            if tree % 3 == 0 {
                nodes.extend([inner(at + 1), Node::leaf(dice()), Node::leaf(dice())]);
            } else {
                nodes.extend([
                    inner(at + 1),
                    inner(at + 3),
                    Node::leaf(dice()),
                    Node::leaf(dice()),
                    Node::leaf(dice()),
                ]);
            }
        }
        let (intervals, steps) =
            (Intervals::new(&roots, &nodes).unwrap(), Steps::new(&roots, &nodes).unwrap());
        for row in 0..128_u32 {
            let features = Features(std::array::from_fn(|i| (row >> (i % 7) & 1) as f32));
            assert_eq!(intervals.sum(&features).to_bits(), steps.sum(&features).to_bits());
        }
    }

    #[test]
    fn a_forest_that_could_loop_or_leave_its_bounds_is_refused() {
        let refuse = |change: fn(&mut Vec<Node>), expect: &str| {
            let mut nodes = stump(1, true);
            change(&mut nodes);
            let error = Trees::new(0.0, vec![0], nodes).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        refuse(|nodes| nodes[0].left = 0, "does not stand after it");
        refuse(|nodes| nodes[0].right = 3, "does not stand after it");
        refuse(|nodes| nodes[0].feature = 99, "feature 99");
        refuse(
            |nodes| nodes[0].feature = crate::features::index_of("depth_mean").unwrap() as u16,
            "may not be scored",
        );
        refuse(|nodes| nodes[0].threshold = f32::NAN, "not finite");
        refuse(|nodes| nodes.clear(), "1 trees of 0 nodes");
        refuse(
            |nodes| {
                let inner = |index: u16| Node {
                    threshold: 0.5,
                    value: 0.0,
                    feature: 1,
                    left: index + 1,
                    right: index + 1,
                };
                *nodes = vec![inner(0), inner(1), Node::leaf(1.0)];
            },
            "share nodes",
        );
        refuse(
            |nodes| {
                let inner = |index: u16| Node {
                    threshold: 0.5,
                    value: 0.0,
                    feature: 1,
                    left: index + 1,
                    right: index + 1,
                };
                *nodes = (0..30_000).map(inner).chain([Node::leaf(0.0)]).collect();
            },
            "deeper than 64",
        );
    }
}
