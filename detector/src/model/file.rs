//! The model file: what stands in it, how it is sealed, how it is read.
//!
//! One JSON object. Its last member is `"sha256"`, the digest of every byte before it, so that a
//! flipped byte or a lost tail anywhere is noticed before anything is believed. `models/README.md`
//! describes every field.

use std::collections::BTreeMap;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Logistic, Model, Node, Readiness, Reference, Scorer, Trees};
use crate::features::{COUNT, FEATURES, Features, definition_hash};
use crate::memory::{Memory, MemoryFile};

/// The only format version this build reads and writes.
pub const FORMAT: u32 = 2;
/// A model file is refused above this size, before it is parsed: a hundred trees are 200 KB.
const BYTES_MAX: usize = 64 << 20;
/// Largest difference between a golden row's recorded and computed margin: float rounding, nothing
/// more.
const GOLDEN_TOLERANCE: f32 = 1e-4;

/// Why a model file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Cut short, edited or damaged: the digest does not fit.
    #[error("{0}; the file is damaged or was edited: copy it again, or train a new one")]
    Seal(String),
    /// Not JSON of the expected shape.
    #[error("not a model this version reads: {0}; train a new one with this version of kidoban")]
    Shape(String),
    /// Made by another version of the product.
    #[error("{0}; train a new one with this version of kidoban")]
    Version(String),
    /// Reads well and makes no sense.
    #[error("its content contradicts itself: {0}; train a new one")]
    Content(String),
}

/// Everything a model file holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Format version.
    pub format: u32,
    /// Name, as the metrics show it.
    pub name: String,
    /// Version of the product that trained it.
    pub product: String,
    /// Feature names in order.
    pub features: Vec<String>,
    /// Hash of names, order and window constants ([`definition_hash`]).
    pub definition: String,
    /// Time step of the training logs, in µs.
    pub resolution_us: u32,
    /// The algorithm's own numbers.
    pub scorer: ScorerFile,
    /// Isotonic calibration: `[margin, probability]`, both rising.
    pub calibration: Vec<[f32; 2]>,
    /// Thresholds and their evidence.
    pub thresholds: Thresholds,
    /// May it refuse anybody?
    pub readiness: Readiness,
    /// What it was trained on and how good it is.
    pub card: Card,
    /// What drift is measured against, where it was kept.
    pub drift: Option<Reference>,
    /// What it remembers of the site, where it was trained on one.
    pub site: Option<MemoryFile>,
    /// Rows that must score as recorded.
    pub golden: Vec<GoldenRow>,
}

/// The algorithm's own numbers, as they stand in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScorerFile {
    /// Parallel arrays over all nodes; see [`Node`].
    Trees {
        /// Added to every margin.
        base: f32,
        /// First node of each tree.
        roots: Vec<u16>,
        /// Feature index; bit 15: missing goes left; 32767 a leaf.
        feature: Vec<u16>,
        /// Goes left up to this value.
        threshold: Vec<f32>,
        /// Left child.
        left: Vec<u16>,
        /// Right child.
        right: Vec<u16>,
        /// Leaf value, or mean below an inner node.
        value: Vec<f32>,
    },
    /// See [`Logistic`].
    Logistic {
        /// Added to every margin.
        bias: f32,
        /// Training means.
        mean: Vec<f32>,
        /// Training deviations.
        scale: Vec<f32>,
        /// Weights per deviation.
        weight: Vec<f32>,
    },
}

/// The margins at which a client is limited or blocked, or why there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Page requests from which they were calibrated: below, they prove nothing.
    pub min_pages: u32,
    /// From which margin on a client is limited.
    pub limit: Budget,
    /// From which margin on a client is blocked.
    pub block: Budget,
    /// From which margin on a cohort of newcomers is limited; files from before there were cohorts
    /// have none.
    #[serde(default)]
    pub cohort: Budget,
}

/// A false-positive budget and what the calibration people could prove.
///
/// With n people whose highest score is known, and k the largest number for which `BinomCDF(k; n,
/// alpha) ≤ delta`, a threshold above all but k of them refuses at most a share `alpha` of people
/// with confidence `1 − delta` (Clopper & Pearson 1934).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The threshold; absent where the data cannot carry the budget.
    pub margin: Option<f32>,
    /// Share of people it may hurt.
    pub alpha: f64,
    /// Chance that it hurts more.
    pub delta: f64,
    /// People it was calibrated on, by their highest score.
    pub n: u64,
    /// How many of them lie above it.
    pub k: u64,
    /// In plain words: what it stands on, or how many people are missing.
    pub evidence: String,
}

