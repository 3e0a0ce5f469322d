//! Each rule against its public definition: the very request at which it acts.

use analysis::baseline::BaselineAction;
use detector::{Method, Timestamp};

use super::*;

/// Sends one client's requests, `gap_ms` apart, with targets from `target`. Returns the number
/// (from 1) of the first that does not pass.
fn acts_at(
    rule: &mut dyn Baseline,
    gap_ms: i64,
    target: impl Fn(i64) -> String,
) -> Option<(i64, BaselineAction)> {
    (0..2_000).find_map(|index| {
        let action = ask(rule, 0, index * gap_ms, &target(index));
        (action != BaselineAction::Passed).then_some((index + 1, action))
    })
}

fn ask(rule: &mut dyn Baseline, client: u32, at_ms: i64, target: &str) -> BaselineAction {
    let at = Timestamp::from_micros(1_763_683_200_000_000 + at_ms * 1_000);
    rule.observe(&BaselineRequest {
        client,
        at,
        method: Method::Get,
        target,
        status: 200,
        bytes: 20_000,
    })
}

/// Sends this many requests of client 0 at once.
fn repeat(rule: &mut dyn Baseline, count: u32, at_ms: i64) {
    for _ in 0..count {
        ask(rule, 0, at_ms, "/");
    }
}

fn same(_: i64) -> String {
    "/p/1".to_owned()
}

fn distinct(index: i64) -> String {
    format!("/p/{index}")
}

#[test]
fn limit_req_lets_one_and_a_burst_of_twenty_pass_and_ten_a_second_for_good() {
    assert_eq!(acts_at(&mut LimitReq::default(), 0, same), Some((22, BaselineAction::Refused)));
    assert_eq!(acts_at(&mut LimitReq::default(), 100, same), None);
    assert_eq!(
        acts_at(&mut LimitReq::default(), 50, distinct),
        Some((42, BaselineAction::Refused))
    );
    let mut rule = LimitReq::default();
    repeat(&mut rule, 40, 0);
    assert_eq!(ask(&mut rule, 0, 99, "/"), BaselineAction::Refused);
    assert_eq!(
        ask(&mut rule, 0, 100, "/"),
        BaselineAction::Passed,
        "what was refused has not filled the bucket"
    );
}

#[test]
fn fail2ban_bans_at_the_300th_request_within_300_seconds() {
    assert_eq!(
        acts_at(&mut CountPerWindow::default(), 1_000, same),
        Some((300, BaselineAction::Caught))
    );
    assert_eq!(
        acts_at(&mut CountPerWindow::default(), 1_004, same),
        None,
        "299 gaps of it are more than 300 s"
    );
    let mut rule = CountPerWindow::default();
    repeat(&mut rule, 300, 0);
    assert_eq!(ask(&mut rule, 0, 599_999, "/"), BaselineAction::Banned);
    assert_eq!(ask(&mut rule, 0, 600_000, "/"), BaselineAction::Passed);
    assert_eq!(ask(&mut rule, 1, 0, "/"), BaselineAction::Passed, "nobody else");
}

#[test]
fn crowdsec_overflows_at_the_41st_distinct_file_name() {
    assert_eq!(
        acts_at(&mut CrawlNonStatics::default(), 0, distinct),
        Some((41, BaselineAction::Caught))
    );
    assert_eq!(acts_at(&mut CrawlNonStatics::default(), 0, same), None);
    // One name in many folders counts once; assets and writing methods do not count.
    assert_eq!(
        acts_at(&mut CrawlNonStatics::default(), 0, |index| format!("/{index}/view?x={index}")),
        None
    );
    assert_eq!(
        acts_at(&mut CrawlNonStatics::default(), 0, |index| format!("/img/{index}.jpg")),
        None
    );
    // At two a second, names leak as fast as they come.
    assert_eq!(acts_at(&mut CrawlNonStatics::default(), 500, distinct), None);
    // At 10 a second the level rises by 0.8 a request after the first: above 40 at the 50th.
    assert_eq!(
        acts_at(&mut CrawlNonStatics::default(), 100, distinct),
        Some((50, BaselineAction::Caught))
    );
}

