//! Law 4 and law 5: a client's verdicts are its own affair, memory is bounded, and a reload forgets nobody.

use std::net::{IpAddr, Ipv4Addr};

use detector::policy::Standing;
use detector::table::Client;
use detector::url::UrlHasher;
use detector::{
    Action, AllowList, ClientKey, Detector, Event, Judge, Outcome, Policy, PolicyConfig, Reason, Request, Timestamp,
    Verdict, Window,
};
use proptest::prelude::*;

use crate::support::model::{self, judge};

/// What one client does next.
#[derive(Clone, Debug)]
enum Act {
    /// Asks for one of a few pages, assets or forms.
    Ask(u8),
    /// Gets an answer to something it asked.
    Answer(u16),
}

/// An act of somebody after a pause.
#[derive(Clone, Debug)]
struct Step {
    who: u8,
    pause_us: u64,
    act: Act,
}

fn step(others: u8) -> impl Strategy<Value = Step> {
    let pause = prop_oneof![Just(0), Just(1_000_000), 1_u64..30_000_000, Just(61_000_000)];
    let status = prop_oneof![Just(200_u16), Just(404), Just(401), Just(0)];
    let act = prop_oneof![4 => any::<u8>().prop_map(Act::Ask), 1 => status.prop_map(Act::Answer)];
    (0..=others, pause, act).prop_map(|(who, pause_us, act)| Step { who, pause_us, act })
}

/// The client under test is 0; half of the others share its /24, which must not matter.
fn key(who: u8) -> ClientKey {
    ClientKey::from_ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2 + who % 2, 1 + who)))
}

fn event(detector: &Detector, client: ClientKey, at: Timestamp, what: u8) -> Event {
    let (method, target) = match what % 8 {
        0 => ("POST", "/login".to_owned()),
        1 => ("GET", format!("/img/{what}.png")),
        2 => ("HEAD", "/stock".to_owned()),
        _ => ("GET", format!("/p/{what}")),
    };
    detector.event(&Request { client, at, method, target: &target, fetch_dest: None, recorded: None })
}

/// The verdicts of client 0. `at` counts for everybody, so alone and in company it acts at the same times.
fn verdicts(detector: &Detector, steps: &[Step], is_present: impl Fn(u8) -> bool) -> Vec<Verdict> {
    let mut at = model::DAY;
    let mut verdicts = Vec::new();
    for Step { who, pause_us, act } in steps {
        at = at.plus_micros(*pause_us);
        if !is_present(*who) {
            continue;
        }
        let client = key(*who);
        match act {
            Act::Ask(what) => {
                let verdict = detector.observe(&event(detector, client, at, *what));
                if *who == 0 {
                    verdicts.push(verdict);
                }
            }
            Act::Answer(status) => drop(detector.conclude(&Outcome { client, at, status: *status })),
        }
    }
    verdicts
}

fn lively(capacity: usize) -> Detector {
    let model = model::parse(&model::file("lively", model::lively()));
    let config = PolicyConfig {
        limit_score: Some(0.4),
        block_score: Some(0.8),
        // So little that a limited client meets its limit.
        limit_burst_pages: 1,
        limit_pages_per_min: 2,
        ..PolicyConfig::default()
    };
    let policy = Policy::new(config, Some(&model)).unwrap();
    model::detector(capacity, Judge { model: Some(model), policy, allow: AllowList::default() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn company_changes_nobodys_verdicts(steps in proptest::collection::vec(step(9), 1..400)) {
        let alone = verdicts(&lively(10_000), &steps, |who| who == 0);
        let in_company = verdicts(&lively(10_000), &steps, |_| true);
        // Exact, seq and contributions included.
        prop_assert_eq!(alone, in_company);
    }
}

#[test]
fn the_property_above_sees_every_verdict() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reasons = std::collections::HashSet::new();
    for _ in 0..100 {
        let steps = proptest::collection::vec(step(9), 200..400).new_tree(&mut runner).unwrap().current();
        reasons.extend(verdicts(&lively(10_000), &steps, |who| who == 0).iter().map(|v| (v.action, v.reason)));
    }
    for expect in [
        (Action::Allow, Reason::TooFewPages),
        (Action::Allow, Reason::Usual),
        (Action::Allow, Reason::Limited),
        (Action::Limit, Reason::Limited),
        (Action::Block, Reason::Score),
        (Action::Block, Reason::Banned),
    ] {
        assert!(reasons.contains(&expect), "{expect:?} never happens, so nothing is proved about it: {reasons:?}");
    }
}

/// The `index`-th of many strangers.
fn stranger(index: u32) -> ClientKey {
    ClientKey::from_ip(IpAddr::V4(Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + index)))
}

#[test]
fn ten_times_as_many_keys_as_there_is_room_for_never_exceed_it() {
    let detector = lively(20_000);
    let capacity = detector.stats(model::DAY).capacity;
    assert!((20_000..20_064).contains(&capacity), "{capacity}");
    for index in 0..10 * capacity as u32 {
        let at = model::DAY.plus_micros(u64::from(index));
        detector.observe(&event(&detector, stranger(index), at, 3));
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
                    detector.observe(&event(detector, stranger(key), model::DAY, 3));
                    assert!(detector.stats(model::DAY).clients <= capacity);
                }
            });
        }
    });
    assert_eq!(detector.stats(model::DAY).panics, 0);
}

/// A scanner from here on: pages that are not found, at once.
fn offend(detector: &Detector, client: ClientKey, at: Timestamp) -> Verdict {
    let mut verdict = detector.observe(&event(detector, client, at, 3));
    for what in 0..30 {
        detector.conclude(&Outcome { client, at, status: 404 });
        verdict = detector.observe(&event(detector, client, at, 3 + 8 * what));
    }
    verdict
}

