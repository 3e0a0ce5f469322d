//! A client's recent past in fixed memory.
//!
//! Integers only: floats begin at [`crate::Features`]. Two streams are kept: **all** requests, and **page** requests
//! (documents and API calls), because browsers load assets in bursts that say nothing about who is asking.
//!
//! ```text
//!  bytes  field                what
//!  ─────  ───────────────────  ───────────────────────────────────────────────────────────────────────────
//!     32  first, last, …       times in µs: first request, last request, last page, start of the generation
//!    192  urls      48 × u32   ring: the last 48 page URLs (path hash · query hash)
//!    128  seen   2 × 512 bit   linear counter of page URLs (Whang et al. 1990), this half window and the one before
//!     64  gaps      32 × u16   ring: the last 32 gaps between pages, log₂(1 + gap/1 ms) in 1/2048 octaves
//!     32  decayed    8 × u32   counts that fade with τ = 60 s and 600 s, in 1/1024
//!     22  pages, requests, …   counts since the client was first seen, path depth
//! ```
//!
//! Cost: a push is about 20 ns and touches at most 8 cache lines; nothing is allocated.

use crate::event::{Event, Method, Outcome};
use crate::fixed::{decay, log2};
use crate::time::Timestamp;
use crate::url::{Class, UrlKey};

/// Gaps remembered: enough for a spread of ±50 % to show (AUC ≥ 0.998 from 6 gaps on), few enough to sort in 100 ns.
pub const GAPS: usize = 32;
/// Page URLs remembered one by one.
pub const URLS: usize = 48;
/// Bits of the linear counter: 3–4 % error up to 800 distinct URLs.
pub const SEEN_BITS: usize = 512;
/// Half of the sliding window over which distinct URLs are counted.
pub const GENERATION_US: u64 = 300_000_000;
/// Time constants of the fading counts, in seconds, as in the features' names.
pub const TAU_S: [u64; 2] = [60, 600];
/// Fixed-point one of a fading count.
pub const ONE: u32 = 1024;

/// Microseconds in which a count with time constant τ falls by 1/2048 octave: τ · ln 2 / 2048.
const TICK_US: [u64; 2] = [20_307, 203_070];

/// The window. Starts empty with the client's first event.
#[derive(Clone, Debug)]
pub struct Window {
    first_at: Timestamp,
    last_at: Timestamp,
    last_page_at: Timestamp,
    generation_at: Timestamp,
    urls: [u32; URLS],
    seen: [[u64; SEEN_BITS / 64]; 2],
    gaps: [u16; GAPS],
    pub(crate) decayed: Decayed,
    pages: u32,
    requests: u32,
    sequence: u32,
    generation_pages: [u16; 2],
    depth_mean: u16,
    depth_square: u32,
}

/// Counts that fade: `s ← s·e^(−Δ/τ) + 1`, in units of 1/[`ONE`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decayed {
    /// Page requests, τ = 60 s and 600 s.
    pub pages: [u32; 2],
    /// All requests, τ = 60 s and 600 s.
    pub requests: [u32; 2],
    /// Outcomes, 4xx outcomes and 404 outcomes of page requests or assets alike, τ = 600 s.
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
            first_at: at,
            last_at: at,
            last_page_at: at,
            generation_at: at,
            urls: [0; URLS],
            seen: [[0; SEEN_BITS / 64]; 2],
            gaps: [0; GAPS],
            decayed: Decayed::default(),
            pages: 0,
            requests: 0,
            sequence: 0,
            generation_pages: [0; 2],
            depth_mean: 0,
            depth_square: 0,
        }
    }

    /// Takes a request in and returns the time it counts for: a client's clock never goes back.
    ///
    /// Everything is reckoned in steps of `resolution_us`, the time step of the log that the model was learnt from; the
    /// time that is returned (and recorded) keeps its microseconds.
    pub fn push(&mut self, event: &Event, resolution_us: u32) -> Timestamp {
        let at = self.advance(event.at, resolution_us);
        self.requests = self.requests.saturating_add(1);
        add(&mut self.decayed.requests);
        if event.method == Method::Write {
            add_one(&mut self.decayed.writes);
        }
        if event.class == Class::Page {
            self.push_page(event, at.truncate(resolution_us));
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
        }
        at
    }

    fn push_page(&mut self, event: &Event, at: Timestamp) {
        if self.pages > 0 {
            let gap_ms_q10 = at.micros_since(self.last_page_at).saturating_add(1_000);
            let gap = u16::try_from(log2_ms(gap_ms_q10)).unwrap_or(u16::MAX);
            self.gaps[(self.pages as usize - 1) % GAPS] = gap;
        }
        self.last_page_at = at;
        self.urls[self.pages as usize % URLS] = event.url.0;
        self.turn_generation(at);
        let bit = spread(event.url) % SEEN_BITS;
        self.seen[0][bit / 64] |= 1 << (bit % 64);
        self.generation_pages[0] = self.generation_pages[0].saturating_add(1);
        add(&mut self.decayed.pages);
        self.push_depth(event.depth);
        // Past this many pages only the position in the rings matters: stay above them, keep the position.
        self.pages = if self.pages == u32::MAX { u32::MAX - (GAPS * URLS) as u32 } else { self.pages + 1 };
    }

    /// Moves the clock to `at` if that is later, fading all counts.
    fn advance(&mut self, at: Timestamp, resolution_us: u32) -> Timestamp {
        self.sequence = self.sequence.wrapping_add(1);
        if at <= self.last_at {
            return self.last_at;
        }
        // Whole ticks of absolute time, so that many short steps fade as much as one long one.
        let ticks = |tick_us: u64| {
            let tick = |at: Timestamp| at.truncate(resolution_us).as_micros().div_euclid(tick_us as i64);
            u64::try_from(tick(at).saturating_sub(tick(self.last_at))).unwrap_or(0)
        };
        let (fast, slow) = (ticks(TICK_US[0]), ticks(TICK_US[1]));
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
        self.last_at = at;
        at
    }

    /// Starts a new half window when the current one is full; a longer silence empties both.
    fn turn_generation(&mut self, at: Timestamp) {
        let age_us = at.micros_since(self.generation_at);
        if age_us < GENERATION_US {
            return;
        }
        let fresh = [0; SEEN_BITS / 64];
        if age_us < 2 * GENERATION_US {
            self.seen = [fresh, self.seen[0]];
            self.generation_pages = [0, self.generation_pages[0]];
        } else {
            self.seen = [fresh, fresh];
            self.generation_pages = [0, 0];
        }
        self.generation_at = at;
    }

    fn push_depth(&mut self, depth: u8) {
        // Running mean and mean square with weight 1/n up to n = 32, in 1/256.
        let n = (self.pages + 1).min(GAPS as u32) as i64;
        let depth = i64::from(depth) << 8;
        let mean = i64::from(self.depth_mean);
        self.depth_mean = (mean + (depth - mean) / n).clamp(0, i64::from(u16::MAX)) as u16;
        let square = i64::from(self.depth_square);
        self.depth_square = (square + (((depth * depth) >> 8) - square) / n).clamp(0, i64::from(u32::MAX)) as u32;
    }

    /// Page requests since the client was first seen.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// All requests since the client was first seen.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Events taken in, requests and outcomes, modulo 2³²: orders what happened in the same microsecond.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// The client's own clock.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Microseconds since the client was first seen.
    pub fn age_us(&self) -> u64 {
        self.last_at.micros_since(self.first_at)
    }

    /// The remembered gaps between pages, `log₂(1 + gap/1 ms)` in 1/2048 octaves, oldest first, and how many.
    pub fn gaps(&self) -> ([u16; GAPS], usize) {
        ring(&self.gaps, (self.pages as usize).saturating_sub(1))
    }

    /// The remembered page URLs, oldest first, and how many.
    pub fn urls(&self) -> ([u32; URLS], usize) {
        ring(&self.urls, self.pages as usize)
    }

    /// Distinct page URLs of the sliding window as zero bits of the counter, and page requests in it.
    pub fn seen(&self) -> (u32, u32) {
        let zeros = self.seen[0].iter().zip(&self.seen[1]).map(|(now, before)| (now | before).count_zeros()).sum();
        (zeros, u32::from(self.generation_pages[0]) + u32::from(self.generation_pages[1]))
    }

    /// Mean and mean square of the pages' depth, in segments.
    pub fn depth(&self) -> (f32, f32) {
        (f32::from(self.depth_mean) / 256.0, self.depth_square as f32 / 256.0)
    }
}

