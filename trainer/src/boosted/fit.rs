//! The boosting loop: gradients, a tree, new margins; early stopping; continuing from a base.

use detector::Features;
use detector::features::{COUNT, FEATURES};
use detector::model::{Node, Trees};
use linfa::dataset::AsSingleTargets;

use super::bins::Binned;
use super::forest::Boosted;
use super::grow::{Tree, grow};
use super::histogram::Gradient;
use super::params::BoostedValidParams;
use crate::error::TrainError;
use crate::samples::Rows;

/// One client in so many is held out to say how many trees are enough.
const HELD_OUT_ONE_IN: u64 = 5;
/// Fewer held-out clients of a kind than this say nothing about the number of trees: chance would
/// choose a few.
const HELD_OUT_CLIENTS_MIN: usize = 20;

pub fn fit(
    params: &BoostedValidParams,
    dataset: &Rows,
    clients: Option<&[u64]>,
    base: Option<&Trees>,
    grown: &dyn Fn(),
) -> Result<Boosted, TrainError> {
    let problem = Problem::new(params, dataset, base)?;
    let rounds = clients.and_then(|clients| problem.rounds(clients, grown));
    let all: Vec<u32> = (0..problem.binned.rows() as u32).collect();
    let (offset, trees) = problem.boost(&all, rounds.unwrap_or(params.trees), |_| {
        grown();
        true
    });

    let (mut roots, mut nodes) =
        base.map_or_else(Default::default, |base| (base.roots().to_vec(), base.nodes().to_vec()));
    for tree in &trees {
        roots.push(u16::try_from(nodes.len()).map_err(|_| TrainError::TooLarge)?);
        tree.flatten(&problem.binned, &mut nodes)?;
    }
    if nodes.len() > usize::from(Node::LEAF) {
        return Err(TrainError::TooLarge);
    }
    let start = (f64::from(base.map_or(0.0, Trees::base)) + offset) as f32;
    let rounds_fitted = trees.len();
    let trees = Trees::new(start, roots, nodes).map_err(TrainError::Export)?;
    Ok(Boosted { trees, rounds: rounds_fitted, was_stopped_by_clients: rounds.is_some() })
}

/// One tree's draw of rows and columns: a hash of seed, round and number, so that the same seed
/// draws the same.
struct Draw {
    seed: u64,
    round: u64,
}

impl Draw {
    fn takes(&self, number: u64, share: f64) -> bool {
        share >= 1.0 || (self.hash(number) >> 11) as f64 / ((1_u64 << 53) as f64) < share
    }

    /// Which columns, at least one.
    fn columns(&self, count: usize, share: f64) -> Vec<bool> {
        const COLUMNS: u64 = 1 << 40;
        let mut columns: Vec<bool> =
            (0..count as u64).map(|column| self.takes(COLUMNS + column, share)).collect();
        if !columns.contains(&true) && count > 0 {
            columns[self.round as usize % count] = true;
        }
        columns
    }

    /// splitmix64 (Steele et al. 2014).
    fn hash(&self, number: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mix = |z: u64| {
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        mix(mix(self.seed.wrapping_mul(STEP) ^ self.round).wrapping_add(number.wrapping_mul(STEP)))
    }
}

/// Binned rows with their targets, weights and the margins to start from.
struct Problem<'a> {
    params: &'a BoostedValidParams,
    binned: Binned,
    bad: Vec<bool>,
    weights: Vec<f32>,
    start: Vec<f32>,
}

impl<'a> Problem<'a> {
    fn new(
        params: &'a BoostedValidParams,
        dataset: &Rows,
        base: Option<&Trees>,
    ) -> Result<Self, TrainError> {
        let bad = dataset.as_single_targets().to_vec();
        if bad.iter().all(|&bad| bad) || bad.iter().all(|&bad| !bad) {
            return Err(TrainError::OneClass);
        }
        let weights = dataset.weights().map_or_else(|| vec![1.0; bad.len()], <[f32]>::to_vec);
        let mut start = vec![0.0; bad.len()];
        if let Some(base) = base {
            for (margin, row) in start.iter_mut().zip(dataset.records.rows()) {
                let mut features = Features([f32::NAN; COUNT]);
                features.0.iter_mut().zip(row).for_each(|(slot, &value)| *slot = value);
                *margin = base.margin(&features);
            }
        }
        Ok(Self {
            params,
            binned: Binned::new(&dataset.records, &params.features),
            bad,
            weights,
            start,
        })
    }

    /// Grows up to `trees` trees on these rows, as long as `goes_on(tree)` says so. Returns what is
    /// added to every margin before the first, and the trees.
    fn boost(
        &self,
        rows: &[u32],
        trees: usize,
        mut goes_on: impl FnMut(&Tree) -> bool,
    ) -> (f64, Vec<Tree>) {
        let offset = self.offset(rows);
        let mut margins: Vec<f64> =
            self.start.iter().map(|&margin| f64::from(margin) + offset).collect();
        let mut gradients: Vec<Gradient> = vec![[0.0; 4]; margins.len()];
        let mut grown = Vec::new();
        while grown.len() < trees {
            for &row in rows {
                let row = row as usize;
                gradients[row] = self.gradient(row, margins[row]);
            }
            let draw = Draw { seed: self.params.seed, round: grown.len() as u64 };
            let (drawn, rest): (Vec<u32>, Vec<u32>) =
                rows.iter().partition(|&&row| draw.takes(u64::from(row), self.params.row_share));
            let columns = draw.columns(self.binned.features.len(), self.params.feature_share);
            let mut tree =
                grow(self.params, &self.binned, &gradients, &drawn, &columns, |feature| {
                    FEATURES[feature].trend
                });
            tree.add_to(&mut margins);
            for row in rest {
                margins[row as usize] += tree.value_of(self.binned.row(row as usize));
            }
            tree.forget_rows();
            let ends = !goes_on(&tree);
            grown.push(tree);
            if ends {
                break;
            }
        }
        (offset, grown)
    }

