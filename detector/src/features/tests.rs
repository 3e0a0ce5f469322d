use super::*;
use crate::client::ClientKey;
use crate::event::Event;
use crate::time::Timestamp;
use crate::url::{Shape, UrlKey};

/// A window over pages given as (seconds, path, query). A path's number is also the number in
/// it.
pub fn window_of(pages: &[(f64, u16, u16)]) -> Window {
    let at = |seconds: f64| Timestamp::from_micros((seconds * 1e6) as i64);
    let mut window = Window::new(at(pages[0].0));
    for &(seconds, path, query) in pages {
        window.push(
            &Event {
                shape: Shape { form: 1, number: u32::from(path), ..Shape::default() },
                ..Event::page(
                    ClientKey::from_text("192.0.2.1"),
                    at(seconds),
                    UrlKey(u32::from(path) << 16 | u32::from(query)),
                )
            },
            1,
        );
    }
    window
}

/// The named feature of such a window.
pub fn measured(pages: &[(f64, u16, u16)], name: &str) -> f32 {
    Features::measure(&window_of(pages)).value(name).unwrap()
}

#[test]
fn names_are_unique_and_families_stand_together() {
    for (i, feature) in FEATURES.iter().enumerate() {
        assert_eq!(index_of(feature.name), Some(i));
    }
    assert!(FEATURES.is_sorted_by_key(|feature| match feature.family {
        Family::Periodicity => 0,
        Family::Day => 1,
        Family::Uniqueness => 2,
        Family::Rate => 3,
        Family::Outcome => 4,
        Family::Enumeration => 5,
        Family::Site => 6,
        Family::Shape => 7,
    }));
}

/// Clients of every kind and length: what is asked for does not depend on what else is.
#[test]
fn a_feature_is_the_same_whatever_else_is_wanted() {
    let mut state = 5_u64;
    let mut dice = move |sides: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    for length in 1..120 {
        let (kinds, spread_ms) = (1 + dice(60), 1 << dice(20));
        let mut seconds = 1_000.0;
        let pages: Vec<(f64, u16, u16)> = (0..length)
            .map(|_| {
                seconds += dice(spread_ms) as f64 / 1_000.0;
                (seconds, dice(kinds) as u16, dice(2) as u16)
            })
            .collect();
        let window = window_of(&pages);
        let all = Features::measure(&window);
        for _ in 0..10 {
            let wanted =
                (0..3).fold(FeatureSet::NONE, |set, _| set.with(dice(COUNT as u64) as usize));
            let some = Features::measure_only(&window, wanted);
            for index in (0..COUNT).filter(|&index| wanted.has(index)) {
                assert_eq!(
                    some.0[index].to_bits(),
                    all.0[index].to_bits(),
                    "{}",
                    FEATURES[index].name
                );
            }
        }
    }
}

#[test]
fn a_newcomers_gaps_are_missing_and_not_zero() {
    let features = Features::measure(&window_of(&[(0.0, 1, 0), (1.0, 2, 0), (2.0, 3, 0)]));
    assert!(features.0[..periodicity::COUNT].iter().all(|value| value.is_nan()));
}
