//! How good a model is on a labelled log: by client and class, with intervals, beside what the
//! field does today.
//!
//! Traffic goes through the real [`Detector`]. A client's score is the highest it reached at any of
//! its requests, because a verdict is taken at each. Clients with too few pages are counted as not
//! judged, never as right.

use std::collections::BTreeMap;

use detector::Settings;
use detector::model::Card;
use detector::policy::SHARED_MIN;
use detector::{
    Action, AllowList, Class, Detector, Event, Judge, Mode, Model, Policy, PolicyConfig,
    PolicyError, Score, Timestamp, Verdict,
};
use serde::Serialize;
use traffic::replay::{Driver, Judged, PARTS, Semantics, Traffic};
use trainer::label::Label;
use trainer::progress::Stage;
use trainer::site::{OFFLINE_HASH_KEY, Site};
use trainer::statistics::{Interval, auc, auc_interval, share, tpr_at_fpr};

use crate::baseline::{Asked, Baseline, Ruling};
use crate::format::{count, time};
use crate::portrait::{Portrait, Subject, portraits};
use crate::separation::Separation;
use crate::sources::is_trained_on;

mod ladder;
mod refusals;

pub use ladder::Rung;
pub use refusals::Refusals;

/// As many clients are shown one by one.
const SHOWN: usize = 20;
/// As many steps show a distribution.
const STEPS_MAX: usize = 48;
/// Requests judged between two words on how far it is: some milliseconds.
const TELL_EVERY: u64 = 4_096;

/// The object that `evaluate --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Name of the model.
    pub model: String,
    /// Did this very log train the model? Then every figure flatters it. See
    /// [`Evaluation::of_logs`].
    pub in_sample: bool,
    /// End of the model's training, in µs since the epoch.
    pub trained_until_us: i64,
    /// Clients judged who were there by then, by label: on the site that trained the model they may
    /// have taught it. None of a model that was trained on several sites, whose logs are known one
    /// by one.
    pub may_have_trained: BTreeMap<Label, u64>,
    /// Clients by label.
    pub clients: BTreeMap<Label, u64>,
    /// Of these, clients with too few pages.
    pub not_judged: BTreeMap<Label, u64>,
    /// Page requests from which a client is judged.
    pub min_pages: u32,
    /// Area under the ROC curve, people against bad robots.
    pub auc: Option<f64>,
    /// Its 95 % interval.
    pub auc_ci: Option<[f64; 2]>,
    /// Share of bad robots caught when that share of people is hurt; `null` where there are fewer
    /// people than have one in that share.
    pub tpr_at_fpr: BTreeMap<String, Option<f64>>,
    /// Its 95 % intervals.
    pub tpr_at_fpr_ci: BTreeMap<String, Option<[f64; 2]>>,
    /// Share of bad robots above everybody who is a person: what so few people can show.
    pub with_none_hurt: Option<NoneHurt>,
    /// At the model's own thresholds; `null` where it has none.
    pub at_threshold: BTreeMap<String, Option<AtThreshold>>,
    /// All requests of a bad robot up to the one that crosses the strictest threshold, over those
    /// detected.
    pub requests_to_detect: Option<Requests>,
    /// By the reason of the label.
    pub by_class: BTreeMap<String, ByClass>,
    /// What fixed rules do on the same clients.
    pub baselines: BTreeMap<String, AsBaseline>,
    /// What the model's own thresholds refused, verdict by verdict, as a gate would have.
    pub refusals: Refusals,
    /// How the highest scores lie.
    pub separation: Separation,
    /// What a threshold at each of these scores would stop.
    pub ladder: Vec<Rung>,
    /// Bad robots with enough pages by the request that crosses the strictest threshold.
    pub detection: Detection,
    /// Who scores highest.
    pub top: Vec<Portrait>,
    /// Who scores nearest to the limit threshold (0.5 where there is none): a label for these
    /// teaches most.
    pub borderline: Vec<Portrait>,
    /// Addresses of so many browsers that they are never blocked, the busiest first.
    pub shared: Vec<Portrait>,
}

