//! Who must be stopped and who must not, each under its own name.
//!
//! First real sockets: `wget` and a person in the toy shop. Then cases from public logs and from
//! the field's issue trackers, as events on a virtual clock, judged by a model that was trained on
//! a simulated day of the toy shop, has seen none of them, and refuses at the thresholds which that
//! day proved.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use detector::{
    Action, AllowList, ClientKey, Detector, Judge, Mode, Policy, PolicyConfig, Request, Score,
    Timestamp,
};
use kidoban::input::Logs;
use traffic::replay::replay;
use traffic::sim::{Dice, Site};

use crate::support::{Folder, model};

/// The shop's own thresholds, proven by its people.
pub fn thresholds(file: &detector::model::File) -> [f32; 2] {
    [&file.thresholds.limit, &file.thresholds.block]
        .map(|budget| Score::from_margin(budget.margin.unwrap()).value())
}

/// One request on a virtual clock.
pub struct Asked {
    pub at: Timestamp,
    pub method: &'static str,
    pub target: String,
    pub status: u16,
    pub agent: Option<&'static str>,
}

/// How a client fared.
#[derive(Debug, Default)]
pub struct Fate {
    pub requests: usize,
    pub limited: usize,
    pub blocked: usize,
    /// Number of the first refused request, from 1.
    pub first_refused: Option<usize>,
    pub highest: Option<f32>,
}

impl Fate {
    /// Stopped within its first `requests_max` requests, and refused from then on.
    pub fn assert_stopped_within(&self, requests_max: usize) {
        assert!(self.first_refused.is_some_and(|first| first <= requests_max), "{self:?}");
        assert!(self.limited + self.blocked >= (self.requests - requests_max) / 2, "{self:?}");
    }

    pub fn assert_never_refused(&self) {
        assert!(self.first_refused.is_none(), "{self:?}");
        assert!(self.highest.is_some(), "never judged: {self:?}");
    }
}

/// A detector with the toy shop's own model.
pub fn of_the_shop() -> Detector {
    let file = model::proven(&Arc::new(Site::new(1)));
    let [limit, block] = thresholds(&file);
    model::detector(100_000, model::judge(model::parse(&file), limit, block))
}

pub fn client(text: &str) -> ClientKey {
    ClientKey::from_text(text)
}

/// Lets a client ask; what is allowed is answered 20 ms later.
pub fn watch(detector: &Detector, client: ClientKey, asked: &[Asked]) -> Fate {
    let mut fate = Fate::default();
    watch_on(detector, client, asked, &mut fate);
    fate
}

/// Lets a client ask on, adding to what became of it before.
pub fn watch_on(detector: &Detector, client: ClientKey, asked: &[Asked], fate: &mut Fate) {
    for Asked { at, method, target, status, agent } in asked {
        fate.requests += 1;
        let request = Request {
            client,
            at: *at,
            method,
            target,
            fetch_dest: None,
            agent: agent.map(str::as_bytes),
            recorded: None,
            is_proxys: false,
        };
        let event = detector.event(&request);
        let observed = detector.observe(&event, Mode::Enforce);
        let verdict = observed.verdict;
        let score = verdict.score.map(Score::margin);
        fate.highest = score
            .map_or(fate.highest, |score| Some(fate.highest.map_or(score, |best| best.max(score))));
        match verdict.action {
            Action::Allow => {
                if let Some(token) = observed.token {
                    detector.conclude(token, at.plus_micros(20_000), *status);
                }
                continue;
            }
            Action::Limit => fate.limited += 1,
            Action::Block => fate.blocked += 1,
        }
        fate.first_refused.get_or_insert(fate.requests);
    }
}

