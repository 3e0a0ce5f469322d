use super::tests::{at, decide};
use super::*;
use crate::event::AgentKey;

/// A policy with the rungs as they are by default, and no block threshold.
fn rungs() -> Policy {
    let config = PolicyConfig { limit_score: Some(0.5), ..PolicyConfig::default() };
    Policy::new(config, None).unwrap()
}

/// The verdicts on a page every `gap` seconds, each of this score: how many, by reason and action.
fn paced(policy: &Policy, value: f32, gap: i64, pages: i64) -> Vec<(Action, Reason)> {
    let mut standing = Standing::new(Ban::NONE);
    let verdicts = (0..pages).map(|page| decide(policy, &mut standing, value, page * gap));
    verdicts.map(|decision| (decision.action, decision.reason)).collect()
}

#[test]
fn who_goes_on_has_less_and_less() {
    // 15 pages a minute, which the first rung never refuses.
    let verdicts = paced(&rungs(), 0.51, 4, 600);
    let first = |reason| verdicts.iter().position(|verdict| verdict.1 == reason);
    assert_eq!(first(Reason::Limited), Some(0));
    assert_eq!(first(Reason::Slowed), Some(11), "the page that brings the twelfth point");
    assert_eq!(first(Reason::Held), Some(35));
    let passed = verdicts.iter().filter(|verdict| verdict.0 == Action::Allow).count();
    // 11 limited, then 3 at once and 6 a minute for 96 s, then one a minute for 37 min 40 s.
    assert!((58..=62).contains(&passed), "{passed} of 600");
}

#[test]
fn a_certain_score_takes_the_rungs_in_longer_strides() {
    // Five log-odds beyond: four points a page.
    let verdicts = paced(&rungs(), 0.9934, 4, 20);
    assert_eq!(verdicts[1].1, Reason::Limited);
    assert_eq!(verdicts[2].1, Reason::Slowed);
    assert_eq!(verdicts[7].1, Reason::Slowed);
    assert_eq!(verdicts[8].1, Reason::Held);
}

#[test]
fn a_clear_score_frees_at_once_and_half_of_the_points_stay() {
    let (policy, mut standing) = (rungs(), Standing::new(Ban::NONE));
    (0..36).for_each(|page| _ = decide(&policy, &mut standing, 0.51, page));
    assert_eq!(policy.rung(&standing), Rung::Held);
    assert_eq!(decide(&policy, &mut standing, 0.2, 36).reason, Reason::Usual, "free at once");
    assert_eq!(standing.points(), 18);
    assert_eq!(decide(&policy, &mut standing, 0.51, 37).reason, Reason::Slowed);
    // A limit on a harder rung lasts longer: a slowed client's ten minutes.
    assert!(standing.is_suspect(at(37 + 599)) && !standing.is_suspect(at(37 + 600)));
    // Each ten minutes without a limit take half of the points.
    assert_eq!(decide(&policy, &mut standing, 0.51, 637 + 1_200).reason, Reason::Limited);
    assert_eq!(standing.points(), 19 / 4 + 1);
}

#[test]
fn a_held_client_gets_a_page_a_minute_and_is_told_when() {
    let (policy, mut standing) = (rungs(), Standing::new(Ban::NONE));
    (0..36).for_each(|page| _ = decide(&policy, &mut standing, 0.51, page));
    let held = decide(&policy, &mut standing, 0.51, 36);
    assert_eq!((held.action, held.reason), (Action::Limit, Reason::Held));
    let granted = 36 + i64::from(held.retry_after_s);
    let before = decide(&policy, &mut standing, 0.51, granted - 1);
    assert_eq!((before.action, before.retry_after_s), (Action::Limit, 1));
    assert_eq!(decide(&policy, &mut standing, 0.51, granted).action, Action::Allow);
    let again = decide(&policy, &mut standing, 0.51, granted);
    assert_eq!((again.action, again.retry_after_s), (Action::Limit, 60));
}

#[test]
fn a_rung_can_be_turned_off() {
    let only = |slow: u8, hold: u8| {
        let config = PolicyConfig {
            limit_score: Some(0.5),
            slow_after_points: slow,
            hold_after_points: hold,
            ..PolicyConfig::default()
        };
        paced(&Policy::new(config, None).unwrap(), 0.51, 4, 60).pop().unwrap().1
    };
    assert_eq!(
        [only(0, 0), only(12, 0), only(0, 36)],
        [Reason::Limited, Reason::Slowed, Reason::Held]
    );
}

