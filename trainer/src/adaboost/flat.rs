//! linfa's voting trees as the detector's flat forest.

use detector::features::COUNT;
use detector::model::{Node, Trees};
use ndarray::Array2;

use super::columns::{BAD, scored};
use crate::error::TrainError;
use crate::samples::Rows;
use linfa_ensemble::AdaBoost as Ensemble;
use linfa_trees::{DecisionTree, TreeNode};

/// Log-odds that all votes together may reach: beyond, a score is 1.000 whatever is added.
const MARGIN_MAX: f64 = 12.0;

/// Weighted median of each column's known values; 0 where none is known.
pub fn medians(records: &Array2<f32>, weights: &[f32]) -> [f32; COUNT] {
    std::array::from_fn(|feature| {
        let column = records.column(feature);
        let known = column.iter().zip(weights).filter(|(value, _)| !value.is_nan());
        let mut known: Vec<(f32, f64)> =
            known.map(|(&value, &weight)| (value, f64::from(weight))).collect();
        known.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = known.iter().map(|row| row.1).sum::<f64>() / 2.0;
        let mut sum = 0.0;
        let middle = known.iter().find(|row| {
            sum += row.1;
            sum >= half
        });
        middle.or(known.last()).map_or(0.0, |row| row.0)
    })
}

/// The forest whose margin is the scaled sum of votes. The rows give the slope, and each inner node
/// its mean.
pub fn flatten(
    ensemble: &Ensemble<DecisionTree<f64, usize>, usize>,
    medians: &[f32; COUNT],
    dataset: &Rows,
    weights: &[f32],
) -> Result<Trees, TrainError> {
    let columns: Vec<usize> = scored().collect();
    let (mut roots, mut nodes) = (Vec::new(), Vec::new());
    for (tree, &vote) in ensemble.models.iter().zip(&ensemble.model_weights) {
        roots.push(u16::try_from(nodes.len()).map_err(|_| TrainError::TooLarge)?);
        append(tree.root_node(), vote, &columns, medians, &mut nodes)?;
    }
    let paths = Paths { nodes: &nodes, roots: &roots, dataset };
    let votes: Vec<f64> = (0..dataset.records.nrows()).map(|row| paths.votes(row)).collect();
    let bound = MARGIN_MAX / ensemble.model_weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let slope = slope(&votes, dataset, weights, bound);
    let below = paths.weights_below(weights);
    for node in &mut nodes {
        node.value = (f64::from(node.value) * slope) as f32;
    }
    // Children stand after their parents, so one pass from the end suffices.
    for index in (0..nodes.len()).rev() {
        if nodes[index].feature != Node::LEAF {
            let (left, right) = (usize::from(nodes[index].left), usize::from(nodes[index].right));
            let sum = below[left] + below[right];
            // Nodes that no row reaches: the plain mean.
            let share = if sum > 0.0 { below[left] / sum } else { 0.5 };
            let mean = f64::from(nodes[left].value) * share
                + f64::from(nodes[right].value) * (1.0 - share);
            nodes[index].value = mean as f32;
        }
    }
    Trees::new(0.0, roots, nodes).map_err(TrainError::Export)
}

fn append(
    from: &TreeNode<f64, usize>,
    vote: f64,
    columns: &[usize],
    medians: &[f32; COUNT],
    nodes: &mut Vec<Node>,
) -> Result<u16, TrainError> {
    let index = u16::try_from(nodes.len()).map_err(|_| TrainError::TooLarge)?;
    let children: Vec<_> = from.children().into_iter().flatten().collect();
    let [left, right] = children.as_slice() else {
        let is_bad = from.prediction() == Some(BAD);
        nodes.push(Node::leaf(if is_bad { vote } else { -vote } as f32));
        return Ok(index);
    };
    let (column, split, _) = from.split();
    let feature = *columns
        .get(column)
        .ok_or_else(|| TrainError::Fit("linfa split an unknown column".to_owned()))?;
    // linfa goes left below the split, a flat node up to its threshold: the largest number below
    // it.
    let rounded = split as f32;
    let threshold = if f64::from(rounded) < split { rounded } else { rounded.next_down() };
    let flag = if medians[feature] <= threshold { Node::MISSING_LEFT } else { 0 };
    let at = nodes.len();
    nodes.push(Node { threshold, value: 0.0, feature: feature as u16 | flag, left: 0, right: 0 });
    nodes[at].left = append(left, vote, columns, medians, nodes)?;
    nodes[at].right = append(right, vote, columns, medians, nodes)?;
    Ok(index)
}

/// Walks training rows down the forest.
struct Paths<'a> {
    nodes: &'a [Node],
    roots: &'a [u16],
    dataset: &'a Rows,
}

impl Paths<'_> {
    /// Calls `visit(node)` from a root to its leaf, and returns the leaf.
    fn walk(&self, root: u16, row: usize, mut visit: impl FnMut(usize)) -> &Node {
        let mut index = usize::from(root);
        loop {
            visit(index);
            let node = &self.nodes[index];
            if node.feature == Node::LEAF {
                return node;
            }
            let value =
                self.dataset.records[(row, usize::from(node.feature & !Node::MISSING_LEFT))];
            let is_left = if value.is_nan() {
                node.feature & Node::MISSING_LEFT != 0
            } else {
                value <= node.threshold
            };
            index = usize::from(if is_left { node.left } else { node.right });
        }
    }

    fn votes(&self, row: usize) -> f64 {
        self.roots.iter().map(|&root| f64::from(self.walk(root, row, |_| {}).value)).sum()
    }

    /// Weight of the rows that pass each node.
    fn weights_below(&self, weights: &[f32]) -> Vec<f64> {
        let mut below = vec![0.0; self.nodes.len()];
        for (row, &weight) in weights.iter().enumerate() {
            for &root in self.roots {
                self.walk(root, row, |node| below[node] += f64::from(weight));
            }
        }
        below
    }
}

/// The slope a > 0 for which a · votes fits log-odds best, by Newton's method on the weighted
/// log-loss; at most `bound`, which it would leave where the votes tell all rows apart.
fn slope(votes: &[f64], dataset: &Rows, weights: &[f32], bound: f64) -> f64 {
    let mut slope = bound / 2.0;
    for _ in 0..50 {
        let (mut first, mut second) = (0.0, 0.0);
        for ((&vote, &bad), &weight) in votes.iter().zip(&dataset.targets).zip(weights) {
            let p = 1.0 / (1.0 + (-slope * vote).exp());
            first += f64::from(weight) * vote * (p - f64::from(u8::from(bad)));
            second += f64::from(weight) * vote * vote * p * (1.0 - p);
        }
        let next = (slope - first / second.max(1e-12)).clamp(bound / 1_000.0, bound);
        if (next - slope).abs() < 1e-9 * bound {
            return next;
        }
        slope = next;
    }
    slope
}