/// How soon bad robots are found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Detection {
    /// Bad robots there were.
    pub of: u64,
    /// `[requests, robots]`: so many were found by their so-manieth request. Both rise.
    pub by_request: Vec<[u64; 2]>,
}

/// Just above the highest person.
#[derive(Clone, Debug, Serialize)]
pub struct NoneHurt {
    /// People judged.
    pub people: u64,
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
}

/// Shares caught and hurt at a threshold.
#[derive(Clone, Debug, Serialize)]
pub struct AtThreshold {
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Its 95 % interval.
    pub tpr_ci: [f64; 2],
    /// Share of people hurt.
    pub fpr: f64,
    /// Its 95 % interval.
    pub fpr_ci: [f64; 2],
}

/// How many requests it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Requests {
    /// Half took at most so many.
    pub median: u64,
    /// Nine of ten took at most so many.
    pub p90: u64,
}

/// One class of bad robots.
#[derive(Clone, Debug, Serialize)]
pub struct ByClass {
    /// Clients judged.
    pub n: u64,
    /// Against all people.
    pub auc: Option<f64>,
    /// Share caught at the limit threshold; without one, at 1 % of people hurt, where there are
    /// people enough.
    pub tpr: Option<f64>,
    /// Its 95 % interval.
    pub tpr_ci: Option<[f64; 2]>,
}

/// A fixed rule on the same clients.
#[derive(Clone, Debug, Serialize)]
pub struct AsBaseline {
    /// Share of bad robots caught.
    pub tpr: f64,
    /// Share of people hurt.
    pub fpr: f64,
    /// Over those caught.
    pub requests_to_detect: Option<Requests>,
    /// How soon it stops them.
    pub detection: Detection,
}

/// What was seen of one client.
#[derive(Clone, Default)]
struct Seen {
    requests: u64,
    highest: Option<f32>,
    /// Whenever it scored higher than ever before: that margin, and at which of its requests.
    rises: Vec<(f32, u64)>,
    limited: u64,
    blocked: u64,
    browsers: u32,
    detected_at: Option<u64>,
    stopped_at: Vec<Option<u64>>,
}

impl Seen {
    /// Takes a request and its verdict in. `strictest` is the highest threshold, in log-odds.
    fn take(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        strictest: Option<f32>,
        browsers: impl FnOnce() -> Option<u32>,
    ) {
        self.requests += 1;
        self.limited += u64::from(verdict.action == Action::Limit);
        self.blocked += u64::from(verdict.action == Action::Block);
        let Some(score) = verdict.score.filter(|_| event.class == Class::Page) else { return };
        if self.highest.is_none_or(|highest| score.margin() > highest) {
            self.highest = Some(score.margin());
            self.rises.push((score.margin(), self.requests));
        }
        self.browsers = self.browsers.max(browsers().unwrap_or(0));
        if strictest.is_some_and(|margin| score.margin() >= margin) {
            self.detected_at = self.detected_at.or(Some(self.requests));
        }
    }
}

/// Evaluates a model on a labelled site, beside these rules, each fresh.
///
/// # Errors
/// [`PolicyError`] when the model's thresholds contradict each other.
pub fn evaluate(
    model: &Model,
    site: &Site,
    min_pages: u32,
    baselines: Vec<Box<dyn Baseline>>,
) -> Result<Evaluation, PolicyError> {
    evaluate_told(model, site, min_pages, baselines, |_| ())
}

