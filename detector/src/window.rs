//! A client's recent past in fixed memory.
//!
//! Integers only: floats begin at [`crate::Features`]. Two streams are kept: **all** requests, and
//! **page** requests (documents and API calls), because browsers load assets in bursts that say
//! nothing about who is asking.
//!
//! ```text
//!  bytes  field                what
//!  ─────  ───────────────────  ───────────────────────────────────────────────────────────────────────────
//!     16  last_at, …           times in µs: last request, last page
//!     32  decayed    8 × u32   counts that fade with τ = 60 s and 600 s, in 1/1024
//!     48  pages, run, …        counts since the client was first seen, running means over its last 32 pages or requests
//!     20  site                 what the model's site memory says of the last pages
//!     64  gaps      32 × u16   ring: the last 32 gaps between pages, log₂((gap + 50 ms)/1 ms) in 1/2048 octaves
//!     32  slow      32 × u8    histogram of the gaps of about a day, in half octaves from 1 s
//!    192  urls      48 × u32   ring: the last 48 page URLs (path hash · query hash)
//!     64  seen   2 × 256 bit   linear counter of page URLs (Whang et al. 1990), this half window and the one before
//! ```
//!
//! **Forgetting**: after a day without a page the rings, the histogram and the running means start
//! anew, and only the number of pages stays: what somebody did last week says nothing about how
//! regular he is today.
//!
//! Cost: a push is about 30 ns and touches at most 8 cache lines; nothing is allocated.

use std::hint::black_box;

use crate::event::{Event, Method, Outcome};
use crate::fixed::{LOG_BITS, decay, log2};
use crate::running::{Run, SiteRun, blend_share};
use crate::site_profile::SiteProfile;
use crate::state::asset_credit::AssetCredit;
use crate::time::Timestamp;
use crate::url::{Class, UrlKey};

/// Gaps remembered: enough for a spread of ±50 % to show (AUC ≥ 0.998 from 6 gaps on), few enough
/// to sort in 100 ns.
pub const GAPS: usize = 32;
/// Page URLs remembered one by one.
pub const URLS: usize = 48;
/// Bits of the linear counter: 5 % error up to 400 distinct URLs.
pub const SEEN_BITS: usize = 256;
/// Half of the sliding window over which distinct URLs are counted.
pub const GENERATION_US: u64 = 300_000_000;
/// Time constants of the fading counts, in seconds, as in the features' names.
pub const TAU_S: [u64; 2] = [60, 600];
/// Half-octave bins of the long memory: from 1 s to 18 h and above.
pub const SLOW_BINS: usize = 32;
/// A silence after which a client's past no longer counts.
pub const FORGET_US: u64 = 86_400_000_000;
/// Fixed-point one of a fading count.
pub const ONE: u32 = 1024;

/// Added to every gap between pages before its logarithm is taken, 50 ms: what varies below is how
/// busy machines are and not what anybody does, and on a logarithmic scale it would vary as widely
/// as a person's gaps.
pub const BLUR_US: u64 = 50_000;

const DAY_US: u64 = 86_400_000_000;

/// Microseconds in which a count with time constant τ falls by 1/2048 octave: τ · ln 2 / 2048.
const TICK_US: [u64; 2] = [20_307, 203_070];

/// The window. Starts empty with the client's first event.
///
/// In this order because most requests are assets and outcomes, which touch the first two cache
/// lines and nothing else: of a client that comes after thousands of others, each line is a trip to
/// memory.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Window {
    last_at: Timestamp,
    last_page_at: Timestamp,
    pub(crate) decayed: Decayed,
    pages: u32,
    sequence: u32,
    /// Half window, second and day that the counters belong to, since the epoch.
    generation: u32,
    first_s: u32,
    pub(crate) run: Run,
    pub(crate) site: SiteRun,
    generation_pages: [u16; 2],
    day: u16,
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

