use super::*;
use crate::event::{Event, Method};
use crate::mode::Mode;
use crate::model::Score;
use crate::url::{Names, Shape, UrlKey};
use crate::{
    Action, AllowList, ClientKey, Detector, Judge, Policy, PolicyConfig, Reason, Request, Settings,
    Verdict,
};

const DAY: Timestamp = Timestamp::from_secs(1_795_219_200);

/// A detector without a model: only the guard can limit anybody.
fn guarding(guard: Rules) -> Detector {
    let config = PolicyConfig { guard, ..PolicyConfig::default() };
    let policy = Policy::new(config, None).unwrap();
    let judge = Judge { model: None, policy, allow: AllowList::default() };
    Detector::new(Settings { capacity: 1_000, hash_key: 1 }, judge)
}

/// One request, answered at once.
fn ask(
    detector: &Detector,
    at_ms: u64,
    (method, target, status): (&str, &str, u16),
    agent: &str,
) -> Verdict {
    let at = DAY.plus_micros(at_ms * 1_000);
    let event = detector.event(&Request {
        client: ClientKey::from_text("192.0.2.7"),
        at,
        method,
        target,
        fetch_dest: None,
        agent: Some(agent.as_bytes()),
        recorded: None,
        is_proxys: false,
    });
    let observed = detector.observe(&event, Mode::Enforce);
    if let Some(token) = observed.token {
        detector.conclude(token, at, status);
    }
    observed.verdict
}

