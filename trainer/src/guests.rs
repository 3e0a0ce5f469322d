//! Visitors whom a log may not hold.
//!
//! A log is of the days it was written. Tomorrow may be a sale: people who reload until it opens,
//! ten times as many as ever and all on one product; a campaign that brings an office, or a whole
//! carrier, behind one address; a new front end that fetches a list's products before anybody
//! clicks. A model that has never seen them takes them for pollers and scrapers, and a proof by
//! yesterday's people says nothing about them. So simulated ones are invited to every training.
//!
//! And tomorrow somebody may copy the shop with `wget --mirror`: as fast as it answers, at gaps of
//! 0.2 ms and 10 ms as the machine is busy, which spread over orders of magnitude as a person's do.
//! No log without a flood has such speed but at addresses of many people, so a model would learn
//! that haste is human. Hence the **hasty**: the demo's bots, asking as soon as they are answered.
//! They come where the model may score how fast somebody asks; without that they would differ in
//! nothing from people whose pages prefetch.
//!
//! People among the guests weigh a tenth of the site's own ([`SHARE`]), bots a tenth of its bots,
//! every kind the same. They never calibrate and never count as evidence: thresholds are proven by
//! real people alone. What only the site's memory can say of a page is taken from a person of the
//! site for all of them, because they have never been there: it must be the haste that gives the
//! hasty away.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use detector::features::{COUNT, FEATURES, Family, index_of};
use detector::{
    AllowList, Class, ClientKey, Event, Features, Request, Timestamp, UrlHasher, Window,
};
use linfa::DatasetBase;
use ndarray::{Array1, Array2, Axis, concatenate};
use traffic::replay::Driver;
use traffic::sim::{
    DEFAULT_START, Dice, Mix, Population, Shop, SimRequest, Site, Truth, simulate, simulate_shop,
};

use crate::TrainError;
use crate::samples::{Rows, SCHEDULE, Sample};
use crate::site::OFFLINE_HASH_KEY;
use crate::unjudged::UnjudgedWindow;

/// What all people or all bots of them together weigh, for each unit of a site's own.
const SHARE: f64 = 0.1;
/// Whose people are invited: page by page and through an API, with and without prefetching, on an
/// ordinary day and on that of a sale.
const SHOPS: [&str; 5] = ["boutique", "warehouse", "spa", "flashsale", "eager"];
/// People a shop.
const PEOPLE: usize = 60;
/// People behind one address.
const SHARED: [usize; 4] = [8, 40, 200, 1_000];
/// Theirs is the busiest hour: the same people over a day look calmer.
const RUSH_PEOPLE: usize = 1_000;
/// Addresses of each size, at most.
const ADDRESSES: usize = 12;
/// How fast somebody asks.
const SPEED: &str = "rate_60s";
/// Bots of each kind that come in haste.
const HASTY: usize = 100;
/// Of whose walks, every kind as often.
const IN_HASTE: [Population; 5] = [
    Population::Scraper,
    Population::BreadthFirst,
    Population::Poller,
    Population::BruteForcer,
    Population::Scanner,
];
/// Nobody else draws with this seed: who is invited is in no simulated shop, log or benchmark.
const SEED: u64 = 0x6775_6573_7473;
const HOUR_US: u64 = 3_600_000_000;
/// Early stopping holds out the clients whose number is a multiple of five: guests are none of
/// them.
const NEVER_HELD_OUT: u64 = 1;

/// One row of one guest.
#[derive(Clone, Debug)]
struct Guest {
    kind: (Population, usize),
    bad: bool,
    number: u64,
    features: Features,
}

/// Rows of guests, told in a log's time step.
#[derive(Clone, Debug)]
pub struct Guests {
    rows: Vec<Guest>,
}

impl Guests {
    /// Invites them, where a log tells time in steps of so many microseconds. The same every time;
    /// kept, because every fit asks for them.
    pub fn invite(resolution_us: u32) -> Arc<Self> {
        static KEPT: Mutex<BTreeMap<u32, Arc<Guests>>> = Mutex::new(BTreeMap::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            kept.entry(resolution_us)
                .or_insert_with(|| Arc::new(Self::measure(resolution_us.max(1)))),
        )
    }

