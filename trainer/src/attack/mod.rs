//! Attack your own log: rows of simulated bots that walk the site's own URLs.
//!
//! Many logs hold no bot, or none that anybody can name: those of a small shop, or of an API behind
//! an app, where nobody sends a referer. There a model has nothing to tell people from. So bots are
//! simulated on *this* site: they crawl, enumerate, poll, read lists, try passwords and scan, on
//! its own pages, answered as the site answers, in the log's own time step, each kind in every kind
//! of pace (`beat.rs`). Some drive the site as its own visitors do (`drive`): they take the whole
//! way of a client of the log, with its assets and the volleys of calls that a front end fires, and
//! wait like a program in a hurry where the client stopped to read.
//!
//! Each kind of attack weighs the same. Where the log has no bots of its own, all attackers
//! together weigh as much as all people; otherwise a share of what the log's bots weigh. They never
//! calibrate. [`assumed`] says whom they are compared with where nobody is known to be a person.

pub(crate) mod assumed;
mod beat;
mod learnt;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use detector::features::COUNT;
use detector::model::Scorer;
use detector::{Class, ClientKey, Event, Features, Timestamp};
use linfa::DatasetBase;
use ndarray::{Array1, Array2, Axis, concatenate};
use traffic::log::RecordKind;
use traffic::replay::{Driver, LogStep};
use traffic::sim::Dice;

use crate::client_folds::FOLDS;
use crate::error::TrainError;
use crate::samples::{Rows, SCHEDULE, Sample};
use crate::site::Site;
use crate::unjudged::{UnjudgedClient, UnjudgedWindow};
use beat::{Beat, Kind};
use learnt::{Asked, LearntSite, Visited};
use ways::Way;

/// Attackers of each kind and pace.
const OF_A_KIND: usize = 10;
/// What all attackers weigh for each unit of the log's own bots.
const SHARE: f64 = 0.5;
/// The draws of attackers.
const SEED: u64 = 0x6174_7461_636b;
/// A gap that a front end makes and no person: up to a second, or one step of the log's time.
const FRONT_END_US: i64 = 1_000_000;
/// A visit is followed only if its client stopped to read at least so often.
const STOPS_MIN: usize = 3;
/// How many attackers drive in each beat, at most.
const DRIVERS: usize = 40;
/// What share of a client's pauses a program takes that drives the client's way. A program has
/// nothing to read, and time costs it what it is after, so it is never slower than the client.
const HASTE: [f64; 2] = [0.03, 0.7];
/// The kind of attackers who follow a client's way.
const DRIVE: &str = "drive";

/// One row of an attacker.
#[derive(Clone, Debug)]
struct AttackRow {
    way: &'static str,
    beat: Kind,
    /// The attacker's number.
    number: u64,
    pages: u32,
    features: Features,
}

/// Rows of the attackers of one site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attack {
    rows: Vec<AttackRow>,
}

/// One request of an attacker.
struct Planned {
    asked: Asked,
    /// The gap before it, in µs, where it is not the attacker's to choose.
    gap_us: Option<i64>,
}

impl Attack {
    /// Attacks a site, in steps of so many microseconds.
    pub fn on(site: &Site, resolution_us: u32) -> Self {
        let learnt = LearntSite::of(site);
        let mut attack = Self::default();
        let mut number = 0_u64;
        for way in Way::ALL {
            for beat in Kind::ALL {
                for _ in 0..OF_A_KIND {
                    number += 1;
                    let mut dice = Dice::nth(SEED, number);
                    let plan = plan(way, &learnt, &mut dice);
                    let attacker = Attacker { site, resolution_us, number, measured_as: None };
                    let pace = Beat::of(beat, dice.log_between(0.15, 45.0), &mut dice);
                    attack.add(&attacker, (way.name(), beat), &pace, &learnt, &plan, &mut dice);
                }
            }
        }
        let fine = FRONT_END_US.max(i64::from(resolution_us));
        let visits: Vec<&Visited> =
            learnt.visits.iter().filter(|visit| stops(visit, fine).len() >= STOPS_MIN).collect();
        for kind in Kind::OF_DRIVERS {
            for visit in visits.iter().take(DRIVERS) {
                number += 1;
                let mut dice = Dice::nth(SEED, number);
                let haste = dice.log_between(HASTE[0], HASTE[1]);
                let gap_s = haste * median_stop_s(visit, fine);
                let hurry = (kind == Kind::Hurried).then_some(haste);
                let plan = driven(visit, fine, hurry, &mut dice);
                let attacker =
                    Attacker { site, resolution_us, number, measured_as: Some(visit.client) };
                let beat = Beat::of(kind, gap_s, &mut dice);
                attack.add(&attacker, (DRIVE, kind), &beat, &learnt, &plan, &mut dice);
            }
        }
        attack
    }