/// Which of these requests, `gap_ms` apart, is the first to be limited by a rule, from 1; and how
/// many were refused.
fn limited_from(
    rules: Rules,
    count: u64,
    gap_ms: u64,
    what: impl Fn(u64) -> (&'static str, String, u16),
) -> Option<(u64, Reason, usize)> {
    let detector = guarding(rules);
    let (mut first, mut refused) = (None, 0);
    for number in 0..count {
        let (method, target, status) = what(number);
        let verdict = ask(&detector, number * gap_ms, (method, &target, status), "one");
        assert_ne!(verdict.action, Action::Block);
        refused += usize::from(verdict.action == Action::Limit);
        if verdict.reason.rule().is_some() {
            first.get_or_insert((number + 1, verdict.reason));
        }
    }
    first.map(|(number, reason)| (number, reason, refused))
}

fn page(number: u64) -> (&'static str, String, u16) {
    // In no order, so that nobody counts.
    ("GET", format!("/p/{}", number * 7_919 % 10_007), 200)
}

#[test]
fn a_mirror_is_limited_and_a_slower_crawler_is_left_to_the_score() {
    let (first, reason, refused) = limited_from(Rules::ALL, 223, 3, page).unwrap();
    assert!((150..=152).contains(&first) && reason == Reason::GuardPace, "{first} {reason:?}");
    assert!(refused >= 60, "{refused}");
    assert_eq!(limited_from(Rules::ALL, 2_000, 500, page), None);
}

#[test]
fn few_urls_again_and_again_are_no_pace_of_pages() {
    let few = |number: u64| ("GET", format!("/queue/{}", number * 7 % 20), 200);
    assert_eq!(limited_from(Rules::ALL, 5_000, 3, few), None);
}

#[test]
fn an_address_of_many_browsers_has_the_pace_of_so_many_people() {
    let limited = |browsers: u64| {
        let detector = guarding(Rules::ALL);
        (0..1_000_u64).find(|&number| {
            let (method, target, status) = page(number);
            let agent = format!("browser {}", number / 2 % browsers);
            ask(&detector, number * 3, (method, &target, status), &agent).reason.rule().is_some()
        })
    };
    assert!(limited(1).is_some_and(|pages| pages < 152), "{:?}", limited(1));
    assert_eq!(limited(4), limited(1), "a family, or a bot with four names");
    assert!(limited(8).is_none_or(|pages| pages > 700), "{:?}", limited(8));
    assert_eq!(limited(20), None);
}

#[test]
fn a_scanner_is_limited_by_what_is_missing_only() {
    const PATHS: [&str; 24] = [
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/xmlrpc.php",
        "/phpmyadmin/",
        "/pma/",
        "/.aws/credentials",
        "/server-status",
        "/cgi-bin/test",
        "/owa/",
        "/solr/admin",
        "/nacos/v1",
        "/config.php.bak",
        "/backup.sql",
        "/old/.env",
        "/dev/.env",
        "/.svn/entries",
        "/administrator/",
        "/shell.php",
        "/phpinfo.php",
        "/boaform/admin",
        "/HNAP1/",
        "/jenkins/",
        "/web.config",
    ];
    let scan = |status: u16, differ: u64| {
        limited_from(Rules::ALL, 200, 5_000, move |number| {
            let (folder, path) = (number % differ / 24, (number % differ % 24) as usize);
            ("GET", format!("/{folder}{}", PATHS[path]), status)
        })
    };
    assert_eq!(scan(200, 72), None, "where they are pages, people open them");
    assert_eq!(scan(404, 9), None, "nine paths, however often");
    for status in [404, 403, 400] {
        let (first, reason, _) = scan(status, 72).unwrap();
        assert_eq!(reason, Reason::GuardAttackPaths);
        assert!((11..=40).contains(&first), "{first}");
    }
}

#[test]
fn a_list_of_passwords_is_limited_and_a_person_who_mistypes_is_not() {
    let log_ins = |gap_ms, status: fn(u64) -> u16| {
        limited_from(Rules::ALL, 300, gap_ms, move |number| {
            ("POST", "/account/login".to_owned(), status(number))
        })
    };
    // The outcome of the first one comes before there is a window.
    let (first, reason, refused) = log_ins(1_000, |_| 401).unwrap();
    assert_eq!((first, reason), (32, Reason::GuardFailedLogins));
    assert!(refused > 100, "{refused}");
    assert!(log_ins(1_000, |_| 403).is_some());
    assert!(log_ins(1_000, |number| if number % 12 == 11 { 200 } else { 401 }).is_some());
    assert_eq!(log_ins(12_000, |_| 401), None, "no hand, but slower than any limit");
    assert_eq!(log_ins(1_000, |_| 200), None, "nobody knows whether it failed");
    assert_eq!(log_ins(1_000, |number| if number % 5 == 0 { 401 } else { 302 }), None);
    let beacon = limited_from(Rules::ALL, 100, 100, |_| ("POST", "/api/seen".to_owned(), 403));
    assert_eq!(beacon, None, "a front end repeats it by itself");
}

#[test]
fn counting_through_numbers_at_machine_pace_is_limited() {
    let count = |gap_ms| {
        limited_from(Rules::ALL, 400, gap_ms, |number| ("GET", format!("/item/{number}"), 200))
    };
    let (first, reason, refused) = count(1_000).unwrap();
    assert_eq!((first, reason), (101, Reason::GuardCounting));
    assert!(refused > 100, "{refused}");
    assert_eq!(count(3_000), None, "that is left to the score");
    let list_of_fifty = |number: u64| match number % 51 {
        0 => ("GET", format!("/c/tea?page={}", number / 51), 200),
        nth => ("GET", format!("/api/price/{}", number / 51 * 50 + nth), 200),
    };
    assert_eq!(limited_from(Rules::ALL, 140, 20, list_of_fifty), None);
}

#[test]
fn a_rule_that_is_turned_off_limits_nobody() {
    assert_eq!(limited_from(Rules::NONE, 500, 3, page), None);
    let only = Rules::from(vec![Rule::Counting]);
    assert_eq!(limited_from(only, 500, 3, page), None);
    let count = |number: u64| ("GET", format!("/item/{number}"), 200);
    assert_eq!(limited_from(only, 500, 3, count).unwrap().1, Reason::GuardCounting);
}

#[test]
fn a_low_score_does_not_end_the_guard_s_limit_and_time_does() {
    let config = PolicyConfig { limit_score: Some(0.9), ..PolicyConfig::default() };
    let policy = Policy::new(config, None).unwrap();
    let mut standing = crate::policy::Standing::new(crate::Ban::NONE);
    let decide = |standing: &mut _, second| {
        let score = Some(Score::from_value(0.01));
        policy.decide(score, crate::Class::Page, 50, standing, DAY.plus_secs(second)).reason
    };
    policy.weigh_guard(Rule::Pace, &mut standing, DAY);
    assert_eq!(decide(&mut standing, 0), Reason::GuardPace);
    assert_eq!(decide(&mut standing, 59), Reason::GuardPace);
    assert_eq!(decide(&mut standing, 60), Reason::Usual);
    standing.enter(Mode::Shadow, || crate::Ban::NONE);
    policy.weigh_guard(Rule::Pace, &mut standing, DAY.plus_secs(100));
    standing.enter(Mode::Enforce, || crate::Ban::NONE);
    assert_eq!(decide(&mut standing, 101), Reason::Usual, "shadow leaves nothing that refuses");
}

#[test]
fn a_silence_of_an_hour_forgets_the_attack_paths() {
    let mut guard = Guard::NONE;
    let mut missing = |number: u16, at: Timestamp| {
        let url = UrlKey(u32::from(number).wrapping_mul(0x9e37_0001));
        let event = Event {
            shape: Shape { names: Names::ATTACK, ..Shape::default() },
            method: Method::Get,
            ..Event::page(ClientKey::NOBODY, at, url)
        };
        guard.conclude(Rules::ALL, &Outcome::of(&event, at, 404), at)
    };
    let met = |rule: Option<Rule>| rule == Some(Rule::AttackPaths);
    let hourly = |number: u16| DAY.plus_secs(3_600 * u64::from(number));
    assert!((0..500).all(|number| !met(missing(number, hourly(number)))));
    let later = hourly(600);
    assert!((0..100).any(|number| met(missing(number, later))));
}
