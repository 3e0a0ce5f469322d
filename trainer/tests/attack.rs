//! Logs that hold no bots, no people, or nobody who is known: training attacks them.

#![allow(clippy::unwrap_used)] // in a test a failing unwrap is a failing test

use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::Arc;

use detector::model::{ReadinessState, seal};
use detector::{Model, SiteProfile, Timestamp};
use traffic::log::LogReader;
use traffic::sim::{self, Dice, Mix};
use trainer::label::Labelled;
use trainer::samples::highest;
use trainer::scoring::Scoring;
use trainer::statistics::auc;
use trainer::train::learn_profile;
use trainer::{Base, Label, Labels, Options, Site, SiteBuilder, TrainError, Trained, train};

/// Seconds of the first request.
const START: f64 = 1_794_787_200.0;
const PHONE: &str = "Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like \
    Gecko) Chrome/120.0.0.0 Mobile Safari/537.36";

/// Lines of an API behind an app: milliseconds, no referers, no assets.
struct ApiLog(Vec<(f64, String)>);

impl ApiLog {
    fn ask(&mut self, at: f64, client: &str, agent: &str, method: &str, target: &str, status: u16) {
        let line = format!(
            "{{\"msec\": \"{at:.3}\", \"remote_addr\": \"{client}\", \"request_method\": \
                \"{method}\", \"request_uri\": \"{target}\", \"status\": {status}, \
                \"body_bytes_sent\": 0, \"http_referer\": \"\", \"http_user_agent\": \"{agent}\"}}"
        );
        self.0.push((at, line));
    }

    /// A customer: looks at products, each with its stock call, goes back now and then, buys.
    fn person(&mut self, client: &str, dice: &mut Dice) {
        let mut at = START + dice.between(0.0, 40_000.0);
        let mut seen = Vec::new();
        self.ask(at, client, PHONE, "POST", "/api/login", 200);
        for _ in 0..6 + dice.below(20) {
            at += dice.lognormal(6.0, 0.9);
            if dice.chance(0.35) {
                let page = dice.below(6);
                self.ask(at, client, PHONE, "GET", &format!("/api/products?page={page}"), 200);
                continue;
            }
            let again = !seen.is_empty() && dice.chance(0.3);
            let product = if again { dice.pick(&seen) } else { 1_000 + dice.below(200) };
            seen.push(product);
            self.ask(at, client, PHONE, "GET", &format!("/api/products/{product}"), 200);
            at += dice.between(0.04, 0.12);
            self.ask(at, client, PHONE, "GET", &format!("/api/products/{product}/stock"), 200);
        }
        self.ask(at + 9.0, client, PHONE, "POST", "/api/orders", 201);
    }

    /// A bot that counts through the products, or polls one's stock.
    fn bot(&mut self, client: &str, agent: &str, polls: bool, dice: &mut Dice) {
        let mut at = START + dice.between(0.0, 40_000.0);
        let gap = dice.log_between(0.5, 10.0);
        let start = 1_000 + dice.below(150);
        for number in 0..40 {
            at += gap * dice.between(0.9, 1.1);
            let target = if polls {
                format!("/api/products/{start}/stock")
            } else {
                format!("/api/products/{}", start + number)
            };
            self.ask(at, client, agent, "GET", &target, 200);
        }
    }

    /// So many people and bots, the bots named in the labels.
    fn of(people: usize, bots: usize, bots_agent: &str, seed: u64) -> (Self, String) {
        let (mut log, mut labels) = (Self(Vec::new()), String::from("client,label\n"));
        let mut dice = Dice::new(seed);
        for person in 0..people {
            let client = format!("198.18.{}.{}", person / 200, person % 200);
            log.person(&client, &mut dice);
            writeln!(labels, "{client},human").unwrap();
        }
        for bot in 0..bots {
            let client = format!("198.19.{}.{}", bot / 200, bot % 200);
            log.bot(&client, bots_agent, bot % 2 == 0, &mut dice);
            writeln!(labels, "{client},bad").unwrap();
        }
        log.0.sort_by(|a, b| a.0.total_cmp(&b.0));
        (log, labels)
    }

