//! What is found only by looking at many clients at once, and who must not be hurt by it.
//!
//! A model trained on a simulated day of the toy shop, to which people of a carrier's /24 come as
//! well, judges other days.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use detector::guard::Rules;
use detector::model::File;
use detector::{
    Action, AllowList, ClientKey, Detector, Event, Judge, Mode, Policy, PolicyConfig, Reason,
    Request, Timestamp, Verdict,
};
use kidoban::input::Logs;
use traffic::replay::{RecordedVerdict, VerdictSink, replay_parallel};
use traffic::sim::{self, Mix, Population, SimRequest, Site, simulate};
use trainer::{Options, train};

use crate::support::{Folder, model};

/// The toy shop's model, from a day of 1,200 people, 300 more behind one carrier, and 270 bots of
/// which none spreads.
fn file() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| {
        let mix = Mix::of(1_200, 240)
            .with(Population::SlowBruteForcer, 30)
            .with(Population::CarrierShopper, 300);
        let site = model::labelled(&simulate(
            &Arc::new(Site::new(1)),
            20_261_116,
            model::DAY,
            &mix,
            model::DAY_US,
        ));
        train(std::slice::from_ref(&site), &Options::default(), |_| ()).unwrap().file
    })
}

/// The model's own thresholds, with its cohorts and the guard, or without both.
fn judge(with_cohorts: bool) -> Judge {
    let mut file = file().clone();
    if with_cohorts {
        return judge_of(&file);
    }
    file.thresholds.cohort.margin = None;
    let model = model::parse(&file);
    let config = PolicyConfig { guard: Rules::NONE, ..PolicyConfig::default() };
    let policy = Policy::new(config, Some(&model)).unwrap();
    Judge { model: Some(model), policy, allow: AllowList::default() }
}

fn judge_of(file: &File) -> Judge {
    let model = model::parse(file);
    let policy = Policy::new(PolicyConfig::default(), Some(&model)).unwrap();
    Judge { model: Some(model), policy, allow: AllowList::default() }
}

/// A later day of this crowd.
fn day(seed: u64, mix: &Mix, span_us: u64) -> Vec<SimRequest> {
    simulate(&Arc::new(Site::new(1)), seed, model::DAY.plus_secs(86_400), mix, span_us)
}

/// What became of one population.
#[derive(Debug, Default)]
struct Fate {
    clients: HashSet<IpAddr>,
    refused: HashSet<IpAddr>,
    requests: usize,
    limited: usize,
    blocked: usize,
    by_cohort: usize,
    /// Of each request in turn, whether it was refused.
    refusals: Vec<bool>,
}

/// Lets everybody ask; what is allowed is answered.
fn watch(judge: Judge, requests: &[SimRequest]) -> HashMap<Population, Fate> {
    let detector = model::detector(200_000, judge);
    let mut fates: HashMap<Population, Fate> = HashMap::new();
    for request in requests {
        let event = detector.event(&request.as_request());
        let observed = detector.observe(&event, Mode::Enforce);
        let verdict = observed.verdict;
        let fate = fates.entry(request.population).or_default();
        fate.clients.insert(request.client);
        fate.requests += 1;
        fate.by_cohort +=
            usize::from((verdict.action, verdict.reason) == (Action::Limit, Reason::Cohort));
        fate.refusals.push(verdict.action != Action::Allow);
        match verdict.action {
            Action::Allow => {
                if let Some(token) = observed.token {
                    detector.conclude(token, request.completed_at(), request.status);
                }
                continue;
            }
            Action::Limit => fate.limited += 1,
            Action::Block => fate.blocked += 1,
        }
        fate.refused.insert(request.client);
    }
    for (population, fate) in &fates {
        println!(
            "{population}: {} clients, {} of them refused; {} requests, {} limited ({} by their \
                cohort), {} blocked",
            fate.clients.len(),
            fate.refused.len(),
            fate.requests,
            fate.limited,
            fate.by_cohort,
            fate.blocked
        );
    }
    assert_eq!(detector.stats(Timestamp::default()).panics, 0);
    fates
}

