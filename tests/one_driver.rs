//! Law 11: the live engine and every reader of its log find the same verdicts and scores, to the
//! last bit.
//!
//! Random traffic goes through the engine with no socket: an allow list, limits, bans that are
//! earned, answers that come out of order, and some that never come. Its event log is then read by
//! replay (one thread and several), explain, diff, label and, where the gate was in shadow, by
//! evaluate and tune.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use analysis::borderline::{NearThreshold, NearThresholdPass, NearThresholdWatch};
use analysis::diff::{Comparison, DiffPass, DiffWatch, JudgeSummary};
use analysis::explain::{ExplainPass, ExplainWatch, Follower, RequestChoice};
use detector::{
    Action, ClientKey, Detector, Judge, Policy, PolicyConfig, Reason, Score, Settings, Verdict,
};
use gate::clock::{Clock, TimeSource};
use gate::{Ask, Config, End, Engine, Mode, Overrides, RequestHeaders};
use kidoban::input::Logs;
use proptest::prelude::*;
use traffic::Conversions;
use traffic::log::LogReader;
use traffic::replay::{
    Semantics, VerdictPass, VerdictSink, replay, replay_parallel, walk, walk_parallel,
};
use traffic::sim::Dice;
use trainer::SiteBuilder;

use crate::support::{Folder, model};

/// A verdict as it is compared: action, reason and the score's bits.
type Found = (Action, Reason, Option<u32>);
/// Verdicts of each client in the order of its requests.
type ByClient = BTreeMap<ClientKey, Vec<Found>>;

fn found(verdict: &Verdict) -> Found {
    (verdict.action, verdict.reason, verdict.score.map(|score| score.margin().to_bits()))
}

/// Time passes when the test says so.
#[derive(Clone, Default)]
struct Passing(Arc<AtomicI64>);

impl TimeSource for Passing {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed) as u64)
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_794_787_200) + self.monotonic()
    }
}

/// What the engine decided, and where its log is.
struct Served {
    live: ByClient,
    log: PathBuf,
    judge: Judge,
}

/// Serves random traffic of this seed, in which somebody imposes and lifts bans if `has_bans`.
fn serve(folder: &Folder, mode: Mode, seed: u64, has_bans: bool) -> Served {
    let model = model::write(folder, &model::file("lively", model::lively()));
    let log = folder.path("events.jsonl");
    let text = format!(
        "mode = \"{mode}\"\nmodel = {model:?}\n[allow]\npaths = [\"/hooks/\"]\nnetworks = \
         [\"198.18.0.0/30\"]\n[policy]\nlimit_score = 0.35\nblock_score = 0.6\nblock_after_pages = \
         2\nlimit_burst_pages = 2\ncohort_score = 0.5\nblock_s = 40\n[event_log]\npath = {log:?}\n"
    );
    let config = Config::parse(&text, Path::new("test.toml"), &Overrides::default()).unwrap();
    let time = Passing::default();
    let engine = Engine::start_with(config, Clock::new(time.clone())).unwrap();
    let mut dice = Dice::new(seed);
    let (mut live, mut under_way) = (ByClient::new(), Vec::new());
    for _ in 0..1_500 {
        time.0.fetch_add(1 + (dice.exponential(0.4) * 1e6) as i64, Ordering::Relaxed);
        if has_bans && dice.chance(0.05) {
            // Some of them will never come, or come later.
            let peer = format!("198.18.{}.{}", dice.below(3), 1 + dice.below(12));
            let client = ClientKey::from_text(&peer);
            match dice.chance(0.6) {
                true => {
                    let until = engine.now().plus_secs(1 + dice.below(90) as u64);
                    engine.impose(client, until);
                }
                false => _ = engine.lift(client),
            }
        }
        // Few clients of few networks, so that there are cohorts; some write where others fail.
        let peer = format!("198.18.{}.{}", dice.below(3), 1 + dice.below(9));
        let (method, target) = match dice.weighted(&[0.5, 0.12, 0.12, 0.16, 0.1]) {
            0 => ("GET", format!("/p/{}", dice.below(40))),
            1 => ("GET", format!("/img/{}.png", dice.below(9))),
            2 => ("GET", format!("/hooks/{}", dice.below(9))),
            3 => ("GET", format!("/.well-known/{}", dice.below(9))),
            _ => ("POST", "/login".to_owned()),
        };
        let agent = format!("Browser/{}", dice.below(2));
        let headers = RequestHeaders::read([("user-agent", agent.as_bytes())]);
        let peer = Some(peer.parse().unwrap());
        let ask = Ask { peer, method, target: target.as_bytes(), headers: &headers };
        let (in_flight, ruling) = engine.decide(&ask);
        let client = in_flight.caller.key();
        live.entry(client).or_default().push(found(ruling.verdict()));
        under_way.push(in_flight);
        // Answers come in any order, one in twenty when the client is long gone.
        while !under_way.is_empty() && dice.chance(0.7) {
            let in_flight = under_way.swap_remove(dice.below(under_way.len()));
            let status = [200, 200, 200, 302, 401, 404, 500, 0][dice.below(8)];
            engine.conclude(in_flight, End { status, bytes: 5 });
        }
    }
    let judge = engine.judge();
    engine.stop();
    Served { live, log, judge }
}

