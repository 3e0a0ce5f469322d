//! A trained model: read from its file, checked, ready to score.

use std::sync::Arc;

use super::contributions::Contributions;
use super::error::ModelError;
use super::file::{Card, FORMAT, File, Thresholds};
use super::readiness::Readiness;
use super::score::Score;
use super::score_rule::ScoreRule;
use super::scorer::Scorer;
use super::seal::{BYTES_MAX, unseal};
use crate::features::{COUNT, FEATURES, FeatureSet, Features, definition_hash};
use crate::site_profile::SiteProfile;

/// Largest relative difference between the recorded and the computed margin of a golden row. It
/// allows for float rounding and no more.
const GOLDEN_TOLERANCE: f32 = 1e-4;

/// A model that was read from its file and checked, so that scoring cannot fail.
#[derive(Clone, Debug)]
pub struct Model {
    scorer: Scorer,
    asks: FeatureSet,
    site_profile: Option<Arc<SiteProfile>>,
    file: Box<File>,
    sha256: String,
}

impl Model {
    /// Reads and checks a sealed model file, given its bytes.
    ///
    /// # Errors
    /// [`ModelError`], with the reason and what to do. Nothing of a refused file is used.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let (content, digest) = unseal(bytes, BYTES_MAX)?;
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

    /// The features that the score and its reasons depend on. The others need not be measured.
    pub fn asks(&self) -> FeatureSet {
        self.asks
    }

    /// The score of what a client shows at one page. [`Model::score_rule`] says what it makes of
    /// the client's score.
    pub fn score(&self, features: &Features) -> Score {
        Score::from_margin(self.scorer.margin(features))
    }

    /// When a client is scored, and how the scores of its pages are averaged.
    pub fn score_rule(&self) -> ScoreRule {
        self.file.thresholds.score_rule
    }

    /// How much each feature moved the margin away from the model's average. The base plus all
    /// contributions is the margin, up to float rounding.
    pub fn contributions(&self, features: &Features) -> Contributions {
        self.scorer.contributions(features)
    }

    /// Time step, in µs, of the logs that the model was trained on. Live time is truncated to it.
    pub fn resolution_us(&self) -> u32 {
        self.file.resolution_us
    }

    /// What the model knows of the site that it was trained on, if of any.
    pub fn site_profile(&self) -> Option<&SiteProfile> {
        self.site_profile.as_deref()
    }

    /// A shared pointer to [`Model::site_profile`].
    pub fn shared_site_profile(&self) -> Option<Arc<SiteProfile>> {
        self.site_profile.clone()
    }

    /// The thresholds and the evidence for them.
    pub fn thresholds(&self) -> &Thresholds {
        &self.file.thresholds
    }

    /// May the model refuse anybody, and if not, why?
    pub fn readiness(&self) -> &Readiness {
        &self.file.readiness
    }

    /// What it was trained on and how good it is.
    pub fn card(&self) -> &Card {
        &self.file.card
    }

    /// The content of the model file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// SHA-256 of the file's content, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The algorithm with its numbers.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// The probability (0..=1) that a client with this score is a bot, by isotonic calibration on
    /// held-out clients. `None` for a model without calibration. It is for people to read.
    pub fn probability(&self, score: Score) -> Option<f32> {
        let knots = &self.file.calibration;
        let above = knots.partition_point(|knot| knot[0] < score.margin());
        match (above.checked_sub(1).and_then(|below| knots.get(below)), knots.get(above)) {
            (None, None) => None,
            (None, Some(first)) => Some(first[1]),
            (Some(last), None) => Some(last[1]),
            (Some(a), Some(b)) => {
                let between = a[1] + (b[1] - a[1]) * (score.margin() - a[0]) / (b[0] - a[0]);
                Some(between.clamp(a[1], b[1])) // rounding may step over the end
            }
        }
    }

    /// Checks the content of a file, whose digest is `sha256`.
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
        file.thresholds.score_rule.check()?;
        file.readiness.check(file.thresholds.block.margin.is_some())?;
        if let Some(reference) = &file.drift {
            reference.check()?;
        }
        let site_profile = file.site.as_ref().map(SiteProfile::open).transpose();
        let site_profile = site_profile
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
        Ok(Self { scorer, asks, site_profile, file: Box::new(file), sha256 })
    }
}
