//! The policy as an operator writes it, and its check against the model.

use serde::{Deserialize, Serialize};

use crate::guard::Rules;
use crate::model::{Model, Score};

/// Page requests from which on a client is judged. With fewer, even a clock can hardly be told from
/// a person.
pub const MIN_PAGES: u32 = 5;

/// The policy as an operator writes it, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Score (0..1) from which a client is limited; the model's own threshold when absent.
    pub limit_score: Option<f32>,
    /// Score (0..1) from which a client is blocked; the model's own threshold when absent. Without
    /// either, nobody is blocked.
    pub block_score: Option<f32>,
    /// How many pages in a row must score at the block threshold or beyond before the client is
    /// blocked. Half as many after each earlier ban, and at least one.
    pub block_after_pages: u8,
    /// Score (0..1) from which the newcomers of one network are limited together; the model's own
    /// threshold when absent. Without either, no cohort is limited.
    pub cohort_score: Option<f32>,
    /// Page requests from which on a client is judged; the model's own number when absent. A
    /// smaller number needs thresholds written here, because the model's are not proven there.
    pub min_pages: Option<u32>,
    /// How far, in log-odds, a score must fall below the limit threshold before a limited client is
    /// free again.
    pub hysteresis: f32,
    /// Pages a minute for a limited client.
    pub limit_pages_per_min: u32,
    /// Pages a limited client may ask for at once.
    pub limit_burst_pages: u32,
    /// Seconds a client stays limited after its last score above the threshold; ten times as long
    /// when it is slowed, sixty times when it is held.
    pub limit_s: u64,
    /// Points from which a limited client is slowed; 0 for never. See [`super::rung`].
    pub slow_after_points: u8,
    /// Pages a minute for a slowed client.
    pub slow_pages_per_min: u32,
    /// Pages a slowed client may ask for at once.
    pub slow_burst_pages: u32,
    /// Points from which a limited client is held; 0 for never.
    pub hold_after_points: u8,
    /// Pages a minute for a held client, one at a time.
    pub hold_pages_per_min: u32,
    /// The rules that limit a client for what no person can do, whatever its score; all of them
    /// when absent.
    pub guard: Rules,
    /// Seconds of a first ban; each further one is twice as long.
    pub block_s: u64,
    /// Longest ban, in seconds.
    pub block_max_s: u64,
    /// Seconds without an offence after which earlier ones are forgotten.
    pub forget_s: u64,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            limit_score: None,
            block_score: None,
            // Of 97,000 simulated people one scored so on six pages in a row, nobody on seven.
            block_after_pages: 8,
            cohort_score: None,
            min_pages: None,
            // A score that wavers by a few per cent does not end the limit.
            hysteresis: 0.5,
            // A person reads slower; a scraper of 20,000 products needs 11 hours.
            limit_pages_per_min: 30,
            // A person who opens several tabs notices nothing.
            limit_burst_pages: 10,
            limit_s: 60,
            slow_after_points: 12,
            slow_pages_per_min: 6,
            slow_burst_pages: 3,
            hold_after_points: 36,
            hold_pages_per_min: 1,
            guard: Rules::ALL,
            block_s: 300,
            block_max_s: 86_400, // addresses change hands within a day
            forget_s: 86_400,
        }
    }
}

/// Why a policy was refused.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct PolicyError {
    /// The offending key of [`PolicyConfig`].
    pub key: &'static str,
    /// What is wrong and what to write instead.
    pub problem: String,
}

/// The thresholds in force: those of the configuration, or else the model's.
pub(super) struct ThresholdsInForce {
    pub(super) min_pages: u32,
    pub(super) limit_margin: Option<f32>,
    pub(super) block_margin: Option<f32>,
    pub(super) cohort_margin: Option<f32>,
}

impl PolicyConfig {
    /// Checks every key, and finds the thresholds in force.
    ///
    /// # Errors
    /// Names the key that is out of range and the range.
    pub(super) fn check(&self, model: Option<&Model>) -> Result<ThresholdsInForce, PolicyError> {
        let config = self;
        let wrong = |key, problem: &str| Err(PolicyError { key, problem: problem.to_owned() });
        let scores = [
            ("limit_score", config.limit_score),
            ("block_score", config.block_score),
            ("cohort_score", config.cohort_score),
        ];
        for (key, score) in scores {
            if score.is_some_and(|score| !(score > 0.0 && score < 1.0)) {
                return wrong(key, "must be above 0 and below 1");
            }
        }
        let thresholds = model.map(Model::thresholds);
        let margin = |score: Option<f32>, own: Option<f32>| {
            score.map(|score| Score::from_value(score).margin()).or(own)
        };
        let limit_margin =
            margin(config.limit_score, thresholds.and_then(|thresholds| thresholds.limit.margin));
        let block_margin =
            margin(config.block_score, thresholds.and_then(|thresholds| thresholds.block.margin));
        let cohort_margin =
            margin(config.cohort_score, thresholds.and_then(|thresholds| thresholds.cohort.margin));
        if let (Some(limit), Some(block)) = (limit_margin, block_margin)
            && block < limit
        {
            return wrong(
                "block_score",
                "lies below the limit threshold: a client would be blocked before it is limited",
            );
        }
        let proven_from = thresholds.map_or(MIN_PAGES, |thresholds| thresholds.min_pages);
        let min_pages = config.min_pages.unwrap_or(proven_from);
        if min_pages < 1 {
            return wrong("min_pages", "must be at least 1");
        }
        let is_models = |own: Option<f32>, score: Option<f32>| own.is_some() && score.is_none();
        if min_pages < proven_from
            && (is_models(limit_margin, config.limit_score)
                || is_models(block_margin, config.block_score)
                || is_models(cohort_margin, config.cohort_score))
        {
            let problem = format!(
                "is below {proven_from}, from which the model's thresholds were calibrated"
            );
            return wrong("min_pages", &problem);
        }
        if config.block_after_pages < 1 {
            return wrong("block_after_pages", "must be from 1 to 255");
        }
        if !(0.0..=10.0).contains(&config.hysteresis) {
            return wrong("hysteresis", "must be from 0 to 10 (log-odds)");
        }
        for (key, pages) in [
            ("limit_pages_per_min", config.limit_pages_per_min),
            ("slow_pages_per_min", config.slow_pages_per_min),
            ("hold_pages_per_min", config.hold_pages_per_min),
        ] {
            if !(1..=60_000).contains(&pages) {
                return wrong(key, "must be from 1 to 60000");
            }
        }
        for (key, pages) in [
            ("limit_burst_pages", config.limit_burst_pages),
            ("slow_burst_pages", config.slow_burst_pages),
        ] {
            if !(1..=4_000).contains(&pages) {
                return wrong(key, "must be from 1 to 4000");
            }
        }
        let (slow, hold) = (config.slow_after_points, config.hold_after_points);
        if hold > 0 && slow > hold {
            return wrong("hold_after_points", "must be at least slow_after_points, or 0");
        }
        for (key, seconds) in [
            ("limit_s", config.limit_s),
            ("block_s", config.block_s),
            ("forget_s", config.forget_s),
        ] {
            if !(1..=31_536_000).contains(&seconds) {
                return wrong(key, "must be from 1 second to a year");
            }
        }
        if config.block_max_s < config.block_s || config.block_max_s > 31_536_000 {
            return wrong("block_max_s", "must be at least block_s and at most a year");
        }
        Ok(ThresholdsInForce { min_pages, limit_margin, block_margin, cohort_margin })
    }
}