#[test]
fn three_sigma_bans_beyond_the_mean_and_three_deviations() {
    let mut learner = three_sigma::PerSecondLearner::default();
    // Half of the seconds have 1 request, half have 3: mean 2, deviation 1.
    for second in 0..100_i64 {
        for _ in 0..if second % 2 == 0 { 1 } else { 3 } {
            let at = Timestamp::from_secs(second);
            learner.note(&BaselineRequest {
                client: 0,
                at,
                method: Method::Get,
                target: "/",
                status: 200,
                bytes: 0,
            });
        }
    }
    let mut rule = learner.finish();
    assert!((rule.most() - 5.0).abs() < 1e-9, "{}", rule.most());
    assert_eq!(acts_at(&mut rule.clone(), 200, same), None);
    assert_eq!(acts_at(&mut rule.clone(), 150, same), Some((6, BaselineAction::Caught)));
    repeat(&mut rule, 6, 0);
    assert_eq!(
        (ask(&mut rule, 0, 599_000, "/"), ask(&mut rule, 0, 600_001, "/")),
        (BaselineAction::Banned, BaselineAction::Passed)
    );
}

#[test]
fn webshield_blocks_a_top_talker_whose_requests_rise_tenfold() {
    // Requests of client 0 in each ten-second window.
    let blocked = |counts: &[i64]| {
        let mut rule = TopTalkerRise::default();
        for (window, &count) in (0..).zip(counts) {
            for index in 0..count {
                ask(&mut rule, 0, window * 10_000 + index, "/");
            }
            ask(&mut rule, 9, window * 10_000 + 9_000, "/");
        }
        ask(&mut rule, 0, counts.len() as i64 * 10_000, "/") == BaselineAction::Banned
    };
    assert!(blocked(&[10, 100]));
    assert!(!blocked(&[10, 99]), "not ten times as many");
    assert!(!blocked(&[9, 900]), "was no top talker before");
    assert!(!blocked(&[0, 900, 900]), "comes at full speed and keeps it");
    assert!(!blocked(&[10, 0, 100]), "not in the window before");
    let mut rule = TopTalkerRise::default();
    repeat(&mut rule, 10, 0);
    repeat(&mut rule, 100, 10_000);
    assert_eq!(ask(&mut rule, 0, 20_000, "/"), BaselineAction::Banned);
    assert_eq!(ask(&mut rule, 0, 20_000 + 3_599_999, "/"), BaselineAction::Banned);
    assert_eq!(ask(&mut rule, 0, 20_000 + 3_600_000, "/"), BaselineAction::Passed);
}

#[test]
fn baskerville_challenges_a_session_unlike_those_it_learnt() {
    let mut learner = RuleLearner::default();
    let at = |ms: i64| Timestamp::from_micros(1_763_683_200_000_000 + ms * 1_000);
    // Two hundred people, each with a page every three to eight seconds and three pictures a page.
    for step in 0..60_i64 {
        for client in 0..200_u32 {
            let gap = 3_000 + i64::from(client % 6) * 1_000;
            let (page, picture) =
                (format!("/p/{}", (step + i64::from(client)) % 37), format!("/img/{step}.jpg"));
            for (offset, target) in [(0, &page), (300, &picture), (350, &picture), (400, &picture)]
            {
                let at = at(step * gap + offset);
                learner.note(&BaselineRequest {
                    client,
                    at,
                    method: Method::Get,
                    target,
                    status: 200,
                    bytes: 20_000,
                });
            }
        }
    }
    let learnt = learner.finish(1);
    let names: Vec<&str> = learnt.all().iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    let forest = || learnt.all().pop().unwrap();
    let caught = acts_at(&mut *forest(), 1_000, distinct);
    assert!(
        caught.is_some_and(|(request, action)| request == 30 && action == BaselineAction::Caught),
        "{caught:?}"
    );
    assert_eq!(
        acts_at(&mut *forest(), 70_000, distinct),
        None,
        "a minute of silence ends a session"
    );
}
