//! Memory is bounded, whoever floods the table, and a flood washes nobody out.

use crate::isolation::{event, lively, offend};
use std::net::{IpAddr, Ipv4Addr};

use detector::policy::Standing;
use detector::state::client_state::KnownClient;
use detector::state::table::BYTES_BESIDE;
use detector::{
    Action, AgentKey, ClientKey, Detector, Mode, Reason, Request, Target, Timestamp, Token, Window,
};

use crate::support::model::{self, judge};

/// The `index`-th of many strangers.
fn stranger(index: u32) -> ClientKey {
    ClientKey::from_ip(IpAddr::V4(Ipv4Addr::from_bits(
        Ipv4Addr::new(10, 0, 0, 0).to_bits() + index,
    )))
}

#[test]
fn ten_times_as_many_keys_as_there_is_room_for_never_exceed_it() {
    let detector = lively(20_000);
    let capacity = detector.stats(model::DAY).capacity;
    assert!((20_000..20_064).contains(&capacity), "{capacity}");
    for index in 0..10 * capacity as u32 {
        let at = model::DAY.plus_micros(u64::from(index));
        // Twice: who comes once to a full table gets no place, and proves nothing.
        detector.observe(&event(&detector, stranger(index), at, 3), Mode::Shadow);
        detector.observe(&event(&detector, stranger(index), at, 3), Mode::Shadow);
        if index % 1_000 == 0 {
            assert!(detector.stats(at).clients <= capacity);
        }
    }
    let stats = detector.stats(model::DAY);
    assert!(stats.clients <= capacity && stats.clients > capacity * 9 / 10, "{stats:?}");
    assert_eq!(stats.evictions, 10 * capacity - stats.clients);
}

#[test]
fn threads_that_bring_keys_at_once_do_not_exceed_it_either() {
    let detector = lively(2_000);
    let capacity = detector.stats(model::DAY).capacity;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let detector = &detector;
            scope.spawn(move || {
                for index in 0..20_000 {
                    // Half of the keys are everybody's, half are the thread's own.
                    let key = if index % 2 == 0 { index } else { index + thread * 1_000_000 };
                    detector.observe(&event(detector, stranger(key), model::DAY, 3), Mode::Shadow);
                    assert!(detector.stats(model::DAY).clients <= capacity);
                }
            });
        }
    });
    assert_eq!(detector.stats(model::DAY).panics, 0);
}

#[test]
fn a_flood_of_strangers_does_not_wash_out_a_suspect() {
    let detector = lively(6_400);
    let suspects: Vec<ClientKey> =
        (0..200).map(|index| stranger(0x80_0000 + index * 256)).collect();
    for &suspect in &suspects {
        assert_eq!(offend(&detector, suspect, model::DAY).action, Action::Block);
    }
    for index in 0..64_000 {
        let event = event(&detector, stranger(index), model::DAY.plus_micros(u64::from(index)), 3);
        detector.observe(&event, Mode::Shadow);
        detector.observe(&event, Mode::Shadow);
    }
    assert!(detector.stats(model::DAY).evictions > 50_000);
    let later = model::DAY.plus_secs(1);
    for &suspect in &suspects {
        assert!(detector.features(suspect).is_some(), "{suspect} was evicted for a stranger");
        let verdict = detector.observe(&event(&detector, suspect, later, 1), Mode::Shadow).verdict;
        assert_eq!((verdict.action, verdict.reason), (Action::Block, Reason::Banned));
    }
}

#[test]
fn a_ban_outlives_the_window_it_came_from() {
    let detector = lively(64);
    let suspect = stranger(0x80_0000);
    assert_eq!(offend(&detector, suspect, model::DAY).action, Action::Block);
    // Strangers that are suspects themselves, so that nothing but its age speaks for the first.
    for index in 0..2_000 {
        offend(&detector, stranger(index), model::DAY.plus_secs(1));
        if detector.features(suspect).is_none() {
            let verdict = detector
                .observe(&event(&detector, suspect, model::DAY.plus_secs(2), 3), Mode::Shadow)
                .verdict;
            return assert_eq!((verdict.action, verdict.reason), (Action::Block, Reason::Banned));
        }
    }
    panic!("a table of 64 kept it through 2,000 others");
}