fn detector(judge: &Judge) -> Detector {
    Detector::new(Settings { capacity: 100_000, hash_key: 3 }, judge.clone())
}

fn logs(log: &Path) -> Logs {
    Logs::find(&[log.display().to_string()]).unwrap()
}

/// Collects verdicts.
#[derive(Default)]
struct Collected(ByClient);

impl VerdictSink for Collected {
    fn accept(
        &mut self,
        event: &detector::Event,
        verdict: &Verdict,
        _: Option<&traffic::replay::RecordedVerdict>,
        _: Option<&str>,
    ) {
        self.0.entry(event.client).or_default().push(found(verdict));
    }
}

fn replayed(served: &Served) -> ByClient {
    let mut collected = Collected::default();
    let readers = logs(&served.log).open().unwrap();
    replay(readers, &detector(&served.judge), None, |event, verdict, recorded, request| {
        collected.accept(event, verdict, recorded, request);
    })
    .unwrap();
    collected.0
}

fn replayed_parallel(served: &Served) -> ByClient {
    let readers = logs(&served.log).open().unwrap();
    let detector = detector(&served.judge);
    let (_, sinks) = replay_parallel::<Collected>(3, readers, &detector, None).unwrap();
    sinks.into_iter().flat_map(|sink| sink.0).collect()
}

fn explained(served: &Served, client: ClientKey) -> Vec<Found> {
    let pass = ExplainPass::new(detector(&served.judge), client, RequestChoice::Number(1));
    let (_, watches) = walk_parallel(2, logs(&served.log).open().unwrap(), &pass).unwrap();
    let followers = watches.into_iter().map(ExplainWatch::into_follower);
    let explanation =
        followers.reduce(Follower::join).unwrap().explain(&served.judge, None).unwrap();
    let score = |score: Option<f32>| score.map(f32::to_bits);
    explanation
        .timeline
        .iter()
        .map(|moment| (moment.action, moment.reason, score(moment.score)))
        .collect()
}

/// Requests by action, as `diff` counts them, and how many it finds changed between a judge and
/// itself.
fn compared(served: &Served) -> ([u64; 3], u64) {
    let outcomes = Conversions::default();
    let detectors = [detector(&served.judge), detector(&served.judge)];
    let pass = DiffPass::new(detectors, &outcomes);
    let mut watch = traffic::replay::Pass::watch(&pass);
    walk(logs(&served.log).open().unwrap(), &pass, &mut watch).unwrap();
    let comparison: Comparison = DiffWatch::into_comparison(watch);
    let sides = [0, 1].map(|side: usize| JudgeSummary::of("one", &pass.detectors()[side]));
    let difference = comparison.finish(sides, (0, 0), outcomes.names(), None, 9);
    let mut by_action = [0; 3];
    for cell in &difference.by_request {
        by_action[cell.before as usize] += cell.number;
    }
    (by_action, difference.requests_changed)
}