    fn site(&self, labels: Option<&str>) -> Site {
        let text: String = self.0.iter().fold(String::new(), |text, line| text + &line.1 + "\n");
        site(text.as_bytes(), labels)
    }
}

fn site(log: &[u8], labels: Option<&str>) -> Site {
    let labels = labels.map(|labels| Labels::parse("labels.csv", labels).unwrap());
    let mut reader = LogReader::new("access.log", Cursor::new(log)).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    builder.finish("shop", reader.tally().resolution_us(), labels.as_ref()).unwrap()
}

/// A simulated day of the demo's shop, with the truth as labels.
fn day(people: usize, bots: usize, seed: u64) -> Site {
    let start = Timestamp::from_secs(START as i64);
    let shop = Arc::new(sim::Site::new(2));
    let day = sim::simulate(&shop, seed, start, &Mix::of(people, bots), 86_400 * 1_000_000);
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(&day, &mut log).unwrap();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    site(&log, Some(std::str::from_utf8(&labels).unwrap()))
}

fn weak() -> Options {
    Options { labels_are_checked: false, ..Options::default() }
}

/// A model of a site with its profile, as `kidoban train LOG` makes it.
fn own_model(site: &Site, options: &Options) -> Result<Trained, TrainError> {
    let mut site = site.clone();
    let profile = Some(learn_profile(&mut site, options)?);
    train(&[site], &Options { profile, ..options.clone() }, |_| {})
}

/// Highest scores of a later site's people and bots.
fn judged(trained: &Trained, later: &Site) -> [Vec<f32>; 2] {
    let model = Model::parse(&seal(&trained.file).unwrap()).unwrap();
    let mut later = later.clone();
    if let Some(file) = &trained.file.site {
        later.use_profile(Arc::new(SiteProfile::open(file).unwrap()));
    }
    let scores = highest(&later, model.resolution_us(), Scoring::of(model.thresholds()), |_| {
        Some(model.scorer())
    });
    [Label::Human, Label::Bad].map(|label| {
        let clients = later.clients.iter().zip(&scores);
        clients.filter(|(c, _)| c.labelled.label == label).filter_map(|(_, s)| *s).collect()
    })
}

fn above(scores: &[f32], margin: f32) -> usize {
    scores.iter().filter(|&&score| score >= margin).count()
}

#[test]
fn an_api_without_labels_referers_or_bots_gives_a_model_that_finds_bots() {
    let site = ApiLog::of(120, 0, "", 1).0.site(None);
    assert_eq!(site.count(Label::Human), 0, "nobody tells who is a person");
    let trained = own_model(&site, &weak()).unwrap();
    let file = &trained.file;
    assert_eq!(file.thresholds.block.margin, None);
    assert_eq!(file.readiness.state, ReadinessState::Collecting, "{}", file.readiness);
    assert_eq!(file.readiness.people_seen, 0);
    assert_eq!(file.card.labels["human: by assumption"], 120);
    assert_eq!(file.card.clients["human"], 0, "an assumption is no label");
    assert!(file.thresholds.limit.evidence.contains("by assumption"));
    let (later, labels) = ApiLog::of(200, 60, PHONE, 2);
    let [people, bots] = judged(&trained, &later.site(Some(&labels)));
    let area = auc(&people, &bots).unwrap();
    assert!(area > 0.97, "{area}");
    let limit = file.thresholds.limit.margin.unwrap();
    let (hurt, found) = (above(&people, limit), above(&bots, limit));
    assert!(hurt <= 6 && found >= 45, "{hurt} of 200 people, {found} of 60 bots");
    let without = own_model(&site, &Options { attacks: false, ..weak() });
    assert!(matches!(without, Err(TrainError::TooFew(_))), "there was nothing to learn from");
}

