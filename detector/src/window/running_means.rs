//! Running means over a client's last 32 pages, requests or outcomes.
//!
//! The n-th value has weight 1/n, up to n = [`RUN`]. Such a mean takes two bytes where a ring would
//! take a hundred.

use crate::event::{Event, Method};
use crate::site_profile::{OTHER, SiteProfile};

/// Pages, requests or outcomes that a running mean covers.
const RUN: u32 = 32;
/// Fixed-point one of a running mean of shares.
pub const SHARE_ONE: u16 = u16::MAX;
/// Shorter steps from page to page are not counted: no click is that fast, a script fetched the
/// page ahead.
const STEP_US: u64 = 1_000_000;
/// A pause that ends a row of counted steps: whoever looks at a page at all takes longer.
pub const COUNTING_PAUSE_US: u64 = 2_000_000;
/// Deeper paths count as this deep.
const DEPTH_MAX: u8 = 31;

/// Running means of any client, in 1/[`SHARE_ONE`] unless said otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunningMeans {
    /// Requests counted so far, up to 255.
    requests: u8,
    /// Outcomes counted so far, up to 255.
    outcomes: u8,
    /// Steps from page to page that took a second or more, since the last forgetting, up to 255.
    pub steps: u8,
    /// Steps in a row, each to a URL of the same form whose number differs by 1 to 3, and each
    /// within [`COUNTING_PAUSE_US`], up to 255.
    pub counted: u8,
    /// Depth of pages, in 1/8 segments.
    pub depth: u8,
    /// Square of the depth of pages, in 1/8.
    pub depth_square: u16,
    /// `HEAD` requests.
    pub head: u16,
    /// Outcomes with status 304.
    pub not_modified: u16,
    /// Outcomes with status 3xx but 304.
    pub redirected: u16,
    /// Steps to a URL of the same form whose number differs by 1 to 3.
    pub sequence: u16,
    /// Steps to a URL of the same form whose number is higher by exactly one.
    pub page_walk: u16,
    /// Form of the last page's URL, 0 for none.
    form: u16,
    /// Number in the last page's URL.
    number: u32,
}

/// Running means of what the model's site profile says of a client's pages. All 0 while the model
/// has no profile.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SiteMeans {
    /// The last page.
    page: u32,
    /// The last page's template.
    template: u8,
    /// Pages counted since the last forgetting, up to 255.
    pub pages: u8,
    /// Steps from one page to a different one, up to 255.
    pub steps: u8,
    /// Novelty of the pages: (bits + 16) · 2048.
    pub novelty: u16,
    /// Share of pages that at most one remembered client visited.
    pub tail: u16,
    /// Share of steps to a different page that a remembered client has taken.
    pub known: u16,
    /// Surprise of the steps from template to template: bits · 4096.
    pub surprise: u16,
    /// Rarity of the templates: bits · 4096.
    pub rarity: u16,
    /// Steps counted into `surprise`, those to the same page included, up to 255.
    pub walked: u8,
}

impl RunningMeans {
    /// Takes a request of any kind in.
    pub fn push_request(&mut self, method: Method) {
        self.requests = self.requests.saturating_add(1);
        blend_share(&mut self.head, method == Method::Head, self.requests);
    }

    /// Takes in how a request ended.
    pub fn push_outcome(&mut self, status: u16) {
        self.outcomes = self.outcomes.saturating_add(1);
        blend_share(&mut self.not_modified, status == 304, self.outcomes);
        let redirects = (300..400).contains(&status) && status != 304;
        blend_share(&mut self.redirected, redirects, self.outcomes);
    }

    /// Takes a page in: the `kept`-th since the last forgetting, `gap_us` µs after the one before.
    pub fn push_page(&mut self, event: &Event, kept: u8, gap_us: u64) {
        let depth = event.depth.min(DEPTH_MAX);
        self.depth = blend(u16::from(self.depth), u16::from(depth) * 8, kept) as u8;
        self.depth_square = blend(self.depth_square, u16::from(depth) * u16::from(depth) * 8, kept);
        let same = event.shape.form != 0 && event.shape.form == self.form;
        let step = event.shape.number.wrapping_sub(self.number) as i32;
        let is_counted = same && (1..=3).contains(&step.unsigned_abs());
        let goes_on = is_counted && gap_us <= COUNTING_PAUSE_US;
        self.counted = if goes_on { self.counted.saturating_add(1) } else { 0 };
        // A script that fetches twelve neighbours of a list within the second does not enumerate.
        if kept > 1 && gap_us >= STEP_US {
            self.steps = self.steps.saturating_add(1);
            blend_share(&mut self.sequence, is_counted, self.steps);
            blend_share(&mut self.page_walk, same && step == 1, self.steps);
        }
        self.form = event.shape.form;
        self.number = event.shape.number;
    }

    /// Forgets the steps from page to page; the other means fade by themselves.
    pub fn forget_steps(&mut self) {
        (self.form, self.steps) = (0, 0);
    }
}

impl SiteMeans {
    /// Takes a page in, as the site profile knows it.
    pub fn push(&mut self, event: &Event, profile: &SiteProfile) {
        let novelty = profile.novelty(event.page);
        if novelty.is_nan() {
            return;
        }
        self.pages = self.pages.saturating_add(1);
        self.novelty = blend(self.novelty, fixed(novelty + 16.0, 2_048.0), self.pages);
        blend_share(&mut self.tail, profile.visitors(event.page) <= 1, self.pages);
        let share = profile.mix()[usize::from(event.template.min(OTHER))];
        self.rarity = blend(self.rarity, fixed(-share.log2(), 4_096.0), self.pages);
        if self.pages > 1 {
            self.walked = self.walked.saturating_add(1);
            let surprise = profile.surprise(self.template, event.template);
            self.surprise = blend(self.surprise, fixed(surprise, 4_096.0), self.walked);
            if event.page != self.page {
                self.steps = self.steps.saturating_add(1);
                blend_share(&mut self.known, profile.knows_step(self.page, event.page), self.steps);
            }
        }
        (self.page, self.template) = (event.page, event.template);
    }
}

/// A value in units of 1/`one`, clamped to 16 bits.
fn fixed(value: f32, one: f32) -> u16 {
    (value * one).clamp(0.0, f32::from(u16::MAX)) as u16
}

/// The next value of a running mean, where `value` is the n-th.
fn blend(mean: u16, value: u16, n: u8) -> u16 {
    let n = i32::from(n).clamp(1, RUN as i32);
    let off = i32::from(value) - i32::from(mean);
    // Rounded away from zero, so that a mean reaches a value that stays.
    let step = (off + off.signum() * (n - 1)) / n;
    (i32::from(mean) + step).clamp(0, i32::from(u16::MAX)) as u16
}

/// Takes the n-th yes or no into the running mean of a share.
fn blend_share(mean: &mut u16, is: bool, n: u8) {
    *mean = blend(*mean, if is { SHARE_ONE } else { 0 }, n);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_mean_gets_where_it_goes() {
        let mut mean = 0;
        for n in 1..=200 {
            blend_share(&mut mean, true, n);
        }
        assert_eq!(mean, SHARE_ONE);
        let mut mean = 0;
        for n in 1..=10 {
            blend_share(&mut mean, n % 2 == 0, n);
        }
        assert!((f64::from(mean) / f64::from(SHARE_ONE) - 0.5).abs() < 0.001);
    }
}
