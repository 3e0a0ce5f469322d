//! Growing one tree, best leaf first.

use std::ops::Range;

use detector::features::Trend;
use detector::model::Node;
use ndarray::ArrayView1;

use super::bins::{Binned, MISSING};
use super::{BoostedValidParams, direction};
use crate::TrainError;

/// First and second derivative of the loss by margin, and the weight, per row.
pub struct Gradients {
    rows: Vec<[f64; 3]>,
}

impl Gradients {
    /// Weighted log-loss at these margins.
    pub fn log_loss(margins: &[f64], targets: &ArrayView1<'_, bool>, weight: impl Fn(usize) -> f64) -> Self {
        let row = |(row, margin): (usize, &f64)| {
            let p = 1.0 / (1.0 + (-margin).exp());
            let w = weight(row);
            [w * (p - f64::from(u8::from(targets[row]))), w * (p * (1.0 - p)).max(1e-9), w]
        };
        Self { rows: margins.iter().enumerate().map(row).collect() }
    }
}

/// Sums over rows: gradient, hessian, weight.
#[derive(Clone, Copy, Debug, Default)]
struct Sums([f64; 3]);

impl Sums {
    fn add(&mut self, row: &[f64; 3]) {
        for (sum, part) in self.0.iter_mut().zip(row) {
            *sum += part;
        }
    }

    fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

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

/// Sums by column and bin.
type Histogram = Vec<[Sums; 256]>;

/// Grows a tree; `trend` says how a feature may move the score.
pub fn grow(
    params: &BoostedValidParams,
    binned: &Binned,
    gradients: &Gradients,
    trend: impl Fn(usize) -> Trend,
) -> Tree {
    let mut order: Vec<u32> = (0..binned.rows() as u32).collect();
    let directions: Vec<f64> = binned.features.iter().map(|&feature| direction(trend(feature))).collect();
    let mut grower = Grower { params, binned, gradients, directions, nodes: Vec::new() };
    let mut root_sums = Sums::default();
    gradients.rows.iter().for_each(|row| root_sums.add(row));
    let histogram = grower.histogram(&order);
    let mut leaves = vec![grower.leaf(0..order.len(), 0, root_sums, (f64::MIN, f64::MAX), histogram)];
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
    let mut tree = Tree { nodes: grower.nodes };
    for node in &mut tree.nodes {
        node.value *= params.learning_rate;
    }
    tree.average_inner_nodes();
    tree
}

struct Grower<'a> {
    params: &'a BoostedValidParams,
    binned: &'a Binned,
    gradients: &'a Gradients,
    directions: Vec<f64>,
    nodes: Vec<TreeNode>,
}

impl Grower<'_> {
    fn leaf(&mut self, rows: Range<usize>, depth: usize, sums: Sums, bounds: Bounds, histogram: Histogram) -> Leaf {
        let value = sums.value(self.params.l2, &bounds);
        self.nodes.push(TreeNode { split: None, left: 0, right: 0, value, weight: sums.0[2] });
        let best = (depth < self.params.depth_max).then(|| self.best_split(&histogram, sums, &bounds)).flatten();
        Leaf { node: self.nodes.len() - 1, rows, depth, sums, bounds, histogram, best }
    }

    fn histogram(&self, rows: &[u32]) -> Histogram {
        let column = |column: usize| {
            let bins = self.binned.column(column);
            let mut sums = [Sums::default(); 256];
            for &row in rows {
                sums[usize::from(bins[row as usize])].add(&self.gradients.rows[row as usize]);
            }
            sums
        };
        (0..self.binned.features.len()).map(column).collect()
    }

    fn best_split(&self, histogram: &Histogram, total: Sums, bounds: &Bounds) -> Option<Split> {
        let l2 = self.params.l2;
        let whole = total.gain(total.value(l2, bounds), l2);
        let mut best: Option<Split> = None;
        for (column, bins) in histogram.iter().enumerate() {
            let missing = bins[usize::from(MISSING)];
            let mut below = Sums::default();
            for (bin, sums) in bins[..self.binned.edges[column].len()].iter().enumerate() {
                below = below.plus(*sums);
                let sides: &[bool] = if missing.0[2] > 0.0 { &[true, false] } else { &[true] };
                for &missing_left in sides {
                    let left = if missing_left { below.plus(missing) } else { below };
                    let right = total.minus(left);
                    if left.0[2].min(right.0[2]) < self.params.leaf_rows_min {
                        continue;
                    }
                    let (low, high) = (left.value(l2, bounds), right.value(l2, bounds));
                    if (high - low) * self.directions[column] < 0.0 {
                        continue;
                    }
                    let gain = left.gain(low, l2) + right.gain(high, l2) - whole;
                    if gain > best.map_or(1e-6, |best| best.gain) {
                        best = Some(Split { column, bin: bin as u8, missing_left, gain, left, right });
                    }
                }
            }
        }
        best
    }

    fn split(&mut self, leaf: Leaf, order: &mut [u32]) -> (Leaf, Leaf) {
        let Some(split) = leaf.best else { unreachable!("only leaves with a split are split") };
        let bins = self.binned.column(split.column);
        let rows = &mut order[leaf.rows.clone()];
        // Stable, so that sums are added up in row order and the result is reproducible.
        let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().partition(|&&row| split.goes_left(bins[row as usize]));
        rows[..left.len()].copy_from_slice(&left);
        rows[left.len()..].copy_from_slice(&right);
        let middle = leaf.rows.start + left.len();

        // Only the smaller side is summed; the larger is what remains.
        let left_is_smaller = left.len() <= right.len();
        let small = self.histogram(if left_is_smaller { &left } else { &right });
        let mut large = leaf.histogram;
        for (large, small) in large.iter_mut().zip(&small) {
            for (large, small) in large.iter_mut().zip(small) {
                *large = large.minus(*small);
            }
        }
        let (left_histogram, right_histogram) = if left_is_smaller { (small, large) } else { (large, small) };

        let (mut left_bounds, mut right_bounds) = (leaf.bounds, leaf.bounds);
        let direction = self.directions[split.column];
        if direction != 0.0 {
            let l2 = self.params.l2;
            let between = (split.left.value(l2, &leaf.bounds) + split.right.value(l2, &leaf.bounds)) / 2.0;
            if direction > 0.0 {
                (left_bounds.1, right_bounds.0) = (between, between);
            } else {
                (left_bounds.0, right_bounds.1) = (between, between);
            }
        }
        debug_assert!((split.left.plus(split.right).0[2] - leaf.sums.0[2]).abs() < 1e-3);
        let left = self.leaf(leaf.rows.start..middle, leaf.depth + 1, split.left, left_bounds, left_histogram);
        let right = self.leaf(middle..leaf.rows.end, leaf.depth + 1, split.right, right_bounds, right_histogram);
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
    /// An inner node's value becomes the mean of the rows below it: what contributions are measured against.
    fn average_inner_nodes(&mut self) {
        for index in (0..self.nodes.len()).rev() {
            let node = &self.nodes[index];
            if node.split.is_some() {
                let (left, right) = (&self.nodes[node.left], &self.nodes[node.right]);
                let weight = left.weight + right.weight;
                self.nodes[index].value = (left.value * left.weight + right.value * right.weight) / weight;
            }
        }
    }

    /// What the tree adds for a training row. As exported: leaf values are f32.
    pub fn value_of(&self, binned: &Binned, row: usize) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            let left = split.goes_left(binned.column(split.column)[row]);
            node = &self.nodes[if left { node.left } else { node.right }];
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
                    let feature = u16::try_from(binned.features[split.column]).map_err(|_| TrainError::TooLarge)?;
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
