//! The guard limits what no person can do, and no person.
//!
//! The tests about people run a part of each population. For the figures of `docs/design/policy.md`
//! set `KIDOBAN_GUARD_PEOPLE` to the number of people of each population.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::BufReader;

use detector::guard::Rule;
use detector::{
    Action, AllowList, Class, ClientKey, Detector, Event, Judge, Mode, Model, Policy, PolicyConfig,
    Reason, Request, Settings, Timestamp, Verdict,
};
use kidoban::input::SHIPPED_MODEL;
use traffic::log::{LogReader, decompress};
use traffic::replay::{Driver, Judged, LogStep, RecordedVerdict, Semantics};
use traffic::sim::{
    DEFAULT_START, Population, SimRequest, Truth, benchmark_site, simulate_benchmark,
};
use trainer::label::{Label, Labels};

use crate::scenarios::{Asked, at_pace, client};
use crate::support::event_log::{outcome_line, request_line};
use crate::support::real_logs;

/// People of each population in `make test`.
const PEOPLE: usize = 60;
/// The public logs in which somebody is labelled a person.
const LABELLED: [&str; 7] =
    ["airisdata", "almhuette", "icm", "iti_train", "mtn", "semicomplete", "ticket_api"];

/// The detector as it is shipped. Without a model only the guard limits anybody.
fn shipped(has_model: bool) -> Detector {
    let model = has_model.then(|| Model::parse(SHIPPED_MODEL).unwrap());
    let policy = Policy::new(PolicyConfig::default(), model.as_ref()).unwrap();
    let judge = Judge { model, policy, allow: AllowList::default() };
    Detector::new(Settings { capacity: 500_000, hash_key: 1 }, judge)
}

/// What became of some clients.
#[derive(Default)]
struct Met {
    clients: HashSet<ClientKey>,
    /// By rule: whom it limited.
    limited: BTreeMap<&'static str, HashSet<ClientKey>>,
    refused: u64,
    blocked: u64,
    pages: u64,
}

impl Met {
    fn note(&mut self, event: &Event, verdict: &Verdict) {
        self.clients.insert(event.client);
        self.pages += u64::from(verdict.class == Class::Page);
        self.refused += u64::from(verdict.action == Action::Limit);
        self.blocked += u64::from(verdict.action == Action::Block);
        if verdict.reason.rule().is_some() {
            self.limited.entry(verdict.reason.as_str()).or_default().insert(event.client);
        }
    }
}

/// Lets a crowd ask. In enforce mode whoever is refused asks on as he did.
fn watched(detector: &Detector, crowd: &[SimRequest], mode: Mode) -> Met {
    let mut met = Met::default();
    let mut driver = Driver::new(Semantics::Always(mode));
    for request in crowd {
        let event = detector.event(&request.as_request());
        let answer = Some((request.completed_at(), request.status));
        let mut subject = Judged::new(detector, |event, verdict| met.note(event, verdict));
        driver.simulate(&event, answer, &mut subject);
    }
    met
}

fn people_of_each_population() -> usize {
    std::env::var("KIDOBAN_GUARD_PEOPLE").map_or(PEOPLE, |number| number.parse().unwrap())
}

#[test]
fn no_simulated_person_meets_the_guard() {
    let (site, many) = (benchmark_site(5), people_of_each_population());
    let (mut people, mut pages) = (0, 0);
    for &population in Population::OF_THE_BENCHMARK {
        if population.truth() != Truth::Human {
            continue;
        }
        let (first, visitors) = match population {
            // One visitor is 500 people behind one address, or 50.
            Population::SharedShopper => (500, many.div_ceil(500)),
            Population::OfficeWorker => (50, many.div_ceil(50)),
            _ => (1, many),
        };
        // In pieces, so that a full run needs little memory.
        for piece in (0..visitors).step_by(250) {
            let visitors = piece..visitors.min(piece + 250);
            let crowd = simulate_benchmark(&site, population, 11, DEFAULT_START, visitors);
            let met = watched(&shipped(false), &crowd, Mode::Shadow);
            assert_eq!(met.limited, BTreeMap::new(), "{population:?}");
            people += met.clients.len() * first;
            pages += met.pages;
        }
    }
    println!("none of {people} people met the guard, in {pages} pages");
    assert!(people >= many * 14, "{people}");
}