/// As [`evaluate`]; `tell` is told now and then how far it is.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_told(
    model: &Model,
    site: &Site,
    min_pages: u32,
    mut baselines: Vec<Box<dyn Baseline>>,
    tell: impl FnMut(Stage<'_>),
) -> Result<Evaluation, PolicyError> {
    let seen = watch(model, site, min_pages, &mut baselines, tell)?;
    let side = |label: Label| -> Vec<&Seen> {
        let of_label = site
            .clients
            .iter()
            .zip(&seen)
            .filter(move |(client, _)| client.labelled.label == label);
        of_label.map(|(_, seen)| seen).filter(|seen| seen.highest.is_some()).collect()
    };
    let (people, bots) = (side(Label::Human), side(Label::Bad));
    let scores =
        |side: &[&Seen]| -> Vec<f32> { side.iter().filter_map(|seen| seen.highest).collect() };
    let (people_scores, bot_scores) = (scores(&people), scores(&bots));

    let margins =
        [("limit", model.thresholds().limit.margin), ("block", model.thresholds().block.margin)];
    let at_threshold = |margin: Option<f32>| {
        let margin = margin.filter(|_| !people.is_empty() && !bots.is_empty())?;
        let above = |scores: &[f32]| {
            share(
                scores.iter().filter(|&&score| score >= margin).count() as u64,
                scores.len() as u64,
            )
        };
        let (tpr, fpr) = (above(&bot_scores), above(&people_scores));
        Some(AtThreshold { tpr: tpr.value, tpr_ci: tpr.ends(), fpr: fpr.value, fpr_ci: fpr.ends() })
    };
    let judged = site.clients.iter().zip(&seen);
    let labelled: Vec<(Label, f32)> =
        judged.filter_map(|(client, seen)| Some((client.labelled.label, seen.highest?))).collect();
    let [top, borderline, shared] = shown(model, site, &seen, min_pages);
    let area = auc_interval(&people_scores, &bot_scores);
    let not_judged = |label: Label| {
        let of_label =
            site.clients.iter().zip(&seen).filter(|(client, _)| client.labelled.label == label);
        of_label.filter(|(_, seen)| seen.highest.is_none()).count() as u64
    };
    Ok(Evaluation {
        model: model.file().name.clone(),
        in_sample: false,
        trained_until_us: model.card().trained_until_us,
        may_have_trained: may_have_trained(model.card(), site, &seen),
        clients: Label::ALL.into_iter().map(|label| (label, site.count(label))).collect(),
        not_judged: Label::ALL.into_iter().map(|label| (label, not_judged(label))).collect(),
        min_pages,
        auc: area.map(|area| area.value),
        auc_ci: area.map(Interval::ends),
        tpr_at_fpr: at_fpr(&|fpr| {
            carried(&people_scores, &bot_scores, fpr).map(|caught| caught.value)
        }),
        tpr_at_fpr_ci: at_fpr(&|fpr| carried(&people_scores, &bot_scores, fpr).map(Interval::ends)),
        with_none_hurt: caught(&people_scores, &bot_scores, 0.0).map(|caught| NoneHurt {
            people: people_scores.len() as u64,
            tpr: caught.value,
            tpr_ci: caught.ends(),
        }),
        at_threshold: margins
            .into_iter()
            .map(|(name, margin)| (name.to_owned(), at_threshold(margin)))
            .collect(),
        requests_to_detect: requests(bots.iter().filter_map(|seen| seen.detected_at).collect()),
        by_class: by_class(site, &seen, &people_scores, model.thresholds().limit.margin),
        baselines: compared(&baselines, &people, &bots),
        refusals: Refusals::count(site, &seen),
        separation: Separation::of(&labelled),
        ladder: ladder::ladder(site, &seen, model.thresholds()),
        detection: detection(bots.len(), bots.iter().filter_map(|seen| seen.detected_at).collect()),
        top,
        borderline,
        shared,
    })
}

impl Evaluation {
    /// With a word on whether the logs, by the digest over them as read, are those that trained the
    /// model.
    #[must_use]
    pub fn of_logs(mut self, model: &Model, data_sha256: &str) -> Self {
        self.in_sample = is_trained_on(model.card(), data_sha256);
        self
    }

    /// What is wrong with the sample, in a sentence: it has, or may have, taught the model.
    pub fn flattery(&self) -> Option<String> {
        if self.in_sample {
            return Some(
                "This log trained the model: every figure flatters it. Give a later log to see \
                    what it is worth."
                    .to_owned(),
            );
        }
        let known: u64 = self.may_have_trained.values().sum();
        let judged: u64 =
            self.clients.values().sum::<u64>() - self.not_judged.values().sum::<u64>();
        (known > 0).then(|| {
            format!(
                "{} of {} judged clients were there before {} UTC, when the model's training \
                    ended: if this log was part of it, they taught \
                 the model, and the figures flatter it.",
                count(known),
                count(judged),
                time(Timestamp::from_micros(self.trained_until_us)),
            )
        })
    }
}