#[test]
fn a_flood_of_strangers_does_not_wash_out_a_suspect() {
    let detector = lively(6_400);
    let suspects: Vec<ClientKey> = (0..200).map(|index| stranger(0x80_0000 + index)).collect();
    for &suspect in &suspects {
        assert_eq!(offend(&detector, suspect, model::DAY).action, Action::Block);
    }
    for index in 0..64_000 {
        detector.observe(&event(&detector, stranger(index), model::DAY.plus_micros(u64::from(index)), 3));
    }
    assert!(detector.stats(model::DAY).evictions > 50_000);
    let later = model::DAY.plus_secs(1);
    for &suspect in &suspects {
        assert!(detector.features(suspect).is_some(), "{suspect} was evicted for a stranger");
        let verdict = detector.observe(&event(&detector, suspect, later, 1));
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
            let verdict = detector.observe(&event(&detector, suspect, model::DAY.plus_secs(2), 3));
            return assert_eq!((verdict.action, verdict.reason), (Action::Block, Reason::Banned));
        }
    }
    panic!("a table of 64 kept it through 2,000 others");
}

#[test]
fn a_client_takes_at_most_640_bytes() {
    // The map's entry is a key and a pointer under a control byte, at 7/16 of its room when it has just grown; the
    // ring holds the key once more.
    let entry = (size_of::<ClientKey>() + size_of::<Box<Client>>() + 1) * 16 / 7;
    let bytes = size_of::<Client>() + entry + size_of::<ClientKey>();
    println!("window {} + standing {}, {bytes} in all", size_of::<Window>(), size_of::<Standing>());
    assert!(bytes <= 640, "{bytes} bytes");
}

fn with_allowed(judge: &Judge, networks: &[&str]) -> Judge {
    let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
    Judge { allow: AllowList::new(networks, Vec::new()), ..judge.clone() }
}

#[test]
fn a_reload_keeps_windows_and_bans() {
    let detector = lively(1_000);
    let (banned, usual) = (key(0), key(1));
    offend(&detector, banned, model::DAY);
    for what in 0..4 {
        detector.observe(&event(&detector, usual, model::DAY.plus_secs(u64::from(what)), 3 + what));
    }
    let bits = |client| detector.features(client).unwrap().0.map(f32::to_bits);
    let (before, pages) = ([bits(banned), bits(usual)], detector.features(usual).unwrap().value("log_n"));

    // Another model, under which nobody would be stopped.
    let mild = judge(model::parse(&model::file("mild", model::constant(-9.0))), 0.4, 0.8);
    detector.install(mild);
    assert_eq!([bits(banned), bits(usual)], before);
    let verdict = detector.observe(&event(&detector, banned, model::DAY.plus_secs(9), 3));
    assert_eq!((verdict.action, verdict.reason), (Action::Block, Reason::Banned), "a ban runs its time");
    let verdict = detector.observe(&event(&detector, usual, model::DAY.plus_secs(9), 99));
    assert_eq!(verdict.reason, Reason::Usual, "the fifth page is counted with the four before the reload");
    assert!(detector.features(usual).unwrap().value("log_n") > pages);
}

#[test]
fn the_allow_list_is_asked_before_a_ban_also_across_a_reload() {
    let detector = lively(1_000);
    let strict = (*detector.judge()).clone();
    let client = key(0);
    offend(&detector, client, model::DAY);
    let ask = |second: u64, what: u8| {
        let verdict = detector.observe(&event(&detector, client, model::DAY.plus_secs(second), what));
        (verdict.action, verdict.reason)
    };
    assert_eq!(ask(1, 3), (Action::Block, Reason::Banned));
    detector.install(with_allowed(&strict, &["192.0.2.0/24"]));
    assert_eq!(ask(2, 3), (Action::Allow, Reason::AllowList));
    assert_eq!(ask(3, 4), (Action::Allow, Reason::AllowList));
    detector.install(with_allowed(&strict, &["198.51.100.0/24"]));
    assert_eq!(ask(4, 3), (Action::Block, Reason::Banned), "the ban was not forgotten, only not asked");
}

#[test]
fn robots_txt_is_for_everybody() {
    let detector = lively(1_000);
    offend(&detector, key(0), model::DAY);
    for target in ["/robots.txt", "/.well-known/acme-challenge/token"] {
        let request =
            Request { client: key(0), at: model::DAY, method: "GET", target, fetch_dest: None, recorded: None };
        let verdict = detector.observe(&detector.event(&request));
        assert_eq!((verdict.action, verdict.reason), (Action::Allow, Reason::AllowList), "{target}");
    }
}

#[test]
fn which_key_urls_are_hashed_with_does_not_show_in_a_verdict() {
    // Short of collisions, which these few URLs do not have.
    let steps: Vec<Step> = (0..200_u8)
        .map(|index| Step { who: 0, pause_us: 700_000 + u64::from(index % 7) * 50_000, act: Act::Ask(index) })
        .collect();
    let run = |hash_key| {
        let judge = (*lively(100).judge()).clone();
        let detector = Detector::new(detector::Settings { capacity: 100, hash_key }, judge);
        verdicts(&detector, &steps, |_| true)
    };
    assert_ne!(UrlHasher::new(1).key("/p/1"), UrlHasher::new(2).key("/p/1"));
    let plain = |verdicts: Vec<Verdict>| verdicts.iter().map(|v| (v.action, v.reason, v.seq)).collect::<Vec<_>>();
    assert_eq!(plain(run(1)), plain(run(2)));
}
