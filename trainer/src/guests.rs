//! People whom a log may not hold.
//!
//! A log is of the days it was written. Tomorrow may be a sale: people who reload until it opens, ten times as many as ever
//! and all on one product; a campaign that brings an office, or a whole carrier, behind one address; a new front end that
//! fetches a list's products before anybody clicks. A model that has never seen them takes them for pollers and
//! scrapers, and a proof by yesterday's people says nothing about them. So simulated ones are invited to every training.
//!
//! They weigh a tenth of the site's own people ([`SHARE`]), every kind the same. They never calibrate and never count as
//! evidence: thresholds are proven by real people alone. What only the site's memory can say of a page is taken from a
//! person of the site, because they have never been there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use detector::features::{COUNT, FEATURES, Family};
use detector::{AllowList, Class, ClientKey, Event, Features, Outcome, Request, Timestamp, UrlHasher, Window};
use linfa::DatasetBase;
use ndarray::{Array1, Array2, Axis, concatenate};
use traffic::sim::{DEFAULT_START, Population, Shop, SimRequest, Truth, simulate_shop};

use crate::TrainError;
use crate::samples::{Rows, SCHEDULE, Sample};
use crate::site::OFFLINE_HASH_KEY;

/// What all of them together weigh, for each unit of a site's own people.
const SHARE: f64 = 0.1;
/// Whose people are invited: page by page and through an API, with and without prefetching, on an ordinary day and on
/// that of a sale.
const SHOPS: [&str; 5] = ["boutique", "warehouse", "spa", "flashsale", "eager"];
/// People a shop.
const PEOPLE: usize = 60;
/// People behind one address.
const SHARED: [usize; 4] = [8, 40, 200, 1_000];
/// Theirs is the busiest hour: the same people over a day look calmer.
const RUSH_PEOPLE: usize = 1_000;
/// Addresses of each size, at most.
const ADDRESSES: usize = 12;
/// Nobody else draws with this seed: who is invited is in no simulated shop, log or benchmark.
const SEED: u64 = 0x6775_6573_7473;
const HOUR_US: u64 = 3_600_000_000;
/// Early stopping holds out the clients whose number is a multiple of five: guests are none of them.
const NEVER_HELD_OUT: u64 = 1;

/// One row of one guest.
#[derive(Clone, Debug)]
struct Guest {
    kind: (Population, usize),
    number: u64,
    features: Features,
}

/// Rows of guests, told in a log's time step.
#[derive(Clone, Debug)]
pub struct Guests {
    rows: Vec<Guest>,
}

impl Guests {
    /// Invites them, where a log tells time in steps of so many microseconds. The same every time; kept, because every fit
    /// asks for them.
    pub fn invite(resolution_us: u32) -> Arc<Self> {
        static KEPT: Mutex<BTreeMap<u32, Arc<Guests>>> = Mutex::new(BTreeMap::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.entry(resolution_us).or_insert_with(|| Arc::new(Self::measure(resolution_us.max(1)))))
    }

    fn measure(resolution_us: u32) -> Self {
        let mut rows = Vec::new();
        let mut numbers = 0_u64;
        let mut see = |requests: &[SimRequest], key: &dyn Fn(&SimRequest) -> Option<ClientKey>, shared: usize| {
            let mut seen: HashMap<ClientKey, (u64, Presence)> = HashMap::new();
            for request in requests.iter().filter(|request| request.truth() == Truth::Human) {
                let Some(client) = key(request) else { continue };
                let (number, presence) = seen.entry(client).or_insert_with(|| {
                    numbers += 1;
                    (numbers, Presence::new(request.at))
                });
                let kind = (if shared > 1 { Population::SharedShopper } else { request.population }, shared);
                let features = presence.ask(request, client, resolution_us);
                rows.extend(features.map(|features| Guest { kind, number: *number, features }));
            }
        };
        for shop in SHOPS.into_iter().filter_map(Shop::find) {
            let day = simulate_shop(shop, SEED, DEFAULT_START, 24 * HOUR_US, Some(PEOPLE));
            see(&day, &|request| Some(ClientKey::from_ip(request.client)), 1);
        }
        if let Some(shop) = Shop::find(SHOPS[0]) {
            let rush = simulate_shop(shop, SEED, DEFAULT_START, HOUR_US, Some(24 * RUSH_PEOPLE));
            for shared in SHARED {
                let people: BTreeSet<ClientKey> =
                    rush.iter().map(|request| ClientKey::from_ip(request.client)).collect();
                let place: HashMap<ClientKey, usize> =
                    people.into_iter().enumerate().map(|(i, key)| (key, i)).collect();
                let behind = |request: &SimRequest| {
                    let place = place.get(&ClientKey::from_ip(request.client)).copied().unwrap_or_default();
                    let address = place / shared;
                    (address < ADDRESSES).then(|| ClientKey::from_text(&format!("address {address}")))
                };
                see(&rush, &behind, shared);
            }
        }
        Self { rows }
    }

