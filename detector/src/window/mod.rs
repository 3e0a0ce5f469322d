//! A client's recent past in fixed memory.
//!
//! Integers only: floats begin at [`crate::Features`]. Two streams are kept: **all** requests, and
//! **page** requests (documents and API calls). Browsers load assets in bursts, which say nothing
//! about who is asking.
//!
//! ```text
//!  bytes  field                what
//!  ─────  ───────────────────  ──────────────────────────────────────────────────────────────────
//!     16  last_at, …           times in µs: last event, last page
//!     32  fading     8 × u32   counts that fade with τ = 60 s and 600 s, in 1/1024
//!     44  pages, means, …      counts since the client was first seen; running means over its
//!                              last 32 pages, requests or outcomes
//!     20  site                 what the model's site profile says of the last pages
//!     64  gaps      32 × u16   ring: the last 32 gaps between pages, log₂((gap + 50 ms)/1 ms) in
//!                              1/2048 octaves
//!     32  slow      32 × u8    histogram of the gaps of about a day, in half octaves from 1 s
//!    192  urls      48 × u32   ring: the last 48 page URLs (path hash · query hash)
//!     64  seen   2 × 256 bit   linear counter of page URLs (Whang et al. 1990), of this half
//!                              window and of the one before
//! ```
//!
//! **Forgetting**: after a day without a page the rings, the histogram and the running means start
//! anew, and only the number of pages stays. What somebody did last week does not tell how regular
//! he is today.
//!
//! Cost: a push takes about 30 ns and touches at most 8 cache lines; nothing is allocated.
//!
//! The fading counts, the running means, the scale of the gaps and reading a ring have a file each.

mod fading;
mod gap_scale;
mod ring;
mod running_means;
mod steps;
#[cfg(test)]
mod tests;

use std::hint::black_box;

pub use fading::{ONE, TAU_S};
pub use gap_scale::{BLUR_US, SLOW_BINS};
pub use running_means::COUNTING_PAUSE_US;
pub(crate) use running_means::SHARE_ONE;
pub use steps::Steps;

use crate::event::{Event, Method, Outcome};
use crate::site_profile::SiteProfile;
use crate::state::asset_credit::AssetCredit;
use crate::time::Timestamp;
use crate::url::{Class, UrlKey};
use fading::FadingCounts;
use gap_scale::{ring_gap, slow_bin};
use ring::oldest_first;
use running_means::{RunningMeans, SiteMeans};

/// Gaps remembered: enough for a spread of ±50 % to show (AUC ≥ 0.998 from 6 gaps on), few enough
/// to sort in 100 ns.
pub const GAPS: usize = 32;
/// Page URLs remembered one by one.
pub const URLS: usize = 48;
/// Bits of the linear counter: 5 % error up to 400 distinct URLs.
pub const SEEN_BITS: usize = 256;
/// Half of the sliding window over which distinct URLs are counted: five minutes in µs.
pub const GENERATION_US: u64 = 300_000_000;
/// A silence after which a client's past no longer counts: a day in µs.
pub const FORGET_US: u64 = 86_400_000_000;

const DAY_US: u64 = 86_400_000_000;

/// The window. Starts empty with the client's first event.
///
/// The fields stand in this order because most requests are assets and outcomes, which touch the
/// first two cache lines and nothing else. Of a client that comes after thousands of others, each
/// cache line is a trip to memory.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Window {
    last_at: Timestamp,
    last_page_at: Timestamp,
    pub(crate) fading: FadingCounts,
    pages: u32,
    sequence: u32,
    /// The second in which the client was first seen, counted since the epoch.
    first_s: u32,
    pub(crate) means: RunningMeans,
    pub(crate) site: SiteMeans,
    generation_pages: [u16; 2],
    /// Pages since the last forgetting, up to 255.
    kept: u8,
    /// Different URLs among the remembered ones.
    distinct: u8,
    pub(crate) credit: AssetCredit,
    gaps: [u16; GAPS],
    slow: [u8; SLOW_BINS],
    urls: [u32; URLS],
    seen: [[u64; SEEN_BITS / 64]; 2],
}

/// One client's share of the bound on memory (law 5).
const _: () = assert!(size_of::<Window>() <= 464);