/// What a model was trained on and how good it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// `boosted`, `logistic` or `adaboost`.
    pub algorithm: String,
    /// The algorithm's parameters.
    pub parameters: BTreeMap<String, f64>,
    /// Last event of the training logs (µs since the epoch): the model's age, without asking a
    /// clock.
    pub trained_until_us: i64,
    /// SHA-256 over the training logs as read, in hex.
    pub data_sha256: String,
    /// The same of each site's logs, where it was trained on several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites_sha256: Vec<String>,
    /// File names (without folders) of the training logs.
    pub data: Vec<String>,
    /// Clients by label.
    pub clients: BTreeMap<String, u64>,
    /// Labels by the rule that gave them.
    pub labels: BTreeMap<String, u64>,
    /// Clients whose label was not believed in training, by the reason; they still count in every
    /// figure.
    pub dropped: BTreeMap<String, u64>,
    /// The model that was adapted to a site: its name and SHA-256; empty where there is none.
    pub base: String,
    /// Rows trained on.
    pub rows: u64,
    /// Measured on clients it did not see, by name.
    pub metrics: BTreeMap<String, Metric>,
}

/// A measured figure.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The estimate.
    pub value: f64,
    /// 95 % interval.
    pub low: f64,
    /// 95 % interval.
    pub high: f64,
    /// People it was measured on.
    pub people: u64,
    /// Bad robots it was measured on.
    pub bots: u64,
}

/// A row and the margin it must get; `null` is missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenRow {
    /// Feature values in order.
    pub row: Vec<Option<f32>>,
    /// Expected margin.
    pub margin: f32,
}

impl GoldenRow {
    /// The row as features; `None` when its length is wrong.
    pub fn features(&self) -> Option<Features> {
        let mut features = Features([f32::NAN; COUNT]);
        if self.row.len() != COUNT {
            return None;
        }
        for (slot, value) in features.0.iter_mut().zip(&self.row) {
            *slot = value.unwrap_or(f32::NAN);
        }
        Some(features)
    }
}

impl ScorerFile {
    /// Checks and builds the scorer.
    ///
    /// # Errors
    /// What [`Trees::new`] and [`Logistic::new`] refuse, and arrays of different lengths.
    pub fn check(&self) -> Result<Scorer, ModelError> {
        match self {
            Self::Trees { base, roots, feature, threshold, left, right, value } => {
                let count = feature.len();
                if [threshold.len(), left.len(), right.len(), value.len()]
                    .iter()
                    .any(|&length| length != count)
                {
                    return Err(ModelError::Content(
                        "the arrays of the trees differ in length".into(),
                    ));
                }
                let node = |i: usize| Node {
                    threshold: threshold[i],
                    value: value[i],
                    feature: feature[i],
                    left: left[i],
                    right: right[i],
                };
                Ok(Scorer::Trees(Trees::new(*base, roots.clone(), (0..count).map(node).collect())?))
            }
            Self::Logistic { bias, mean, scale, weight } => {
                Ok(Scorer::Logistic(Box::new(Logistic::new(*bias, mean, scale, weight)?)))
            }
        }
    }
}

impl From<&Scorer> for ScorerFile {
    fn from(scorer: &Scorer) -> Self {
        match scorer {
            Scorer::Trees(trees) => Self::Trees {
                base: trees.base(),
                roots: trees.roots().to_vec(),
                feature: trees.nodes().iter().map(|node| node.feature).collect(),
                threshold: trees.nodes().iter().map(|node| node.threshold).collect(),
                left: trees.nodes().iter().map(|node| node.left).collect(),
                right: trees.nodes().iter().map(|node| node.right).collect(),
                value: trees.nodes().iter().map(|node| node.value).collect(),
            },
            Scorer::Logistic(logistic) => {
                let (bias, mean, scale, weight) = logistic.parameters();
                Self::Logistic {
                    bias,
                    mean: mean.to_vec(),
                    scale: scale.to_vec(),
                    weight: weight.to_vec(),
                }
            }
        }
    }
}

const SEAL_START: &str = ",\n\"sha256\":\"";
const SEAL_END: &str = "\"\n}\n";
const SEAL_LENGTH: usize = SEAL_START.len() + 64 + SEAL_END.len();

/// The bytes of a sealed model file.
///
/// # Errors
/// [`ModelError::Shape`] when a number cannot be written as JSON.
pub fn seal(file: &File) -> Result<Vec<u8>, ModelError> {
    let mut text = String::from("{\n");
    // One member a line, so that a diff of two models can be read.
    let mut member = |name: &str, json: serde_json::Result<String>| {
        let json = json.map_err(|error| ModelError::Shape(error.to_string()))?;
        let comma = if text.len() == 2 { "" } else { ",\n" };
        text.push_str(&format!("{comma}\"{name}\":{json}"));
        Ok::<_, ModelError>(())
    };
    member("format", serde_json::to_string(&file.format))?;
    member("name", serde_json::to_string(&file.name))?;
    member("product", serde_json::to_string(&file.product))?;
    member("card", serde_json::to_string(&file.card))?;
    member("readiness", serde_json::to_string(&file.readiness))?;
    member("thresholds", serde_json::to_string(&file.thresholds))?;
    member("calibration", serde_json::to_string(&file.calibration))?;
    member("resolution_us", serde_json::to_string(&file.resolution_us))?;
    member("features", serde_json::to_string(&file.features))?;
    member("definition", serde_json::to_string(&file.definition))?;
    member("scorer", serde_json::to_string(&file.scorer))?;
    member("drift", serde_json::to_string(&file.drift))?;
    member("site", serde_json::to_string(&file.site))?;
    member("golden", serde_json::to_string(&file.golden))?;
    let digest = hex(&Sha256::digest(text.as_bytes()));
    text.push_str(&format!("{SEAL_START}{digest}{SEAL_END}"));
    Ok(text.into_bytes())
}