#[test]
fn a_client_takes_at_most_640_bytes() {
    let bytes = size_of::<KnownClient>() + BYTES_BESIDE;
    println!("window {} + standing {}, {bytes} in all", size_of::<Window>(), size_of::<Standing>());
    assert!(bytes <= 640, "{bytes} bytes");
}

/// A shop in which a steady scraper is blocked after some dozens of pages.
fn patient(capacity: usize) -> Detector {
    let weights = [("rate_600s", 0.1), ("unique_ratio", 2.0), ("gap_consistency", 2.0)];
    let model = model::parse(&model::file("patient", model::weighted(-6.0, &weights)));
    model::detector(capacity, judge(model, 0.6, 0.8))
}

/// How many requests a scraper of a page a second makes until it is blocked, while others act
/// before each.
fn requests_until_blocked(
    detector: &Detector,
    mut others: impl FnMut(&Detector, Timestamp),
) -> u32 {
    let scraper = stranger(0x80_0000);
    for request in 1..1_000 {
        let at = model::DAY.plus_secs(u64::from(request));
        others(detector, at);
        let target = format!("/p/{request}");
        let page = Request {
            client: scraper,
            at,
            method: "GET",
            target: &target,
            fetch_dest: None,
            agent: None,
            recorded: None,
            is_proxys: false,
        };
        let verdict = detector.observe(&detector.event(&page), Mode::Shadow).verdict;
        if verdict.action == Action::Block {
            return request;
        }
        if verdict.action == Action::Allow {
            detector.conclude(Token::recorded(scraper, AgentKey::NONE, Target::NONE), at, 200);
        }
    }
    panic!("the scraper is never blocked");
}

#[test]
fn a_flood_of_spoofed_keys_hides_nobody() {
    let alone = requests_until_blocked(&patient(6_400), |_, _| ());
    assert!(alone >= 20, "blocked after {alone}: ten per cent of that is nothing");
    // Each key once, and each key as often as it takes to get a place; more in a second than there
    // is room for in six.
    for times in [1, 2, 5] {
        let detector = patient(6_400);
        let capacity = detector.stats(model::DAY).capacity;
        let mut next = 0;
        let mut flood = |detector: &Detector, keys: u32, at: Timestamp| {
            for index in next..next + keys {
                for _ in 0..times {
                    let verdict = detector
                        .observe(&event(detector, stranger(index), at, 3), Mode::Shadow)
                        .verdict;
                    assert_eq!(verdict.action, Action::Allow);
                }
            }
            next += keys;
        };
        flood(&detector, 100_000, model::DAY);
        assert!(detector.stats(model::DAY).clients > capacity * 99 / 100);
        let flooded = requests_until_blocked(&detector, |detector, at| flood(detector, 1_000, at));
        println!(
            "blocked after {alone} requests alone, {flooded} in a flood of keys that come {times} \
                times"
        );
        assert!(
            f64::from(flooded) <= f64::from(alone) * 1.1,
            "{flooded} instead of {alone}, keys come {times} times"
        );
        assert!(detector.stats(model::DAY).clients <= capacity);
    }
}

#[test]
fn who_is_turned_away_from_a_full_table_is_allowed_and_told_so() {
    let detector = patient(64);
    (0..10_000).for_each(|index| {
        _ = detector.observe(&event(&detector, stranger(index), model::DAY, 3), Mode::Shadow)
    });
    let late = event(&detector, stranger(0x80_0000), model::DAY.plus_secs(1), 3);
    let verdict = detector.observe(&late, Mode::Shadow).verdict;
    assert_eq!((verdict.action, verdict.reason), (Action::Allow, Reason::Crowded));
    assert_eq!((verdict.at, verdict.seq, verdict.score), (late.at, 0, None));
    assert_eq!(
        detector.conclude(Token::recorded(late.client, AgentKey::NONE, Target::NONE), late.at, 200),
        None
    );
    let verdict = detector.observe(&late, Mode::Shadow).verdict;
    assert_eq!(
        (verdict.reason, verdict.seq),
        (Reason::TooFewPages, 1),
        "it returned, and has a place"
    );
}