    fn measure(resolution_us: u32) -> Self {
        let mut rows = Vec::new();
        let mut numbers = 0_u64;
        let mut see = |requests: &[SimRequest],
                       key: &dyn Fn(&SimRequest) -> Option<ClientKey>,
                       shared: usize| {
            let mut seen: HashMap<ClientKey, (u64, Presence)> = HashMap::new();
            for request in requests.iter().filter(|request| request.truth() == Truth::Human) {
                let Some(client) = key(request) else { continue };
                let (number, presence) = seen.entry(client).or_insert_with(|| {
                    numbers += 1;
                    (numbers, Presence::new(request.at))
                });
                let kind = (
                    if shared > 1 { Population::SharedShopper } else { request.population },
                    shared,
                );
                let features = presence.ask(request, client, resolution_us);
                rows.extend(features.map(|features| Guest {
                    kind,
                    bad: false,
                    number: *number,
                    features,
                }));
            }
        };
        for shop in SHOPS.into_iter().filter_map(Shop::find) {
            let day = simulate_shop(shop, SEED, DEFAULT_START, 24 * HOUR_US, Some(PEOPLE));
            see(&day, &|request| Some(ClientKey::from_ip(request.client)), 1);
        }
        if let Some(shop) = Shop::find(SHOPS[0]) {
            let rush = simulate_shop(shop, SEED, DEFAULT_START, HOUR_US, Some(24 * RUSH_PEOPLE));
            let people: BTreeSet<ClientKey> =
                rush.iter().map(|request| ClientKey::from_ip(request.client)).collect();
            let place: HashMap<ClientKey, usize> =
                people.into_iter().enumerate().map(|(i, key)| (key, i)).collect();
            for shared in SHARED {
                let behind = |request: &SimRequest| {
                    let place =
                        place.get(&ClientKey::from_ip(request.client)).copied().unwrap_or_default();
                    let address = place / shared;
                    (address < ADDRESSES)
                        .then(|| ClientKey::from_text(&format!("address {address}")))
                };
                see(&rush, &behind, shared);
            }
        }
        rows.extend(hasty(numbers, resolution_us));
        Self { rows }
    }

    /// The rows of `samples` with the guests' behind them, their weights and client numbers
    /// likewise; features that `told` leaves out are missing. As they were, where there is nobody
    /// to stand beside.
    ///
    /// # Errors
    /// [`TrainError::Fit`]: rows of another width.
    pub fn join(
        &self,
        rows: Rows,
        clients: &mut Vec<u64>,
        samples: &[Sample],
        told: impl Fn(usize) -> bool,
    ) -> Result<Rows, TrainError> {
        let speed_is_told = index_of(SPEED).is_some_and(&told);
        let guests: Vec<&Guest> =
            self.rows.iter().filter(|guest| !guest.bad || speed_is_told).collect();
        let hosts: Vec<&Sample> = samples.iter().filter(|sample| !sample.bad).collect();
        let Some(weights) = rows.weights().map(<[f32]>::to_vec).filter(|_| !hosts.is_empty())
        else {
            return Ok(rows);
        };
        let total = |bad| -> f64 {
            samples
                .iter()
                .zip(&weights)
                .filter(|(s, _)| s.bad == bad)
                .map(|(_, w)| f64::from(*w))
                .sum()
        };
        let totals = [false, true].map(|bad| SHARE * total(bad));
        let mut records = Array2::from_elem((guests.len(), COUNT), f32::NAN);
        for (mut record, guest) in records.rows_mut().into_iter().zip(&guests) {
            let host = hosts[mixed(guest.number) as usize % hosts.len()];
            for feature in (0..COUNT).filter(|&feature| told(feature)) {
                let of = if FEATURES[feature].family == Family::Site {
                    &host.features
                } else {
                    &guest.features
                };
                record[feature] = of.0[feature];
            }
        }
        let weights =
            weights.into_iter().chain(weights_of(&guests, totals)).collect::<Array1<f32>>();
        let targets = samples
            .iter()
            .map(|s| s.bad)
            .chain(guests.iter().map(|guest| guest.bad))
            .collect::<Array1<bool>>();
        clients.extend(guests.iter().map(|guest| mixed(guest.number) / 5 * 5 + NEVER_HELD_OUT));
        let records = concatenate(Axis(0), &[rows.records.view(), records.view()])
            .map_err(|error| TrainError::Fit(error.to_string()))?;
        Ok(DatasetBase::new(records, targets).with_weights(weights))
    }
}