/// Counts that fade: `s ← s·e^(−Δ/τ) + 1`, in units of 1/[`ONE`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decayed {
    /// Page requests, τ = 60 s and 600 s.
    pub pages: [u32; 2],
    /// All requests, τ = 60 s and 600 s.
    pub requests: [u32; 2],
    /// Conversions, 4xx outcomes and 404 outcomes of page requests or assets alike, τ = 600 s.
    pub outcomes: u32,
    pub errors: u32,
    pub not_found: u32,
    /// Writes, τ = 600 s.
    pub writes: u32,
}

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
            decayed: Decayed::default(),
            generation: steps_since_epoch(at, GENERATION_US),
            first_s: steps_since_epoch(at, 1_000_000),
            day: steps_since_epoch(at, DAY_US) as u16,
            generation_pages: [0; 2],
            pages: 0,
            sequence: 0,
            kept: 0,
            distinct: 0,
            credit: AssetCredit::NEW,
            run: Run::default(),
            site: SiteRun::default(),
        }
    }

    /// Takes a request in and returns the time it counts for: a client's clock never goes back.
    ///
    /// Everything is reckoned in steps of `resolution_us`, the time step of the log that the model
    /// was learnt from; the time that is returned (and recorded) keeps its microseconds.
    pub fn push(&mut self, event: &Event, resolution_us: u32) -> Timestamp {
        self.push_at_site(event, resolution_us, None)
    }

    /// The same, asking the model's site memory where it has one.
    pub fn push_at_site(
        &mut self,
        event: &Event,
        resolution_us: u32,
        memory: Option<&SiteProfile>,
    ) -> Timestamp {
        let at = self.advance(event.at, resolution_us);
        self.run.requests = self.run.requests.saturating_add(1);
        blend_share(&mut self.run.head, event.method == Method::Head, self.run.requests);
        add(&mut self.decayed.requests);
        if event.method == Method::Write {
            add_one(&mut self.decayed.writes);
        }
        if event.class == Class::Page {
            self.push_page(event, at.truncate(resolution_us));
            if let Some(memory) = memory {
                self.site.push(event, memory);
            }
        }
        at
    }

    /// Takes the end of a request in and returns the time it counts for.
    pub fn conclude(&mut self, outcome: &Outcome, resolution_us: u32) -> Timestamp {
        let at = self.advance(outcome.at, resolution_us);
        if outcome.status != 0 {
            add_one(&mut self.decayed.outcomes);
            if (400..500).contains(&outcome.status) {
                add_one(&mut self.decayed.errors);
            }
            if outcome.status == 404 {
                add_one(&mut self.decayed.not_found);
            }
            self.run.outcomes = self.run.outcomes.saturating_add(1);
            blend_share(&mut self.run.not_modified, outcome.status == 304, self.run.outcomes);
            let redirects = (300..400).contains(&outcome.status) && outcome.status != 304;
            blend_share(&mut self.run.redirected, redirects, self.run.outcomes);
        }
        at
    }

    fn push_page(&mut self, event: &Event, at: Timestamp) {
        let gap_us = at.micros_since(self.last_page_at);
        if gap_us > FORGET_US {
            self.forget();
        }
        if self.kept > 0 {
            let gap = u16::try_from(log2_ms(gap_us.saturating_add(BLUR_US))).unwrap_or(u16::MAX);
            self.gaps[(self.pages as usize - 1) % GAPS] = gap;
            self.push_slow(slow_bin(gap_us), at);
        }
        self.last_page_at = at;
        self.push_url(event.url.0);
        self.turn_generation(at);
        let bit = spread(event.url) % SEEN_BITS;
        self.seen[0][bit / 64] |= 1 << (bit % 64);
        self.generation_pages[0] = self.generation_pages[0].saturating_add(1);
        add(&mut self.decayed.pages);
        self.kept = self.kept.saturating_add(1);
        self.run.push(event, self.kept, gap_us);
        // Past this many pages only the position in the rings matters: stay above them, keep the
        // position.
        self.pages =
            if self.pages == u32::MAX { u32::MAX - (GAPS * URLS) as u32 } else { self.pages + 1 };
    }

    /// Remembers a URL in place of the oldest, and counts the different ones.
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
        (self.run.form, self.run.steps) = (0, 0);
        self.site = SiteRun::default();
    }

    /// Counts a gap in the long memory. Every day that begins halves what stands there, and so does
    /// a bin that is full.
    fn push_slow(&mut self, bin: usize, at: Timestamp) {
        let day = steps_since_epoch(at, DAY_US) as u16;
        let days = day.wrapping_sub(self.day).min(7);
        self.day = day;
        let full = self.slow[bin] == u8::MAX;
        let halvings = days + u16::from(full);
        if halvings > 0 {
            self.slow.iter_mut().for_each(|count| *count >>= halvings);
        }
        self.slow[bin] += 1;
    }

    /// Moves the clock to `at` if that is later, fading all counts.
    fn advance(&mut self, at: Timestamp, resolution_us: u32) -> Timestamp {
        self.sequence = self.sequence.wrapping_add(1);
        if at <= self.last_at {
            return self.last_at;
        }
        // Whole ticks of absolute time, so that many short steps fade as much as one long one.
        let (from, to) = (self.last_at.truncate(resolution_us), at.truncate(resolution_us));
        self.last_at = at;
        if from == to {
            return at;
        }
        let fast = ticks::<{ TICK_US[0] }>(from, to);
        let slow = ticks::<{ TICK_US[1] }>(from, to);
        let counts = &mut self.decayed;
        if fast > 0 {
            counts.pages[0] = decay(counts.pages[0], fast);
            counts.requests[0] = decay(counts.requests[0], fast);
        }
        if slow > 0 {
            for count in [
                &mut counts.pages[1],
                &mut counts.requests[1],
                &mut counts.outcomes,
                &mut counts.errors,
                &mut counts.not_found,
                &mut counts.writes,
            ] {
                *count = decay(*count, slow);
            }
        }
        at
    }

    /// Starts a new half window when the next one has begun; a longer silence empties both.
    fn turn_generation(&mut self, at: Timestamp) {
        let generation = steps_since_epoch(at, GENERATION_US);
        let fresh = [0; SEEN_BITS / 64];
        match generation.wrapping_sub(self.generation) {
            0 => return,
            1 => {
                self.seen = [fresh, self.seen[0]];
                self.generation_pages = [0, self.generation_pages[0]];
            }
            _ => {
                self.seen = [fresh, fresh];
                self.generation_pages = [0, 0];
            }
        }
        self.generation = generation;
    }

    /// Looks at every cache line that a page will touch. Of a client that comes after thousands of
    /// others each is a trip to memory, and asked for together they travel together.
    pub(crate) fn warm(&self) {
        const URLS_A_LINE: usize = 64 / size_of::<u32>();
        let urls = self.urls.iter().step_by(URLS_A_LINE).fold(0, |seen, url| seen ^ url);
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

    /// Events taken in, requests and outcomes, modulo 2³²: orders what happened in the same
    /// microsecond.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// The client's own clock.
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
        ring(
            &self.gaps,
            (self.pages as usize).saturating_sub(1),
            usize::from(self.kept).saturating_sub(1),
        )
    }

    /// The remembered page URLs, oldest first, and how many.
    pub fn urls(&self) -> ([u32; URLS], usize) {
        ring(&self.urls, self.pages as usize, usize::from(self.kept))
    }

    /// How many different ones they are.
    pub fn distinct(&self) -> u8 {
        self.distinct
    }

    /// The long memory: gaps by half octave, from below 1.4 s to above 13 h.
    pub fn slow(&self) -> &[u8; SLOW_BINS] {
        &self.slow
    }

    /// Distinct page URLs of the sliding window as zero bits of the counter, and page requests in
    /// it.
    pub fn seen(&self) -> (u32, u32) {
        let zeros = self.seen[0]
            .iter()
            .zip(&self.seen[1])
            .map(|(now, before)| (now | before).count_zeros())
            .sum();
        (zeros, u32::from(self.generation_pages[0]) + u32::from(self.generation_pages[1]))
    }
}