    fn add(
        &mut self,
        attacker: &Attacker<'_>,
        (way, kind): (&'static str, Kind),
        beat: &Beat,
        learnt: &LearntSite,
        plan: &[Planned],
        dice: &mut Dice,
    ) {
        let number = attacker.number;
        let rows = attacker.rows(beat, plan, learnt.span_us, dice);
        self.rows.extend(rows.into_iter().map(|(pages, features)| AttackRow {
            way,
            beat: kind,
            number,
            pages,
            features,
        }));
    }

    /// Does nobody attack?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many attackers there are, by what they do.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let numbers: BTreeSet<(&str, u64)> =
            self.rows.iter().map(|row| (row.way, row.number)).collect();
        let mut counts = BTreeMap::new();
        for (way, _) in numbers {
            *counts.entry(way).or_insert(0) += 1;
        }
        counts
    }

    /// Each attacker's highest margin over its rows with enough pages, by the scorer of its fold,
    /// which was trained without it.
    pub fn highest(&self, scorers: &[Scorer], min_pages: u32) -> Vec<f32> {
        let mut highest: BTreeMap<u64, f32> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.pages >= min_pages) {
            let Some(scorer) = scorers.get(fold_of(row.number)) else { continue };
            let margin = scorer.margin(&row.features);
            let best = highest.entry(row.number).or_insert(margin);
            *best = best.max(margin);
        }
        highest.into_values().collect()
    }

    /// The rows of `samples` with those of the attackers behind them, except for the attackers of a
    /// fold, and `clients` (numbers for early stopping) likewise.
    ///
    /// # Errors
    /// [`TrainError::Fit`]: rows of another width.
    pub fn join(
        &self,
        rows: Rows,
        clients: &mut Vec<u64>,
        samples: &[Sample],
        without: Option<usize>,
    ) -> Result<Rows, TrainError> {
        let taken: Vec<&AttackRow> =
            self.rows.iter().filter(|row| Some(fold_of(row.number)) != without).collect();
        let Some(weights) = rows.weights().map(<[f32]>::to_vec).filter(|_| !taken.is_empty())
        else {
            return Ok(rows);
        };
        let total = |bad| -> f64 {
            let rows = samples.iter().zip(&weights).filter(|(sample, _)| sample.bad == bad);
            rows.map(|(_, weight)| f64::from(*weight)).sum()
        };
        let (people, bots) = (total(false), total(true));
        let all = if bots > 0.0 { bots * SHARE } else { people };
        let mut records = Array2::from_elem((taken.len(), COUNT), f32::NAN);
        for (mut record, row) in records.rows_mut().into_iter().zip(&taken) {
            record.iter_mut().zip(row.features.0).for_each(|(slot, value)| *slot = value);
        }
        let targets: Array1<bool> =
            rows.targets.iter().copied().chain(taken.iter().map(|_| true)).collect();
        let weights: Array1<f32> = weights.into_iter().chain(weights_of(&taken, all)).collect();
        clients.extend(taken.iter().map(|row| Dice::nth(SEED ^ 1, row.number).bits()));
        let records = concatenate(Axis(0), &[rows.records.view(), records.view()])
            .map_err(|error| TrainError::Fit(error.to_string()))?;
        Ok(DatasetBase::new(records, targets).with_weights(weights))
    }
}

/// Which fold an attacker is in.
fn fold_of(number: u64) -> usize {
    (number % FOLDS) as usize
}

/// Every kind weighs the same, within it every pace, within that every attacker, and of an attacker
/// every row.
fn weights_of(rows: &[&AttackRow], all: f64) -> Vec<f32> {
    let mut paces: BTreeMap<&str, BTreeSet<Kind>> = BTreeMap::new();
    let mut attackers: BTreeMap<(&str, Kind), BTreeSet<u64>> = BTreeMap::new();
    let mut rows_of: BTreeMap<u64, f64> = BTreeMap::new();
    for row in rows {
        paces.entry(row.way).or_default().insert(row.beat);
        attackers.entry((row.way, row.beat)).or_default().insert(row.number);
        *rows_of.entry(row.number).or_default() += 1.0;
    }
    let weight = |row: &&AttackRow| {
        let of_a_pace = all / paces.len() as f64 / paces[row.way].len() as f64;
        (of_a_pace / attackers[&(row.way, row.beat)].len() as f64 / rows_of[&row.number]) as f32
    };
    rows.iter().map(weight).collect()
}

