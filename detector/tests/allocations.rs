//! Judging a known client allocates nothing: neither observing its requests, nor concluding them,
//! nor refusing them with reasons. This is a test binary of its own, because it counts what a whole
//! process allocates.

// `allow-unwrap-in-tests` covers test functions only, not the helpers of tests.
#![allow(clippy::unwrap_used)]

use allocation_counter::measure;
use detector::features::{COUNT, FEATURES, definition_hash, index_of};
use detector::model::{Card, File, GoldenRow, Readiness, ScoreRule, ScorerFile, Thresholds, seal};
use detector::{
    AgentKey, AllowList, ClientKey, Detector, Judge, Mode, Model, Policy, PolicyConfig, Request,
    Settings, Target, Timestamp, Token,
};

const START: Timestamp = Timestamp::from_secs(1_795_219_200);

/// A tree that gives a high score to clients whose pages are of different URLs.
fn trees() -> ScorerFile {
    let unique = index_of("unique_ratio").unwrap() as u16;
    ScorerFile::Trees {
        base: 0.0,
        roots: vec![0],
        feature: vec![unique, 0x7fff, 0x7fff],
        threshold: vec![0.5, 0.0, 0.0],
        left: vec![1, 1, 2],
        right: vec![2, 1, 2],
        value: vec![0.0, -3.0, 3.0],
    }
}

fn weights() -> ScorerFile {
    let mut weight = vec![0.0; COUNT];
    weight[index_of("unique_ratio").unwrap()] = 9.0;
    ScorerFile::Logistic { bias: -6.0, mean: vec![0.0; COUNT], scale: vec![1.0; COUNT], weight }
}

fn judge(scorer: ScorerFile, limit: f32, block: f32) -> Judge {
    let mut file = File {
        format: detector::model::FORMAT,
        name: "test".to_owned(),
        product: "test".to_owned(),
        features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
        definition: definition_hash(),
        resolution_us: 1,
        scorer,
        calibration: Vec::new(),
        thresholds: Thresholds::none(5, ScoreRule::LAST_PAGE),
        readiness: Readiness::default(),
        card: Card::default(),
        drift: None,
        site: None,
        golden: vec![GoldenRow { row: vec![None; COUNT], margin: 0.0 }],
    };
    file.golden[0].margin =
        file.scorer.check().unwrap().margin(&file.golden[0].features().unwrap());
    let model = Model::parse(&seal(&file).unwrap()).unwrap();
    let config = PolicyConfig {
        limit_score: Some(limit),
        block_score: Some(block),
        limit_burst_pages: 1,
        ..Default::default()
    };
    let policy = Policy::new(config, Some(&model)).unwrap();
    Judge { model: Some(model), policy, allow: AllowList::default() }
}

/// Two hundred pages, images and forms of one client, the last hundred of them counted:
/// allocations, and how often each action was taken.
fn visit(judge: Judge, pages: u64) -> (u64, [usize; 3]) {
    let detector = Detector::new(Settings { capacity: 1_000, hash_key: 7 }, judge);
    let client = ClientKey::from_text("192.0.2.1");
    let (mut allocated, mut actions) = (0, [0; 3]);
    for turn in 0..200_u64 {
        let at = START.plus_secs(turn);
        let (page, form) = (format!("/p/{}", turn % pages), format!("/basket/{}", turn % pages));
        let asked = measure(|| {
            for (method, target) in
                [("GET", page.as_str()), ("GET", "/img/1.png"), ("POST", form.as_str())]
            {
                let request = Request {
                    client,
                    at,
                    method,
                    target,
                    fetch_dest: None,
                    agent: None,
                    recorded: None,
                    is_proxys: false,
                };
                let verdict = detector.observe(&detector.event(&request), Mode::Shadow).verdict;
                actions[verdict.action as usize] += 1;
                for status in [200, 404] {
                    let token = Token::recorded(client, AgentKey::NONE, Target::NONE);
                    detector.conclude(token, at, status);
                }
            }
        });
        if turn >= 100 {
            allocated += asked.count_total;
        }
    }
    (allocated, actions)
}

#[test]
fn a_known_client_costs_no_allocation_whatever_is_decided() {
    for scorer in [trees, weights] {
        let (allocated, [_, limited, blocked]) = visit(judge(scorer(), 0.99, 0.999), 2);
        assert_eq!((allocated, limited, blocked), (0, 0, 0), "allowed");
        let (allocated, [_, limited, blocked]) = visit(judge(scorer(), 0.5, 0.9999), 1_000);
        assert!(limited > 100 && blocked == 0, "{limited} limited, {blocked} blocked");
        assert_eq!(allocated, 0, "limited");
        let (allocated, [_, _, blocked]) = visit(judge(scorer(), 0.5, 0.6), 1_000);
        assert!(blocked > 100, "{blocked} blocked");
        assert_eq!(allocated, 0, "blocked");
    }
}

#[test]
fn a_member_of_a_cohort_costs_none_either_once_it_has_a_window() {
    let base = judge(trees(), 0.9, 0.95);
    let config =
        PolicyConfig { cohort_score: Some(0.5), limit_burst_pages: 1, ..Default::default() };
    let judge = Judge { policy: Policy::new(config, base.model.as_ref()).unwrap(), ..base };
    let detector = Detector::new(Settings { capacity: 1_000, hash_key: 7 }, judge);
    let (mut allocated, mut limited) = (0, 0);
    for turn in 0..15_u64 {
        for host in 1..=10 {
            let (client, at) = (
                ClientKey::from_text(&format!("192.0.2.{host}")),
                START.plus_secs(turn * 10 + host),
            );
            for (method, target) in
                [("GET", format!("/p/{turn}/{host}")), ("POST", "/login".to_owned())]
            {
                let asked = measure(|| {
                    let agent = Some(&b"a"[..]);
                    let request = Request {
                        client,
                        at,
                        method,
                        target: &target,
                        fetch_dest: None,
                        agent,
                        recorded: None,
                        is_proxys: false,
                    };
                    let event = detector.event(&request);
                    let seen = detector.observe(&event, Mode::Shadow);
                    limited += u64::from(seen.verdict.reason == detector::Reason::Cohort);
                    detector.conclude(seen.token.unwrap(), at, 401);
                });
                allocated += if turn >= 2 { asked.count_total } else { 0 };
            }
        }
    }
    assert!(limited > 50, "{limited}");
    assert_eq!(allocated, 0);
}

#[test]
fn the_counter_counts() {
    let detector =
        Detector::new(Settings { capacity: 1_000, hash_key: 7 }, judge(trees(), 0.7, 0.9));
    let client = ClientKey::from_text("192.0.2.1");
    let request = Request {
        client,
        at: START,
        method: "GET",
        target: "/",
        fetch_dest: None,
        agent: None,
        recorded: None,
        is_proxys: false,
    };
    let event = detector.event(&request);
    assert!(
        measure(|| _ = detector.observe(&event, Mode::Shadow)).count_total > 0,
        "a newcomer needs a place"
    );
}
