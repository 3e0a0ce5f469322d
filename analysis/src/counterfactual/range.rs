//! Which values a feature can have, so that nobody is told to reach "a share of errors of −0.3".

use detector::FEATURES;

/// The least and the greatest value of a feature, in the units of `docs/features.md`.
pub fn range(feature: usize) -> (f32, f32) {
    const ANY: f32 = f32::INFINITY;
    match FEATURES[feature].name {
        // √(k − 1) for k ≤ 32 gaps.
        "gap_cv" => (0.0, 5.6),
        "gap_burstiness" => (-1.0, 1.0),
        // Longer gaps are forgotten.
        "gap_median" => (0.0, 86_400.0),
        "gap_mad" | "unique_window" | "walk_likelihood" | "template_rarity" | "depth_mean"
        | "depth_sd" => (0.0, ANY),
        // Octaves from a millisecond to a day.
        "gap_log_sd" => (0.0, 27.0),
        "query_fanout" => (1.0, 48.0),
        "rate_60s" | "rate_600s" | "request_rate_60s" | "request_rate_600s" => (0.0, ANY),
        // Bits, in either direction.
        "novelty" => (-16.0, 16.0),
        // ln of a number of pages, from 1 on.
        "log_n" => (0.0, 22.0),
        // Shares, and entropies divided by their greatest value.
        _ => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use detector::features::index_of;

    use super::*;

    #[test]
    fn every_range_has_room_and_shares_are_shares() {
        for (index, feature) in FEATURES.iter().enumerate() {
            let (least, greatest) = range(index);
            assert!(least < greatest, "{}", feature.name);
            let is_share = feature.name.ends_with("_share") || feature.name.ends_with("_ratio");
            assert!(!is_share || (least, greatest) == (0.0, 1.0), "{}", feature.name);
        }
        assert_eq!(range(index_of("gap_entropy").unwrap()), (0.0, 1.0));
    }
}
