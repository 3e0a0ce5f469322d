//! When a client is scored, and how the scores of its pages make one.
//!
//! A verdict by the highest score of a visit is taken at its worst moment, and early moments are
//! noise: an app's first burst of calls looks like a program's, whoever opened it. A model that was
//! made for sites that it has never seen is therefore asked later, and its scores are averaged:
//!
//! ```text
//! E = 0 at first;  at each page from step `from_step` on:  E ← E + weight · (margin − E)
//! ```
//!
//! This is an exponentially weighted moving average (Roberts 1959). E is what is compared with the
//! thresholds, and what calibrates them, so a proof holds for what is enforced. A model of the
//! site's own log knows how its people begin, and scores each page by itself.

use serde::{Deserialize, Serialize};

use super::error::ModelError;
use super::score::Score;

/// From which page on a client is scored, and how much of its score the last page makes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreRule {
    /// The first step ([`crate::window::Steps`]) that is scored, from 1 to 15.
    pub from_step: u8,
    /// The share of the last page in the score, above 0 and up to 1.
    pub weight: f32,
}

impl Default for ScoreRule {
    fn default() -> Self {
        Self::LAST_PAGE
    }
}

impl ScoreRule {
    /// The score is that of the last page.
    pub const LAST_PAGE: Self = Self { from_step: 1, weight: 1.0 };
    /// The rule of models that are carried to sites that they have not seen.
    ///
    /// Of 26 sites and shops, each kind left out, the mean area under the curve is .80 by it, .75
    /// by the highest score from five pages on (`docs/design/features-and-training.md`).
    pub const CARRIED: Self = Self { from_step: 3, weight: 0.1 };

    /// Is it that of a client's last page?
    pub fn is_last_page(&self) -> bool {
        *self == Self::LAST_PAGE
    }

    /// The client's score at a page in step `step` whose margin is `margin`; `before` is its score
    /// before the page. `None` before the first step that is scored.
    pub fn score(&self, step: u8, before: Option<Score>, margin: f32) -> Option<Score> {
        if step < self.from_step {
            return None;
        }
        if self.weight >= 1.0 {
            return Some(Score::from_margin(margin));
        }
        let before = before.map_or(0.0, Score::margin);
        Some(Score::from_margin(before + self.weight * (margin - before)))
    }

    pub(super) fn check(&self) -> Result<(), ModelError> {
        let wrong = |what: &str| Err(ModelError::Content(format!("score rule: {what}")));
        if !(1..=15).contains(&self.from_step) {
            return wrong("from_step must be from 1 to 15");
        }
        if self.weight < 1.0 && self.from_step < 2 {
            // After a day of silence a client is at its first step again, where no average goes on.
            return wrong("an average begins at from_step 2 or later");
        }
        if !(self.weight > 0.0 && self.weight <= 1.0) {
            return wrong("weight must be above 0 and at most 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_alone_is_the_score_bit_by_bit() {
        for margin in [-3.1_f32, 0.1, 1e-7, 5.5] {
            let before = Some(Score::from_margin(0.7));
            let score = ScoreRule::LAST_PAGE.score(1, before, margin).unwrap();
            assert_eq!(score.margin().to_bits(), margin.to_bits());
        }
    }

    #[test]
    fn an_average_begins_at_nothing_and_comes_near_what_stays() {
        let rule = ScoreRule { from_step: 3, weight: 0.1 };
        assert_eq!(rule.score(2, None, 4.0), None);
        let mut score = None;
        let mut before = 0.0;
        for _ in 0..60 {
            score = rule.score(3, score, 4.0);
            let now = score.unwrap().margin();
            assert!(now > before && now < 4.0);
            before = now;
        }
        assert!(before > 3.9);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (from_step, weight) in
            [(0, 0.1), (1, 0.1), (16, 0.1), (3, 0.0), (3, 1.1), (3, f32::NAN)]
        {
            assert!(ScoreRule { from_step, weight }.check().is_err(), "{from_step} {weight}");
        }
        assert!(ScoreRule::CARRIED.check().is_ok() && ScoreRule::LAST_PAGE.check().is_ok());
    }
}