/// `count` requests, `gap_s` apart on average, each gap off by up to `jitter` of it.
pub fn at_pace(
    count: usize,
    gap_s: f64,
    jitter: f64,
    mut what: impl FnMut(usize) -> (&'static str, String),
) -> Vec<Asked> {
    let mut dice = Dice::new(41);
    let mut at = model::DAY;
    let mut asked = Vec::new();
    for index in 0..count {
        let (method, target) = what(index);
        asked.push(Asked { at, method, target, status: 200, agent: None });
        at = at.plus_micros((gap_s * dice.between(1.0 - jitter, 1.0 + jitter) * 1e6) as u64);
    }
    asked
}

#[test]
fn a_poller_that_comes_every_60_seconds_is_stopped() {
    // As in a public log: spread of gaps 0.01, one other URL among fifty.
    let asked = at_pace(100, 60.0, 0.017, |index| {
        ("GET", format!("/p/{}", 1 + usize::from(index % 50 == 30)))
    });
    watch(&of_the_shop(), client("192.0.2.1"), &asked).assert_stopped_within(20);
}

#[test]
fn a_catalogue_scraper_with_654_of_660_urls_unique_is_stopped_in_spite_of_its_12_images() {
    let urls = |index: usize| match index {
        index if index % 55 == 54 => format!("/img/p/{index}-1.jpg"),
        index if index % 110 == 10 => format!("/p/{}", index.saturating_sub(1)),
        index => format!("/p/{index}"),
    };
    let distinct: HashSet<String> = (0..660).map(urls).collect();
    assert_eq!(distinct.len(), 654);
    let detector = of_the_shop();
    for (number, gap_s) in [0.3, 1.0, 2.0, 5.0, 10.0].into_iter().enumerate() {
        let asked = at_pace(660, gap_s, 0.3, |index| ("GET", urls(index)));
        assert_eq!(asked.iter().filter(|asked| asked.target.ends_with(".jpg")).count(), 12);
        watch(&detector, client(&format!("192.0.2.{number}")), &asked).assert_stopped_within(30);
    }
}

/// What `wget --mirror` asks the toy shop for, in its order: as pages link, each once.
fn mirrored(site: &Site) -> Vec<String> {
    let shelves = site.catalogue().categories();
    let mut targets = vec!["/".to_owned(), "/cart".to_owned(), "/login".to_owned()];
    targets.extend(shelves.iter().map(|shelf| format!("/c/{}", shelf.slug)));
    targets.extend(site.featured().iter().map(|id| format!("/p/{id}")));
    for shelf in shelves {
        targets.extend(
            ["popular", "price", "new"].map(|sort| format!("/c/{}?sort={sort}", shelf.slug)),
        );
        targets.push(format!("/c/{}?under=3000", shelf.slug));
        targets.extend(shelf.products.iter().take(20).map(|id| format!("/p/{id}")));
        targets.extend((2..6).map(|page| format!("/c/{}?sort=popular&page={page}", shelf.slug)));
    }
    targets
}

/// Asks for one target after the other, each after the gap that `gap_s` says.
fn in_turn(targets: &[String], mut gap_s: impl FnMut(usize) -> f64) -> Vec<Asked> {
    let mut at = model::DAY;
    let page = |(index, target): (usize, &String)| {
        at = at.plus_micros((gap_s(index) * 1e6) as u64);
        Asked { at, method: "GET", target: target.clone(), status: 200, agent: Some("Wget/1.21.3") }
    };
    targets.iter().enumerate().map(page).collect()
}

#[test]
fn a_mirror_as_fast_as_the_shop_answers_is_stopped_however_busy_the_machine() {
    // As wget was seen to ask: answers of a millisecond, the scheduler's ten in between; from afar,
    // answers of a fifth of a second.
    let (detector, targets) = (of_the_shop(), mirrored(&Site::new(1)));
    for seed in 0..60 {
        let mut dice = Dice::nth(67, seed);
        let (answer_s, busy_share) = (dice.log_between(0.000_2, 0.2), dice.between(0.05, 0.5));
        let asked = in_turn(&targets, |_| {
            let busy_s = if dice.chance(busy_share) { dice.between(0.002, 0.012) } else { 0.0 };
            dice.lognormal(answer_s, 0.3) + busy_s
        });
        let fate = watch(&detector, client(&format!("192.{seed}.2.1")), &asked);
        println!("{answer_s:.4} s, busy {busy_share:.2}: {fate:?}");
        fate.assert_stopped_within(40);
        assert!(fate.blocked * 10 > fate.requests * 8, "{fate:?}");
    }
}

#[test]
fn a_mirror_that_asks_for_several_pages_at_a_time_is_stopped() {
    // As crawling libraries do: so many connections, each the next page as soon as it is answered;
    // or volleys, then a rest.
    let (detector, targets) = (of_the_shop(), mirrored(&Site::new(1)));
    let mut through = Vec::new();
    for seed in 0..40 {
        let mut dice = Dice::nth(71, seed);
        let (at_once, answer_s, rests) =
            (2 + dice.below(15), dice.log_between(0.02, 0.5), dice.chance(0.5));
        let asked = if rests {
            in_turn(&targets, |index| {
                if index % at_once == 0 {
                    dice.lognormal(answer_s, 0.3)
                } else {
                    dice.exponential(0.002)
                }
            })
        } else {
            in_turn(&targets, |_| dice.exponential(answer_s / at_once as f64))
        };
        let fate = watch(&detector, client(&format!("193.{seed}.2.1")), &asked);
        if fate.first_refused.is_none_or(|first| first > 40)
            || (fate.limited + fate.blocked) * 2 < fate.requests
        {
            through.push(format!("{at_once} at once, {answer_s:.3} s, {rests}: {fate:?}"));
        }
    }
    println!("{through:#?}");
    // Nine pages at once every half second is as near as it comes to people whose pages prefetch.
    assert!(through.len() <= 2, "{through:#?}");
}

#[test]
fn a_flood_of_one_page_or_of_three_is_stopped() {
    let detector = of_the_shop();
    for seed in 0..40 {
        let mut dice = Dice::nth(73, seed);
        let (pages, answer_s, busy_share) =
            (1 + seed as usize % 3, dice.log_between(0.000_2, 0.2), dice.between(0.0, 0.5));
        let targets: Vec<String> = (0..700)
            .map(|index| ["/", "/c/lamps", "/search?q=tea"][index % pages].to_owned())
            .collect();
        let asked = in_turn(&targets, |_| {
            let busy_s = if dice.chance(busy_share) { dice.exponential(0.01) } else { 0.0 };
            dice.lognormal(answer_s, 0.3) + busy_s
        });
        let fate = watch(&detector, client(&format!("194.{seed}.2.1")), &asked);
        println!("{pages} pages, {answer_s:.4} s: {fate:?}");
        fate.assert_stopped_within(40);
    }
}

#[test]
fn an_xmlrpc_brute_force_every_522_seconds_is_stopped_whatever_it_is_answered() {
    let detector = of_the_shop();
    for status in [200, 401, 403, 404] {
        let mut asked = at_pace(160, 522.0, 0.003, |_| ("POST", "/xmlrpc.php".to_owned()));
        asked.iter_mut().for_each(|asked| asked.status = status);
        watch(&detector, client(&format!("guesser answered {status}")), &asked)
            .assert_stopped_within(20);
    }
}

#[test]
fn one_address_that_rotates_four_browsers_is_stopped_like_one_that_does_not() {
    const BROWSERS: [&str; 4] =
        ["Firefox/144.0", "Chrome/141.0.0.0", "Version/18.6 Safari/605.1.15", "Edg/141.0.0.0"];
    let asked = at_pace(200, 2.0, 0.2, |index| ("GET", format!("/p/{}", 100 + index)));
    let log = |name: &str, browsers: &[&str]| {
        let mut text = Vec::new();
        for (index, Asked { at, target, .. }) in asked.iter().enumerate() {
            let millis = at.as_micros() / 1_000;
            let browser = browsers[index % browsers.len()];
            writeln!(
                text,
                "{{\"msec\":{}.{:03},\"remote_addr\":\"192.0.2.1\",\"request_method\":\"GET\",\
                 \"request_uri\":\"{target}\",\"status\":200,\
                 \"http_user_agent\":\"Mozilla/5.0 {browser}\"}}",
                millis / 1_000,
                millis % 1_000
            )
            .unwrap();
        }
        (name.to_owned(), text)
    };
    let folder = Folder::new("rotating");
    let judge = (*of_the_shop().judge()).clone();
    let fate = |(name, text): (String, Vec<u8>)| {
        let logs = Logs::find(&[folder.write(&name, text).display().to_string()]).unwrap();
        let mut verdicts = Vec::new();
        let detector = model::detector(100, judge.clone());
        replay(logs.open().unwrap(), &detector, None, |_, verdict, _, _| verdicts.push(*verdict))
            .unwrap();
        verdicts
    };
    let (one, four) = (fate(log("one.log", &BROWSERS[..1])), fate(log("four.log", &BROWSERS)));
    assert_eq!(one, four, "what it says it is is not scored");
    let first = four.iter().position(|verdict| verdict.action != Action::Allow);
    assert!(first.is_some_and(|first| first < 30), "{first:?}");
}

#[test]
fn a_timestamp_in_the_query_makes_urls_unique_and_paths_not() {
    // A site's own wp-cron calling itself.
    let mut detector = of_the_shop();
    let server = client("192.0.2.80");
    let asked = at_pace(200, 70.0, 0.2, |index| {
        (
            "POST",
            format!(
                "/wp-cron.php?doing_wp_cron=17947{:05}.{:06}",
                index * 61 % 99_991,
                index * 7_919 % 999_983
            ),
        )
    });
    watch(&detector, server, &asked);
    let features = detector.features(server).unwrap();
    let value = |name| features.value(name).unwrap();
    assert!(value("unique_ratio") > 0.95, "{}", value("unique_ratio"));
    assert!(value("unique_path_ratio") < 0.05, "{}", value("unique_path_ratio"));
    assert!(value("query_fanout") > 20.0, "{}", value("query_fanout"));

    let allow = AllowList::new(vec!["192.0.2.80/32".parse().unwrap()], Vec::new());
    detector.install(Judge { allow, ..(*detector.judge()).clone() });
    let fate = watch(&detector, server, &asked);
    assert_eq!(fate.first_refused, None, "the shop's own server is on the allow list");
}

#[test]
fn a_scraper_that_names_another_browser_at_every_request_has_a_limited_clients_pages_at_most() {
    const NAMES: &[&str] =
        &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
    let mut asked = at_pace(2_400, 0.5, 0.2, |index| ("GET", format!("/p/{}", 100 + index)));
    asked.iter_mut().zip(NAMES.iter().cycle()).for_each(|(asked, name)| asked.agent = Some(name));
    let fate = watch(&of_the_shop(), client("192.0.2.1"), &asked);
    let granted = fate.requests - fate.limited - fate.blocked;
    println!("{granted} granted in twenty minutes: {fate:?}");
    fate.assert_stopped_within(30);
    assert!(granted <= 20 * 30 + 10 + 30, "{granted} pages in twenty minutes");
}

#[test]
fn without_its_own_block_threshold_a_model_never_blocks() {
    // A day of 1,200 people cannot prove a budget of 0.1 %; nothing but an operator's own word
    // blocks then.
    let file = model::trained_on_a_day(&Arc::new(Site::new(1)));
    assert_eq!(file.thresholds.block.margin, None);
    let model = model::parse(&file);
    let policy = Policy::new(PolicyConfig::default(), Some(&model)).unwrap();
    let detector =
        model::detector(100, Judge { model: Some(model), policy, allow: AllowList::default() });
    let asked = at_pace(300, 0.5, 0.1, |index| ("GET", format!("/p/{}", 100 + index)));
    let fate = watch(&detector, client("192.0.2.1"), &asked);
    assert!(fate.blocked == 0 && fate.limited > 100, "{fate:?}");
}