/// What one attacker asks for. Some load what browsers load with a page.
fn plan(way: Way, site: &LearntSite, dice: &mut Dice) -> Vec<Planned> {
    let many = dice.log_between(10.0, 150.0) as usize;
    let is_browser = dice.chance(0.4);
    let pages = way.pages(site, many, dice);
    let mut plan = Vec::new();
    for asked in pages {
        plan.push(Planned { asked, gap_us: None });
        if !is_browser || asked.status >= 400 {
            continue;
        }
        let page = site.pages.get(asked.page as usize);
        for &asset in page.map_or(&[][..], |page| &page.assets) {
            let gap_us = (dice.exponential(0.05) * 1e6) as i64;
            plan.push(Planned { asked: site.assets[asset as usize], gap_us: Some(gap_us) });
        }
    }
    plan
}

/// How long a visit's client stopped to read, each time, in µs.
fn stops(visit: &Visited, fine: i64) -> Vec<i64> {
    let gap = |pair: &[Asked]| pair[1].event.at.as_micros() - pair[0].event.at.as_micros();
    visit.steps.windows(2).map(gap).filter(|&gap| gap > fine).collect()
}

/// The median of a visit's stops, in seconds.
fn median_stop_s(visit: &Visited, fine: i64) -> f64 {
    let mut stops = stops(visit, fine);
    stops.sort_unstable();
    stops.get(stops.len() / 2).map_or(1.0, |&stop| stop as f64 / 1e6)
}

/// The way of a visit. Gaps of the front end stay as they were; with a `hurry`, so do the client's
/// pauses, but for this share of their length.
fn driven(visit: &Visited, fine: i64, hurry: Option<f64>, dice: &mut Dice) -> Vec<Planned> {
    let mut before: Option<Timestamp> = None;
    let step = |asked: &Asked| {
        let gap = before.map_or(0, |before| asked.event.at.as_micros() - before.as_micros());
        before = Some(asked.event.at);
        // What a browser loads, it loads when it likes.
        let gap_us = if gap <= fine || asked.event.class == Class::Asset {
            Some(gap.min(4 * fine))
        } else {
            hurry.map(|share| (gap as f64 * share * dice.lognormal(1.0, 0.1)) as i64)
        };
        Planned { asked: *asked, gap_us }
    };
    visit.steps.iter().map(step).collect()
}

/// One attacker.
struct Attacker<'a> {
    site: &'a Site,
    resolution_us: u32,
    number: u64,
    /// The client whose site profile it is measured with: one that this client did not teach.
    measured_as: Option<usize>,
}

impl Attacker<'_> {
    /// Carries a plan out and returns rows at the page counts of every client's.
    fn rows(
        &self,
        beat: &Beat,
        plan: &[Planned],
        span_us: i64,
        dice: &mut Dice,
    ) -> Vec<(u32, Features)> {
        let client = ClientKey::from_text(&format!("attacker {}", self.number));
        let Some([first, _]) = self.site.span() else { return Vec::new() };
        let begin = first.as_micros() + (dice.unit() * span_us as f64 * 0.8) as i64;
        let mut at = begin;
        let resolution = i64::from(self.resolution_us.max(1));
        let mut known = UnjudgedClient::new(Timestamp::from_micros(at));
        let mut driver = Driver::default();
        let profile = match self.measured_as {
            Some(client) => self.site.profile_for(client),
            None => self.site.profiles.last().map(Arc::as_ref),
        };
        let mut rows = Vec::new();
        let mut pages = 0_usize;
        for (index, Planned { asked, gap_us }) in plan.iter().enumerate() {
            if index > 0 {
                at += gap_us.unwrap_or_else(|| (beat.gap_s(pages, dice) * 1e6) as i64).max(1);
            }
            // Nobody is seen for longer than the log. A log of seconds still shows a few pages.
            if at - begin > span_us && pages > 20 {
                break;
            }
            pages += usize::from(asked.event.class == Class::Page);
            let told = Timestamp::from_micros(at / resolution * resolution);
            let event = Event { client, at: told, ..asked.event };
            let at_request = |event: &Event, known: &UnjudgedClient| {
                let pages = known.window.pages();
                if event.class == Class::Page && SCHEDULE.contains(&pages) {
                    rows.push((pages, Features::measure(&known.window)));
                }
            };
            let resolution_us = self.resolution_us;
            let mut subject =
                UnjudgedWindow { client: &mut known, resolution_us, profile, at_request };
            driver.step(&LogStep::new(event, RecordKind::Whole, asked.status), &mut subject);
        }
        rows
    }
}