#[test]
fn a_scraper_over_the_addresses_of_a_24_is_limited_and_its_addresses_alone_are_not() {
    println!("{:?} {:?}", file().thresholds.limit, file().thresholds.cohort);
    let mix = Mix::of(300, 0).with(Population::SpreadScraper, 4);
    let requests = day(3, &mix, model::DAY_US);
    let alone = watch(judge(false), &requests);
    let together = watch(judge(true), &requests);
    assert!(alone[&Population::Shopper].refused.is_empty());
    let (alone, scraper) =
        (&alone[&Population::SpreadScraper], &together[&Population::SpreadScraper]);
    let missed = "by single addresses most of it is missed";
    assert!((alone.limited - alone.by_cohort) * 20 <= alone.requests, "{missed}");
    let passed = scraper.requests - scraper.limited;
    assert!(passed * 5 <= scraper.requests, "{passed} of {}", scraper.requests);
    assert!(scraper.refused.len() * 10 >= scraper.clients.len() * 9);
    assert_eq!(scraper.blocked, alone.blocked, "company never blocks");
    for population in [Population::Shopper, Population::GalleryShopper] {
        assert_eq!(together[&population].by_cohort, 0, "{population}");
    }
}

/// Each address shows a burst and a silence, as people do; together they show a scraper.
#[test]
fn a_scraper_that_goes_round_twenty_addresses_has_one_bucket_and_people_beside_it_are_not_in_it() {
    let mut requests = day(6, &Mix::of(300, 0).with(Population::Scraper, 5), model::DAY_US);
    let is_scraper = |request: &SimRequest| request.population == Population::Scraper;
    let mut counts = HashMap::new();
    for request in requests.iter().filter(|request| is_scraper(request)) {
        *counts.entry(request.client).or_insert(0) += 1;
    }
    let (&busiest, _) = counts.iter().max_by_key(|(_, count)| **count).unwrap();
    let mut left = 900;
    requests.retain(|request| {
        let is_kept = !is_scraper(request) || (request.client == busiest && left > 0);
        left -= usize::from(is_kept && is_scraper(request));
        is_kept
    });
    let agent = requests.iter().find(|request| is_scraper(request)).unwrap().user_agent;
    let (mut asked, mut neighbours) = (0, HashMap::new());
    for request in &mut requests {
        match request.population {
            Population::Scraper => {
                request.client = Ipv4Addr::new(198, 51, 100, 1 + (asked / 8 % 20) as u8).into();
                asked += 1;
            }
            // People of the same network, with the same browser.
            Population::Shopper if neighbours.len() < 40 => {
                let next = 100 + neighbours.len() as u8;
                let host = *neighbours.entry(request.client).or_insert(next);
                request.client = Ipv4Addr::new(198, 51, 100, host).into();
                request.user_agent = agent;
            }
            _ => {}
        }
    }
    let fates = watch(judge(true), &requests);
    let of_scraper = &fates[&Population::Scraper];
    assert_eq!(of_scraper.requests, 900, "five or six rounds");
    let passed = of_scraper.requests - of_scraper.limited - of_scraper.blocked;
    assert!(passed * 5 <= of_scraper.requests, "{passed} of {}", of_scraper.requests);
    assert!(of_scraper.by_cohort > 0);
    assert!(fates[&Population::Shopper].refused.is_empty());
}

