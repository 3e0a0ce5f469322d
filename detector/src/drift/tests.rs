use super::statistics::median;
use super::*;
use crate::model::Deciles;

/// Uniform in 0..1.
fn uniform(mut state: u64) -> impl FnMut() -> f32 {
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    }
}

fn counted(deciles: &Deciles, values: impl Iterator<Item = f32>) -> Vec<u64> {
    let mut counts = vec![0; deciles.shares.len()];
    values.for_each(|value| counts[deciles.bin(value)] += 1);
    counts
}

#[test]
fn deciles_hold_a_tenth_each_and_missing_values_apart() {
    let values: Vec<f32> =
        (0..1_000).map(|i| if i % 10 == 9 { f32::NAN } else { i as f32 }).collect();
    let deciles = deciles(&values);
    assert_eq!((deciles.edges.len(), deciles.shares.len()), (9, 11));
    assert!(
        deciles.shares[..10].iter().all(|share| (share - 0.09).abs() < 2e-3),
        "{:?}",
        deciles.shares
    );
    assert!((deciles.shares[10] - 0.1).abs() < 1e-6);
    let tied = super::deciles(&[vec![0.0; 70], vec![1.0; 30]].concat());
    assert_eq!((tied.edges, tied.shares), (vec![0.0], vec![0.7, 0.3, 0.0]));
    assert_eq!(super::deciles(&[f32::NAN]).shares, [0.0, 1.0]);
}

#[test]
fn the_noise_level_is_passed_once_in_a_hundred_by_traffic_that_did_not_change() {
    let mut next = uniform(1);
    let (then, now, runs) = (2_000, 500, 2_000);
    let mut above = 0;
    for _ in 0..runs {
        let deciles = deciles(&(0..then).map(|_| next()).collect::<Vec<_>>());
        let counts = counted(&deciles, (0..now).map(|_| next()));
        above += u32::from(psi(&deciles, &counts).unwrap() > noise(10, then, now, 2.326_348));
    }
    assert!((5..=45).contains(&above), "{above} of {runs}");
}

#[test]
fn traffic_that_moved_is_above_alarm_and_noise() {
    let deciles = deciles(&(0..2_000).map(|i| i as f32 / 2_000.0).collect::<Vec<_>>());
    let counts = counted(&deciles, (0..500).map(|i| i as f32 / 500.0 + 0.2));
    let psi = psi(&deciles, &counts).unwrap();
    assert!(psi > PSI_ALARM && psi > noise(10, 2_000, 500, ONCE_IN_100_000), "{psi}");
    assert_eq!(super::psi(&deciles, &[1, 2]), None);
    assert_eq!(super::psi(&deciles, &[0; 11]), None);
}

#[test]
fn the_share_above_the_limit_is_of_all_who_were_seen() {
    let seen = ClientsSeen { compared: 30, above_limit: 10 };
    assert_eq!((seen.all(), seen.share_above_limit()), (40, 0.25));
    assert_eq!(ClientsSeen::default().share_above_limit(), 0.0);
}

#[test]
fn a_median_lies_within_its_bin() {
    let values: Vec<f32> = (0..1_000).map(|i| i as f32 / 1_000.0).collect();
    let deciles = deciles(&values);
    assert!((median(&deciles.edges, &deciles.shares).unwrap() - 0.5).abs() < 0.01);
    let later = counted(&deciles, values.iter().map(|value| value * 0.5 + 0.4))
        .iter()
        .map(|&n| n as f32 / 1e3)
        .collect::<Vec<_>>();
    assert!((median(&deciles.edges, &later).unwrap() - 0.65).abs() < 0.02);
    assert_eq!(median(&[1.0], &[0.2, 0.2, 0.6]), None);
    assert_eq!(median(&[1.0], &[0.9, 0.1, 0.0]), Some(1.0), "below the only edge");
    assert_eq!(median(&[], &[1.0, 0.0]), None, "there is no edge to tell a value from");
}