    /// Weighted log-loss: first and second derivative by margin, and the weight.
    fn gradient(&self, row: usize, margin: f64) -> Gradient {
        let p = 1.0 / (1.0 + (-margin).exp());
        let weight = f64::from(self.weights[row]);
        let target = f64::from(u8::from(self.bad[row]));
        [
            (weight * (p - target)) as f32,
            (weight * (p * (1.0 - p)).max(1e-9)) as f32,
            weight as f32,
            0.0,
        ]
    }

    /// The constant that fits these rows best on top of where they start, by Newton's method.
    fn offset(&self, rows: &[u32]) -> f64 {
        let mut offset = 0.0;
        for _ in 0..50 {
            let (mut first, mut second) = (0.0, 0.0);
            for &row in rows {
                let [g, h, ..] =
                    self.gradient(row as usize, f64::from(self.start[row as usize]) + offset);
                first += f64::from(g);
                second += f64::from(h);
            }
            let step = (first / second.max(1e-9)).clamp(-1.0, 1.0);
            offset -= step;
            if step.abs() < 1e-7 {
                break;
            }
        }
        offset
    }

    /// How many trees are enough by the clients held out; `None` where they cannot tell.
    ///
    /// The most trees whose area is within one standard error of the best: among fifty people the
    /// very best number is chance, and too few trees cost more than too many.
    fn rounds(&self, clients: &[u64], grown: &dyn Fn()) -> Option<usize> {
        let is_held_out = |row: &u32| clients[*row as usize].is_multiple_of(HELD_OUT_ONE_IN);
        let all = 0..self.binned.rows() as u32;
        let (held_out, kept): (Vec<u32>, Vec<u32>) = all.partition(is_held_out);
        let of_kind = |rows: &[u32], bad: bool| {
            let of_kind = rows
                .iter()
                .filter(|&&row| self.bad[row as usize] == bad)
                .map(|&row| clients[row as usize]);
            of_kind.collect::<std::collections::BTreeSet<_>>().len()
        };
        let sizes = [false, true].map(|bad| of_kind(&held_out, bad));
        if sizes[0].min(sizes[1]) < HELD_OUT_CLIENTS_MIN
            || of_kind(&kept, false).min(of_kind(&kept, true)) == 0
        {
            return None;
        }
        let offset = self.offset(&kept);
        let mut margins: Vec<f64> =
            held_out.iter().map(|&row| f64::from(self.start[row as usize]) + offset).collect();
        let mut areas = vec![self.area(&held_out, &margins)];
        let mut best = areas[0];
        let mut enough = 0;
        self.boost(&kept, self.params.trees, |tree| {
            grown();
            for (margin, &row) in margins.iter_mut().zip(&held_out) {
                *margin += tree.value_of(self.binned.row(row as usize));
            }
            let area = self.area(&held_out, &margins);
            areas.push(area);
            best = best.max(area);
            let least = best - standard_error(best, sizes);
            enough = areas.iter().rposition(|&area| area >= least).unwrap_or(0);
            areas.len() - 1 < enough + self.params.patience
        });
        Some(enough)
    }

    /// Weighted area under the curve of rows at these margins. Not the loss, which overconfidence
    /// makes worse long before the order suffers; thresholds live on the order.
    fn area(&self, rows: &[u32], margins: &[f64]) -> f64 {
        let tag = |(&row, &margin): (&u32, &f64)| {
            (margin, self.bad[row as usize], f64::from(self.weights[row as usize]))
        };
        let mut all: Vec<(f64, bool, f64)> = rows.iter().zip(margins).map(tag).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut below, mut wins, mut bots) = (0.0, 0.0, 0.0);
        for tied in all.chunk_by(|a, b| a.0 == b.0) {
            let weight =
                |bad: bool| tied.iter().filter(|row| row.1 == bad).map(|row| row.2).sum::<f64>();
            let (people_here, bots_here) = (weight(false), weight(true));
            wins += bots_here * (below + people_here / 2.0);
            below += people_here;
            bots += bots_here;
        }
        wins / (below * bots).max(f64::MIN_POSITIVE)
    }
}

/// Of an area measured on so many people and bots (Hanley & McNeil 1982).
fn standard_error(area: f64, [people, bots]: [usize; 2]) -> f64 {
    let (m, n) = (people as f64, bots as f64);
    let (bot_pairs, people_pairs) = (area / (2.0 - area), 2.0 * area * area / (1.0 + area));
    let variance = area * (1.0 - area)
        + (n - 1.0) * (bot_pairs - area * area)
        + (m - 1.0) * (people_pairs - area * area);
    (variance.max(0.0) / (m * n)).sqrt()
}
