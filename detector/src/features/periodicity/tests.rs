use super::GAPS;
use crate::features::tests::measured;
use crate::fixed_point::log2;

fn pages(gaps: &[f64]) -> Vec<(f64, u16, u16)> {
    let mut at = 1_000.0;
    let mut pages = vec![(at, 1, 0)];
    for gap in gaps {
        at += gap;
        pages.push((at, 1, 0));
    }
    pages
}

fn check(gaps: &[f64], name: &str, expect: f64) {
    let value = f64::from(measured(&pages(gaps), name));
    assert!(
        (value - expect).abs() < 0.005 + expect.abs() * 0.001,
        "{name} of {gaps:?} is {value}, expected {expect}"
    );
}

#[test]
fn a_clock_is_a_clock() {
    let clock = [60.0; 20];
    check(&clock, "gap_cv", 0.0);
    check(&clock, "gap_burstiness", -1.0);
    check(&clock, "gap_median", 60.0);
    check(&clock, "gap_mad", 0.0);
    check(&clock, "gap_consistency", 1.0);
    check(&clock, "gap_log_sd", 0.0);
    check(&clock, "gap_entropy", 0.0);
    check(&clock, "gap_self_similarity", 1.0);
}

#[test]
fn the_formulas_agree_with_slow_ones() {
    let gaps = [0.5, 3.0, 1.0, 12.0, 40.0, 2.2, 0.9];
    let mean = gaps.iter().sum::<f64>() / 7.0;
    let cv =
        (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 7.0).sqrt() / (mean + 0.05);
    check(&gaps, "gap_cv", cv);
    let (up, down) = (8_f64.sqrt(), 6_f64.sqrt());
    check(&gaps, "gap_burstiness", (up * cv - down) / ((up - 2.0) * cv + down));
    check(&gaps, "gap_median", 2.2);
    check(&gaps, "gap_mad", 1.3 / 2.25);
    let logs = gaps.map(|gap| (gap * 1_000.0 + 50.0).log2());
    let log_mean = logs.iter().sum::<f64>() / 7.0;
    check(
        &gaps,
        "gap_log_sd",
        (logs.iter().map(|log| (log - log_mean).powi(2)).sum::<f64>() / 7.0).sqrt(),
    );
}

/// Every number of gaps, with all kinds of ties, against the formulas as they are written.
#[test]
fn every_count_of_gaps_agrees_with_slow_formulas() {
    let mut state = 1_u64;
    for count in 3..80_usize {
        for kinds in [1, 3, 1_000] {
            let gaps: Vec<f64> = (0..count)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    ((state >> 40) % kinds) as f64 * 0.731 + 0.08
                })
                .collect();
            check_slowly(&gaps);
        }
    }
}

fn check_slowly(gaps: &[f64]) {
    let last = &gaps[gaps.len().saturating_sub(GAPS)..];
    let count = last.len() as f64;
    let mean = last.iter().sum::<f64>() / count;
    let cv =
        (last.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count).sqrt() / (mean + 0.05);
    check(gaps, "gap_cv", cv);
    let middle = |values: &mut Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let median = middle(&mut last.to_vec());
    check(gaps, "gap_median", median);
    check(
        gaps,
        "gap_mad",
        middle(&mut last.iter().map(|gap| (gap - median).abs()).collect()) / (median + 0.05),
    );
    // In the window's steps, or what lies within a step of a bound would fall on either side.
    let log = |gap: f64| f64::from(log2((gap * 1e6).round() as u64 + 50_000) - 20_410) / 2048.0;
    let mut bins = std::collections::BTreeMap::new();
    for &gap in last {
        *bins.entry((log(gap) * 2.0).floor() as i64).or_insert(0.0) += 1.0 / count;
    }
    check(
        gaps,
        "gap_entropy",
        bins.values().map(|share: &f64| -share * share.log2()).sum::<f64>() / count.log2(),
    );
    let alike = |lag: usize| {
        let alike = last
            .windows(lag + 1)
            .filter(|run| (log(run[lag]) - log(run[0])).abs() < 450.0 / 2048.0);
        alike.count() as f64 / (last.len() - lag) as f64
    };
    check(gaps, "gap_self_similarity", (1..=8.min(last.len() / 2)).map(alike).fold(0.0, f64::max));
    let mut sorted = last.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let near = |centre: usize| {
        let centre = log(sorted[centre]);
        let same = |gap: &&f64| (-311.0..=282.0).contains(&((log(**gap) - centre) * 2048.0));
        sorted.iter().filter(same).count()
    };
    let most =
        [last.len() / 4, last.len() / 2, last.len() * 3 / 4].map(near).into_iter().max().unwrap();
    check(gaps, "gap_consistency", most as f64 / count);
}

#[test]
fn thinking_takes_two_seconds_to_five_minutes() {
    let gaps = [0.2, 1.4, 1.6, 1.99, 2.01, 30.0, 299.0, 301.0, 4_000.0, 5.0];
    check(&gaps, "think_share", 0.4);
    check(&gaps, "burst_share", 0.2);
}

#[test]
fn alternating_gaps_repeat_at_lag_two() {
    let alternating: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 1.0 } else { 30.0 }).collect();
    check(&alternating, "gap_self_similarity", 1.0);
    check(&alternating, "gap_consistency", 0.5);
    check(&alternating, "gap_entropy", 1.0 / 20_f64.log2());
}

#[test]
fn pages_that_all_come_at_once_are_finite() {
    for name in
        ["gap_cv", "gap_burstiness", "gap_median", "gap_mad", "gap_consistency", "gap_entropy"]
    {
        assert!(measured(&pages(&[0.0; 10]), name).is_finite(), "{name}");
    }
}

#[test]
fn what_a_busy_machine_makes_of_a_flood_is_a_clock_and_what_a_person_does_is_none() {
    let flood: Vec<f64> = (0..40_u32)
        .map(|i| if i % 7 < 2 { 0.002 + f64::from(i % 9) * 0.001 } else { 0.000_3 })
        .collect();
    assert!(measured(&pages(&flood), "gap_cv") < 0.1);
    assert!(measured(&pages(&flood), "gap_consistency") > 0.9);
    check(&flood, "gap_self_similarity", 1.0);
    check(&flood, "gap_entropy", 0.0);
    assert!(measured(&pages(&flood), "gap_log_sd") < 0.1);
    // A list whose products are fetched ahead, read for a while: the same flood between two
    // thoughts.
    let person: Vec<f64> =
        (0..40_u32).map(|i| if i % 12 == 11 { 9.0 + f64::from(i) } else { 0.015 }).collect();
    assert!(measured(&pages(&person), "gap_cv") > 2.0);
}

#[test]
fn two_gaps_say_nothing() {
    assert!(measured(&pages(&[1.0, 1.0]), "gap_cv").is_nan());
    assert!(!measured(&pages(&[1.0, 1.0, 1.0]), "gap_cv").is_nan());
}