/// Every kind the same, every guest of a kind, every row of a guest; people and bots together so
/// much each.
fn weights_of(rows: &[&Guest], [people, bots]: [f64; 2]) -> Vec<f32> {
    let mut rows_of: BTreeMap<u64, f64> = BTreeMap::new();
    let mut guests_of: BTreeMap<(bool, &str, usize), BTreeSet<u64>> = BTreeMap::new();
    for guest in rows {
        *rows_of.entry(guest.number).or_default() += 1.0;
        guests_of.entry(guest.key()).or_default().insert(guest.number);
    }
    let kinds = |bad| guests_of.keys().filter(|key| key.0 == bad).count().max(1) as f64;
    let (person, bot) = (people / kinds(false), bots / kinds(true));
    let weight = |guest: &&Guest| {
        let kind = if guest.bad { bot } else { person };
        (kind / guests_of[&guest.key()].len() as f64 / rows_of[&guest.number]) as f32
    };
    rows.iter().map(weight).collect()
}

impl Guest {
    fn key(&self) -> (bool, &'static str, usize) {
        (self.bad, self.kind.0.name(), self.kind.1)
    }
}

/// Bots that ask as soon as they are answered, numbered from `numbers` on.
fn hasty(numbers: u64, resolution_us: u32) -> Vec<Guest> {
    let mix = IN_HASTE.into_iter().fold(Mix::new(), |mix, population| mix.with(population, HASTY));
    let day = simulate(&Arc::new(Site::new(SEED)), SEED, DEFAULT_START, &mix, 24 * HOUR_US);
    let mut walks: BTreeMap<ClientKey, Vec<&SimRequest>> = BTreeMap::new();
    for request in &day {
        walks.entry(ClientKey::from_ip(request.client)).or_default().push(request);
    }
    let mut rows = Vec::new();
    for (number, (client, walk)) in (numbers + 1..).zip(walks) {
        let mut dice = Dice::nth(SEED, number);
        let haste = Haste::draw(&mut dice);
        let mut presence = Presence::new(DEFAULT_START);
        let mut at = DEFAULT_START;
        for (index, request) in walk.into_iter().enumerate() {
            let took_us = (haste.gap_s(index, &mut dice) * 1e6) as u32 + 1;
            let request = SimRequest { at, took_us, ..request.clone() };
            let features = presence.ask(&request, client, resolution_us);
            rows.extend(features.map(|features| Guest {
                kind: (request.population, 1),
                bad: true,
                number,
                features,
            }));
            at = request.completed_at();
        }
    }
    rows
}

/// How a program asks that never waits.
#[derive(Clone, Copy)]
enum Haste {
    /// The next page as soon as the last was answered; now and then the machine is busy.
    Alone { answer_s: f64, busy_share: f64, busy_s: f64 },
    /// So on each of many connections: answers come at any time.
    Abreast { mean_s: f64 },
    /// So many pages at once, and the next so many when they were answered.
    Volleys { pages: usize, answer_s: f64 },
}

impl Haste {
    /// 16 to 5,000 pages a second: slower ones are in logs.
    fn draw(dice: &mut Dice) -> Self {
        let mean_s = dice.log_between(0.000_2, 0.06);
        let pages = 2 + dice.below(15);
        match dice.below(3) {
            0 => Self::Abreast { mean_s },
            1 => Self::Volleys { pages, answer_s: mean_s * pages as f64 },
            _ => Self::Alone {
                answer_s: mean_s,
                busy_share: dice.between(0.0, 0.5),
                busy_s: dice.log_between(0.002, 0.02),
            },
        }
    }