/// The highest score of each client near a threshold, as `label --propose` finds it.
fn proposed(served: &Served) -> HashMap<String, u32> {
    let pass = NearThresholdPass::new(detector(&served.judge));
    let (_, watches) = walk_parallel(2, logs(&served.log).open().unwrap(), &pass).unwrap();
    let border = watches
        .into_iter()
        .map(NearThresholdWatch::into_near_threshold)
        .reduce(NearThreshold::join)
        .unwrap();
    let nearest = border.nearest(None, usize::MAX);
    nearest.into_iter().map(|row| (row.client, row.score.to_bits())).collect()
}

/// Requests that evaluate counts as refused, of clients that it does not know, and those that a
/// replay in shadow refuses under the same policy.
fn weighed(served: &Served) -> [u64; 2] {
    let mut file = model::file("lively", model::lively());
    file.thresholds.limit.margin = Some(Score::from_value(0.35).margin());
    file.thresholds.block.margin = Some(Score::from_value(0.6).margin());
    let model = model::parse(&file);
    let min_pages = model.thresholds().min_pages;
    let bytes = std::fs::read(&served.log).unwrap();
    let mut reader = LogReader::new("events.jsonl", &bytes[..]).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    let site = builder.finish("served", 1, None).unwrap();
    let evaluation = analysis::evaluate(&model, &site, min_pages, Vec::new()).unwrap();
    let policy = PolicyConfig { min_pages: Some(min_pages), ..PolicyConfig::default() };
    let policy = Policy::new(policy, Some(&model)).unwrap();
    // What the gate let past is not in the site: the allow list knows of it.
    let judge = Judge { model: Some(model), policy, allow: served.judge.allow.clone() };
    let pass = VerdictPass::new(detector(&judge), None, Collected::default)
        .in_mode(Semantics::Always(Mode::Shadow));
    let mut watch = traffic::replay::Pass::watch(&pass);
    walk(logs(&served.log).open().unwrap(), &pass, &mut watch).unwrap();
    let verdicts = watch.into_sink().0;
    let refused = verdicts.values().flatten().filter(|found| found.0 != Action::Allow).count();
    [evaluation.refusals.refused, refused as u64]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 12, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn every_reader_finds_what_the_live_engine_decided(
        seed: u64,
        enforces: bool,
        has_bans: bool,
    ) {
        let folder = Folder::new(&format!("one-driver-{seed}"));
        let mode = if enforces { Mode::Enforce } else { Mode::Shadow };
        let served = serve(&folder, mode, seed, has_bans);
        let reasons: Vec<Reason> = served.live.values().flatten().map(|found| found.1).collect();
        prop_assert!(reasons.contains(&Reason::AllowList) && reasons.contains(&Reason::Limited));
        prop_assert!(!has_bans || reasons.contains(&Reason::Banned));

        prop_assert_eq!(&replayed(&served), &served.live);
        prop_assert_eq!(&replayed_parallel(&served), &served.live);
        let value = |bits: u32| Score::from_margin(f32::from_bits(bits)).value();
        for (client, live) in served.live.iter().step_by(5) {
            let live: Vec<Found> = live
                .iter()
                .map(|&(action, reason, bits)| (action, reason, bits.map(|bits|
                    value(bits).to_bits())))
                .collect();
            prop_assert_eq!(&explained(&served, *client), &live, "explain {}", client);
        }
        let mut by_action = [0; 3];
        served.live.values().flatten().for_each(|found| by_action[found.0 as usize] += 1);
        prop_assert_eq!(compared(&served), (by_action, 0));
        // A site in memory has no bans: what an operator did says nothing of the model.
        if mode == Mode::Shadow && !has_bans {
            let [evaluated, replayed] = weighed(&served);
            prop_assert_eq!(evaluated, replayed);
        }
        for (client, score) in proposed(&served) {
            let live = &served.live[&ClientKey::from_text(&client)];
            let highest = live.iter().filter_map(|found| found.2.map(value)).reduce(f32::max);
            prop_assert_eq!(highest.map(f32::to_bits), Some(score), "label {}", client);
        }
    }
}

