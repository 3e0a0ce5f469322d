//! Law 4 and law 5: a client's verdicts are its own affair, memory is bounded, and a reload forgets
//! nobody.

use std::net::{IpAddr, Ipv4Addr};

use detector::guard::{Rule, Rules};
use detector::policy::{Ban, Standing};
use detector::url::UrlHasher;
use detector::{
    Action, AgentKey, AllowList, Class, ClientKey, Detector, Event, Features, Judge, Mode, Outcome,
    Policy, PolicyConfig, Reason, Request, Target, Timestamp, Token, Verdict, Window,
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
pub fn key(who: u8) -> ClientKey {
    ClientKey::from_ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2 + who % 2, 1 + who)))
}

pub fn event(detector: &Detector, client: ClientKey, at: Timestamp, what: u8) -> Event {
    let (method, target) = match what % 8 {
        0 => ("POST", "/login".to_owned()),
        1 => ("GET", format!("/img/{what}.png")),
        2 => ("HEAD", "/stock".to_owned()),
        _ => ("GET", format!("/p/{what}")),
    };
    detector.event(&Request {
        client,
        at,
        method,
        target: &target,
        fetch_dest: None,
        agent: None,
        recorded: None,
        is_proxys: false,
    })
}

/// The verdicts of client 0. `at` counts for everybody, so alone and in company it acts at the same
/// times.
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
                let verdict =
                    detector.observe(&event(detector, client, at, *what), Mode::Shadow).verdict;
                if *who == 0 {
                    verdicts.push(verdict);
                }
            }
            Act::Answer(status) => {
                _ = detector.conclude(
                    Token::recorded(client, AgentKey::NONE, Target::NONE),
                    at,
                    *status,
                );
            }
        }
    }
    verdicts
}

pub fn lively(capacity: usize) -> Detector {
    let model = model::parse(&model::file("lively", model::lively()));
    let config = PolicyConfig {
        limit_score: Some(0.4),
        block_score: Some(0.8),
        // Failed log-ins of others would limit this client's, as a cohort does.
        guard: Rules::from(vec![Rule::Pace, Rule::AttackPaths, Rule::Counting]),
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

    #[test]
    fn a_newcomer_is_judged_like_a_client_with_a_window(steps in
        proptest::collection::vec(step(0), 1..60)) {
        let detector = lively(1_000);
        prop_assert_eq!(verdicts(&detector, &steps, |_| true), slow_verdicts(&detector, &steps));
    }
}

/// What client 0 is told when a window is kept from its first event on.
fn slow_verdicts(detector: &Detector, steps: &[Step]) -> Vec<Verdict> {
    let judge = detector.judge();
    let model = judge.model.as_ref().unwrap();
    let (mut at, mut verdicts) = (model::DAY, Vec::new());
    let mut kept: Option<(Window, Standing)> = None;
    for Step { pause_us, act, .. } in steps {
        at = at.plus_micros(*pause_us);
        let what = match act {
            Act::Ask(what) => *what,
            Act::Answer(status) => {
                if let Some((window, _)) = &mut kept {
                    window.conclude(&Outcome::new(key(0), at, *status), model.resolution_us());
                }
                continue;
            }
        };
        let event = event(detector, key(0), at, what);
        let (window, standing) =
            kept.get_or_insert_with(|| (Window::new(at), Standing::new(Ban::NONE)));
        let at = window.push(&event, model.resolution_us());
        let features = Features::measure(window);
        let judged = event.class == Class::Page && window.pages() >= judge.policy.min_pages();
        let fresh = judged.then(|| model.score(&features));
        let decision = judge.policy.decide(fresh, event.class, window.pages(), standing, at);
        let explained = judged && decision.action != Action::Allow;
        verdicts.push(Verdict {
            action: decision.action,
            reason: decision.reason,
            score: standing.score(),
            retry_after_s: decision.retry_after_s,
            at,
            seq: window.sequence(),
            class: event.class,
            because: if explained {
                model.contributions(&features).because(&features)
            } else {
                Default::default()
            },
        });
    }
    verdicts
}

#[test]
fn the_property_above_sees_every_verdict() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reasons = std::collections::HashSet::new();
    for _ in 0..100 {
        let steps =
            proptest::collection::vec(step(9), 200..400).new_tree(&mut runner).unwrap().current();
        reasons.extend(
            verdicts(&lively(10_000), &steps, |who| who == 0).iter().map(|v| (v.action, v.reason)),
        );
    }
    for expect in [
        (Action::Allow, Reason::TooFewPages),
        (Action::Allow, Reason::Usual),
        (Action::Allow, Reason::Limited),
        (Action::Limit, Reason::Limited),
        (Action::Block, Reason::Score),
        (Action::Block, Reason::Banned),
    ] {
        assert!(
            reasons.contains(&expect),
            "{expect:?} never happens, so nothing is proved about it: {reasons:?}"
        );
    }
}

