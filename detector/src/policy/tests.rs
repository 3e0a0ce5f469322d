use super::*;
use crate::event::AgentKey;

fn policy(change: impl FnOnce(&mut PolicyConfig)) -> Policy {
    let thresholds =
        PolicyConfig { limit_score: Some(0.5), block_score: Some(0.9), ..PolicyConfig::default() };
    // Without the harder rungs, which have tests of their own.
    let mut config = PolicyConfig {
        block_after_pages: 1,
        slow_after_points: 0,
        hold_after_points: 0,
        ..thresholds
    };
    change(&mut config);
    Policy::new(config, None).unwrap()
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

pub(super) fn decide(
    policy: &Policy,
    standing: &mut Standing,
    value: f32,
    seconds: i64,
) -> Decision {
    policy.decide(Some(Score::from_value(value)), Class::Page, 10, standing, at(seconds))
}

#[test]
fn a_usual_client_is_allowed() {
    let decision = decide(&policy(|_| ()), &mut Standing::new(Ban::NONE), 0.4, 0);
    assert_eq!(decision, Decision::new(Action::Allow, Reason::Usual, 0));
}

#[test]
fn nobody_is_judged_on_too_few_pages() {
    let decision = policy(|_| ()).decide(
        Some(Score::from_value(0.99)),
        Class::Page,
        4,
        &mut Standing::new(Ban::NONE),
        at(0),
    );
    assert_eq!(decision, Decision::new(Action::Allow, Reason::TooFewPages, 0));
}

#[test]
fn a_limited_client_gets_its_burst_and_then_its_rate() {
    let policy = policy(|config| (config.limit_burst_pages, config.limit_pages_per_min) = (3, 30));
    let mut standing = Standing::new(Ban::NONE);
    for _ in 0..3 {
        assert_eq!(decide(&policy, &mut standing, 0.6, 0).action, Action::Allow);
    }
    assert_eq!(
        decide(&policy, &mut standing, 0.6, 0),
        Decision::new(Action::Limit, Reason::Limited, 2)
    );
    assert_eq!(
        decide(&policy, &mut standing, 0.6, 1),
        Decision::new(Action::Limit, Reason::Limited, 1)
    );
    assert_eq!(decide(&policy, &mut standing, 0.6, 2).action, Action::Allow);
    assert_eq!(decide(&policy, &mut standing, 0.6, 2).action, Action::Limit);
}

#[test]
fn a_refusal_gives_no_fresh_allowance() {
    let policy = policy(|config| (config.limit_burst_pages, config.limit_pages_per_min) = (1, 1));
    let mut standing = Standing::new(Ban::NONE);
    let granted = (0..600)
        .filter(|&i| decide(&policy, &mut standing, 0.6, i).action == Action::Allow)
        .count();
    assert_eq!(granted, 10);
}

#[test]
fn assets_of_a_limited_client_pass() {
    let policy = policy(|config| config.limit_burst_pages = 1);
    let mut standing = Standing::new(Ban::NONE);
    decide(&policy, &mut standing, 0.6, 0);
    for _ in 0..60 {
        assert_eq!(
            policy.decide(None, Class::Asset, 10, &mut standing, at(0)).action,
            Action::Allow
        );
    }
    assert_eq!(decide(&policy, &mut standing, 0.6, 0).action, Action::Limit);
}

#[test]
fn a_limit_ends_by_time_or_by_a_score_clearly_below() {
    let policy = policy(|_| ());
    let mut standing = Standing::new(Ban::NONE);
    decide(&policy, &mut standing, 0.6, 0);
    assert_eq!(
        decide(&policy, &mut standing, 0.48, 1).reason,
        Reason::Limited,
        "within the hysteresis"
    );
    assert_eq!(decide(&policy, &mut standing, 0.3, 2).reason, Reason::Usual);
    decide(&policy, &mut standing, 0.6, 3);
    assert_eq!(decide(&policy, &mut standing, 0.48, 64).reason, Reason::Usual, "expired");
}

#[test]
fn bans_double_up_to_the_maximum_and_are_forgotten() {
    let policy =
        policy(|config| (config.block_s, config.block_max_s, config.forget_s) = (100, 350, 1_000));
    let mut standing = Standing::new(Ban::NONE);
    let mut now = 0;
    for expect in [100, 200, 350, 350] {
        assert_eq!(
            decide(&policy, &mut standing, 0.95, now),
            Decision::new(Action::Block, Reason::Score, expect)
        );
        assert_eq!(
            decide(&policy, &mut standing, 0.1, now + 1).reason,
            Reason::Banned,
            "also when it behaves"
        );
        now += i64::from(expect);
    }
    assert_eq!(decide(&policy, &mut standing, 0.1, now).action, Action::Allow, "a ban expires");
    assert_eq!(decide(&policy, &mut standing, 0.95, now + 1_000).retry_after_s, 100);
}

#[test]
fn a_block_waits_for_pages_in_a_row_and_limits_meanwhile() {
    let policy = policy(|config| config.block_after_pages = 3);
    let mut standing = Standing::new(Ban::NONE);
    let mut reasons = |values: &[f32], seconds: i64| -> Vec<Reason> {
        values.iter().map(|&value| decide(&policy, &mut standing, value, seconds).reason).collect()
    };
    assert_eq!(
        reasons(&[0.95, 0.95, 0.85, 0.95, 0.95], 0),
        [Reason::Limited; 5],
        "0.85 breaks the row"
    );
    assert_eq!(reasons(&[0.95, 0.95], 1), [Reason::Score, Reason::Banned]);
    assert_eq!(
        reasons(&[0.85, 0.95, 0.95], 301),
        [Reason::Limited, Reason::Score, Reason::Banned],
        "the ban expired"
    );
}

#[test]
fn each_ban_halves_the_pages_to_the_next_until_it_is_forgotten() {
    let policy = policy(|config| {
        (config.block_after_pages, config.block_s, config.block_max_s) = (8, 100, 100)
    });
    let mut standing = Standing::new(Ban::NONE);
    let mut pages_until_ban = |seconds: i64| {
        1 + (0..50)
            .take_while(|_| decide(&policy, &mut standing, 0.95, seconds).reason == Reason::Limited)
            .count()
    };
    assert_eq!([0, 100, 200, 300, 400].map(&mut pages_until_ban), [8, 4, 2, 1, 1]);
    assert_eq!(pages_until_ban(500 + 86_399), 1, "until the day is over");
    assert_eq!(pages_until_ban(600 + 86_399 + 86_400), 8, "forgotten");
}

#[test]
fn an_asset_says_nothing_about_the_pages_in_a_row() {
    let policy = policy(|config| config.block_after_pages = 2);
    let mut standing = Standing::new(Ban::NONE);
    assert_eq!(decide(&policy, &mut standing, 0.95, 0).reason, Reason::Limited);
    assert_eq!(policy.decide(None, Class::Asset, 10, &mut standing, at(0)).action, Action::Allow);
    assert_eq!(decide(&policy, &mut standing, 0.95, 0).reason, Reason::Score);
}

#[test]
fn without_thresholds_nobody_is_stopped() {
    let policy = Policy::new(PolicyConfig::default(), None).unwrap();
    let decision = decide(&policy, &mut Standing::new(Ban::NONE), 0.999, 0);
    assert_eq!(decision, Decision::new(Action::Allow, Reason::NoThreshold, 0));
}

#[test]
fn a_cohort_is_limited_by_its_own_threshold_and_has_one_bucket() {
    let policy = policy(|config| (config.cohort_score, config.limit_burst_pages) = (Some(0.7), 2));
    let mut standing = Standing::new(Ban::NONE);
    let mut meet = |value: f32, seconds: i64| {
        policy.weigh_cohort(Score::from_value(value), &mut standing, at(seconds));
        policy
            .decide_cohort(&mut standing, at(seconds))
            .map(|decision| (decision.action, decision.reason))
    };
    assert_eq!(meet(0.69, 0), None);
    assert_eq!(meet(0.71, 1), Some((Action::Allow, Reason::Cohort)));
    assert_eq!(meet(0.99999, 1), Some((Action::Allow, Reason::Cohort)), "never blocked");
    assert_eq!(meet(0.99999, 1), Some((Action::Limit, Reason::Cohort)));
    assert_eq!(meet(0.3, 2), None, "clearly below");
    assert_eq!(standing.ban(), Ban::NONE);
}

/// A browser asks for a page and its pictures.
fn show(standing: &mut Standing, agent: u16, seconds: i64) {
    let agent = AgentKey(agent * 0x0201);
    standing.see(agent, Class::Page, at(seconds));
    (0..3).for_each(|_| standing.see(agent, Class::Asset, at(seconds)));
}

/// A client that shows this many browsers.
pub(super) fn naming(browsers: u16) -> Standing {
    let mut standing = Standing::new(Ban::NONE);
    (0..browsers).for_each(|agent| show(&mut standing, agent, 0));
    standing
}

#[test]
fn an_address_of_many_browsers_is_limited_where_another_would_be_blocked() {
    let policy = policy(|config| config.limit_burst_pages = 2);
    let mut four = naming(4);
    assert_eq!(decide(&policy, &mut four, 0.95, 0).action, Action::Block, "four are not many");
    let mut five = naming(5);
    for expect in [Action::Allow, Action::Allow, Action::Limit] {
        let decision = decide(&policy, &mut five, 0.95, 0);
        assert_eq!((decision.action, decision.reason), (expect, Reason::Shared));
    }
    assert_eq!(five.ban(), Ban::NONE, "and has no offence");
    let asset = policy.decide(None, Class::Asset, 10, &mut five, at(1));
    assert_eq!(asset.action, Action::Allow);
    // 30 a minute at the most, however it scores above the threshold and however many it names.
    let mut many = naming(30);
    let granted = (0..600)
        .filter(|&second| decide(&policy, &mut many, 0.999, second).action == Action::Allow)
        .count();
    assert!((300..=302).contains(&granted), "{granted}");
}

#[test]
fn a_ban_in_force_becomes_a_limit_when_many_browsers_show() {
    let policy = policy(|config| config.limit_burst_pages = 2);
    let mut standing = naming(4);
    assert_eq!(decide(&policy, &mut standing, 0.95, 0).action, Action::Block);
    show(&mut standing, 4, 1);
    assert_eq!(decide(&policy, &mut standing, 0.1, 1).reason, Reason::Shared);
    assert!(standing.is_suspect(at(1)) && standing.ban() != Ban::NONE, "the ban is not forgotten");
}

#[test]
fn a_shared_address_below_the_block_threshold_has_more_the_more_browsers_it_names_up_to_a_cap() {
    let policy = policy(|config| config.limit_burst_pages = 2);
    for (browsers, times) in [(1, 1), (4, 1), (5, 2), (6, 3), (7, 4), (20, 4)] {
        let mut standing = naming(browsers);
        let granted = (0..6_000).filter(|&i| {
            let at = Timestamp::from_micros(i * 100_000);
            policy.decide(Some(Score::from_value(0.6)), Class::Page, 10, &mut standing, at).action
                == Action::Allow
        });
        let granted = granted.count();
        assert!(
            granted.abs_diff(300 * times) <= 3,
            "{browsers} browsers: {granted} in ten minutes"
        );
    }
}

#[test]
fn an_attacked_endpoint_has_a_rings_part_of_the_rate_for_ten_minutes() {
    let policy = policy(|_| ());
    let mut standing = Standing::new(Ban::NONE);
    assert_eq!(policy.decide_endpoint(&mut standing, at(0)), None);
    policy.alarm(&mut standing, at(0));
    let granted = |standing: &mut Standing, seconds: std::ops::Range<i64>| {
        let decisions = seconds.filter_map(|second| policy.decide_endpoint(standing, at(second)));
        decisions
            .filter(|decision| {
                (decision.action, decision.reason) == (Action::Allow, Reason::Cohort)
            })
            .count()
    };
    // 30 a minute for 64 rings: one at once, and one in 128 seconds.
    assert_eq!(granted(&mut standing, 0..600), 1 + 600 / 128);
    assert_eq!(policy.decide_endpoint(&mut standing, at(600)), None, "over");
    policy.alarm(&mut standing, at(700));
    assert_eq!(
        policy.decide_endpoint(&mut standing, at(701)).unwrap().action,
        Action::Allow,
        "a full bucket again"
    );
    let refused = policy.decide_endpoint(&mut standing, at(702)).unwrap();
    assert!(
        refused.action == Action::Limit && (127..=128).contains(&refused.retry_after_s),
        "{refused:?}"
    );
}

#[test]
fn a_policy_out_of_range_names_its_key() {
    let check = |change: fn(&mut PolicyConfig), key: &str| {
        let mut config = PolicyConfig { limit_score: Some(0.5), ..PolicyConfig::default() };
        change(&mut config);
        assert_eq!(Policy::new(config, None).unwrap_err().key, key);
    };
    check(|config| config.limit_score = Some(1.5), "limit_score");
    check(|config| config.limit_score = Some(f32::NAN), "limit_score");
    check(|config| config.block_score = Some(0.2), "block_score");
    check(|config| config.cohort_score = Some(0.0), "cohort_score");
    check(|config| config.min_pages = Some(0), "min_pages");
    check(|config| config.hysteresis = -1.0, "hysteresis");
    check(|config| config.limit_pages_per_min = 0, "limit_pages_per_min");
    check(|config| config.block_after_pages = 0, "block_after_pages");
    check(|config| config.limit_burst_pages = 0, "limit_burst_pages");
    check(|config| config.limit_s = 0, "limit_s");
    check(|config| config.slow_pages_per_min = 0, "slow_pages_per_min");
    check(|config| config.slow_burst_pages = 0, "slow_burst_pages");
    check(|config| config.hold_pages_per_min = 0, "hold_pages_per_min");
    check(|config| config.hold_after_points = 3, "hold_after_points");
    check(|config| config.block_max_s = 1, "block_max_s");
    check(|config| config.forget_s = 0, "forget_s");
}
