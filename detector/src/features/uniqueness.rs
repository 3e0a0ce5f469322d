//! How unique a client's page URLs are.
//!
//! Both ends are suspicious: crawlers go to 1, pollers and brute forcers towards 0. Shoppers fall
//! from 1 to about 0.7 as they come back to a basket or a category. Measured over the last r ≤ 48
//! page URLs, and over ten minutes by linear counting. Each URL of the ring is compared with each,
//! many at a time and without a branch. About 300 ns.

use super::entropy::{LOG2, entropy_of};
use super::set::FeatureSet;
use crate::window::{SEEN_BITS, URLS, Window};

/// Features of this family.
pub const COUNT: usize = 11;
/// A page is "just seen" if it is among this many pages before.
const RECENT: usize = 3;
/// 0, 1, 2 and so on, as in [`super::periodicity`].
static PLACES: [u32; URLS] = {
    let mut places = [0; URLS];
    let mut place = 0;
    while place < URLS {
        places[place] = place as u32;
        place += 1;
    }
    places
};

/// `unique_ratio`, `unique_path_ratio`, `unique_window` (URLs), `unique_window_ratio`,
/// `url_entropy`, `top_share`, `revisit`, `query_fanout`, `repeat_share`, `backtrack`,
/// `return_share`. All are missing before the first page, those that compare a page with an earlier
/// one before the second, and `backtrack` before the third.
pub fn measure(window: &Window, wanted: FeatureSet, out: &mut [f32]) {
    let (urls, count) = window.urls();
    if count == 0 {
        return;
    }
    let distinct = u32::from(window.distinct());
    out[0] = distinct as f32 / count as f32;
    if wanted.has(1) || wanted.has(7) {
        let paths: [u16; URLS] = std::array::from_fn(|i| (urls[i] >> 16) as u16);
        let (distinct_paths, _) = tally(&times(&paths, count)[..count]);
        out[1] = distinct_paths as f32 / count as f32;
        out[7] = distinct as f32 / distinct_paths as f32;
    }
    if wanted.has(2) || wanted.has(3) {
        let (zeros, pages) = window.seen();
        out[2] = linear_count(zeros).min(pages as f32);
        out[3] = if pages > 0 { (out[2] / pages as f32).min(1.0) } else { f32::NAN };
    }
    if wanted.has(4) || wanted.has(5) {
        let times = times(&urls, count);
        if count > 1 {
            out[4] = entropy_of(tally(&times[..count]).1, count);
        }
        out[5] = f32::from(times[..count].iter().copied().max().unwrap_or(0)) / count as f32;
    }
    if count > 1 {
        if wanted.has(6) {
            out[6] = revisit(&urls[..count]);
        }
        let steps = (count - 1) as f32;
        let repeats = repeats(&urls, count);
        out[8] = repeats as f32 / steps;
        // Pages seen before are either repeats of the last page or returns to an earlier one.
        out[10] = (count as u32 - distinct - repeats) as f32 / steps;
    }
    if count > 2 {
        out[9] = backtrack(&urls, count);
    }
}

/// How often each value stands among the first `count`.
fn times<T: Copy + PartialEq>(values: &[T; URLS], count: usize) -> [u16; URLS] {
    let mut times = [0; URLS];
    for value in &values[..count] {
        for (times, other) in times.iter_mut().zip(values) {
            *times += u16::from(value == other);
        }
    }
    times
}

/// The number of distinct values, and Σ c·log₂ c over them in units of [`LOG2`].
///
/// `times` says of each entry how often its value stands there. The c entries of one value count
/// one c-th each towards the first sum, and log₂ c each towards the second.
fn tally(times: &[u16]) -> (u32, u32) {
    /// 1/c with 24 fractional bits. Each is off by less than 2⁻²⁴, so the sum of 48 rounds to the
    /// right number.
    static SHARE: [u32; URLS + 1] = {
        let mut table = [0; URLS + 1];
        let mut count = 1;
        while count <= URLS {
            table[count] = (1 << 24) / count as u32;
            count += 1;
        }
        table
    };
    let (mut shares, mut weighted) = (1 << 23, 0);
    for &times in times {
        let times = usize::from(times).min(URLS);
        shares += SHARE[times];
        weighted += LOG2[times];
    }
    (shares >> 24, weighted)
}

/// Estimate of the distinct values in a linear counter with so many zero bits (Whang et al. 1990):
/// −m·ln(zeros/m). A full counter is taken to have half a zero bit.
fn linear_count(zeros: u32) -> f32 {
    let bits = SEEN_BITS as f32;
    let zeros = if zeros == 0 { 0.5 } else { zeros as f32 };
    -bits * (zeros / bits).ln()
}

/// How many of the first `count` URLs equal the one before them.
fn repeats(urls: &[u32; URLS], count: usize) -> u32 {
    let mut repeats = 0;
    for ((url, before), &place) in urls[1..].iter().zip(urls).zip(&PLACES[1..]) {
        repeats += u32::from((url == before) & (place < count as u32));
    }
    repeats
}

/// Share of pages that equal the page two before and not the page before: there and back, as from a
/// list to its items.
fn backtrack(urls: &[u32; URLS], count: usize) -> f32 {
    let triples = urls[2..].iter().zip(&urls[1..]).zip(urls).zip(&PLACES[2..]);
    let mut back = 0_u32;
    for (((url, last), before), &place) in triples {
        back += u32::from((url == before) & (url != last) & (place < count as u32));
    }
    back as f32 / (count - 2) as f32
}

