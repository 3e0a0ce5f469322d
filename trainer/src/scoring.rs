//! From when on a client is scored, and how the scores of its pages make one: what calibrates a
//! threshold must be what is enforced.

use detector::Score;
use detector::model::{ScoreRule, Thresholds};

use crate::unjudged::UnjudgedClient;

/// The first page and the first step that are scored, and how pages are averaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scoring {
    /// Page requests from which on a client is scored.
    pub min_pages: u32,
    /// From which step, and how its pages are averaged.
    pub rule: ScoreRule,
}

impl Scoring {
    /// By the last page alone: models of the site's own log.
    pub const fn last_page(min_pages: u32) -> Self {
        Self { min_pages, rule: ScoreRule::LAST_PAGE }
    }

    /// By an average from the third step on: models for sites that they have not seen.
    pub const fn carried(min_pages: u32) -> Self {
        Self { min_pages, rule: ScoreRule::CARRIED }
    }

    /// As a model of this many sites is to be read.
    pub const fn of_sites(sites: usize, min_pages: u32) -> Self {
        if sites > 1 { Self::carried(min_pages) } else { Self::last_page(min_pages) }
    }

    /// As these thresholds were calibrated.
    pub const fn of(thresholds: &Thresholds) -> Self {
        Self { min_pages: thresholds.min_pages, rule: thresholds.score_rule }
    }

    /// The client's score at its last page; `before` is what this function returned at the page
    /// before, and `margin` what the page shows by itself.
    pub fn score(
        &self,
        client: &UnjudgedClient,
        before: Option<Score>,
        margin: impl FnOnce() -> f32,
    ) -> Option<Score> {
        self.score_at(client.window.pages(), client.steps.count(), before, margin)
    }

    /// As [`Scoring::score`], for a client with so many pages in so many steps.
    pub fn score_at(
        &self,
        pages: u32,
        step: u8,
        before: Option<Score>,
        margin: impl FnOnce() -> f32,
    ) -> Option<Score> {
        if pages < self.min_pages || step < self.rule.from_step {
            return None;
        }
        self.rule.score(step, before, margin())
    }
}