/// Pages granted of 600, one every four seconds, each of this score; `browser` is who asks for
/// each. With `pictures` it loads the page's as well.
fn granted(value: f32, pictures: bool, browser: fn(i64) -> u16) -> usize {
    let (policy, mut standing) = (rungs(), Standing::new(Ban::NONE));
    let granted = (0..600_i64).filter(|&page| {
        let (agent, at) = (AgentKey(browser(page) * 0x0201), at(page * 4));
        standing.see(agent, Class::Page, at);
        let decision = decide(&policy, &mut standing, value, page * 4);
        let assets = if pictures { 3 } else { 0 };
        (0..assets).for_each(|_| standing.see(agent, Class::Asset, at));
        decision.action == Action::Allow
    });
    granted.count()
}

#[test]
fn only_an_address_whose_browsers_load_pictures_keeps_the_first_rung() {
    let office = |page| (page % 12) as u16;
    assert!(granted(0.51, true, office) > 500);
    assert!(granted(0.99, true, office) > 500);
    // Another name at every request buys nothing.
    assert!(granted(0.51, false, office) < 100);
}

#[test]
fn names_kept_for_some_pages_are_slowed_and_when_their_score_is_certain_held() {
    let kept = |page| (page / 5 % 12) as u16;
    let (doubtful, certain) = (granted(0.51, false, kept), granted(0.97, false, kept));
    assert!((200..300).contains(&doubtful), "{doubtful}: six a minute for 40 minutes");
    assert!((40..60).contains(&certain), "{certain}: one a minute");
}

#[test]
fn a_cohort_that_goes_on_is_slowed_when_its_score_is_certain() {
    let granted = |value: f32| {
        let config = PolicyConfig {
            limit_score: Some(0.5),
            cohort_score: Some(0.5),
            ..PolicyConfig::default()
        };
        let (policy, mut standing) = (Policy::new(config, None).unwrap(), Standing::new(Ban::NONE));
        let granted = (0..600_i64).filter(|second| {
            policy.weigh_cohort(Score::from_value(value), &mut standing, at(*second));
            policy.decide_cohort(&mut standing, at(*second)).unwrap().action == Action::Allow
        });
        granted.count()
    };
    let (doubtful, certain) = (granted(0.9), granted(0.97));
    assert!((300..320).contains(&doubtful), "{doubtful}: thirty a minute, after a burst");
    assert!((60..100).contains(&certain), "{certain}: six a minute");
}

#[test]
fn who_passed_a_challenge_stays_on_the_first_rung_and_gets_one_full_bucket() {
    let (policy, mut standing) = (rungs(), Standing::new(Ban::NONE));
    (0..40).for_each(|page| _ = decide(&policy, &mut standing, 0.51, page));
    assert_eq!(policy.rung(&standing), Rung::Held);
    assert!(policy.ease(&mut standing, at(40), at(40 + 600)));
    assert!(!policy.ease(&mut standing, at(41), at(41 + 600)), "once within its lifetime");
    let paced: Vec<_> =
        (0..300).map(|page| decide(&policy, &mut standing, 0.99, 40 + page)).collect();
    assert!(paced.iter().all(|decision| decision.reason == Reason::Limited));
    // A full bucket, then 30 a minute for five minutes.
    let allowed = paced.iter().filter(|decision| decision.action == Action::Allow).count();
    let burst = policy.config().limit_burst_pages as usize;
    assert!((148..=151 + burst).contains(&allowed), "{allowed} of 300");
    assert!(standing.is_eased(at(639)) && !standing.is_eased(at(640)), "its end does not move");
    // Over, the points are there again, and so is the climb.
    (0..60).for_each(|page| _ = decide(&policy, &mut standing, 0.51, 641 + page));
    assert!(policy.rung(&standing) > Rung::Limited);
    assert!(policy.ease(&mut standing, at(800), at(900)));
}

#[test]
fn a_passed_challenge_lifts_no_ban_and_prevents_none() {
    let config =
        PolicyConfig { limit_score: Some(0.5), block_score: Some(0.9), ..PolicyConfig::default() };
    let policy = Policy::new(PolicyConfig { block_after_pages: 2, ..config }, None).unwrap();
    let mut standing = Standing::new(Ban::NONE);
    decide(&policy, &mut standing, 0.95, 0);
    assert!(policy.ease(&mut standing, at(0), at(600)));
    assert_eq!(decide(&policy, &mut standing, 0.95, 1).action, Action::Block);
    assert!(!policy.ease(&mut standing, at(2), at(700)));
    assert_eq!(decide(&policy, &mut standing, 0.2, 3).reason, Reason::Banned);
    assert!(!standing.is_eased(at(3)), "a ban ends the pass");
}
