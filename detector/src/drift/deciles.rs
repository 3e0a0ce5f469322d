//! The reference for drift, which training puts into the model file.

use crate::features::{COUNT, Features};
use crate::model::{Deciles, Reference};

/// Deciles of these values, and the share of all values in each bin. Ties make fewer bins.
pub fn deciles(values: &[f32]) -> Deciles {
    let mut known: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
    known.sort_unstable_by(f32::total_cmp);
    let mut edges: Vec<f32> = Vec::new();
    for i in 1..10 {
        // An edge at the largest value would make an empty bin.
        if let Some(&edge) = known.get((i * known.len()).div_ceil(10).saturating_sub(1))
            && edges.last().is_none_or(|&last| edge > last)
            && known.last().is_some_and(|&last| edge < last)
        {
            edges.push(edge);
        }
    }
    let mut deciles = Deciles { shares: vec![0.0; edges.len() + 2], edges };
    let mut counts = vec![0_u64; deciles.shares.len()];
    values.iter().for_each(|&value| counts[deciles.bin(value)] += 1);
    deciles.shares =
        counts.iter().map(|&count| (count as f64 / values.len() as f64) as f32).collect();
    deciles
}

/// Deciles of every feature and of the margin over these rows, which are of `clients` clients.
/// `None` without any row.
pub fn reference<'a>(
    rows: impl Iterator<Item = (&'a Features, f32)>,
    clients: u64,
) -> Option<Reference> {
    let rows: Vec<(&Features, f32)> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let column = |feature: usize| {
        deciles(&rows.iter().map(|(features, _)| features.0[feature]).collect::<Vec<_>>())
    };
    Some(Reference {
        clients,
        rows: rows.len() as u64,
        features: (0..COUNT).map(column).collect(),
        score: deciles(&rows.iter().map(|(_, margin)| *margin).collect::<Vec<_>>()),
    })
}