fn at_fpr<T>(caught: &dyn Fn(f64) -> T) -> BTreeMap<String, T> {
    [0.001, 0.01].into_iter().map(|fpr| (fpr.to_string(), caught(fpr))).collect()
}

/// Bad robots caught where at most that share of people is hurt.
fn caught(people: &[f32], bots: &[f32], fpr: f64) -> Option<Interval> {
    let share_of = tpr_at_fpr(people, bots, fpr)?;
    Some(share((share_of * bots.len() as f64).round() as u64, bots.len() as u64))
}

/// The same where the people are enough for one of them to be hurt: of fewer, the share is of none,
/// and says nothing of so small a one.
fn carried(people: &[f32], bots: &[f32], fpr: f64) -> Option<Interval> {
    caught(people, bots, fpr).filter(|_| fpr * people.len() as f64 + 1e-9 >= 1.0)
}

fn may_have_trained(card: &Card, site: &Site, seen: &[Seen]) -> BTreeMap<Label, u64> {
    let mut by_label = BTreeMap::new();
    let clients = site.clients.iter().zip(seen).filter(|(_, seen)| seen.highest.is_some());
    for (client, _) in clients.filter(|_| card.sites_sha256.is_empty()) {
        if client.first_at.as_micros() <= card.trained_until_us {
            *by_label.entry(client.labelled.label).or_default() += 1;
        }
    }
    by_label
}

/// Who is shown one by one: the highest, those around the limit, and addresses of many browsers.
fn shown(model: &Model, site: &Site, seen: &[Seen], min_pages: u32) -> [Vec<Portrait>; 3] {
    let judged = || (0..seen.len()).filter_map(|client| Some((client, seen[client].highest?)));
    let first = |mut ranked: Vec<(f32, usize)>| -> Vec<usize> {
        // The client's number decides between equals, so that the same log gives the same list.
        ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().take(SHOWN).map(|(_, client)| client).collect()
    };
    let limit = model.thresholds().limit.margin.unwrap_or(0.0);
    let groups = [
        first(judged().map(|(client, margin)| (-margin, client)).collect()),
        first(judged().map(|(client, margin)| ((margin - limit).abs(), client)).collect()),
        first(
            (0..seen.len())
                .filter(|&client| seen[client].browsers >= SHARED_MIN)
                .map(|client| (-(seen[client].requests as f32), client))
                .collect(),
        ),
    ];
    let portray = |group: &Vec<usize>| -> Vec<Portrait> {
        let subject = |&client: &usize| {
            let at_request = seen[client].rises.last().map(|rise| rise.1);
            Subject { client, scorer: model.scorer(), at_request }
        };
        let of: Vec<Subject<'_>> = group.iter().map(subject).collect();
        let portraits = portraits(site, model.resolution_us(), min_pages, &of);
        // What the detector said counts: company may have moved a client's clock by some
        // microseconds.
        let known = portraits.into_iter().zip(group.iter().map(|&client| &seen[client]));
        let known = known.map(|(portrait, seen)| Portrait {
            score: seen.highest.map(|margin| f64::from(Score::from_margin(margin).value())),
            refused: Some(seen.limited + seen.blocked),
            browsers: Some(seen.browsers),
            ..portrait
        });
        known.collect()
    };
    groups.each_ref().map(portray)
}