    /// The rows of `samples` with the guests' behind them, their weights and client numbers likewise; features that `told`
    /// leaves out are missing. As they were, where there is nobody to stand beside.
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
        let hosts: Vec<&Sample> = samples.iter().filter(|sample| !sample.bad).collect();
        let Some(weights) = rows.weights().map(<[f32]>::to_vec).filter(|_| !hosts.is_empty()) else { return Ok(rows) };
        let people: f64 = samples.iter().zip(&weights).filter(|(s, _)| !s.bad).map(|(_, w)| f64::from(*w)).sum();
        let mut records = Array2::from_elem((self.rows.len(), COUNT), f32::NAN);
        for (mut record, guest) in records.rows_mut().into_iter().zip(&self.rows) {
            let host = hosts[mixed(guest.number) as usize % hosts.len()];
            for feature in (0..COUNT).filter(|&feature| told(feature)) {
                let of = if FEATURES[feature].family == Family::Site { &host.features } else { &guest.features };
                record[feature] = of.0[feature];
            }
        }
        let weights = weights.into_iter().chain(self.weights(SHARE * people)).collect::<Array1<f32>>();
        let targets = samples.iter().map(|s| s.bad).chain(self.rows.iter().map(|_| false)).collect::<Array1<bool>>();
        clients.extend(self.rows.iter().map(|guest| mixed(guest.number) / 5 * 5 + NEVER_HELD_OUT));
        let records = concatenate(Axis(0), &[rows.records.view(), records.view()])
            .map_err(|error| TrainError::Fit(error.to_string()))?;
        Ok(DatasetBase::new(records, targets).with_weights(weights))
    }

    /// Every kind the same, every guest of a kind, every row of a guest; `total` together.
    fn weights(&self, total: f64) -> impl Iterator<Item = f32> {
        let mut rows_of: BTreeMap<u64, f64> = BTreeMap::new();
        let mut guests_of: BTreeMap<(&str, usize), BTreeSet<u64>> = BTreeMap::new();
        for guest in &self.rows {
            *rows_of.entry(guest.number).or_default() += 1.0;
            guests_of.entry((guest.kind.0.name(), guest.kind.1)).or_default().insert(guest.number);
        }
        let share = total / guests_of.len().max(1) as f64;
        self.rows.iter().map(move |guest| {
            let guests = guests_of[&(guest.kind.0.name(), guest.kind.1)].len() as f64;
            (share / guests / rows_of[&guest.number]) as f32
        })
    }
}

/// A guest's window, and the answers under way.
struct Presence {
    window: Window,
    awaited: Vec<Outcome>,
}

impl Presence {
    fn new(at: Timestamp) -> Self {
        Self { window: Window::new(at), awaited: Vec::new() }
    }

