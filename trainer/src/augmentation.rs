//! Rows of simulated visitors who may be missing from a log.
//!
//! A log covers the days on which it was written. Tomorrow may bring a sale, with people who reload
//! until it opens: ten times as many as ever, and all on one product. A campaign may bring an
//! office, or a whole mobile carrier, behind one address. A new front end may fetch a list's
//! products before anybody clicks. A model that has never seen such people takes them for pollers
//! and scrapers, and a proof by yesterday's people says nothing about them. So every training adds
//! rows of simulated ones.
//!
//! Tomorrow somebody may also copy the shop with `wget --mirror`, as fast as the shop answers: at
//! gaps of 0.2 ms, or of 10 ms while the machine is busy. Such gaps spread over orders of magnitude
//! as a person's do. In a log without a flood only addresses of many people are as fast, so a model
//! would learn that speed is human. Hence the **hasty** bots: bots of the demo's kinds that ask as
//! soon as they are answered. They are added only if the model sees how fast somebody asks. Without
//! that they would look like people whose pages prefetch.
//!
//! All simulated people together weigh a tenth of the site's own people (`SHARE`), all simulated
//! bots a tenth of its bots, and every kind the same. They never calibrate and are never evidence:
//! thresholds are proven by real people alone. They have never been on the site, so the features
//! that only a site profile gives are copied from one of the site's people, for bots as well: it
//! must be their speed that gives the hasty away.

mod hasty;
mod simulated_client;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use detector::ClientKey;
use detector::features::{COUNT, FEATURES, Family, index_of};
use linfa::DatasetBase;
use ndarray::{Array1, Array2, Axis, concatenate};
use traffic::sim::{DEFAULT_START, Population, Shop, SimRequest, Truth, simulate_shop};

use crate::error::TrainError;
use crate::samples::{Rows, Sample};
use hasty::hasty;
use simulated_client::{HOUR_US, SEED, SimulatedClient, SimulatedRow};

/// What all simulated people, or all simulated bots, weigh together for each unit of a site's own.
const SHARE: f64 = 0.1;
/// The simulated shops whose people are added: page by page and through an API, with and without
/// prefetching, on an ordinary day and on that of a sale.
const SHOPS: [&str; 5] = ["boutique", "warehouse", "spa", "flashsale", "eager"];
/// How many people of each shop.
const PEOPLE: usize = 60;
/// How many people share an address.
const SHARED: [usize; 4] = [8, 40, 200, 1_000];
/// People of the rush hour that shared addresses are taken from. Over a whole day they would look
/// calmer.
const RUSH_PEOPLE: usize = 1_000;
/// Shared addresses of each size, at most.
const ADDRESSES: usize = 12;
/// The feature that says how fast somebody asks.
const SPEED: &str = "rate_60s";
/// Early stopping holds out the clients whose number is a multiple of five. Simulated ones are
/// numbered so that they are never held out.
const NEVER_HELD_OUT: u64 = 1;

/// Rows of simulated clients, measured in a log's time step.
#[derive(Clone, Debug)]
pub struct Augmentation {
    rows: Vec<SimulatedRow>,
}

impl Augmentation {
    /// The rows for logs that tell time in steps of so many microseconds. They are always the same,
    /// and they are kept, because every fit asks for them.
    pub fn measured(resolution_us: u32) -> Arc<Self> {
        static KEPT: Mutex<BTreeMap<u32, Arc<Augmentation>>> = Mutex::new(BTreeMap::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            kept.entry(resolution_us)
                .or_insert_with(|| Arc::new(Self::measure(resolution_us.max(1)))),
        )
    }

    /// Simulates the visitors and measures their rows.
    fn measure(resolution_us: u32) -> Self {
        let mut rows = Vec::new();
        let mut numbers = 0_u64;
        let mut see = |requests: &[SimRequest],
                       key: &dyn Fn(&SimRequest) -> Option<ClientKey>,
                       shared: usize| {
            let mut seen: HashMap<ClientKey, (u64, SimulatedClient)> = HashMap::new();
            for request in requests.iter().filter(|request| request.truth() == Truth::Human) {
                let Some(client) = key(request) else { continue };
                let (number, simulated) = seen.entry(client).or_insert_with(|| {
                    numbers += 1;
                    (numbers, SimulatedClient::new(request.at))
                });
                let kind = (
                    if shared > 1 { Population::SharedShopper } else { request.population },
                    shared,
                );
                let features = simulated.ask(request, client, resolution_us);
                rows.extend(features.map(|features| SimulatedRow {
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

    /// The rows of `samples` with the simulated ones behind them, and the weights and `clients`
    /// (numbers for early stopping) likewise. Features that `told` rejects are missing. Returns the
    /// rows as they were if no sample is a person.
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
        let simulated: Vec<&SimulatedRow> =
            self.rows.iter().filter(|row| !row.bad || speed_is_told).collect();
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
        // Where a log has no bots, the attackers weigh as much as its people.
        let people = total(false);
        let bots = if total(true) > 0.0 { total(true) } else { people };
        let totals = [people, bots].map(|total| SHARE * total);
        let mut records = Array2::from_elem((simulated.len(), COUNT), f32::NAN);
        for (mut record, row) in records.rows_mut().into_iter().zip(&simulated) {
            let host = hosts[mixed(row.number) as usize % hosts.len()];
            for feature in (0..COUNT).filter(|&feature| told(feature)) {
                let of = if FEATURES[feature].family == Family::Site {
                    &host.features
                } else {
                    &row.features
                };
                record[feature] = of.0[feature];
            }
        }
        let weights =
            weights.into_iter().chain(weights_of(&simulated, totals)).collect::<Array1<f32>>();
        let targets = samples
            .iter()
            .map(|s| s.bad)
            .chain(simulated.iter().map(|row| row.bad))
            .collect::<Array1<bool>>();
        clients.extend(simulated.iter().map(|row| mixed(row.number) / 5 * 5 + NEVER_HELD_OUT));
        let records = concatenate(Axis(0), &[rows.records.view(), records.view()])
            .map_err(|error| TrainError::Fit(error.to_string()))?;
        Ok(DatasetBase::new(records, targets).with_weights(weights))
    }
}

/// Weights of rows: people weigh `people` together and bots `bots`. Within these every kind weighs
/// the same, within a kind every client, and of a client every row.
fn weights_of(rows: &[&SimulatedRow], [people, bots]: [f64; 2]) -> Vec<f32> {
    let mut rows_of: BTreeMap<u64, f64> = BTreeMap::new();
    let mut clients_of: BTreeMap<(bool, &str, usize), BTreeSet<u64>> = BTreeMap::new();
    for row in rows {
        *rows_of.entry(row.number).or_default() += 1.0;
        clients_of.entry(row.key()).or_default().insert(row.number);
    }
    let kinds = |bad| clients_of.keys().filter(|key| key.0 == bad).count().max(1) as f64;
    let (person, bot) = (people / kinds(false), bots / kinds(true));
    let weight = |row: &&SimulatedRow| {
        let kind = if row.bad { bot } else { person };
        (kind / clients_of[&row.key()].len() as f64 / rows_of[&row.number]) as f32
    };
    rows.iter().map(weight).collect()
}

/// The finish of splitmix64 (Steele et al. 2014), which spreads consecutive numbers.
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}
