use super::*;
use crate::client::ClientKey;

fn event(at_ms: i64, url: u32) -> Event {
    let client = ClientKey::from_text("192.0.2.1");
    Event { depth: 2, ..Event::page(client, Timestamp::from_micros(at_ms * 1_000), UrlKey(url)) }
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
            let distinct: std::collections::BTreeSet<u32> = urls[..count].iter().copied().collect();
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
    let [fast, slow] = window.fading.pages.map(|count| f64::from(count) / f64::from(ONE));
    assert!((fast - 60.5).abs() < 1.0, "{fast}");
    assert!((slow - 600.0 * (1.0 - (-2_f64).exp())).abs() < 6.0, "{slow}");
}

#[test]
fn a_flood_fades_as_well() {
    // 1,000 requests a second, far below a tick apart.
    let events: Vec<_> = (0..120_000).map(|i| event(i, 1)).collect();
    let fast = f64::from(window_of(&events).fading.pages[0]) / f64::from(ONE);
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
    assert_eq!(window.fading.outcomes, 0);
    window.conclude(&outcome(404), 1);
    assert_eq!(
        (window.fading.outcomes, window.fading.errors, window.fading.not_found),
        (ONE, ONE, ONE)
    );
}
