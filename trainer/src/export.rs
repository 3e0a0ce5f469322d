//! Makes a model file of a fitted scorer.

use detector::SiteProfileFile;
use detector::features::{COUNT, FEATURES, definition_hash};
use detector::model::{
    Card, File, GoldenRow, Readiness, Reference, Scorer, ScorerFile, Thresholds,
};

use crate::samples::Sample;

/// Golden rows in a file: enough to reach most trees, and 12 KB.
const GOLDEN_ROWS: usize = 32;

/// What a model file holds besides its scorer.
#[derive(Clone, Debug)]
pub struct ModelParts {
    /// Name of the model.
    pub name: String,
    /// Thresholds and their evidence.
    pub thresholds: Thresholds,
    /// Whether the model may refuse anybody.
    pub readiness: Readiness,
    /// Knots of the isotonic calibration, for display.
    pub calibration: Vec<[f32; 2]>,
    /// Time step of the logs, in µs.
    pub resolution_us: u32,
    /// The site's profile.
    pub site: Option<SiteProfileFile>,
    /// What drift is measured against.
    pub drift: Option<Reference>,
    /// What the model was trained on, and how good it is.
    pub card: Card,
}

/// The model file without its seal.
pub fn export(scorer: &Scorer, samples: &[Sample], parts: ModelParts) -> File {
    let ModelParts { name, thresholds, readiness, calibration, resolution_us, site, drift, card } =
        parts;
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

/// Rows spread evenly over the training rows, and one in which everything is missing.
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
