//! What is said of a client is true.

use std::collections::BTreeMap;
use std::sync::Arc;

use analysis::counterfactual::Counterfactuals;
use analysis::explain::{ExplainPass, Explanation, RequestChoice};
use detector::features::{COUNT, index_of};
use detector::model::{ScoreRule, ScorerFile};
use detector::policy::{Ban, Standing};
use detector::{Action, Class, ClientKey, Features, Judge, Reason, Score, Timestamp};
use traffic::log::Record;
use traffic::replay::Pass;
use traffic::sim::{self, Dice, Mix, SimRequest};

use crate::support::command::kidoban;
use crate::support::http::Client;
use crate::support::{Folder, gate, model, origin};

/// Half a day of a small shop.
fn half_day(seed: u64) -> Vec<SimRequest> {
    let site = Arc::new(sim::Site::with_size(seed, 300, 6));
    sim::simulate(&site, seed, model::DAY, &Mix::of(40, 30), model::DAY_US / 2)
}

/// What the library says of a client.
fn explained(
    day: &[SimRequest],
    judge: &Judge,
    client: ClientKey,
    which: RequestChoice,
) -> Explanation {
    let pass = ExplainPass::new(model::detector(100_000, judge.clone()), client, which);
    let mut watch = pass.watch();
    for request in day {
        let address = request.client.to_string();
        let record = Record {
            client: &address,
            at: request.at,
            method: request.method,
            target: &request.target,
            status: request.status,
            user_agent: Some(request.user_agent),
            ..Record::default()
        };
        pass.pass(pass.step(&record), &mut watch);
    }
    watch.into_follower().explain(judge, None).unwrap()
}

/// The measured vector again, from what was said of it.
fn features_of(explanation: &Explanation) -> Features {
    let mut features = Features([f32::NAN; COUNT]);
    for row in &explanation.decisive.as_ref().unwrap().features {
        features.0[index_of(row.feature).unwrap()] = row.value.unwrap_or(f32::NAN);
    }
    features
}

/// A forest of random trees over features that move a lot.
fn any_forest(dice: &mut Dice) -> ScorerFile {
    const USED: [(&str, f64); 8] = [
        ("gap_cv", 2.0),
        ("gap_median", 60.0),
        ("unique_ratio", 1.0),
        ("unique_window", 60.0),
        ("rate_60s", 20.0),
        ("error_share", 1.0),
        ("gap_entropy", 1.0),
        ("think_share", 1.0),
    ];
    let (mut roots, mut feature, mut threshold) = (Vec::new(), Vec::new(), Vec::new());
    let (mut left, mut right, mut value) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..12 {
        let root = feature.len() as u16;
        roots.push(root);
        for place in 0..15_u16 {
            let is_leaf = place >= 7;
            let (name, most) = USED[dice.below(USED.len())];
            feature.push(if is_leaf { 0x7fff } else { index_of(name).unwrap() as u16 });
            threshold.push(if is_leaf { 0.0 } else { (dice.unit() * most) as f32 });
            let child = root + 2 * place + 1;
            left.push(if is_leaf { root + place } else { child });
            right.push(if is_leaf { root + place } else { child + 1 });
            value.push(if is_leaf { (dice.unit() * 2.0 - 0.9) as f32 } else { 0.0 });
        }
    }
    ScorerFile::Trees { base: 0.0, roots, feature, threshold, left, right, value }
}

