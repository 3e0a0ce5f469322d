//! Isolation forest (Liu, Ting & Zhou 2008, ICDM): a row that few random cuts isolate is unusual.
//!
//! Each tree cuts a random sample of ψ rows. A cut takes a random feature and a random point
//! between that feature's least and greatest value. It stops when a row is alone or after ⌈log₂ ψ⌉
//! cuts. A row's score is 2^(−h/c(ψ)), where h is its mean depth and c(n) the mean depth of an
//! unsuccessful search in a binary tree of n rows. A score of ½ is ordinary; 1 means isolated at
//! once.

use rand::seq::index::sample;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A forest over rows of `F` features.
#[derive(Clone, Debug)]
pub struct IsolationForest<const F: usize> {
    trees: Vec<Vec<Node>>,
    /// c(ψ), by which mean depths are divided.
    usual: f64,
}

#[derive(Clone, Copy, Debug)]
enum Node {
    /// A row below the cut goes to the next node, any other to the node with this index.
    Cut { feature: u8, at: f32, above: u32 },
    /// The leaf's depth, plus the expected depth of the rows that it still holds.
    Leaf { depth: f32 },
}

impl<const F: usize> IsolationForest<F> {
    /// Fits `trees` trees on samples of at most `size` rows. `None` for fewer than two rows.
    pub fn fit(rows: &[[f32; F]], trees: usize, size: usize, seed: u64) -> Option<Self> {
        let size = size.min(rows.len());
        if size < 2 {
            return None;
        }
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let depth_max = (size as f64).log2().ceil() as u32;
        let tree = |_| {
            let mut drawn: Vec<&[f32; F]> =
                sample(&mut random, rows.len(), size).into_iter().map(|row| &rows[row]).collect();
            let mut nodes = Vec::new();
            grow(&mut nodes, &mut drawn, depth_max, 0, &mut random);
            nodes
        };
        Some(Self { trees: (0..trees).map(tree).collect(), usual: usual_depth(size) })
    }

    /// How unusual a row is, from 0 to 1.
    pub fn score(&self, row: &[f32; F]) -> f64 {
        let depth: f64 = self.trees.iter().map(|tree| depth_in(tree, row)).sum();
        (-(depth / self.trees.len() as f64) / self.usual).exp2()
    }
}

fn grow<const F: usize>(
    nodes: &mut Vec<Node>,
    rows: &mut [&[f32; F]],
    depth_max: u32,
    depth: u32,
    random: &mut Xoshiro256PlusPlus,
) {
    let range = |feature: usize| {
        let values = rows.iter().map(|row| row[feature]);
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    // Only features in which these rows differ can be cut.
    let uneven: Vec<(usize, f32, f32)> = (0..F)
        .map(|feature| (feature, range(feature)))
        .filter(|(_, (low, high))| low < high)
        .map(flat)
        .collect();
    if rows.len() < 2 || depth >= depth_max || uneven.is_empty() {
        nodes.push(Node::Leaf { depth: depth as f32 + usual_depth(rows.len()) as f32 });
        return;
    }
    let (feature, low, high) = uneven[random.gen_range(0..uneven.len())];
    let at = random.gen_range(low..high);
    // Rows below or at the cut come first. Rounding may put the cut on either end, never outside.
    let mut below = 0;
    for index in 0..rows.len() {
        if rows[index][feature] <= at {
            rows.swap(index, below);
            below += 1;
        }
    }
    let own = nodes.len();
    nodes.push(Node::Leaf { depth: 0.0 });
    let (left, right) = rows.split_at_mut(below);
    grow(nodes, left, depth_max, depth + 1, random);
    nodes[own] = Node::Cut { feature: feature as u8, at, above: nodes.len() as u32 };
    grow(nodes, right, depth_max, depth + 1, random);
}

fn flat((feature, (low, high)): (usize, (f32, f32))) -> (usize, f32, f32) {
    (feature, low, high)
}

fn depth_in<const F: usize>(tree: &[Node], row: &[f32; F]) -> f64 {
    let mut at = 0;
    loop {
        match tree.get(at) {
            Some(&Node::Cut { feature, at: cut, above }) => {
                at = if row[feature as usize] <= cut { at + 1 } else { above as usize };
            }
            Some(&Node::Leaf { depth }) => return f64::from(depth),
            None => return 0.0,
        }
    }
}

/// c(n): mean depth of an unsuccessful search in a binary search tree of n rows.
fn usual_depth(rows: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        rows => {
            let n = rows as f64;
            2.0 * ((n - 1.0).ln() + EULER) - 2.0 * (n - 1.0) / n
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_apart_is_alone_after_few_cuts() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut rows: Vec<[f32; 3]> = (0..1_000)
            .map(|_| [random.gen_range(0.0..1.0), random.gen_range(5.0..6.0), 7.0])
            .collect();
        rows.push([30.0, 5.5, 7.0]);
        let forest = IsolationForest::fit(&rows, 200, 256, 7).unwrap();
        let (apart, middle) = (forest.score(&[30.0, 5.5, 7.0]), forest.score(&[0.5, 5.5, 7.0]));
        assert!(apart > 0.6 && middle < 0.5, "{apart} {middle}");
        assert_eq!(
            forest.score(&[0.5, 5.5, 7.0]),
            forest.score(&[0.5, 5.5, 900.0]),
            "a constant is never cut"
        );
        let again = IsolationForest::fit(&rows, 200, 256, 7).unwrap();
        assert_eq!(again.score(&[0.1, 5.1, 7.0]), forest.score(&[0.1, 5.1, 7.0]));
        assert!(IsolationForest::fit(&rows[..1], 200, 256, 7).is_none());
    }

    #[test]
    fn usual_depths_are_those_of_the_paper() {
        assert_eq!((usual_depth(1), usual_depth(2)), (0.0, 1.0));
        assert!((usual_depth(256) - 10.244_77).abs() < 1e-4, "{}", usual_depth(256));
    }
}
