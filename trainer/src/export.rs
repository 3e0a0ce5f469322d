//! A fitted scorer as a model file.

use detector::features::{COUNT, FEATURES, definition_hash};
use detector::model::{Card, File, GoldenRow, Scorer, ScorerFile, Thresholds};

use crate::samples::Sample;

/// Golden rows a file: enough to walk most trees, 12 KB.
const GOLDEN_ROWS: usize = 32;

/// Everything a model file says, but for the seal.
pub fn export(
    name: &str,
    scorer: &Scorer,
    samples: &[Sample],
    thresholds: Thresholds,
    calibration: Vec<[f32; 2]>,
    resolution_us: u32,
    card: Card,
) -> File {
    File {
        format: detector::model::FORMAT,
        name: name.to_owned(),
        product: env!("CARGO_PKG_VERSION").to_owned(),
        features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
        definition: definition_hash(),
        resolution_us,
        scorer: ScorerFile::from(scorer),
        calibration,
        thresholds,
        card,
        golden: golden(scorer, samples),
    }
}

/// Rows spread evenly over the training rows, and one of which nothing is known.
fn golden(scorer: &Scorer, samples: &[Sample]) -> Vec<GoldenRow> {
    let step = samples.len().div_ceil(GOLDEN_ROWS - 1).max(1);
    let unknown = detector::Features([f32::NAN; COUNT]);
    let rows = samples.iter().step_by(step).map(|sample| sample.features).chain([unknown]);
    rows.map(|features| GoldenRow {
        row: features.0.iter().map(|value| (!value.is_nan()).then_some(*value)).collect(),
        margin: scorer.margin(&features),
    })
    .collect()
}
