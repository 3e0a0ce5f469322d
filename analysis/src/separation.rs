//! The distribution of clients' highest scores: by label, and what every threshold would catch and
//! hurt.
//!
//! ROC and precision-recall points are computed here only; reports draw them and `--json` prints
//! them. All intervals are Clopper & Pearson's, at each point separately.

use std::collections::BTreeMap;

use detector::Score;
use serde::Serialize;
use trainer::label::Label;
use trainer::statistics::{Interval, share};

/// Width of a bin of the histogram, in log-odds, and its outermost edge: a score of 0.9991.
const BIN: f32 = 0.5;
const EDGE: f32 = 7.0;
/// More points than this would not be visible in a curve.
const POINTS_MAX: usize = 64;

/// The distribution of clients' highest scores.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Separation {
    /// Clients by score.
    pub histogram: ScoreHistogram,
    /// Thresholds from the strictest, which stops nobody, to the one that stops everybody. Empty if
    /// people or bad robots are missing.
    pub curve: Vec<Point>,
}

/// Clients by label and score, in bins of equal log-odds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ScoreHistogram {
    /// Inner edges in log-odds, ascending. A bin reaches up to its edge; the last one has none.
    pub edges: Vec<f32>,
    /// By label, one count for each bin.
    pub clients: BTreeMap<Label, Vec<u64>>,
}

/// A threshold and what it stops.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Scores from this on are stopped; 1 if none is.
    pub threshold: f64,
    /// Number of people stopped.
    pub hurt: u64,
    /// Number of bad robots stopped.
    pub caught: u64,
    /// Share of people stopped.
    pub fpr: f64,
    /// Its 95 % interval.
    pub fpr_ci: [f64; 2],
    /// Share of bad robots stopped: the recall.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
    /// Precision: share of bad robots among those stopped, with this log's mix of people and
    /// robots; `null` if nobody is stopped.
    pub precision: Option<f64>,
    /// Its 95 % interval.
    pub precision_ci: Option<[f64; 2]>,
}

impl Separation {
    /// Computes it from each client's label and highest margin (log-odds).
    pub fn of(scores: &[(Label, f32)]) -> Self {
        Self { histogram: ScoreHistogram::of(scores), curve: curve(scores) }
    }
}

impl ScoreHistogram {
    /// Counts each client's highest margin (log-odds) by label.
    pub(crate) fn of(scores: &[(Label, f32)]) -> Self {
        let inner = (2.0 * EDGE / BIN) as usize;
        let edges: Vec<f32> = (0..=inner).map(|i| i as f32 * BIN - EDGE).collect();
        let mut clients: BTreeMap<Label, Vec<u64>> = BTreeMap::new();
        for &(label, margin) in scores.iter().filter(|row| !row.1.is_nan()) {
            let bin = edges.partition_point(|&edge| edge < margin);
            clients.entry(label).or_insert_with(|| vec![0; edges.len() + 1])[bin] += 1;
        }
        Self { edges, clients }
    }
}

fn curve(scores: &[(Label, f32)]) -> Vec<Point> {
    let labelled = |label: Label| scores.iter().filter(move |row| row.0 == label).map(|row| row.1);
    let mut all: Vec<(f32, bool)> = labelled(Label::Human)
        .map(|m| (m, false))
        .chain(labelled(Label::Bad).map(|m| (m, true)))
        .collect();
    let bots = all.iter().filter(|row| row.1).count() as u64;
    let people = all.len() as u64 - bots;
    if people == 0 || bots == 0 {
        return Vec::new();
    }
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hurt, mut caught) = (0, 0);
    let mut corners = vec![(1.0, 0, 0)];
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let bad = tied.iter().filter(|row| row.1).count() as u64;
        (hurt, caught) = (hurt + tied.len() as u64 - bad, caught + bad);
        corners.push((f64::from(Score::from_margin(tied[0].0).value()), hurt, caught));
    }
    let point = |&(threshold, hurt, caught): &(f64, u64, u64)| {
        let (fpr, tpr) = (share(hurt, people), share(caught, bots));
        let precision = (hurt + caught > 0).then(|| share(caught, hurt + caught));
        Point {
            threshold,
            hurt,
            caught,
            fpr: fpr.value,
            fpr_ci: fpr.ends(),
            tpr: tpr.value,
            tpr_ci: tpr.ends(),
            precision: precision.map(|precision| precision.value),
            precision_ci: precision.map(Interval::ends),
        }
    };
    thinned(&corners, people, bots).iter().map(point).collect()
}