    fn gap_s(self, index: usize, dice: &mut Dice) -> f64 {
        match self {
            Self::Alone { answer_s, busy_share, busy_s } => {
                let busy_s = if dice.chance(busy_share) { dice.exponential(busy_s) } else { 0.0 };
                dice.lognormal(answer_s, 0.4) + busy_s
            }
            Self::Abreast { mean_s } => dice.exponential(mean_s),
            Self::Volleys { pages, answer_s } if index.is_multiple_of(pages) => {
                dice.lognormal(answer_s, 0.4)
            }
            Self::Volleys { .. } => dice.exponential(0.001),
        }
    }
}

/// A guest's window, and the answers under way.
struct Presence {
    window: Window,
    driver: Driver,
}

impl Presence {
    fn new(at: Timestamp) -> Self {
        Self { window: Window::new(at), driver: Driver::default() }
    }

    /// Features, if this is a page at which rows are taken.
    fn ask(
        &mut self,
        request: &SimRequest,
        client: ClientKey,
        resolution_us: u32,
    ) -> Option<Features> {
        let told = |at: Timestamp| {
            let step = i64::from(resolution_us);
            Timestamp::from_micros(at.as_micros() / step * step)
        };
        let asked = Request { client, at: told(request.at), ..request.as_request() };
        let event =
            Event::new(&asked, &UrlHasher::new(OFFLINE_HASH_KEY), &AllowList::default(), None);
        let mut measured = None;
        let at_request = |event: &Event, window: &Window| {
            let is_row = event.class == Class::Page && SCHEDULE.contains(&window.pages());
            measured = is_row.then(|| Features::measure(window));
        };
        let window = &mut self.window;
        let mut subject = UnjudgedWindow { window, resolution_us, memory: None, at_request };
        let answer = (told(request.completed_at()), request.status);
        self.driver.simulate(&event, Some(answer), &mut subject);
        measured
    }
}