/// The last `kept` values before position `next` of a ring, oldest first, at most all of it.
fn ring<T: Copy + Default, const N: usize>(
    ring: &[T; N],
    next: usize,
    kept: usize,
) -> ([T; N], usize) {
    let count = kept.min(N);
    let mut ordered = [T::default(); N];
    let oldest = (next + N - count) % N;
    let (tail, head) = (&ring[oldest..], &ring[..oldest]);
    let first = count.min(tail.len());
    ordered[..first].copy_from_slice(&tail[..first]);
    ordered[first..count].copy_from_slice(&head[..count - first]);
    (ordered, count)
}

/// Bin of the long memory: half octaves of 1 ms + gap from 2¹⁰ ms.
fn slow_bin(gap_us: u64) -> usize {
    let half_octaves = log2_ms(gap_us.saturating_add(1_000)) >> (LOG_BITS - 1);
    (half_octaves as usize).saturating_sub(2 * 10).min(SLOW_BINS - 1)
}

/// Ticks of so many microseconds, counted from the epoch, that end after `from` and not after `to`.
fn ticks<const TICK_US: u64>(from: Timestamp, to: Timestamp) -> u64 {
    let tick = |at: Timestamp| at.as_micros().div_euclid(TICK_US as i64);
    u64::try_from(tick(to).saturating_sub(tick(from))).unwrap_or(0)
}