    /// Features, if this is a page at which rows are taken.
    fn ask(&mut self, request: &SimRequest, client: ClientKey, resolution_us: u32) -> Option<Features> {
        let told = |at: Timestamp| {
            let step = i64::from(resolution_us);
            Timestamp::from_micros(at.as_micros() / step * step)
        };
        let asked = Request { client, at: told(request.at), ..request.as_request() };
        let event = Event::new(&asked, &UrlHasher::new(OFFLINE_HASH_KEY), &AllowList::default(), None);
        let (done, awaited) = self.awaited.iter().copied().partition::<Vec<_>, _>(|outcome| outcome.at <= event.at);
        self.awaited = awaited;
        for outcome in &done {
            self.window.conclude(outcome, resolution_us);
        }
        self.window.push_at_site(&event, resolution_us, None);
        self.awaited.push(Outcome::of(&event, told(request.completed_at()), request.status));
        let is_row = event.class == Class::Page && SCHEDULE.contains(&self.window.pages());
        is_row.then(|| Features::measure(&self.window))
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
        let rows = DatasetBase::new(Array2::from_elem((3, COUNT), 1.0), Array1::from(vec![false, true, false]))
            .with_weights(Array1::from(vec![3.0_f32, 10.0, 5.0]));
        (samples, rows)
    }

    #[test]
    fn guests_weigh_a_tenth_of_the_people_and_every_kind_the_same() {
        let guests = Guests::invite(1_000);
        let mut of_kind: BTreeMap<(&str, usize), f64> = BTreeMap::new();
        for (guest, weight) in guests.rows.iter().zip(guests.weights(0.8)) {
            *of_kind.entry((guest.kind.0.name(), guest.kind.1)).or_default() += f64::from(weight);
        }
        for kind in [("refresher", 1), ("flash_sale", 1), ("price_watcher", 1), ("carrier_nat", 1_000)] {
            assert!(of_kind.contains_key(&kind), "no {kind:?} among {:?}", of_kind.keys());
        }
        let each = 0.8 / of_kind.len() as f64;
        assert!(of_kind.values().all(|weight| (weight - each).abs() < 1e-4), "{of_kind:?}");

        let (samples, rows) = hosted();
        let joined = guests.join(rows, &mut vec![1, 2, 3], &samples, |_| true).unwrap();
        let weights = joined.weights().unwrap();
        assert_eq!(weights[..3], [3.0, 10.0, 5.0], "who was there weighs what he did");
        assert!((weights[3..].iter().sum::<f32>() - 0.8).abs() < 1e-3);
    }

    #[test]
    fn guests_are_people_who_are_never_held_out_and_know_the_site_as_its_people_do() {
        let guests = Guests::invite(1_000);
        let (samples, rows) = hosted();
        let mut clients = vec![10, 11, 12];
        let novelty = detector::features::index_of("novelty").unwrap();
        let missing = detector::features::index_of("gap_median").unwrap();
        let joined = guests.join(rows, &mut clients, &samples, |feature| feature != missing).unwrap();
        let count = guests.rows.len();
        assert!(count > 1_000, "{count} rows");
        assert_eq!((joined.records.nrows(), joined.targets.len(), clients.len()), (count + 3, count + 3, count + 3));
        assert!(joined.targets.iter().skip(3).all(|bad| !bad));
        assert!(clients[3..].iter().all(|number| number % 5 != 0));
        let known: BTreeSet<u32> = joined.records.column(novelty).iter().skip(3).map(|value| *value as u32).collect();
        assert_eq!(known, BTreeSet::from([7, 8]), "of people, and not of the bot");
        assert!(joined.records.column(missing).iter().skip(3).all(|value| value.is_nan()));
    }

    #[test]
    fn where_nobody_is_a_person_nobody_is_invited() {
        let (mut samples, rows) = hosted();
        samples.iter_mut().for_each(|sample| sample.bad = true);
        assert_eq!(Guests::invite(1).join(rows, &mut vec![1, 2, 3], &samples, |_| true).unwrap().records.nrows(), 3);
    }

    #[test]
    fn guests_are_the_same_every_time_and_told_in_the_logs_time_step() {
        let [one, again, seconds] = [1_000, 1_000, 1_000_000].map(Guests::measure);
        let bits = |guests: &Guests| -> Vec<Vec<u32>> {
            guests.rows.iter().map(|guest| guest.features.0.iter().map(|value| value.to_bits()).collect()).collect()
        };
        assert!(bits(&one) == bits(&again));
        assert!(bits(&one) != bits(&seconds));
    }
}
