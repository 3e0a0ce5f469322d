//! The histogram of scores: a counter a bucket, in the exporter's own format.
//!
//! The exporter's histograms keep every sample until a timer folds them, on another thread: with a
//! sample a page that cost more than the identity, the headers and the policy of a request
//! together. Counting costs about 10 ns.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Twenty even steps: thresholds lie anywhere.
const BUCKETS: [f64; 20] = [
    0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85,
    0.9, 0.95, 1.0,
];
/// A score of 1 in the sum: as fine as a score near 1 is, and room for 2⁴⁰ of them.
const ONE: f64 = (1_u64 << 24) as f64;

/// Scores by bucket.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    /// Not cumulated.
    counts: [AtomicU64; BUCKETS.len()],
    sum: AtomicU64,
}

impl Scores {
    /// Counts a score, 0..=1.
    pub(crate) fn record(&self, score: f32) {
        let score = f64::from(score);
        // Scores are at most 1, so the last bucket takes all that are left.
        let bucket = BUCKETS.partition_point(|&up_to| up_to < score).min(BUCKETS.len() - 1);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add((score * ONE) as u64, Ordering::Relaxed);
    }

    /// Writes what Prometheus scrapes.
    pub(crate) fn render(&self, name: &str, help: &str, text: &mut String) {
        let mut count = 0;
        // Text takes whatever is written to it.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
        for (up_to, bucket) in BUCKETS.iter().zip(&self.counts) {
            count += bucket.load(Ordering::Relaxed);
            let _ = writeln!(text, "{name}_bucket{{le=\"{up_to}\"}} {count}");
        }
        let sum = self.sum.load(Ordering::Relaxed) as f64 / ONE;
        let _ = writeln!(
            text,
            "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}\n"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_what_is_at_most_its_bound() {
        let scores = Scores::default();
        for score in [0.0, 0.01, 0.25, 0.26, 0.5, 1.0] {
            scores.record(score);
        }
        let mut text = String::new();
        scores.render("score", "Scores.", &mut text);
        let check = |line: &str| {
            assert!(text.contains(&format!("\n{line}\n")), "{line} is missing in:\n{text}")
        };
        check("score_bucket{le=\"0.05\"} 2");
        check("score_bucket{le=\"0.25\"} 3");
        check("score_bucket{le=\"0.3\"} 4");
        check("score_bucket{le=\"0.95\"} 5");
        check("score_bucket{le=\"1\"} 6");
        check("score_bucket{le=\"+Inf\"} 6");
        check("score_count 6");
        let sum: f64 =
            text.lines().find_map(|line| line.strip_prefix("score_sum ")?.parse().ok()).unwrap();
        assert!((sum - 2.02).abs() < 1e-6);
    }
}