/// Whole steps since the epoch, modulo 2³².
fn steps_since_epoch(at: Timestamp, step_us: u64) -> u32 {
    at.as_micros().div_euclid(step_us as i64) as u32
}

/// log₂ of a time of 1,000 µs or more, in ms.
fn log2_ms(micros: u64) -> u32 {
    /// log₂(1000) in 1/2048 octaves.
    const LOG2_1000: u32 = 20_410;
    log2(micros).saturating_sub(LOG2_1000)
}

/// A 32-bit URL key mixed so that its low bits depend on both halves (Fibonacci hashing).
fn spread(url: UrlKey) -> usize {
    (u64::from(url.0).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

fn add(counts: &mut [u32; 2]) {
    counts.iter_mut().for_each(add_one);
}

fn add_one(count: &mut u32) {
    *count = count.saturating_add(ONE);
}

/// One client's share of the bound on memory (law 5).
const _: () = assert!(size_of::<Window>() <= 472);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientKey;

    fn event(at_ms: i64, url: u32) -> Event {
        let client = ClientKey::from_text("192.0.2.1");
        Event {
            depth: 2,
            ..Event::page(client, Timestamp::from_micros(at_ms * 1_000), UrlKey(url))
        }
    }

    fn window_of(events: &[Event]) -> Window {
        let mut window = Window::new(events[0].at);
        for event in events {
            window.push(event, 1);
        }
        window
    }

    #[test]
    fn rings_give_the_last_entries_oldest_first() {
        let events: Vec<_> = (0..100).map(|i| event(i64::from(i) * 1_000, i)).collect();
        let (urls, count) = window_of(&events).urls();
        assert_eq!(count, URLS);
        assert_eq!(urls.to_vec(), (52..100).collect::<Vec<u32>>());
        let (urls, count) = window_of(&events[..10]).urls();
        assert_eq!(urls[..count].to_vec(), (0..10).collect::<Vec<u32>>());
    }

    /// Many URLs and few, repeats, silences of more than a day: counted as they come or all at
    /// once, it is the same number.
    #[test]
    fn distinct_urls_are_those_in_the_ring() {
        let mut state = 1_u64;
        for kinds in [1, 2, 5, 40, 60, 1_000] {
            let mut at_ms = 0;
            let mut window = Window::new(Timestamp::from_micros(0));
            for _ in 0..600 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                at_ms += if (state >> 33).is_multiple_of(150) { 100_000_000 } else { 1_000 };
                window.push(&event(at_ms, (state >> 40) as u32 % kinds), 1);
                let (urls, count) = window.urls();
                let distinct: std::collections::BTreeSet<u32> =
                    urls[..count].iter().copied().collect();
                assert_eq!(usize::from(window.distinct()), distinct.len());
            }
        }
    }

    #[test]
    fn a_gap_of_one_second_is_log2_of_1050_ms() {
        let (gaps, count) = window_of(&[event(0, 1), event(1_000, 2), event(1_000, 3)]).gaps();
        assert_eq!(count, 2);
        assert!((f64::from(gaps[0]) / 2048.0 - 1050_f64.log2()).abs() < 0.002);
        assert!(
            (f64::from(gaps[1]) / 2048.0 - 50_f64.log2()).abs() < 0.002,
            "two pages in the same instant"
        );
    }

    #[test]
    fn live_time_is_reckoned_in_the_steps_of_the_log() {
        let mut window = Window::new(Timestamp::default());
        window.push(&event(900, 1), 1_000_000);
        assert_eq!(window.push(&event(1_100, 2), 1_000_000), Timestamp::from_micros(1_100_000));
        assert_eq!(window.push(&event(1_900, 3), 1_000_000), Timestamp::from_micros(1_900_000));
        let (gaps, _) = window.gaps();
        assert!((20_552..=20_555).contains(&gaps[0]), "log2 of 1,050 ms, not of 250 ms");
        assert!((11_557..=11_559).contains(&gaps[1]), "log2 of 50 ms, not of 850 ms");
    }

    #[test]
    fn a_clock_never_goes_back() {
        let mut window = window_of(&[event(5_000, 1)]);
        assert_eq!(window.push(&event(1_000, 2), 1), Timestamp::from_secs(5));
        assert!((11_557..=11_559).contains(&window.gaps().0[0]));
    }

    #[test]
    fn counts_fade_with_their_time_constant() {
        // 1 request a second for 20 minutes: the count settles near τ.
        let events: Vec<_> = (0..1_200).map(|i| event(i * 1_000, 1)).collect();
        let window = window_of(&events);
        let [fast, slow] = window.decayed.pages.map(|count| f64::from(count) / f64::from(ONE));
        assert!((fast - 60.5).abs() < 1.0, "{fast}");
        assert!((slow - 600.0 * (1.0 - (-2_f64).exp())).abs() < 6.0, "{slow}");
    }

    #[test]
    fn a_flood_fades_as_well() {
        // 1,000 requests a second, far below a tick apart.
        let events: Vec<_> = (0..120_000).map(|i| event(i, 1)).collect();
        let fast = f64::from(window_of(&events).decayed.pages[0]) / f64::from(ONE);
        assert!((fast - 60_000.0 * (1.0 - (-2_f64).exp())).abs() < 600.0, "{fast}");
    }

    #[test]
    fn the_sliding_window_forgets_after_two_generations() {
        let minute = 60_000;
        let mut events: Vec<_> = (0..100).map(|i| event(i64::from(i), i)).collect();
        assert!(window_of(&events).seen().0 < 190);
        events.push(event(6 * minute, 1_000));
        assert_eq!(window_of(&events).seen().1, 101);
        events.push(event(17 * minute, 1_001));
        assert_eq!(window_of(&events).seen(), (255, 1));
    }

    #[test]
    fn a_day_of_silence_is_forgotten_and_an_hour_is_not() {
        let hour = 3_600_000;
        let mut events: Vec<_> = (0..40).map(|i| event(i64::from(i) * hour, i)).collect();
        let window = window_of(&events);
        assert_eq!((window.gaps().1, window.urls().1, window.pages()), (32, 40, 40));
        events.push(event(39 * hour + 25 * hour, 40));
        let mut window = window_of(&events);
        assert_eq!((window.gaps().1, window.urls().1, window.pages()), (0, 1, 41));
        assert_eq!(window.urls().0[0], 40);
        assert!(window.slow().iter().all(|&count| count == 0));
        window.push(&event(65 * hour, 41), 1);
        let ((urls, kept), (gaps, gap_count)) = (window.urls(), window.gaps());
        assert_eq!((&urls[..kept], gap_count), (&[40, 41][..], 1));
        assert!((f64::from(gaps[0]) / 2048.0 - 3_600_050_f64.log2()).abs() < 0.002);
    }

    #[test]
    fn the_long_memory_counts_gaps_by_half_octave_and_halves_with_the_days() {
        let window = window_of(&(0..20).map(|i| event(i * 522_000, 1)).collect::<Vec<_>>());
        let bin = (2.0 * 522_001_f64.log2()) as usize - 20;
        assert_eq!(usize::from(window.slow()[bin]), 19);
        assert_eq!(window.slow().iter().map(|&count| u32::from(count)).sum::<u32>(), 19);
        // An hour apart for ten days: never more than two days' worth.
        let window = window_of(&(0..240).map(|i| event(i * 3_600_000, 1)).collect::<Vec<_>>());
        let kept: u32 = window.slow().iter().map(|&count| u32::from(count)).sum();
        assert!((24..=48).contains(&kept), "{kept}");
        // Ten a second for an hour: a full bin halves and nothing overflows.
        let window = window_of(&(0..36_000).map(|i| event(i * 100, 1)).collect::<Vec<_>>());
        assert!((128..=255).contains(&window.slow()[0]));
    }

    #[test]
    fn outcomes_are_counted_by_status() {
        let mut window = window_of(&[event(0, 1)]);
        let outcome = |status| Outcome::new(event(0, 1).client, Timestamp::from_secs(1), status);
        window.conclude(&outcome(0), 1);
        assert_eq!(window.decayed.outcomes, 0);
        window.conclude(&outcome(404), 1);
        assert_eq!(
            (window.decayed.outcomes, window.decayed.errors, window.decayed.not_found),
            (ONE, ONE, ONE)
        );
    }
}
