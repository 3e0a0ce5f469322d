//! Growing one tree, best leaf first.

use std::ops::Range;

use detector::features::Trend;
use detector::model::Node;

use super::bins::{BINS, Binned, MISSING};
use super::histogram::{Gradient, Histogram, Sums};
use super::params::BoostedValidParams;
use crate::error::TrainError;

impl Sums {
    fn value(self, l2: f64, bounds: &Bounds) -> f64 {
        (-self.0[0] / (self.0[1] + l2)).clamp(bounds.0, bounds.1)
    }

    /// Loss reduction of a leaf with this value.
    fn gain(self, value: f64, l2: f64) -> f64 {
        -(self.0[0] * value + 0.5 * (self.0[1] + l2) * value * value)
    }
}

/// Where a node's values must lie, from the constrained splits above it.
type Bounds = (f64, f64);

/// A tree on bins.
pub struct Tree {
    nodes: Vec<TreeNode>,
    /// The training rows, leaf by leaf, and where each leaf's rows lie.
    order: Vec<u32>,
    leaves: Vec<(usize, Range<usize>)>,
}

struct TreeNode {
    split: Option<Split>,
    left: usize,
    right: usize,
    value: f64,
    weight: f64,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    column: usize,
    bin: u8,
    missing_left: bool,
    gain: f64,
    left: Sums,
    right: Sums,
}

struct Leaf {
    node: usize,
    rows: Range<usize>,
    depth: usize,
    sums: Sums,
    bounds: Bounds,
    histogram: Histogram,
    best: Option<Split>,
}

/// Grows a tree on these rows and columns; `trend` says how a feature may move the score.
pub fn grow(
    params: &BoostedValidParams,
    binned: &Binned,
    gradients: &[Gradient],
    rows: &[u32],
    columns: &[bool],
    trend: impl Fn(usize) -> Trend,
) -> Tree {
    let mut order = rows.to_vec();
    let directions: Vec<f64> =
        binned.features.iter().map(|&feature| direction(trend(feature))).collect();
    let mut grower = Grower {
        params,
        binned,
        gradients,
        columns,
        directions,
        nodes: Vec::new(),
        block: Vec::new(),
        aside: Vec::new(),
    };
    let histogram = Histogram::of(binned, gradients, &order, &mut grower.block);
    let sums = histogram.total();
    let mut leaves = vec![grower.leaf(0..order.len(), 0, sums, (f64::MIN, f64::MAX), histogram)];
    while leaves.len() < params.leaves_max {
        // The first of equals, so that the result does not depend on anything but the rows.
        let mut next: Option<(usize, f64)> = None;
        for (i, leaf) in leaves.iter().enumerate() {
            if let Some(split) = &leaf.best
                && next.is_none_or(|(_, gain)| split.gain > gain)
            {
                next = Some((i, split.gain));
            }
        }
        let Some((index, _)) = next else { break };
        let leaf = leaves.swap_remove(index);
        let (left, right) = grower.split(leaf, &mut order);
        leaves.push(left);
        leaves.push(right);
    }
    let leaves = leaves.into_iter().map(|leaf| (leaf.node, leaf.rows)).collect();
    let mut tree = Tree { nodes: grower.nodes, order, leaves };
    for node in &mut tree.nodes {
        node.value *= params.learning_rate;
    }
    tree.average_inner_nodes();
    tree
}

struct Grower<'a> {
    params: &'a BoostedValidParams,
    binned: &'a Binned,
    gradients: &'a [Gradient],
    columns: &'a [bool],
    directions: Vec<f64>,
    nodes: Vec<TreeNode>,
    /// Scratch memory: of histograms, and of partitions.
    block: Vec<Gradient>,
    aside: Vec<u32>,
}

