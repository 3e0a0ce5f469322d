//! A sum of regression trees in flat arrays: the `boosted` algorithm.
//!
//! All nodes of all trees lie in one slice. A child always stands after its parent, so every walk
//! ends. A missing value goes the way that the node says.
//!
//! Scores are summed over a second layout of the same trees: [`super::interval_forest`], or
//! [`super::walked_forest`] where trees are large. Explanations walk the nodes, which hold the
//! expected value on the way.

use super::contributions::Contributions;
use super::error::ModelError;
use super::interval_forest::IntervalForest;
use super::node::Node;
use super::walked_forest::WalkedForest;
use crate::features::{COUNT, FEATURES, FeatureSet, Features};

/// A checked sum of regression trees.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    base: f32,
    roots: Vec<u16>,
    nodes: Vec<Node>,
    layout: SumLayout,
}

/// The layout of the trees that scores are summed over.
#[derive(Clone, Debug, PartialEq)]
enum SumLayout {
    Intervals(IntervalForest),
    Walked(WalkedForest),
}

/// Deepest tree that is accepted. Our trainers stay below; this bounds the cost of one score.
const DEPTH_MAX: u32 = 64;

impl Trees {
    /// Checks every index and number once, so that scoring need not.
    ///
    /// # Errors
    /// Names the first tree or node that is out of bounds, points backwards, is not finite or uses
    /// a feature that may not be scored.
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
        let Some(walked) = WalkedForest::new(&roots, &nodes) else {
            return wrong("trees share nodes".into());
        };
        let layout = IntervalForest::new(&roots, &nodes)
            .map_or(SumLayout::Walked(walked), SumLayout::Intervals);
        Ok(Self { base, roots, nodes, layout })
    }

    /// Sum over all trees, in log-odds.
    pub fn margin(&self, features: &Features) -> f32 {
        let sum = match &self.layout {
            SumLayout::Intervals(forest) => forest.sum(features),
            SumLayout::Walked(forest) => forest.sum(features),
        };
        (f64::from(self.base) + sum) as f32
    }

    /// How much each split on the way to the leaves moved the expected value, summed by feature
    /// (Saabas 2014, "interpreting random forests").
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

    /// The features that some node uses.
    pub fn asks(&self) -> FeatureSet {
        let inner = self.nodes.iter().filter(|node| !node.is_leaf());
        inner.fold(FeatureSet::NONE, |set, node| {
            set.with(usize::from(node.feature & !Node::MISSING_LEFT))
        })
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

/// Number of steps from each node to its deepest leaf. Children stand after their parents, so one
/// pass from the end suffices.
fn depths(nodes: &[Node]) -> Vec<u32> {
    let mut below = vec![0; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev().filter(|(_, node)| !node.is_leaf()) {
        below[index] = 1 + below[usize::from(node.left)].max(below[usize::from(node.right)]);
    }
    below
}

/// The child that these features lead to.
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
mod tests;