/// Without its lines of bans an event log does not repeat its verdicts, and with them it does.
#[test]
fn imposed_and_lifted_bans_are_what_a_replay_needs_to_know() {
    for (seed, mode) in [(3, Mode::Enforce), (4, Mode::Shadow)] {
        let folder = Folder::new(&format!("one-driver-bans-{seed}"));
        let served = serve(&folder, mode, seed, true);
        assert_eq!(replayed(&served), served.live);
        let log = std::fs::read_to_string(&served.log).unwrap();
        let lines = |change: &str| log.lines().filter(|line| line.contains(change)).count();
        assert!(lines("\"change\":\"imposed\"") > 20 && lines("\"change\":\"lifted\"") > 10);
        let without: String =
            log.split_inclusive('\n').filter(|line| !line.contains("\"type\":\"ban\"")).collect();
        std::fs::write(&served.log, without).unwrap();
        assert_ne!(replayed(&served), served.live);
    }
}

#[test]
fn evaluate_refuses_what_a_replay_in_shadow_refuses_and_that_is_something() {
    let refused: Vec<[u64; 2]> = (0..4)
        .map(|seed| {
            let folder = Folder::new(&format!("one-driver-evaluate-{seed}"));
            weighed(&serve(&folder, Mode::Shadow, seed, false))
        })
        .collect();
    assert!(refused.iter().all(|[evaluated, replayed]| evaluated == replayed), "{refused:?}");
    assert!(refused.iter().any(|[evaluated, _]| *evaluated > 0), "{refused:?}");
}

/// Twelve pages, and after each a miss below `/.well-known/`, in a web server's log.
#[test]
fn misses_that_the_allow_list_lets_past_are_no_errors_to_any_reader() {
    let folder = Folder::new("well-known");
    let mut log = String::new();
    for second in 0..24 {
        let (target, status) = match second % 2 {
            0 => (format!("/p/{second}"), 200),
            _ => (format!("/.well-known/{second}"), 404),
        };
        log += &format!(
            "192.0.2.7 - - [20/Nov/2026:05:00:{second:02} +0000] \"GET {target} HTTP/1.1\" \
                {status} \
             5120 \"-\" \"Browser\"\n"
        );
    }
    let log = folder.write("access.log", log);
    let judge = model::judge(model::parse(&model::file("lively", model::lively())), 0.9, 0.99);
    let client = ClientKey::from_text("192.0.2.7");

    // The live gate.
    let served = Served { live: ByClient::new(), log: log.clone(), judge: judge.clone() };
    let live = detector(&judge);
    let mut live_scores = Vec::new();
    for second in (0..24).step_by(2) {
        let at = detector::Timestamp::from_secs(1_795_150_800 + second);
        let target = format!("/p/{second}");
        let request = detector::Request {
            client,
            at,
            method: "GET",
            target: &target,
            fetch_dest: None,
            agent: Some(b"Browser"),
            recorded: None,
            is_proxys: false,
        };
        let observed = live.observe(&live.event(&request), Mode::Shadow);
        live_scores.push(observed.verdict.score.map(|score| score.value().to_bits()));
        live.conclude(observed.token.unwrap(), at, 200);
    }
    assert_eq!(live.features(client).unwrap().value("error_share"), Some(0.0));

    // Its readers. The other requests pass unjudged.
    let judged = |found: Vec<Found>| -> Vec<Option<u32>> {
        found
            .into_iter()
            .filter(|found| found.1 != Reason::AllowList)
            .map(|found| found.2)
            .collect()
    };
    let bits_of_value = |bits: Option<u32>| {
        bits.map(|bits| Score::from_margin(f32::from_bits(bits)).value().to_bits())
    };
    let replayed = replayed(&served).remove(&client).unwrap();
    let replayed: Vec<_> = judged(replayed).into_iter().map(bits_of_value).collect();
    assert_eq!(replayed, live_scores);
    assert_eq!(judged(explained(&served, client)), live_scores);
    let nearest =
        proposed(&Served { judge: model::judge(judge.model.clone().unwrap(), 0.1, 0.2), ..served });
    if let Some(score) = nearest.get("192.0.2.7") {
        assert_eq!(Some(Some(*score)), live_scores.iter().copied().max());
    }
}