fn with_allowed(judge: &Judge, networks: &[&str]) -> Judge {
    let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
    Judge { allow: AllowList::new(networks, Vec::new()), ..judge.clone() }
}

#[test]
fn a_reload_keeps_windows_and_bans() {
    let mut detector = lively(1_000);
    let (banned, usual) = (key(0), key(1));
    offend(&detector, banned, model::DAY);
    for what in 0..4 {
        detector.observe(
            &event(&detector, usual, model::DAY.plus_secs(u64::from(what)), 3 + what),
            Mode::Shadow,
        );
    }
    let bits = |detector: &Detector, client| detector.features(client).unwrap().0.map(f32::to_bits);
    let (before, pages) = (
        [banned, usual].map(|client| bits(&detector, client)),
        detector.features(usual).unwrap().value("log_n"),
    );

    // Another model, under which nobody would be stopped.
    let mild = judge(model::parse(&model::file("mild", model::constant(-9.0))), 0.4, 0.8);
    detector.install(mild);
    assert_eq!([banned, usual].map(|client| bits(&detector, client)), before);
    let verdict = detector
        .observe(&event(&detector, banned, model::DAY.plus_secs(9), 3), Mode::Shadow)
        .verdict;
    assert_eq!(
        (verdict.action, verdict.reason),
        (Action::Block, Reason::Banned),
        "a ban runs its time"
    );
    let verdict = detector
        .observe(&event(&detector, usual, model::DAY.plus_secs(9), 99), Mode::Shadow)
        .verdict;
    assert_eq!(
        verdict.reason,
        Reason::Usual,
        "the fifth page is counted with the four before the reload"
    );
    assert!(detector.features(usual).unwrap().value("log_n") > pages);
}

#[test]
fn the_allow_list_is_asked_before_a_ban_also_across_a_reload() {
    let mut detector = lively(1_000);
    let strict = (*detector.judge()).clone();
    let client = key(0);
    offend(&detector, client, model::DAY);
    let ask = |detector: &Detector, second: u64, what: u8| {
        let asked = event(detector, client, model::DAY.plus_secs(second), what);
        let verdict = detector.observe(&asked, Mode::Shadow).verdict;
        (verdict.action, verdict.reason)
    };
    assert_eq!(ask(&detector, 1, 3), (Action::Block, Reason::Banned));
    detector.install(with_allowed(&strict, &["192.0.2.0/24"]));
    assert_eq!(ask(&detector, 2, 3), (Action::Allow, Reason::AllowList));
    assert_eq!(ask(&detector, 3, 4), (Action::Allow, Reason::AllowList));
    detector.install(with_allowed(&strict, &["198.51.100.0/24"]));
    assert_eq!(
        ask(&detector, 4, 3),
        (Action::Block, Reason::Banned),
        "the ban was not forgotten, only not asked"
    );
}

#[test]
fn robots_txt_is_for_everybody() {
    let detector = lively(1_000);
    offend(&detector, key(0), model::DAY);
    for target in ["/robots.txt", "/.well-known/acme-challenge/token"] {
        let request = Request {
            client: key(0),
            at: model::DAY,
            method: "GET",
            target,
            fetch_dest: None,
            agent: None,
            recorded: None,
            is_proxys: false,
        };
        let verdict = detector.observe(&detector.event(&request), Mode::Shadow).verdict;
        assert_eq!(
            (verdict.action, verdict.reason),
            (Action::Allow, Reason::AllowList),
            "{target}"
        );
    }
}

#[test]
fn which_key_urls_are_hashed_with_does_not_show_in_a_verdict() {
    // Short of collisions, which these few URLs do not have.
    let steps: Vec<Step> = (0..200_u8)
        .map(|index| Step {
            who: 0,
            pause_us: 700_000 + u64::from(index % 7) * 50_000,
            act: Act::Ask(index),
        })
        .collect();
    let run = |hash_key| {
        let judge = (*lively(100).judge()).clone();
        let detector = Detector::new(detector::Settings { capacity: 100, hash_key }, judge);
        verdicts(&detector, &steps, |_| true)
    };
    assert_ne!(UrlHasher::new(1).key("/p/1"), UrlHasher::new(2).key("/p/1"));
    let plain = |verdicts: Vec<Verdict>| {
        verdicts.iter().map(|v| (v.action, v.reason, v.seq)).collect::<Vec<_>>()
    };
    assert_eq!(plain(run(1)), plain(run(2)));
}

/// A scanner from here on: pages that are not found, at once.
pub fn offend(detector: &Detector, client: ClientKey, at: Timestamp) -> Verdict {
    let mut verdict = detector.observe(&event(detector, client, at, 3), Mode::Shadow).verdict;
    for what in 0..30 {
        detector.conclude(Token::recorded(client, AgentKey::NONE, Target::NONE), at, 404);
        verdict =
            detector.observe(&event(detector, client, at, 3 + 8 * what), Mode::Shadow).verdict;
    }
    verdict
}