#[test]
fn a_distributed_brute_force_is_limited_while_people_browse_and_log_in() {
    let mix = Mix::of(600, 0).with(Population::DistributedBruteForcer, 1);
    let requests = day(7, &mix, 4 * 3_600_000_000);
    let alone = watch(judge(false), &requests);
    let together = watch(judge(true), &requests);
    let (alone, botnet) = (
        &alone[&Population::DistributedBruteForcer],
        &together[&Population::DistributedBruteForcer],
    );
    assert_eq!((alone.limited, alone.blocked), (0, 0), "no address of it can be judged");
    // Each of 64 rings wants 13 failures of its own; from then on 30 guesses a minute pass, of more
    // than twice as many.
    assert!(botnet.by_cohort * 3 > botnet.requests, "{} of {}", botnet.by_cohort, botnet.requests);
    let refused = |part: &[bool]| part.iter().filter(|is_refused| **is_refused).count();
    println!(
        "of 250 guesses at a time, refused: {:?}",
        botnet.refusals.chunks(250).map(refused).collect::<Vec<_>>()
    );
    assert!(refused(&botnet.refusals[botnet.requests - 500..]) > 250);
    for population in [Population::Shopper, Population::GalleryShopper] {
        let people = &together[&population];
        assert!(people.refused.len() * 100 <= people.clients.len(), "{population}");
    }
    let logged_in: HashSet<IpAddr> = requests
        .iter()
        .filter(|request| {
            request.target.starts_with("/login") && request.method == "POST" && request.status < 400
        })
        .filter(|request| request.population == Population::Shopper)
        .map(|request| request.client)
        .collect();
    println!("{} people log in", logged_in.len());
    assert!(logged_in.len() > 20 && logged_in.is_disjoint(&together[&Population::Shopper].refused));
}

#[test]
fn three_hundred_people_of_a_carriers_24_are_not_hurt() {
    // By a model that learnt of carriers, and by one that has never seen any.
    let unprepared = model::trained_on_a_day(&Arc::new(Site::new(1)));
    assert!(unprepared.thresholds.cohort.margin.is_some());
    let hours = |hours: u64| hours * 3_600_000_000;
    for (judge, seed, span_us) in [
        (judge(true), 11, hours(24)),
        (judge(true), 12, hours(2)),
        (judge_of(&unprepared), 13, hours(24)),
        (judge_of(&unprepared), 14, hours(2)),
    ] {
        let fates =
            watch(judge, &day(seed, &Mix::new().with(Population::CarrierShopper, 300), span_us));
        let people = &fates[&Population::CarrierShopper];
        assert!(people.clients.len() > 250 && people.blocked == 0);
        assert!(
            people.refused.len() * 100 <= people.clients.len(),
            "{} refused",
            people.refused.len()
        );
    }
}

/// Every verdict of every client, in the order it got them.
#[derive(Default)]
struct Fates(BTreeMap<ClientKey, Vec<Verdict>>);

impl VerdictSink for Fates {
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        _: Option<&RecordedVerdict>,
        _: Option<&str>,
    ) {
        self.0.entry(event.client).or_default().push(*verdict);
    }
}

/// A judge under whom cohorts are limited at once.
fn strict() -> Judge {
    let model = model::parse(&model::file("lively", model::lively()));
    let config = PolicyConfig {
        limit_score: Some(0.6),
        block_score: Some(0.95),
        cohort_score: Some(0.1),
        limit_burst_pages: 2,
        limit_pages_per_min: 6,
        ..PolicyConfig::default()
    };
    Judge {
        policy: Policy::new(config, Some(&model)).unwrap(),
        model: Some(model),
        allow: AllowList::default(),
    }
}

#[test]
fn one_core_and_many_tell_the_same_of_cohorts() {
    let folder = Folder::new("cohorts-replay");
    let mix = Mix::of(300, 60)
        .with(Population::SpreadScraper, 5)
        .with(Population::CarrierShopper, 400)
        .with(Population::DistributedBruteForcer, 1);
    let requests = day(5, &mix, 3_600_000_000);
    let (mut json, mut combined) = (Vec::new(), Vec::new());
    sim::write_json(&requests, &mut json).unwrap();
    sim::write_combined(&requests, &mut combined).unwrap();
    for (name, log) in [("json.log", json), ("combined.log", combined)] {
        let names = [folder.write(name, log).display().to_string()];
        // Room for everybody, and for hardly anybody.
        for capacity in [200_000, 640] {
            let told = |jobs| {
                let detector = model::detector(capacity, strict());
                let (_, parts) = replay_parallel::<Fates>(
                    jobs,
                    Logs::find(&names).unwrap().open().unwrap(),
                    &detector,
                    None,
                )?;
                let mut fates = BTreeMap::new();
                for (client, verdicts) in parts.into_iter().flat_map(|part| part.0) {
                    assert!(
                        fates.insert(client, verdicts).is_none(),
                        "{client} was watched by two"
                    );
                }
                Ok::<_, anyhow::Error>(fates)
            };
            let one = told(1).unwrap();
            let limited = |verdict: &&Verdict| {
                (verdict.action, verdict.reason) == (Action::Limit, Reason::Cohort)
            };
            let number = one.values().flatten().filter(limited).count();
            assert!(number > 200, "{number} limited by cohorts prove too little");
            for jobs in [2, 3, 8] {
                assert!(
                    told(jobs).unwrap() == one,
                    "{jobs} jobs tell another story of {name} with room for {capacity}"
                );
            }
        }
    }
}