/// splitmix64's finish (Steele et al. 2014).
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(client: usize, bad: bool, novelty: f32) -> Sample {
        let mut features = Features([1.0; COUNT]);
        features.0[detector::features::index_of("novelty").unwrap()] = novelty;
        Sample { site: 0, client, pages: 5, features, bad }
    }

    fn hosted() -> (Vec<Sample>, Rows) {
        let samples = vec![sample(0, false, 7.0), sample(1, true, 99.0), sample(2, false, 8.0)];
        let rows = DatasetBase::new(
            Array2::from_elem((3, COUNT), 1.0),
            Array1::from(vec![false, true, false]),
        )
        .with_weights(Array1::from(vec![3.0_f32, 10.0, 5.0]));
        (samples, rows)
    }

    #[test]
    fn guests_weigh_a_tenth_of_the_people_or_the_bots_and_every_kind_the_same() {
        let guests = Guests::invite(1_000);
        let all: Vec<&Guest> = guests.rows.iter().collect();
        let mut of_kind: BTreeMap<(bool, &str, usize), f64> = BTreeMap::new();
        for (guest, weight) in guests.rows.iter().zip(weights_of(&all, [0.8, 1.0])) {
            *of_kind.entry(guest.key()).or_default() += f64::from(weight);
        }
        for kind in
            [("refresher", 1), ("flash_sale", 1), ("price_watcher", 1), ("carrier_nat", 1_000)]
        {
            assert!(
                of_kind.contains_key(&(false, kind.0, kind.1)),
                "no {kind:?} among {:?}",
                of_kind.keys()
            );
        }
        let people = of_kind.keys().filter(|key| !key.0).count();
        assert_eq!(of_kind.len() - people, IN_HASTE.len());
        let each = [0.8 / people as f64, 1.0 / IN_HASTE.len() as f64];
        assert!(
            of_kind.iter().all(|(key, weight)| (weight - each[usize::from(key.0)]).abs() < 1e-4),
            "{of_kind:?}"
        );

        let (samples, rows) = hosted();
        let joined = guests.join(rows, &mut vec![1, 2, 3], &samples, |_| true).unwrap();
        let (weights, targets) = (joined.weights().unwrap(), &joined.targets);
        assert_eq!(weights[..3], [3.0, 10.0, 5.0], "who was there weighs what he did");
        let weigh = |bad| {
            (3..weights.len())
                .filter(|&row| targets[row] == bad)
                .map(|row| weights[row])
                .sum::<f32>()
        };
        assert!((weigh(false) - 0.8).abs() < 1e-3 && (weigh(true) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn guests_are_never_held_out_and_know_the_site_as_its_people_do() {
        let guests = Guests::invite(1_000);
        let (samples, rows) = hosted();
        let mut clients = vec![10, 11, 12];
        let novelty = index_of("novelty").unwrap();
        let missing = index_of("gap_median").unwrap();
        let joined =
            guests.join(rows, &mut clients, &samples, |feature| feature != missing).unwrap();
        let count = guests.rows.len();
        assert!(count > 1_000, "{count} rows");
        assert_eq!(
            (joined.records.nrows(), joined.targets.len(), clients.len()),
            (count + 3, count + 3, count + 3)
        );
        assert!(clients[3..].iter().all(|number| number % 5 != 0));
        let known: BTreeSet<u32> =
            joined.records.column(novelty).iter().skip(3).map(|value| *value as u32).collect();
        assert_eq!(known, BTreeSet::from([7, 8]), "of people, and not of the bot");
        assert!(joined.records.column(missing).iter().skip(3).all(|value| value.is_nan()));
    }

    #[test]
    fn the_hasty_hurry_on_and_come_where_that_can_be_seen() {
        let guests = Guests::invite(1_000);
        // People prefetch a list in a fifth of a second, but are no hundred pages on a minute
        // later.
        let rate = |bad: bool| {
            let [rate, log_n] = ["rate_60s", "log_n"].map(|name| index_of(name).unwrap());
            let of = guests.rows.iter().filter(|guest| guest.bad == bad && guest.kind.1 == 1);
            let late = of.filter(|guest| guest.features.0[log_n] > 100_f32.ln());
            let mut rates: Vec<f32> = late.map(|guest| guest.features.0[rate]).collect();
            rates.sort_by(f32::total_cmp);
            (rates[rates.len() / 20], rates[rates.len() * 19 / 20])
        };
        assert!(rate(true).0 > rate(false).1, "{:?} {:?}", rate(true), rate(false));

        let speed = index_of(SPEED).unwrap();
        let (samples, rows) = hosted();
        let joined =
            guests.join(rows, &mut vec![1, 2, 3], &samples, |feature| feature != speed).unwrap();
        let people = guests.rows.iter().filter(|guest| !guest.bad).count();
        assert_eq!(joined.records.nrows(), people + 3);
        assert!(joined.targets.iter().skip(3).all(|bad| !bad));
    }

    #[test]
    fn where_nobody_is_a_person_nobody_is_invited() {
        let (mut samples, rows) = hosted();
        samples.iter_mut().for_each(|sample| sample.bad = true);
        assert_eq!(
            Guests::invite(1)
                .join(rows, &mut vec![1, 2, 3], &samples, |_| true)
                .unwrap()
                .records
                .nrows(),
            3
        );
    }

    #[test]
    fn guests_are_the_same_every_time_and_told_in_the_logs_time_step() {
        let [one, again, seconds] = [1_000, 1_000, 1_000_000].map(Guests::measure);
        let bits = |guests: &Guests| -> Vec<Vec<u32>> {
            guests
                .rows
                .iter()
                .map(|guest| guest.features.0.iter().map(|value| value.to_bits()).collect())
                .collect()
        };
        assert!(bits(&one) == bits(&again));
        assert!(bits(&one) != bits(&seconds));
    }
}