/// Splits a sealed file into its content and digest, having compared them.
fn unseal(bytes: &[u8]) -> Result<(&[u8], &str), ModelError> {
    let wrong = |what: &str| Err(ModelError::Seal(what.to_owned()));
    if bytes.len() > BYTES_MAX {
        return wrong("it is larger than 64 MiB");
    }
    let Some(split) = bytes.len().checked_sub(SEAL_LENGTH) else {
        return wrong("it is too short to be a model");
    };
    let (content, seal) = bytes.split_at(split);
    let digest = std::str::from_utf8(seal)
        .ok()
        .and_then(|seal| seal.strip_prefix(SEAL_START)?.strip_suffix(SEAL_END))
        .ok_or_else(|| ModelError::Seal("it does not end in its sha256".to_owned()))?;
    if hex(&Sha256::digest(content)) != digest {
        return wrong("its sha256 does not fit its content");
    }
    Ok((content, digest))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Model {
    /// Reads and checks a sealed model file.
    ///
    /// # Errors
    /// [`ModelError`], with the reason and a way out; nothing of a refused file is used.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let (content, digest) = unseal(bytes)?;
        let mut json = content.to_vec();
        json.push(b'}');
        let value: serde_json::Value =
            serde_json::from_slice(&json).map_err(|error| ModelError::Shape(error.to_string()))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            format => {
                let found = format.map_or("none".to_owned(), |format| format.to_string());
                return Err(ModelError::Version(format!(
                    "format version {FORMAT} expected, {found} found"
                )));
            }
        }
        let file: File =
            serde_json::from_value(value).map_err(|error| ModelError::Shape(error.to_string()))?;
        Self::from_file(file, digest.to_owned())
    }

    fn from_file(file: File, sha256: String) -> Result<Self, ModelError> {
        if !file.features.iter().map(String::as_str).eq(FEATURES.iter().map(|feature| feature.name))
            || file.definition != definition_hash()
        {
            let error = "it was trained on features defined differently";
            return Err(ModelError::Version(error.to_owned()));
        }
        if file.resolution_us == 0 || file.resolution_us > 60_000_000 {
            return Err(ModelError::Content("resolution_us must be from 1 to 60,000,000".into()));
        }
        // Differences must be finite as well, because a probability lies on the line between two.
        let rising = file
            .calibration
            .is_sorted_by(|a, b| a[0] < b[0] && a[1] <= b[1] && (b[0] - a[0]).is_finite());
        let finite = file.calibration.iter().flatten().all(|number| number.is_finite());
        if !rising || !finite {
            return Err(ModelError::Content("calibration must rise".into()));
        }
        if file.calibration.iter().any(|knot| !(0.0..=1.0).contains(&knot[1])) {
            return Err(ModelError::Content("a calibrated probability is not in 0..=1".into()));
        }
        let Thresholds { limit, block, cohort, .. } = &file.thresholds;
        let margins = [limit.margin, block.margin, cohort.margin];
        if margins.iter().flatten().any(|margin| !margin.is_finite()) {
            return Err(ModelError::Content("a threshold is not finite".into()));
        }
        if file.thresholds.min_pages == 0 {
            return Err(ModelError::Content("thresholds from 0 pages on".into()));
        }
        file.readiness.check(file.thresholds.block.margin.is_some())?;
        if let Some(reference) = &file.drift {
            reference.check()?;
        }
        let memory = file.site.as_ref().map(Memory::open).transpose();
        let memory = memory
            .map_err(|error| ModelError::Content(format!("site memory: {error}")))?
            .map(Arc::new);
        let scorer = file.scorer.check()?;
        if file.golden.is_empty() {
            return Err(ModelError::Content("there is no golden row to score again".into()));
        }
        for (i, golden) in file.golden.iter().enumerate() {
            let features = golden.features().ok_or_else(|| {
                ModelError::Content(format!("golden row {i} has not {COUNT} values"))
            })?;
            let margin = scorer.margin(&features);
            let is_as_recorded = golden.margin.is_finite()
                && (margin - golden.margin).abs()
                    <= GOLDEN_TOLERANCE * golden.margin.abs().max(1.0);
            if !is_as_recorded {
                let error = format!("golden row {i} scores {margin} instead of {}", golden.margin);
                return Err(ModelError::Content(error));
            }
        }
        let asks = scorer.asks();
        Ok(Self { scorer, asks, memory, file: Box::new(file), sha256 })
    }
}