/// An office whose computers are all alike: one address, one browser.
#[test]
fn an_office_of_300_in_a_flash_sale_does_not_meet_the_guard() {
    let site = benchmark_site(5);
    for browsers in [1, 3, 40] {
        let sale = simulate_benchmark(&site, Population::SaleShopper, 13, DEFAULT_START, 0..150);
        let office = simulate_benchmark(&site, Population::OfficeWorker, 13, DEFAULT_START, 0..3);
        let mut crowd: Vec<SimRequest> = sale.into_iter().chain(office).collect();
        crowd.sort_by_key(|request| request.at);
        let detector = shipped(false);
        let mut met = Met::default();
        let mut driver = Driver::new(Semantics::Always(Mode::Shadow));
        for request in &crowd {
            let host = ClientKey::from_ip(request.client).host();
            let agent = format!("browser {}", host % browsers);
            let event = detector.event(&Request {
                client: client("192.0.2.1"),
                agent: Some(agent.as_bytes()),
                ..request.as_request()
            });
            let answer = Some((request.completed_at(), request.status));
            let mut subject = Judged::new(&detector, |event, verdict| met.note(event, verdict));
            driver.simulate(&event, answer, &mut subject);
        }
        assert!(met.pages > 1_000, "{}", met.pages);
        assert_eq!(met.limited, BTreeMap::new(), "{browsers} browsers");
    }
}

#[test]
fn nobody_who_is_labelled_a_person_in_a_public_log_meets_the_guard() {
    for name in LABELLED {
        let Some((log, labels)) = real_logs(name) else { continue };
        let labels = Labels::parse(name, &std::fs::read_to_string(labels).unwrap()).unwrap();
        let detector = shipped(false);
        let mut reader =
            LogReader::new(name, decompress(BufReader::new(File::open(log).unwrap()))).unwrap();
        let mut steps = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            steps.push(LogStep::of(&record, &detector));
        }
        steps.sort_by_key(|step| step.event.at);
        let (mut people, mut others) = (Met::default(), Met::default());
        let mut driver = Driver::default();
        for step in &steps {
            let label = labels.find(step.event.client).map(|found| found.label);
            let met = if label == Some(Label::Human) { &mut people } else { &mut others };
            driver
                .step(step, &mut Judged::new(&detector, |event, verdict| met.note(event, verdict)));
        }
        let limited = |met: &Met| {
            met.limited.iter().map(|(rule, whom)| (*rule, whom.len())).collect::<Vec<_>>()
        };
        println!("{name}: {} people, of the others {:?}", people.clients.len(), limited(&others));
        assert!(!people.clients.is_empty(), "{name}");
        assert_eq!(people.limited, BTreeMap::new(), "{name}");
    }
}

fn request_of<'a>(
    client: ClientKey,
    at: Timestamp,
    method: &'a str,
    target: &'a str,
) -> Request<'a> {
    let agent = Some(&b"a browser"[..]);
    Request {
        client,
        at,
        method,
        target,
        fetch_dest: None,
        agent,
        recorded: None,
        is_proxys: false,
    }
}

/// What becomes of one client under the shipped model, in enforce mode: which rule limits it, and
/// how many of its requests are refused.
fn stopped(asked: &[Asked]) -> (HashSet<Reason>, usize) {
    let detector = shipped(true);
    let (mut reasons, mut refused) = (HashSet::new(), 0);
    for Asked { at, method, target, status, .. } in asked {
        let event = detector.event(&request_of(client("192.0.2.9"), *at, method, target));
        let observed = detector.observe(&event, Mode::Enforce);
        refused += usize::from(observed.verdict.action != Action::Allow);
        reasons.extend(observed.verdict.reason.rule().map(|_| observed.verdict.reason));
        if let Some(token) = observed.token {
            detector.conclude(token, at.plus_micros(500), *status);
        }
    }
    (reasons, refused)
}