fn key(network: u8, host: u8) -> ClientKey {
    ClientKey::from_ip(IpAddr::V4(Ipv4Addr::new(192, 0, network, host)))
}

fn ask(detector: &Detector, client: ClientKey, agent: &str, second: u64, target: &str) -> Verdict {
    let (at, agent) = (model::DAY.plus_secs(second), Some(agent.as_bytes()));
    let request = Request {
        client,
        at,
        method: "GET",
        target,
        fetch_dest: None,
        agent,
        recorded: None,
        is_proxys: false,
    };
    detector.observe(&detector.event(&request), Mode::Shadow).verdict
}

#[test]
fn a_cohort_limits_its_newcomers_and_nobody_else() {
    let detector = model::detector(10_000, strict());
    // Somebody with a history, a neighbour with another browser, somebody of another network:
    // before and after.
    let (veteran, neighbour, stranger) = (key(2, 200), key(2, 201), key(3, 1));
    for page in 0..50 {
        ask(&detector, veteran, "a", page * 60, "/p/1");
    }
    let mut refused = 0;
    for number in 0..200_u64 {
        let verdict = ask(
            &detector,
            key(2, (number / 4) as u8),
            "a",
            4_000 + number,
            &format!("/p/{number}"),
        );
        assert_ne!(verdict.action, Action::Block);
        refused += u64::from((verdict.action, verdict.reason) == (Action::Limit, Reason::Cohort));
    }
    assert!(refused > 100, "{refused}");
    let verdict = ask(&detector, key(2, 202), "a", 4_200, "/p/1");
    assert_eq!(
        (verdict.action, verdict.reason, verdict.score),
        (Action::Limit, Reason::Cohort, None)
    );
    assert!(verdict.retry_after_s > 0 && verdict.because.iter().count() > 0, "{verdict:?}");
    let asset = ask(&detector, key(2, 202), "a", 4_200, "/img/1.png");
    assert_eq!(asset.action, Action::Allow, "assets pass");
    for (client, agent) in [(veteran, "a"), (neighbour, "b"), (stranger, "a")] {
        let verdict = ask(&detector, client, agent, 4_201, "/p/1");
        assert_eq!(verdict.action, Action::Allow, "{client}");
        assert_ne!(verdict.reason, Reason::Cohort, "{client}");
    }
}

#[test]
fn a_million_spoofed_networks_take_no_more_room_than_there_is() {
    let detector = model::detector(20_000, strict());
    let (_, room) = detector.cohorts();
    assert!(room <= 20_000 / 8 + 64 * 8, "{room}");
    for network in 0..1_000_000_u32 {
        let client = ClientKey::from_ip(IpAddr::V4(Ipv4Addr::from_bits(network << 8)));
        ask(&detector, client, "a", u64::from(network) / 10_000, "/p/1");
        ask(&detector, client, "a", u64::from(network) / 10_000, "/p/2");
        if network % 100_000 == 0 {
            assert!(detector.cohorts().0 <= room);
        }
    }
    let (held, _) = detector.cohorts();
    assert!(held <= room && held * 10 > room * 9, "{held} of {room}");
    assert_eq!(detector.stats(model::DAY).panics, 0);
}
