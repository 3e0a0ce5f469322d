//! What is remembered of a client as running means over its last 32 pages, requests or outcomes.
//!
//! A mean with weight 1/n up to n = [`RUN`] takes two bytes where a ring would take a hundred.

use crate::event::Event;
use crate::site_profile::{OTHER, SiteProfile};

/// Pages or requests over which the running means run.
pub const RUN: u32 = 32;
/// Fixed-point one of a running mean of shares.
pub const SHARE_ONE: u16 = u16::MAX;
/// Sooner than this follows what no click asked for.
const STEP_US: u64 = 1_000_000;
/// Deeper paths count as this deep.
const DEPTH_MAX: u8 = 31;

/// Running means with weight 1/n up to n = [`RUN`], in 1/[`SHARE_ONE`] unless said otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// Requests or outcomes counted so far, up to 255.
    pub requests: u8,
    pub outcomes: u8,
    /// Steps from page to page that took a second or more, since the last forgetting, up to 255.
    pub steps: u8,
    /// Depth of pages in 1/8 segments, and its square in 1/8.
    pub depth: u8,
    pub depth_square: u16,
    /// `HEAD` requests; outcomes 304.
    pub head: u16,
    pub not_modified: u16,
    /// Conversions 3xx but 304.
    pub redirected: u16,
    /// Steps to a URL of the same form whose number differs by 1 to 3; by exactly +1.
    pub sequence: u16,
    pub page_walk: u16,
    pub form: u16,
    number: u32,
}

/// What the site memory says of the last pages. Nothing while the model has none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SiteRun {
    page: u32,
    template: u8,
    /// Pages counted since the last forgetting, and steps from one page to another, up to 255.
    pub pages: u8,
    pub steps: u8,
    /// Running means: (bits + 16) · 2048; a share; a share; bits · 4096 twice.
    pub novelty: u16,
    pub tail: u16,
    pub known: u16,
    pub surprise: u16,
    pub rarity: u16,
    /// Steps within the same page counted into `surprise`.
    pub walked: u8,
}

impl Run {
    pub fn push(&mut self, event: &Event, kept: u8, gap_us: u64) {
        let depth = event.depth.min(DEPTH_MAX);
        self.depth = blend(u16::from(self.depth), u16::from(depth) * 8, kept) as u8;
        self.depth_square = blend(self.depth_square, u16::from(depth) * u16::from(depth) * 8, kept);
        // What a script fetches ahead follows within the second: a list of twelve neighbours is not
        // counting through.
        if kept > 1 && gap_us >= STEP_US {
            self.steps = self.steps.saturating_add(1);
            let same = event.shape.form != 0 && event.shape.form == self.form;
            let step = event.shape.number.wrapping_sub(self.number) as i32;
            blend_share(
                &mut self.sequence,
                same && (1..=3).contains(&step.unsigned_abs()),
                self.steps,
            );
            blend_share(&mut self.page_walk, same && step == 1, self.steps);
        }
        self.form = event.shape.form;
        self.number = event.shape.number;
    }
}

impl SiteRun {
    pub fn push(&mut self, event: &Event, memory: &SiteProfile) {
        let novelty = memory.novelty(event.page);
        if novelty.is_nan() {
            return;
        }
        self.pages = self.pages.saturating_add(1);
        self.novelty = blend(self.novelty, fixed(novelty + 16.0, 2_048.0), self.pages);
        blend_share(&mut self.tail, memory.visitors(event.page) <= 1, self.pages);
        let share = memory.mix()[usize::from(event.template.min(OTHER))];
        self.rarity = blend(self.rarity, fixed(-share.log2(), 4_096.0), self.pages);
        if self.pages > 1 {
            self.walked = self.walked.saturating_add(1);
            let surprise = memory.surprise(self.template, event.template);
            self.surprise = blend(self.surprise, fixed(surprise, 4_096.0), self.walked);
            if event.page != self.page {
                self.steps = self.steps.saturating_add(1);
                blend_share(&mut self.known, memory.knows_step(self.page, event.page), self.steps);
            }
        }
        (self.page, self.template) = (event.page, event.template);
    }
}

/// A value as a whole number of 1/`one`, within 16 bits.
fn fixed(value: f32, one: f32) -> u16 {
    (value * one).clamp(0.0, f32::from(u16::MAX)) as u16
}

/// A running mean's next value: weight 1/n up to n = [`RUN`].
fn blend(mean: u16, value: u16, n: u8) -> u16 {
    let n = i32::from(n).clamp(1, RUN as i32);
    let off = i32::from(value) - i32::from(mean);
    // Rounded away from zero, so that a mean gets to where it goes.
    let step = (off + off.signum() * (n - 1)) / n;
    (i32::from(mean) + step).clamp(0, i32::from(u16::MAX)) as u16
}

pub(crate) fn blend_share(mean: &mut u16, is: bool, n: u8) {
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
