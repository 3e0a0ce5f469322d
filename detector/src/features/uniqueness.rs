//! How unique a client's page URLs are.
//!
//! Two-sided: crawlers go to 1, pollers and brute forcers towards 0, and shoppers fall from 1 to about 0.7 as they
//! come back to a basket or a category. Over the last r ≤ 48 page URLs, and over ten minutes by linear counting. One sort
//! of the ring serves everything; about 350 ns.

use crate::window::{SEEN_BITS, URLS, Window};

/// Features of this family.
pub const COUNT: usize = 8;
/// "Just seen" means among this many pages before.
const RECENT: usize = 3;

/// `unique_ratio`, `unique_path_ratio`, `unique_window` (URLs), `unique_window_ratio`, `url_entropy`, `top_share`,
/// `revisit`, `query_fanout`. All missing before the first page; `revisit` and `url_entropy` before the second.
pub fn measure(window: &Window, out: &mut [f32]) {
    let (urls, count) = window.urls();
    if count == 0 {
        return;
    }
    let urls = &urls[..count];
    let mut sorted = [0_u32; URLS];
    sorted[..count].copy_from_slice(urls);
    let sorted = &mut sorted[..count];
    sorted.sort_unstable();

    let distinct = sorted.chunk_by(|a, b| a == b).count();
    let distinct_paths = sorted.chunk_by(|a, b| a >> 16 == b >> 16).count();
    let top = sorted.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
    out[0] = distinct as f32 / count as f32;
    out[1] = distinct_paths as f32 / count as f32;
    let (zeros, pages) = window.seen();
    out[2] = linear_count(zeros).min(pages as f32);
    out[3] = if pages > 0 { (out[2] / pages as f32).min(1.0) } else { f32::NAN };
    if count > 1 {
        out[4] = entropy(sorted.chunk_by(|a, b| a == b).map(|same| same.len() as u32), count);
        out[6] = revisit(urls);
    }
    out[5] = top as f32 / count as f32;
    out[7] = distinct as f32 / distinct_paths as f32;
}

/// Distinct values behind a linear counter with so many zero bits (Whang et al. 1990): −m·ln(zeros/m). A full counter
/// is taken to have half a zero bit.
fn linear_count(zeros: u32) -> f32 {
    let bits = SEEN_BITS as f32;
    let zeros = if zeros == 0 { 0.5 } else { zeros as f32 };
    -bits * (zeros / bits).ln()
}

/// −Σ p·log₂ p over counts that sum to `total` ≥ 2, over log₂ total: 0 all alike, 1 all different.
pub(super) fn entropy(counts: impl Iterator<Item = u32>, total: usize) -> f32 {
    // Σ (c/n)·log₂(n/c) = log₂ n − (Σ c·log₂ c)/n
    let weighted: f32 = counts.map(|count| CLOG2[(count as usize).min(URLS)]).sum();
    let log_total = (total as f32).log2();
    ((log_total - weighted / total as f32) / log_total).clamp(0.0, 1.0)
}

/// c·log₂ c for every count a ring can hold.
static CLOG2: [f32; URLS + 1] = {
    let mut table = [0.0; URLS + 1];
    let mut count = 2;
    while count <= URLS {
        table[count] = count as f32 * log2(count as u64);
        count += 1;
    }
    table
};

/// log₂ at compile time, 20 bits.
const fn log2(count: u64) -> f32 {
    let exponent = 63 - count.leading_zeros();
    let mut x: u128 = (count as u128) << (60 - exponent);
    let mut bits = 0;
    let mut fraction = 0_u32;
    while bits < 20 {
        x = (x * x) >> 60;
        fraction <<= 1;
        if x >= 2 << 60 {
            x >>= 1;
            fraction |= 1;
        }
        bits += 1;
    }
    exponent as f32 + fraction as f32 / (1 << 20) as f32
}

/// Share of pages that stand among the three before them.
fn revisit(urls: &[u32]) -> f32 {
    let again = (1..urls.len()).filter(|&i| urls[i.saturating_sub(RECENT)..i].contains(&urls[i])).count();
    again as f32 / (urls.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use crate::features::tests::measured;

    fn check(pages: &[(u16, u16)], name: &str, expect: f64) {
        let pages: Vec<_> = pages.iter().enumerate().map(|(i, &(path, query))| (i as f64, path, query)).collect();
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
    fn entropy_agrees_with_the_definition() {
        let pages = [(1, 0), (1, 0), (1, 0), (2, 0), (3, 0), (3, 0)];
        let expect = [3.0, 1.0, 2.0].map(|c: f64| -(c / 6.0) * (c / 6.0).log2()).iter().sum::<f64>() / 6_f64.log2();
        check(&pages, "url_entropy", expect);
    }

    #[test]
    fn linear_counting_is_within_five_per_cent() {
        for distinct in [10_u16, 100, 400, 800] {
            let crawl: Vec<_> = (0..distinct).map(|i| (f64::from(i) * 0.1, i.wrapping_mul(40_503), i)).collect();
            let value = measured(&crawl, "unique_window");
            assert!((value / f32::from(distinct) - 1.0).abs() < 0.08, "{distinct} counted as {value}");
        }
    }
}