#[test]
fn what_the_shipped_model_lets_pass_is_limited_on_the_first_day() {
    let answered = |status: u16, asked: Vec<Asked>| -> Vec<Asked> {
        asked.into_iter().map(|asked| Asked { status, ..asked }).collect()
    };
    let mirror = at_pace(223, 0.002_9, 0.9, |page| {
        ("GET", format!("/{}/{}", ["p", "c", "blog", "help"][page % 4], page * 37 % 1_009))
    });
    let (reasons, refused) = stopped(&mirror);
    assert!(reasons.contains(&Reason::GuardPace) && refused >= 60, "{reasons:?} {refused}");

    let words =
        ["/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/index.php", "/pma/setup.php"];
    let scan = at_pace(200, 0.5, 0.3, |number| {
        (
            "GET",
            format!(
                "/{}{}",
                ["a", "b", "c", "d", "e", "f", "g", "h"][number % 8],
                words[number / 8 % 5]
            ),
        )
    });
    let (reasons, refused) = stopped(&answered(404, scan));
    assert!(refused >= 150, "{reasons:?} {refused}");

    let guesses = at_pace(200, 1.0, 0.3, |_| ("POST", "/account/login".to_owned()));
    let (reasons, refused) = stopped(&answered(401, guesses));
    assert!(refused >= 80, "{reasons:?} {refused}");

    let count = at_pace(300, 0.5, 0.3, |number| ("GET", format!("/item/{}", 5_000 + number)));
    let (reasons, refused) = stopped(&count);
    assert!(reasons.contains(&Reason::GuardCounting) && refused >= 100, "{reasons:?} {refused}");
}

/// The event log of one client, and the reasons of its verdicts.
fn recorded(asked: &[Asked]) -> (Vec<u8>, Vec<Reason>) {
    let (detector, mut log, mut reasons) = (shipped(false), Vec::new(), Vec::new());
    for (number, Asked { at, method, target, status, .. }) in asked.iter().enumerate() {
        let (client, id) = (client("192.0.2.9"), format!("{number:x}"));
        let event = detector.event(&request_of(client, *at, method, target));
        let observed = detector.observe(&event, Mode::Enforce);
        let verdict = observed.verdict;
        reasons.push(verdict.reason);
        request_line(&event, &verdict, "enforce", (*method, target.as_str()), &id)
            .write_to(&mut log);
        let Some(token) = observed.token else { continue };
        let (agent, asked_for) = (token.agent(), token.target());
        let mark = detector.conclude(token, at.plus_micros(500), *status).unwrap();
        outcome_line(client, mark, *status, (agent, asked_for), &id).write_to(&mut log);
    }
    (log, reasons)
}

/// The verdicts of a replay that differ from the recorded ones, and how many there are.
fn replayed(log: &[u8]) -> (usize, usize) {
    let detector = shipped(false);
    let mut reader = LogReader::new("events", log).unwrap();
    let (mut differ, mut all) = (0, 0);
    let mut driver = Driver::default();
    while let Some(record) = reader.next().unwrap() {
        let past = RecordedVerdict::of(&record);
        let step = LogStep::of(&record, &detector);
        let mut subject = Judged::new(&detector, |_, verdict: &Verdict| {
            all += 1;
            differ += usize::from(!past.unwrap().is_repeated_by(verdict));
        });
        driver.step(&step, &mut subject);
    }
    (differ, all)
}

#[test]
fn a_replay_of_the_event_log_repeats_what_the_guard_did() {
    let mut crowd = at_pace(160, 0.002, 0.5, |page| ("GET", format!("/p/{}", page * 37 % 1_009)));
    let mut add = |begin_s: u64, status: u16, more: Vec<Asked>| {
        crowd.extend(more.into_iter().map(|asked| Asked {
            at: asked.at.plus_secs(begin_s),
            status,
            ..asked
        }));
    };
    let words = [".env", "wp-login.php", "phpmyadmin", "backup.sql", "web.config"];
    let missing = |number: usize| format!("/{}/{}", number % 8, words[number / 8 % 5]);
    // Hours apart, because a limit for one rule keeps the next from being met.
    add(20_000, 404, at_pace(60, 5.0, 0.3, |number| ("GET", missing(number))));
    add(40_000, 401, at_pace(60, 3.0, 0.3, |_| ("POST", "/index.php?route=account/login".into())));
    add(60_000, 200, at_pace(120, 1.0, 0.1, |number| ("GET", format!("/item/{number}"))));
    let (log, reasons) = recorded(&crowd);
    for rule in Rule::ALL {
        assert!(reasons.contains(&Reason::of_rule(rule)), "{rule:?}");
    }
    assert_eq!(replayed(&log), (0, crowd.len()));
    // A log from before the guard has neither key, and is read all the same.
    let old = String::from_utf8(log).unwrap().replace(",\"log_in\":true", "");
    assert!(!old.contains("log_in"));
    assert_eq!(replayed(old.as_bytes()).1, crowd.len());
}