/// Sums add up, and whatever "would have been allowed" is so: scored again by the model, decided
/// again by the policy.
fn assert_true(explanation: &Explanation, judge: &Judge, told: &mut BTreeMap<&'static str, u64>) {
    let Some(decisive) = &explanation.decisive else { return };
    let model = judge.model.as_ref().unwrap();
    let features = features_of(explanation);
    let parts: f64 = decisive.features.iter().map(|row| f64::from(row.part)).sum();
    let margin = model.score(&features).margin();
    assert!(
        (f64::from(decisive.base) + parts - f64::from(margin)).abs() < 1e-4,
        "{} and {margin}",
        decisive.sum
    );
    assert!((decisive.sum - margin).abs() < 1e-4);
    let Some(said) = decisive.margin else { return };
    assert_eq!(said, margin, "what is shown is what was scored");
    let is_own = matches!(
        decisive.reason,
        Reason::Score | Reason::Limited | Reason::Shared | Reason::Banned
    );
    if decisive.action != Action::Allow && is_own {
        assert!(
            !decisive.otherwise.is_empty(),
            "{:?} has no way out: {:?}",
            decisive.reason,
            explanation.words
        );
        *told.entry("stopped").or_default() += 1;
    }
    for otherwise in &decisive.otherwise {
        match &otherwise.answer {
            Counterfactuals::Ways { ways } => {
                assert!(!ways.is_empty(), "{:?}", explanation.words);
                for way in ways {
                    let score = model.score(&way.apply(&features));
                    if let [change] = way.changes.as_slice()
                        && let Some(until) = change.until
                    {
                        let mut end = features;
                        end.0[change.index] = until;
                        let margin = model.score(&end).margin();
                        assert!(
                            margin < Score::from_value(otherwise.below).margin() + 1e-4,
                            "{way}: until {until}"
                        );
                    }
                    assert!(
                        score.value() < otherwise.below
                            || score.margin() < Score::from_value(otherwise.below).margin()
                    );
                    // With nothing against it but what it scores here.
                    let mut standing = Standing::new(Ban::NONE);
                    let at = Timestamp::from_micros(decisive.at.as_micros());
                    let again = judge
                        .policy
                        .decide(Some(score), Class::Page, decisive.pages, &mut standing, at)
                        .action;
                    assert_ne!(again, Action::Block, "{way}");
                    let is_void =
                        decisive.reason == Reason::Shared && otherwise.reason == Reason::Limited;
                    assert!(
                        !is_void,
                        "what is limited is not let off by a limit: {:?}",
                        explanation.words
                    );
                    let is_free = otherwise.reason == Reason::Usual;
                    assert!(
                        !is_free || score.margin() < judge.policy.limit_margin().unwrap(),
                        "{way}"
                    );
                    *told
                        .entry(if way.changes.len() == 1 { "one" } else { "several" })
                        .or_default() += 1;
                }
            }
            Counterfactuals::Impossible { lowest } => {
                assert!(*lowest >= Score::from_value(otherwise.below).margin() - 0.01);
                *told.entry("impossible").or_default() += 1;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_would_have_been_allowed_is_allowed_by_any_model_for_any_client() {
    let mut told = BTreeMap::new();
    for seed in 0..10 {
        let mut dice = Dice::new(seed);
        let scorer = if seed == 0 { model::lively() } else { any_forest(&mut dice) };
        let day = half_day(seed);
        let parsed = model::parse(&model::file("any", scorer));
        // Thresholds low and high, so that some verdicts are close and some far off.
        let limit = 0.2 + 0.5 * dice.unit() as f32;
        let judge = model::judge(parsed, limit, limit + (1.0 - limit) * dice.unit() as f32);
        let mut clients: Vec<ClientKey> =
            day.iter().map(|request| ClientKey::from_ip(request.client)).collect();
        clients.sort_unstable();
        clients.dedup();
        for number in 0..14 {
            let client = clients[number * 5 % clients.len()];
            let explanation = explained(&day, &judge, client, RequestChoice::Hardest);
            assert_true(&explanation, &judge, &mut told);
        }
    }
    println!("{told:?}");
    assert!(
        told["stopped"] >= 50 && told["one"] >= 50 && told["several"] >= 5,
        "{told:?} proves too little"
    );
}

#[test]
fn a_decision_of_a_real_gate_is_explained_by_its_id_and_forgiven() {
    let folder = Folder::new("explain-gate");
    let path = model::write(&folder, &model::file("lively", model::lively()));
    let rest = format!(
        "mode = \"enforce\"\nmodel = {path:?}\n[client]\ntrusted_proxies = \
            [\"127.0.0.0/8\"]\n[policy]\nlimit_score = 0.05\n\
         block_score = 0.5\nlimit_burst_pages = 3\n[event_log]\npath = \"events.jsonl\"\n"
    );
    let gate = gate(&folder, origin::start(), &rest);
    let mut connection = Client::connect(gate.addr());
    let mut refused = Vec::new();
    for number in 0..40 {
        connection.get_as("198.51.100.9", &format!("/p/{number}?name=\x1b[2J"));
        let answer = connection.get_as("192.0.2.7", &format!("/gone/{number}"));
        if let Some(id) = answer.header("x-kidoban-decision") {
            refused.push((answer.status, id.to_owned()));
        }
    }
    gate.engine().flush_event_log();
    gate.stop();
    let (_, first) = refused.iter().find(|(status, _)| *status == 403).unwrap();
    let (_, later) = refused.last().unwrap();
    let count = |status: &str| {
        refused.iter().filter(|(found, _)| found.to_string() == status).count() as u64
    };
    let explain = |id: &str, more: &[&str]| {
        let arguments = ["explain", "--id", id, "events.jsonl", "-c", "kidoban.toml"];
        kidoban(&folder.0, &[&arguments, more].concat())
    };

    let json = explain(first, &["--json"]).assert(0).json();
    assert_eq!(json["client"], "192.0.2.7");
    let decisive = &json["decisive"];
    assert_eq!((&decisive["action"], &decisive["reason"]), (&"block".into(), &"score".into()));
    let moment = &json["timeline"][decisive["number"].as_u64().unwrap() as usize - 1];
    assert_eq!(moment["recorded"]["id"], first.as_str());
    assert_eq!(moment["recorded"]["score"], moment["score"], "the same score as the gate's");
    assert_eq!(json["timeline"].as_array().unwrap().len(), 40);
    assert_eq!(json["timeline"][0]["status"], 404, "how it ended stands in another line");
    assert!(
        decisive["otherwise"][0]["words"][0].as_str().unwrap().contains("errors"),
        "{decisive}"
    );
    assert_eq!(
        json["words"].as_array().unwrap().len(),
        2,
        "replayed as decided: {}",
        json["words"]
    );
    let said = explain(first, &[]).assert(0).stdout;
    assert!(said.starts_with("192.0.2.7 was blocked with request "), "{said}");
    assert!(said.contains("It would have been ") && said.contains("errors"), "{said}");

    // The same client later: the ban is named, and the request that led to it.
    let said = explain(later, &[]).assert(0).stdout;
    let number = decisive["number"].as_u64().unwrap();
    assert!(
        said.contains("A ban was in force until ")
            && said.contains(&format!("It came from request {number} ")),
        "{said}"
    );

    assert_eq!(json["is_repeated"], true);
    assert_eq!(json["recorded"]["decision"]["id"], first.as_str());

    // Another policy than the gate's: what happened leads, from the log; what that policy would do
    // is marked as such.
    let other = ["explain", "--id", first, "events.jsonl", "--model", "lively.json"];
    let said = kidoban(&folder.0, &other).assert(0).stdout;
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("192.0.2.7 was blocked with request ")
            && lines[0].contains("block/score"),
        "{said}"
    );
    assert!(
        lines[0].contains(&format!("{} were limited and {} blocked", count("429"), count("403"))),
        "{said}"
    );
    assert!(lines[1].starts_with("CAUTION: ") && lines[1].contains("-c kidoban.toml"), "{said}");
    assert!(
        lines[2].contains("would") && !said.contains("All of its 40 requests were allowed"),
        "{said}"
    );
    assert!(said.contains("By lively as it judges here, not by the gate:"), "{said}");
    let json = kidoban(&folder.0, &[&other[..], &["--json"]].concat()).assert(0).json();
    assert_eq!((&json["words"][0], &json["is_repeated"]), (&lines[0].into(), &false.into()));
    assert_eq!(
        (&json["recorded"]["decision"]["action"], &json["decisive"]["action"]),
        (&"block".into(), &"allow".into())
    );
    assert_eq!(json["recorded"]["blocked"].as_u64().unwrap(), count("403"));

    let other = kidoban(
        &folder.0,
        &["explain", "198.51.100.9", "events.jsonl", "-c", "kidoban.toml", "--all"],
    )
    .assert(0);
    assert!(!other.stdout.contains('\x1b'), "{:?}", other.stdout);

    let forgiven = kidoban(&folder.0, &["forgive", first, "events.jsonl"]).assert(0).stdout;
    assert!(
        forgiven.contains("was block/score (enforce mode)") && forgiven.contains("192.0.2.7/32"),
        "{forgiven}"
    );
    let labels = std::fs::read_to_string(folder.path("labels.csv")).unwrap();
    assert_eq!(labels, format!("client,label,why\n192.0.2.7,human,forgiven: {first}\n"));
    // As it was typed from a printed page.
    let typed = format!(" {} ", later.to_lowercase().replace('0', "O").replace('1', "l"));
    let json = explain(&typed, &["--json"]).assert(0).json();
    assert_eq!(json["recorded"]["decision"]["id"], later.as_str());
    let json = kidoban(&folder.0, &["forgive", &typed, "events.jsonl", "--json"]).assert(0).json();
    assert_eq!(json["id"], later.as_str());
    let wrong = explain("xx", &[]).assert(2).stderr;
    assert!(wrong.contains("xx") && wrong.contains("13 letters and digits"), "{wrong}");
    for command in [&["forgive", "0000000000000"][..], &["explain", "--id", "0000000000000"]] {
        let unknown = kidoban(&folder.0, &[command, &["events.jsonl"]].concat()).assert(1).stdout;
        assert!(
            unknown.contains("decision 0000000000000: not in events.jsonl; name the rotated"),
            "{unknown}"
        );
        let unknown =
            kidoban(&folder.0, &[command, &["events.jsonl", "--json"]].concat()).assert(1).json();
        assert_eq!(
            (&unknown["asked"], &unknown["is_in_logs"]),
            (&"0000000000000".into(), &false.into())
        );
    }
    let unknown =
        kidoban(&folder.0, &["explain", "--id", "0000000000000", "kidoban.toml"]).assert(2).stderr;
    assert!(unknown.contains("kidoban.toml"), "{unknown}");
}

#[test]
fn a_client_in_its_first_step_is_told_from_which_step_on_it_is_judged() {
    let folder = Folder::new("first-step");
    let mut file = model::file("carried", model::constant(2.0));
    file.thresholds.score_rule = ScoreRule::CARRIED;
    model::write(&folder, &file);
    let log: String = (0..8)
        .map(|page| {
            format!(
                "192.0.2.1 - - [16/Nov/2026:00:00:01 +0000] \"GET /p/{page} HTTP/1.1\" 200 9 \
                 \"-\" \"Firefox\"\n"
            )
        })
        .collect();
    folder.write("access.log", log);
    folder.write("kidoban.toml", "model = \"carried.json\"\n[policy]\nlimit_score = 0.6\n");
    let arguments = ["explain", "192.0.2.1", "access.log", "-c", "kidoban.toml"];
    let said = kidoban(&folder.0, &arguments).stdout;
    assert!(said.contains("8 pages and is judged from 5 on, in step 3 of its visit"), "{said}");
}