/// Passes the traffic through the detector and, beside it, the baselines.
fn watch(
    model: &Model,
    site: &Site,
    min_pages: u32,
    baselines: &mut [Box<dyn Baseline>],
    mut tell: impl FnMut(Stage<'_>),
) -> Result<Vec<Seen>, PolicyError> {
    let of = site.traffic.len();
    let strictest = model.thresholds().block.margin.or(model.thresholds().limit.margin);
    let policy = Policy::new(
        PolicyConfig { min_pages: Some(min_pages), ..PolicyConfig::default() },
        Some(model),
    )?;
    let judge = Judge { model: Some(model.clone()), policy, allow: AllowList::default() };
    // Far below capacity, so that nobody's verdict depends on anybody else: a network has a 64th of
    // the places.
    let capacity = site.clients.len() * 8 + 65_536;
    let detector = Detector::new(Settings { capacity, hash_key: OFFLINE_HASH_KEY }, judge);
    let mut seen = vec![
        Seen { stopped_at: vec![None; baselines.len()], ..Seen::default() };
        site.clients.len()
    ];
    // What the log has was answered: everything is observed in shadow.
    let mut driver = Driver::new(Semantics::Always(Mode::Shadow));
    site.walk_parts(0..PARTS, |done, step| {
        if done.is_multiple_of(TELL_EVERY) {
            tell(Stage { name: "judging", done, of, unit: "requests" });
        }
        let seen = &mut seen[step.client as usize];
        let at_verdict = |event: &Event, verdict: &Verdict| {
            seen.take(event, verdict, strictest, || detector.browsers(event.client));
            let target = site.targets.get(step.target).unwrap_or("");
            let (client, at, method, status) = (step.client, event.at, event.method, step.status);
            let asked = Asked { client, at, method, target, status, bytes: 0 };
            for (baseline, stopped_at) in baselines.iter_mut().zip(&mut seen.stopped_at) {
                if baseline.observe(&asked) != Ruling::Passed {
                    *stopped_at = stopped_at.or(Some(seen.requests));
                }
            }
        };
        driver.step(step, &mut Judged::new(&detector, at_verdict));
    });
    Ok(seen)
}

fn by_class(
    site: &Site,
    seen: &[Seen],
    people: &[f32],
    limit: Option<f32>,
) -> BTreeMap<String, ByClass> {
    let mut scores: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for (client, seen) in site.clients.iter().zip(seen) {
        if let (Label::Bad, Some(highest)) = (client.labelled.label, seen.highest) {
            scores.entry(&client.labelled.why).or_default().push(highest);
        }
    }
    let class = |scores: &[f32]| {
        let above = |margin: f32| scores.iter().filter(|&&score| score >= margin).count() as u64;
        let own = limit.map(|margin| share(above(margin), scores.len() as u64));
        let caught = own.or_else(|| carried(people, scores, 0.01));
        ByClass {
            n: scores.len() as u64,
            auc: auc(people, scores),
            tpr: caught.map(|caught| caught.value),
            tpr_ci: caught.map(Interval::ends),
        }
    };
    scores.into_iter().map(|(why, scores)| (why.to_owned(), class(&scores))).collect()
}

fn compared(
    baselines: &[Box<dyn Baseline>],
    people: &[&Seen],
    bots: &[&Seen],
) -> BTreeMap<String, AsBaseline> {
    if people.is_empty() || bots.is_empty() {
        return BTreeMap::new();
    }
    let row = |(index, baseline): (usize, &dyn Baseline)| {
        let stopped = |side: &[&Seen]| -> Vec<u64> {
            side.iter().filter_map(|seen| seen.stopped_at[index]).collect()
        };
        let (hurt, caught) = (stopped(people), stopped(bots));
        let row = AsBaseline {
            tpr: caught.len() as f64 / bots.len() as f64,
            fpr: hurt.len() as f64 / people.len() as f64,
            requests_to_detect: requests(caught.clone()),
            detection: detection(bots.len(), caught),
        };
        (baseline.name().to_owned(), row)
    };
    baselines.iter().map(AsRef::as_ref).enumerate().map(row).collect()
}

fn detection(of: usize, mut counts: Vec<u64>) -> Detection {
    counts.sort_unstable();
    let last = |i: usize| counts.get(i + 1).is_none_or(|&next| next > counts[i]);
    let steps: Vec<[u64; 2]> =
        (0..counts.len()).filter(|&i| last(i)).map(|i| [counts[i], i as u64 + 1]).collect();
    let stride = steps.len().div_ceil(STEPS_MAX).max(1);
    // Backwards, so that the last step stays.
    let mut by_request: Vec<[u64; 2]> = steps.into_iter().rev().step_by(stride).collect();
    by_request.reverse();
    Detection { of: of as u64, by_request }
}

fn requests(mut counts: Vec<u64>) -> Option<Requests> {
    counts.sort_unstable();
    let at = |share: f64| {
        counts.get(((counts.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied()
    };
    Some(Requests { median: at(0.5)?, p90: at(0.9)? })
}