#[test]
fn bots_among_the_people_by_assumption_are_left_out() {
    let (log, labels) = ApiLog::of(150, 30, PHONE, 3);
    let trained = own_model(&log.site(None), &weak()).unwrap();
    let dropped = trained.file.card.dropped.iter().find(|(why, _)| why.contains("attacker"));
    let left_out = *dropped.unwrap().1;
    assert!((5..60).contains(&left_out), "{left_out} of 180 clients, of whom 30 are bots");
    let (later, _) = ApiLog::of(150, 30, PHONE, 4);
    let [people, bots] = judged(&trained, &later.site(Some(&labels)));
    let area = auc(&people, &bots).unwrap();
    assert!(area > 0.95, "{area}");
}

#[test]
fn a_log_of_people_alone_limits_none_of_its_usual_clients() {
    let site = day(150, 0, 5);
    let trained = own_model(&site, &weak()).unwrap();
    let limit = trained.file.thresholds.limit.margin.unwrap();
    assert!(limit >= 0.0, "a limit from score {limit} on");
    let [people, bots] = judged(&trained, &day(300, 100, 6));
    assert!(above(&people, limit) <= 9, "{} of {} people", above(&people, limit), people.len());
    let area = auc(&people, &bots).unwrap();
    assert!(area > 0.9, "{area}");
    assert!(trained.file.card.metrics.contains_key("attack/auc"));
}

#[test]
fn a_log_of_declared_bots_alone_says_what_is_missing_and_keeps_a_base() {
    let site = ApiLog::of(0, 12, "python-requests/2.31", 7).0.site(None);
    assert_eq!(site.count(Label::Bad), 12);
    let refused = own_model(&site, &weak()).unwrap_err().to_string();
    for part in ["of 12 clients 12 are bots", "0 are left", "train --base"] {
        assert!(refused.contains(part), "{refused}");
    }
    let base = train(&[day(150, 100, 8)], &Options::default(), |_| {}).unwrap();
    let base = Model::parse(&seal(&base.file).unwrap()).unwrap();
    let base_limit = base.thresholds().limit.margin;
    let options = Options { base: Some(Base::new(base).unwrap()), ..weak() };
    let kept = own_model(&site, &options).unwrap();
    assert!(!kept.is_adapted);
    assert_eq!(kept.file.thresholds.limit.margin, base_limit);
    assert!(kept.file.thresholds.limit.evidence.starts_with("the base's own"));
    assert_eq!(kept.file.thresholds.block.margin, None);
}

#[test]
fn an_empty_log_and_one_of_a_few_visits_say_what_is_missing() {
    let empty = SiteBuilder::default().finish("shop", 1_000, None).unwrap();
    let few = ApiLog::of(4, 0, "", 9).0.site(None);
    for (site, left) in [(empty, "0 are left"), (few, "4 are left")] {
        let refused = own_model(&site, &weak()).unwrap_err();
        assert!(matches!(&refused, TrainError::TooFew(why) if why.contains(left)), "{refused}");
    }
}

#[test]
fn a_base_that_mistakes_nearly_all_people_does_not_drop_them() {
    // To this base people are bots and bots people.
    let mut wrong = day(150, 100, 10);
    for client in &mut wrong.clients {
        client.labelled.label = match client.labelled.label {
            Label::Human => Label::Bad,
            Label::Bad => Label::Human,
            other => other,
        };
    }
    let base = train(&[wrong], &Options::default(), |_| {}).unwrap();
    let base = Base::new(Model::parse(&seal(&base.file).unwrap()).unwrap()).unwrap();
    let mut site = day(120, 80, 11);
    let weakly = |label| Labelled { label, why: "a weak rule".to_owned() };
    site.clients.iter_mut().for_each(|client| client.labelled = weakly(client.labelled.label));
    let trained = train(&[site], &Options { base: Some(base), ..weak() }, |_| {}).unwrap();
    let dropped = &trained.file.card.dropped;
    let kept = dropped.iter().find(|(why, _)| why.contains("nearly all people"));
    assert!(*kept.unwrap().1 > 60, "{dropped:?}");
    assert!(trained.is_adapted, "{:?}", trained.file.card.metrics.get("gain/auc"));
    let [people, bots] = judged(&trained, &day(150, 100, 12));
    let area = auc(&people, &bots).unwrap();
    assert!(area > 0.9, "{area}");
}