impl Window {
    /// An empty window of a client first heard of at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self {
            last_at: at,
            last_page_at: at,
            urls: [0; URLS],
            seen: [[0; SEEN_BITS / 64]; 2],
            gaps: [0; GAPS],
            slow: [0; SLOW_BINS],
            fading: FadingCounts::default(),
            first_s: steps_since_epoch(at, 1_000_000),
            generation_pages: [0; 2],
            pages: 0,
            sequence: 0,
            kept: 0,
            distinct: 0,
            credit: AssetCredit::NEW,
            means: RunningMeans::default(),
            site: SiteMeans::default(),
        }
    }

    /// Microseconds without a page until a page at `at`, in steps of `resolution_us`; 0 before the
    /// first page.
    pub fn silence_us(&self, at: Timestamp, resolution_us: u32) -> u64 {
        if self.pages == 0 {
            return 0;
        }
        at.max(self.last_at).truncate(resolution_us).micros_since(self.last_page_at)
    }

    /// Takes a request in and returns the time it counts for: a client's clock never goes back.
    ///
    /// Gaps and fading are computed in steps of `resolution_us`, the time step in µs of the logs
    /// that the model was trained on. The returned time keeps its microseconds.
    pub fn push(&mut self, event: &Event, resolution_us: u32) -> Timestamp {
        self.push_at_site(event, resolution_us, None)
    }

    /// Takes a request in as [`Window::push`] does, and updates the means over the model's site
    /// profile where it has one.
    pub fn push_at_site(
        &mut self,
        event: &Event,
        resolution_us: u32,
        profile: Option<&SiteProfile>,
    ) -> Timestamp {
        let at = self.advance(event.at, resolution_us);
        self.means.push_request(event.method);
        self.fading.add_request(event.method == Method::Write);
        if event.class == Class::Page {
            self.push_page(event, at.truncate(resolution_us));
            if let Some(profile) = profile {
                self.site.push(event, profile);
            }
        }
        at
    }

    /// Takes the end of a request in and returns the time it counts for.
    pub fn conclude(&mut self, outcome: &Outcome, resolution_us: u32) -> Timestamp {
        let at = self.advance(outcome.at, resolution_us);
        if outcome.status != 0 {
            self.fading.add_outcome(outcome.status);
            self.means.push_outcome(outcome.status);
        }
        at
    }

    fn push_page(&mut self, event: &Event, at: Timestamp) {
        let gap_us = at.micros_since(self.last_page_at);
        if gap_us > FORGET_US {
            self.forget();
        }
        if self.kept > 0 {
            self.gaps[(self.pages as usize - 1) % GAPS] = ring_gap(gap_us);
            self.push_slow(slow_bin(gap_us), at);
        }
        self.turn_generation(at);
        self.last_page_at = at;
        self.push_url(event.url.0);
        let bit = spread(event.url) % SEEN_BITS;
        self.seen[0][bit / 64] |= 1 << (bit % 64);
        self.generation_pages[0] = self.generation_pages[0].saturating_add(1);
        self.fading.add_page();
        self.kept = self.kept.saturating_add(1);
        self.means.push_page(event, self.kept, gap_us);
        // At the end of the range only the position in the rings matters: step back by a whole
        // number of turns of both.
        self.pages =
            if self.pages == u32::MAX { u32::MAX - (GAPS * URLS) as u32 } else { self.pages + 1 };
    }

    /// Remembers a URL in place of the oldest, and keeps count of the different ones.
    fn push_url(&mut self, url: u32) {
        let place = self.pages as usize % URLS;
        let is_full = usize::from(self.kept) >= URLS;
        let oldest = self.urls[place];
        let times = |urls: &[u32], wanted: u32| {
            urls.iter().map(|&other| u32::from(other == wanted)).sum::<u32>()
        };
        let known = if is_full {
            if oldest != url {
                self.distinct -= u8::from(times(&self.urls, oldest) == 1);
            }
            times(&self.urls, url) > 0
        } else {
            let (urls, count) = self.urls();
            times(&urls[..count], url) > 0
        };
        self.distinct += u8::from(!known);
        self.urls[place] = url;
    }

    fn forget(&mut self) {
        (self.kept, self.distinct) = (0, 0);
        self.slow = [0; SLOW_BINS];
        self.means.forget_steps();
        self.site = SiteMeans::default();
    }

    /// Counts a gap in the day's histogram. Each day that has begun since the last page halves all
    /// bins, and so does a bin that is full.
    fn push_slow(&mut self, bin: usize, at: Timestamp) {
        let full = self.slow[bin] == u8::MAX;
        let halvings = self.begun_since_last_page(DAY_US, at).min(7) + u32::from(full);
        if halvings > 0 {
            self.slow.iter_mut().for_each(|count| *count >>= halvings);
        }
        self.slow[bin] += 1;
    }

    /// Moves the clock to `at` if that is later, and fades all counts.
    fn advance(&mut self, at: Timestamp, resolution_us: u32) -> Timestamp {
        self.sequence = self.sequence.wrapping_add(1);
        if at <= self.last_at {
            return self.last_at;
        }
        let (from, to) = (self.last_at.truncate(resolution_us), at.truncate(resolution_us));
        self.last_at = at;
        if from != to {
            self.fading.fade(from, to);
        }
        at
    }

    /// Starts a new half window when the next one has begun; a longer silence empties both.
    fn turn_generation(&mut self, at: Timestamp) {
        let fresh = [0; SEEN_BITS / 64];
        match self.begun_since_last_page(GENERATION_US, at) {
            0 => {}
            1 => {
                self.seen = [fresh, self.seen[0]];
                self.generation_pages = [0, self.generation_pages[0]];
            }
            _ => {
                self.seen = [fresh, fresh];
                self.generation_pages = [0, 0];
            }
        }
    }

    /// How many periods of this length, counted from the epoch, have begun since the last page.
    fn begun_since_last_page(&self, period_us: u64, at: Timestamp) -> u32 {
        let number = |at| steps_since_epoch(at, period_us);
        number(at).wrapping_sub(number(self.last_page_at))
    }

    /// Reads every cache line that a page request will touch, so that they are fetched at the same
    /// time. Of a client that comes after thousands of others each line is a trip to memory.
    pub(crate) fn prefetch(&self) {
        const URLS_PER_LINE: usize = 64 / size_of::<u32>();
        let urls = self.urls.iter().step_by(URLS_PER_LINE).fold(0, |seen, url| seen ^ url);
        let seen = self.seen[0][0] ^ self.seen[1][0];
        black_box((self.gaps[0], self.slow[0], self.slow[SLOW_BINS - 1], urls, seen));
    }

    /// Page requests since the client was first seen.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Pages since the last forgetting, up to 255.
    pub fn kept(&self) -> u8 {
        self.kept
    }

    /// Events taken in, requests and outcomes, modulo 2³². Orders what happened in the same
    /// microsecond.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// The client's own clock: the time of its last event.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Whole seconds since the client was first seen.
    pub fn age_s(&self) -> u32 {
        steps_since_epoch(self.last_at, 1_000_000).saturating_sub(self.first_s)
    }

    /// The remembered gaps between pages, `log₂((gap + 50 ms)/1 ms)` in 1/2048 octaves, oldest
    /// first, and how many.
    pub fn gaps(&self) -> ([u16; GAPS], usize) {
        oldest_first(
            &self.gaps,
            (self.pages as usize).saturating_sub(1),
            usize::from(self.kept).saturating_sub(1),
        )
    }

    /// The remembered page URLs, oldest first, and how many.
    pub fn urls(&self) -> ([u32; URLS], usize) {
        oldest_first(&self.urls, self.pages as usize, usize::from(self.kept))
    }

    /// How many different URLs are among the remembered ones.
    pub fn distinct(&self) -> u8 {
        self.distinct
    }

    /// The day's histogram: gaps by half octave, from below 1.4 s to above 13 h.
    pub fn slow(&self) -> &[u8; SLOW_BINS] {
        &self.slow
    }

    /// The zero bits of the linear counter of distinct page URLs, and the page requests counted in
    /// it, both over the sliding window.
    pub fn seen(&self) -> (u32, u32) {
        let zeros = self.seen[0]
            .iter()
            .zip(&self.seen[1])
            .map(|(now, before)| (now | before).count_zeros())
            .sum();
        (zeros, u32::from(self.generation_pages[0]) + u32::from(self.generation_pages[1]))
    }
}

/// Whole steps since the epoch, modulo 2³².
fn steps_since_epoch(at: Timestamp, step_us: u64) -> u32 {
    at.as_micros().div_euclid(step_us as i64) as u32
}

/// A 32-bit URL key mixed so that its low bits depend on both halves (Fibonacci hashing).
fn spread(url: UrlKey) -> usize {
    (u64::from(url.0).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}
