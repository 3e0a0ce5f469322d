//! A fitted scorer as a model file.

use detector::SiteProfileFile;
use detector::features::{COUNT, FEATURES, definition_hash};
use detector::model::{
    Card, File, GoldenRow, Readiness, Reference, Scorer, ScorerFile, Thresholds,
};

use crate::samples::Sample;

/// Golden rows a file: enough to walk most trees, 12 KB.
const GOLDEN_ROWS: usize = 32;

/// What a model file says beside its scorer.
#[derive(Clone, Debug)]
pub struct Said {
    /// Name of the model.
    pub name: String,
    /// Thresholds and their evidence.
    pub thresholds: Thresholds,
    /// May it refuse anybody?
    pub readiness: Readiness,
    /// Isotonic knots.
    pub calibration: Vec<[f32; 2]>,
    /// Time step of the logs, in µs.
    pub resolution_us: u32,
    /// What is remembered of the site.
    pub site: Option<SiteProfileFile>,
    /// What drift is measured against.
    pub drift: Option<Reference>,
    /// What it was trained on and how good it is.
    pub card: Card,
}

/// Everything a model file says, but for the seal.
pub fn export(scorer: &Scorer, samples: &[Sample], said: Said) -> File {
    let Said { name, thresholds, readiness, calibration, resolution_us, site, drift, card } = said;
    File {
        format: detector::model::FORMAT,
        name,
        product: env!("CARGO_PKG_VERSION").to_owned(),
        features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
        definition: definition_hash(),
        resolution_us,
        scorer: ScorerFile::from(scorer),
        calibration,
        thresholds,
        readiness,
        card,
        drift,
        site,
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