impl Grower<'_> {
    fn leaf(
        &mut self,
        rows: Range<usize>,
        depth: usize,
        sums: Sums,
        bounds: Bounds,
        histogram: Histogram,
    ) -> Leaf {
        let value = sums.value(self.params.l2, &bounds);
        self.nodes.push(TreeNode { split: None, left: 0, right: 0, value, weight: sums.weight() });
        let best = (depth < self.params.depth_max)
            .then(|| self.best_split(&histogram, sums, &bounds))
            .flatten();
        Leaf { node: self.nodes.len() - 1, rows, depth, sums, bounds, histogram, best }
    }

    fn best_split(&self, histogram: &Histogram, total: Sums, bounds: &Bounds) -> Option<Split> {
        let l2 = self.params.l2;
        let whole = total.gain(total.value(l2, bounds), l2);
        let mut best: Option<Split> = None;
        for (column, bins) in
            histogram.columns().enumerate().filter(|&(column, _)| self.columns[column])
        {
            let missing = bins[BINS - 1];
            let mut below = Sums::default();
            for (bin, sums) in bins[..self.binned.edges[column].len()].iter().enumerate() {
                below = below.plus(*sums);
                let sides: &[bool] = if missing.weight() > 1e-6 { &[true, false] } else { &[true] };
                for &missing_left in sides {
                    let left = if missing_left { below.plus(missing) } else { below };
                    let right = total.minus(left);
                    if left.weight().min(right.weight()) < self.params.leaf_rows_min {
                        continue;
                    }
                    let (low, high) = (left.value(l2, bounds), right.value(l2, bounds));
                    if (high - low) * self.directions[column] < 0.0 {
                        continue;
                    }
                    let gain = left.gain(low, l2) + right.gain(high, l2) - whole;
                    if gain > best.map_or(1e-6, |best| best.gain) {
                        best =
                            Some(Split { column, bin: bin as u8, missing_left, gain, left, right });
                    }
                }
            }
        }
        best
    }

    fn split(&mut self, leaf: Leaf, order: &mut [u32]) -> (Leaf, Leaf) {
        let Some(split) = leaf.best else { unreachable!("only leaves with a split are split") };
        let rows = &mut order[leaf.rows.clone()];
        // Stable, so that sums are added up in row order and the result is reproducible.
        self.aside.clear();
        let mut left_count = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            if split.goes_left(self.binned.row(row as usize)[split.column]) {
                rows[left_count] = row;
                left_count += 1;
            } else {
                self.aside.push(row);
            }
        }
        rows[left_count..].copy_from_slice(&self.aside);
        let middle = leaf.rows.start + left_count;

        // Only the smaller side is summed; the larger is what remains.
        let (left, right) = rows.split_at(left_count);
        let left_is_smaller = left.len() <= right.len();
        let smaller = if left_is_smaller { left } else { right };
        let small = Histogram::of(self.binned, self.gradients, smaller, &mut self.block);
        let large = leaf.histogram.minus(&small);
        let (left_histogram, right_histogram) =
            if left_is_smaller { (small, large) } else { (large, small) };

        let (mut left_bounds, mut right_bounds) = (leaf.bounds, leaf.bounds);
        let direction = self.directions[split.column];
        if direction != 0.0 {
            let l2 = self.params.l2;
            let between =
                (split.left.value(l2, &leaf.bounds) + split.right.value(l2, &leaf.bounds)) / 2.0;
            if direction > 0.0 {
                (left_bounds.1, right_bounds.0) = (between, between);
            } else {
                (left_bounds.0, right_bounds.1) = (between, between);
            }
        }
        debug_assert!((split.left.plus(split.right).weight() - leaf.sums.weight()).abs() < 1e-3);
        let left = self.leaf(
            leaf.rows.start..middle,
            leaf.depth + 1,
            split.left,
            left_bounds,
            left_histogram,
        );
        let right = self.leaf(
            middle..leaf.rows.end,
            leaf.depth + 1,
            split.right,
            right_bounds,
            right_histogram,
        );
        let node = &mut self.nodes[leaf.node];
        (node.split, node.left, node.right) = (Some(split), left.node, right.node);
        (left, right)
    }
}

impl Split {
    fn goes_left(&self, bin: u8) -> bool {
        if bin == MISSING { self.missing_left } else { bin <= self.bin }
    }
}

impl Tree {
    /// An inner node's value becomes the mean of the rows below it: what contributions are measured
    /// against.
    fn average_inner_nodes(&mut self) {
        for index in (0..self.nodes.len()).rev() {
            let node = &self.nodes[index];
            if node.split.is_some() {
                let (left, right) = (&self.nodes[node.left], &self.nodes[node.right]);
                let weight = left.weight + right.weight;
                self.nodes[index].value =
                    (left.value * left.weight + right.value * right.weight) / weight;
            }
        }
    }

    /// Adds the tree to the margins of the rows it was grown on. As exported: leaf values are f32.
    pub fn add_to(&self, margins: &mut [f64]) {
        for (node, rows) in &self.leaves {
            let value = f64::from(self.nodes[*node].value as f32);
            for &row in &self.order[rows.clone()] {
                margins[row as usize] += value;
            }
        }
    }

    /// Lets go of the rows: a forest keeps its trees, not their rows.
    pub fn forget_rows(&mut self) {
        (self.order, self.leaves) = Default::default();
    }

    /// What the tree adds for any row.
    pub fn value_of(&self, bins: &[u8]) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            node = &self.nodes
                [if split.goes_left(bins[split.column]) { node.left } else { node.right }];
        }
        f64::from(node.value as f32)
    }

    /// Appends the tree to a flat forest.
    pub fn flatten(&self, binned: &Binned, nodes: &mut Vec<Node>) -> Result<(), TrainError> {
        let offset = nodes.len();
        let index = |node: usize| u16::try_from(offset + node).map_err(|_| TrainError::TooLarge);
        for node in &self.nodes {
            let value = node.value as f32;
            nodes.push(match &node.split {
                None => Node::leaf(value),
                Some(split) => {
                    let feature = u16::try_from(binned.features[split.column])
                        .map_err(|_| TrainError::TooLarge)?;
                    let flag = if split.missing_left { Node::MISSING_LEFT } else { 0 };
                    Node {
                        threshold: binned.edges[split.column][usize::from(split.bin)],
                        value,
                        feature: feature | flag,
                        left: index(node.left)?,
                        right: index(node.right)?,
                    }
                }
            });
        }
        Ok(())
    }
}

/// The sign a constrained split's values must have: right minus left.
fn direction(trend: Trend) -> f64 {
    match trend {
        Trend::Rising => 1.0,
        Trend::Falling => -1.0,
        Trend::Free => 0.0,
    }
}