/// Keeps at most [`POINTS_MAX`] points, always the first and the last. They are dense where few
/// people are hurt, because thresholds lie there.
fn thinned(corners: &[(f64, u64, u64)], people: u64, bots: u64) -> Vec<(f64, u64, u64)> {
    if corners.len() <= POINTS_MAX {
        return corners.to_vec();
    }
    // Position along the curve: half of it by the logarithm of people hurt, half by bots caught.
    let place = |&(_, hurt, caught): &(f64, u64, u64)| {
        ((1 + hurt) as f64).ln() / ((1 + people) as f64).ln() + caught as f64 / bots as f64
    };
    let stride = 2.0 / (POINTS_MAX - 2) as f64;
    let mut thinned = Vec::new();
    let mut next = f64::NEG_INFINITY;
    for (i, corner) in corners.iter().enumerate() {
        if place(corner) >= next || i + 1 == corners.len() {
            next = place(corner) + stride;
            thinned.push(*corner);
        }
    }
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainer::statistics::auc;

    fn scores(people: &[f32], bots: &[f32]) -> Vec<(Label, f32)> {
        let of = |label, side: &[f32]| side.iter().map(|&score| (label, score)).collect::<Vec<_>>();
        [of(Label::Human, people), of(Label::Bad, bots)].concat()
    }

    /// The area below the curve, by the trapezoid rule.
    fn area(curve: &[Point]) -> f64 {
        curve
            .windows(2)
            .map(|two| (two[1].fpr - two[0].fpr) * (two[0].tpr + two[1].tpr) / 2.0)
            .sum()
    }

    #[test]
    fn the_area_under_the_points_is_the_area() {
        let (people, bots) = (vec![0.1, 0.4, 0.4, 0.9], vec![0.4, 0.8, 0.95, 0.1]);
        let curve = Separation::of(&scores(&people, &bots)).curve;
        assert!((area(&curve) - auc(&people, &bots).unwrap()).abs() < 1e-12, "{curve:?}");
        let (first, last) = (&curve[0], curve.last().unwrap());
        assert_eq!((first.hurt, first.caught, first.precision), (0, 0, None));
        assert_eq!((last.hurt, last.caught, last.precision), (4, 4, Some(0.5)));
        assert!(
            curve
                .iter()
                .all(|p| p.tpr_ci[0] <= p.tpr && p.tpr <= p.tpr_ci[1] && p.fpr <= p.fpr_ci[1])
        );
    }

    #[test]
    fn many_clients_make_few_points_of_nearly_the_same_area() {
        let people: Vec<f32> = (0..4_000).map(|i| (i * 7919 % 4_001) as f32 / 4_000.0).collect();
        let bots: Vec<f32> =
            (0..3_000).map(|i| 0.3 + (i * 104_729 % 3_001) as f32 / 3_000.0).collect();
        let curve = Separation::of(&scores(&people, &bots)).curve;
        assert!(curve.len() <= POINTS_MAX && curve.len() > 40, "{}", curve.len());
        assert!((area(&curve) - auc(&people, &bots).unwrap()).abs() < 5e-3);
        // A threshold that hurts one in a thousand people is still among the points.
        assert!(curve.iter().filter(|point| point.fpr > 0.0 && point.fpr < 0.002).count() >= 3);
    }

    #[test]
    fn every_client_is_in_one_bin_and_one_sided_logs_have_no_curve() {
        let only = scores(&[-99.0, -0.1, 0.0, 0.1, 99.0, f32::NAN], &[]);
        let Separation { histogram, curve } = Separation::of(&only);
        assert!(curve.is_empty());
        let counts = &histogram.clients[&Label::Human];
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (histogram.edges.len() + 1, 5));
        assert_eq!((counts[0], counts[counts.len() - 1]), (1, 1));
        assert_eq!(Separation::of(&[]).histogram.clients, BTreeMap::new());
    }
}