/// The last `count` of a ring, oldest first.
fn ring<T: Copy + Default, const N: usize>(ring: &[T; N], count: usize) -> ([T; N], usize) {
    if count <= N {
        return (*ring, count);
    }
    let mut ordered = [T::default(); N];
    let oldest = count % N;
    ordered[..N - oldest].copy_from_slice(&ring[oldest..]);
    ordered[N - oldest..].copy_from_slice(&ring[..oldest]);
    (ordered, N)
}

/// log₂ of a time given as µs (already offset by 1 ms), in ms.
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
        Event {
            client: ClientKey::from_text("192.0.2.1"),
            at: Timestamp::from_micros(at_ms * 1_000),
            url: UrlKey(url),
            class: Class::Page,
            depth: 2,
            method: Method::Get,
            exempt: false,
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

    #[test]
    fn a_gap_of_one_second_is_log2_of_1001_ms() {
        let (gaps, count) = window_of(&[event(0, 1), event(1_000, 2), event(1_000, 3)]).gaps();
        assert_eq!(count, 2);
        assert!((f64::from(gaps[0]) / 2048.0 - 1001_f64.log2()).abs() < 0.002);
        assert_eq!(gaps[1], 0, "two pages in the same instant are no gap at all");
    }

    #[test]
    fn live_time_is_reckoned_in_the_steps_of_the_log() {
        let mut window = Window::new(Timestamp::default());
        window.push(&event(900, 1), 1_000_000);
        assert_eq!(window.push(&event(1_100, 2), 1_000_000), Timestamp::from_micros(1_100_000));
        assert_eq!(window.push(&event(1_900, 3), 1_000_000), Timestamp::from_micros(1_900_000));
        let (gaps, _) = window.gaps();
        assert!((20_412..=20_413).contains(&gaps[0]), "log2 of 1,001 ms, not of 200 ms");
        assert_eq!(gaps[1], 0);
    }

    #[test]
    fn a_clock_never_goes_back() {
        let mut window = window_of(&[event(5_000, 1)]);
        assert_eq!(window.push(&event(1_000, 2), 1), Timestamp::from_secs(5));
        assert_eq!(window.gaps().0[0], 0);
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
        assert!(window_of(&events).seen().0 < 430);
        events.push(event(6 * minute, 1_000));
        assert_eq!(window_of(&events).seen().1, 101);
        events.push(event(17 * minute, 1_001));
        assert_eq!(window_of(&events).seen(), (511, 1));
    }

    #[test]
    fn outcomes_are_counted_by_status() {
        let mut window = window_of(&[event(0, 1)]);
        let outcome = |status| Outcome { client: event(0, 1).client, at: Timestamp::from_secs(1), status };
        window.conclude(&outcome(0), 1);
        assert_eq!(window.decayed.outcomes, 0);
        window.conclude(&outcome(404), 1);
        assert_eq!((window.decayed.outcomes, window.decayed.errors, window.decayed.not_found), (ONE, ONE, ONE));
    }
}