/// Share of pages that equal one of the three pages before.
fn revisit(urls: &[u32]) -> f32 {
    let mut again = [0_u32; URLS];
    for lag in 1..=RECENT.min(urls.len() - 1) {
        for (again, (url, before)) in again[lag..].iter_mut().zip(urls[lag..].iter().zip(urls)) {
            *again |= u32::from(url == before);
        }
    }
    again.iter().sum::<u32>() as f32 / (urls.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use super::URLS;
    use crate::features::tests::measured;

    fn check(pages: &[(u16, u16)], name: &str, expect: f64) {
        let pages: Vec<_> =
            pages.iter().enumerate().map(|(i, &(path, query))| (i as f64, path, query)).collect();
        let value = f64::from(measured(&pages, name));
        assert!((value - expect).abs() < 0.005, "{name} is {value}, expected {expect}");
    }

    #[test]
    fn a_crawler_never_repeats() {
        let crawl: Vec<_> = (0..48).map(|i| (i, 0)).collect();
        check(&crawl, "unique_ratio", 1.0);
        check(&crawl, "unique_path_ratio", 1.0);
        check(&crawl, "url_entropy", 1.0);
        check(&crawl, "top_share", 1.0 / 48.0);
        check(&crawl, "revisit", 0.0);
        check(&crawl, "query_fanout", 1.0);
    }

    #[test]
    fn a_poller_repeats_and_nothing_else() {
        let poll = [(7, 0); 60];
        check(&poll, "unique_ratio", 1.0 / 48.0);
        check(&poll, "url_entropy", 0.0);
        check(&poll, "top_share", 1.0);
        check(&poll, "revisit", 1.0);
        check(&poll, "unique_window", 1.0);
    }

    #[test]
    fn cache_busting_shows_as_queries_per_path() {
        let busting: Vec<_> = (0..40).map(|i| (1, i + 1)).collect();
        check(&busting, "query_fanout", 40.0);
        check(&busting, "unique_ratio", 1.0);
        check(&busting, "unique_path_ratio", 1.0 / 40.0);
    }

    #[test]
    fn browsing_from_a_list_goes_there_and_back() {
        let hub = [(1, 0), (2, 0), (1, 0), (3, 0), (1, 0), (1, 0), (4, 0)];
        check(&hub, "backtrack", 2.0 / 5.0);
        check(&hub, "return_share", 2.0 / 6.0);
        check(&hub, "repeat_share", 1.0 / 6.0);
    }

    #[test]
    fn returns_and_repeats_agree_with_a_slow_count() {
        let mut state = 7_u32;
        for length in 3..48 {
            let pages: Vec<(u16, u16)> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((state >> 29) as u16, 0)
                })
                .collect();
            let steps = 1..pages.len();
            let repeats = steps.clone().filter(|&i| pages[i] == pages[i - 1]).count();
            let returns = steps
                .filter(|&i| pages[i] != pages[i - 1] && pages[..i].contains(&pages[i]))
                .count();
            check(&pages, "repeat_share", repeats as f64 / (length - 1) as f64);
            check(&pages, "return_share", returns as f64 / (length - 1) as f64);
        }
    }

    #[test]
    fn entropy_agrees_with_the_definition() {
        let pages = [(1, 0), (1, 0), (1, 0), (2, 0), (3, 0), (3, 0)];
        let expect =
            [3.0, 1.0, 2.0].map(|c: f64| -(c / 6.0) * (c / 6.0).log2()).iter().sum::<f64>()
                / 6_f64.log2();
        check(&pages, "url_entropy", expect);
    }

    /// Every number of pages of few and of many URLs, against the definitions.
    #[test]
    fn every_count_of_pages_agrees_with_slow_formulas() {
        let mut state = 1_u64;
        for (count, kinds) in (1..60_usize).flat_map(|count| [(count, 1), (count, 4), (count, 40)])
        {
            let pages: Vec<(u16, u16)> = (0..count)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    ((state >> 40) as u16 % kinds, (state >> 33) as u16 % 3)
                })
                .collect();
            let last = &pages[count.saturating_sub(URLS)..];
            let mut times = std::collections::BTreeMap::new();
            let mut paths = std::collections::BTreeSet::new();
            for page in last {
                *times.entry(page).or_insert(0.0) += 1.0;
                paths.insert(page.0);
            }
            let of = last.len() as f64;
            let unique = times.len() as f64;
            check(&pages, "unique_ratio", unique / of);
            check(&pages, "unique_path_ratio", paths.len() as f64 / of);
            check(&pages, "query_fanout", unique / paths.len() as f64);
            check(&pages, "top_share", times.values().copied().fold(0.0, f64::max) / of);
            if last.len() > 1 {
                let entropy: f64 =
                    times.values().map(|times: &f64| -(times / of) * (times / of).log2()).sum();
                check(&pages, "url_entropy", entropy / of.log2());
                let again = (1..last.len())
                    .filter(|&i| last[i.saturating_sub(3)..i].contains(&last[i]))
                    .count();
                check(&pages, "revisit", again as f64 / (of - 1.0));
            }
        }
    }

    #[test]
    fn linear_counting_is_within_five_per_cent() {
        for distinct in [10_u16, 100, 200, 400] {
            let crawl: Vec<_> =
                (0..distinct).map(|i| (f64::from(i) * 0.1, i.wrapping_mul(40_503), i)).collect();
            let value = measured(&crawl, "unique_window");
            assert!(
                (value / f32::from(distinct) - 1.0).abs() < 0.08,
                "{distinct} counted as {value}"
            );
        }
    }
}
