//! The result of a benchmark as plain data: the terminal, `--json` and the report all show these
//! figures.

use detector::model::Budget;
use detector::{Action, Reason};
use serde::{Serialize, Serializer};
use trainer::statistics::{Interval, share};

/// Everything that one run found.
#[derive(Clone, Debug, Serialize)]
pub struct BotBench {
    /// The result in one sentence.
    pub summary: String,
    /// The seed of all random input.
    pub seed: u64,
    /// Whether fewer clients ran than for the figures of `docs/benchmark.md`: enough for a quick
    /// look and for tests.
    pub is_quick: bool,
    /// What the tested model was trained on.
    pub training: Training,
    /// What is compared, in the order of `of` in every row. The first is the detector.
    pub columns: Vec<Column>,
    /// People of all human populations together.
    pub people: PopulationRow,
    /// One row for each human population.
    pub human: Vec<PopulationRow>,
    /// People whom the detector refused, and why: the first [`REFUSED_SHOWN`].
    pub refused: Vec<RefusedPerson>,
    /// One row for each population of welcome robots.
    pub robots: Vec<PopulationRow>,
    /// One row for each bad population.
    pub bad: Vec<PopulationRow>,
    /// For each bad population, whether the detector is ahead of each rule.
    pub verdicts: Vec<PopulationVerdict>,
    /// The targets set beforehand, and whether they were reached.
    pub targets: Vec<Target>,
    /// Share of a scheduler's clients that the detector finds, by period and jitter.
    pub heat: HeatMap,
    /// A young shop's first week.
    pub first_week: FirstWeek,
    /// Results on real logs, where some were given.
    pub sites: Vec<OfSite>,
}

/// A young shop's first week, without labels: see `first_week.rs`.
#[derive(Clone, Debug, Serialize)]
pub struct FirstWeek {
    /// People a day.
    pub people_a_day: usize,
    /// Visitors of each bad population a day.
    pub bots_a_day: usize,
    /// The days that were tested.
    pub days: Vec<WeekDay>,
}

/// One day of it.
#[derive(Clone, Debug, Serialize)]
pub struct WeekDay {
    /// Days before, which the model learnt from; with 0 it is the shipped model.
    pub learnt_days: usize,
    /// Has the model a threshold to block?
    pub blocks: bool,
    /// All people of the day.
    pub people: PopulationRow,
    /// Bad populations of the day. The three means below are over these, because one botnet has
    /// more addresses than all others.
    pub populations: usize,
    /// Mean share of a population's clients that were found.
    pub found: f64,
    /// Mean share of requests let through, of the clients found.
    pub found_let_through: f64,
    /// Mean share of requests let through, of all clients.
    pub let_through: f64,
    /// Populations of which more than a quarter of the found clients' requests is let through.
    pub mostly_through: Vec<&'static str>,
}

/// Refused people that are listed one by one.
pub const REFUSED_SHOWN: usize = 40;

/// One refused request of a person: the first refusal, and the first block if that is another
/// request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefusedPerson {
    /// Name of the population.
    pub population: &'static str,
    /// The simulated address.
    pub client: String,
    /// Day of the test, from 0.
    pub day: usize,
    /// Number of the request among the client's, from 1.
    pub request: u32,
    /// What the gate did.
    pub action: Action,
    /// The verdict's reason.
    pub reason: Reason,
    /// The client's score, 0..=1.
    pub score: Option<f32>,
    /// The features that contributed most; empty where a ban was in force already.
    pub because: Vec<String>,
}

/// What the tested model was trained on.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    /// Seeds of the training traffic.
    pub seeds: Vec<u64>,
    /// Seeds of the test traffic; none is a training seed.
    pub test_seeds: Vec<u64>,
    /// Requests in the training traffic.
    pub requests: u64,
    /// People in the training traffic, including the half kept apart to prove the budgets.
    pub people: u64,
    /// Bad clients in the training traffic.
    pub bots: u64,
    /// SHA-256 of the trained model, in hex. A repeated run gives the same.
    pub model_sha256: String,
    /// Names of the populations that were not trained on: nobody could label them, or they had not
    /// come yet.
    pub left_out: Vec<&'static str>,
    /// Whether the model may refuse anybody, in words; see [`detector::model::Readiness`].
    pub readiness: String,
    /// The limit threshold and its evidence.
    pub limit: Budget,
    /// The block threshold and its evidence; without a margin nobody is blocked.
    pub block: Budget,
    /// The threshold for cohorts of newcomers.
    pub cohort: Budget,
}

/// One of the things compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Is it the detector (with this or the shipped model), or another project's rule?
    pub is_detector: bool,
}

impl Column {
    /// Name for a heading: a rule goes by its project's name, a model by its own.
    pub fn short(&self) -> &str {
        const KNOWN: [&str; 6] =
            ["limit_req", "fail2ban", "crowdsec", "three_sigma", "webshield", "baskerville"];
        KNOWN
            .into_iter()
            .find(|known| !self.is_detector && self.name.starts_with(known))
            .unwrap_or(&self.name)
    }
}

impl BotBench {
    /// What real logs are compared by. Other models are left out, because they may have seen these
    /// logs.
    pub fn columns_of_sites(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(i, column)| *i == 0 || !column.is_detector)
            .map(|(_, column)| column)
    }
}

/// A share: `k` of `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many have the property.
    pub k: u64,
    /// Out of how many.
    pub n: u64,
}

impl Share {
    /// The share; NaN if `n` is 0.
    pub fn value(self) -> f64 {
        self.k as f64 / self.n as f64
    }

    /// The share with its 95 % interval (Clopper & Pearson 1934). Where both sides are many
    /// thousands it is Wilson's (1927), which agrees to four digits there and sums fewer terms.
    pub fn interval(self) -> Interval {
        let Self { k, n } = self;
        let other = n - k.min(n);
        if k.min(other) > MANY {
            return wilson(k as f64, n as f64);
        }
        if k <= other {
            return share(k, n);
        }
        let Interval { low, high, .. } = share(other, n);
        Interval { value: self.value(), low: 1.0 - high, high: 1.0 - low }
    }

    pub(super) fn add(&mut self, is_one: bool) {
        self.k += u64::from(is_one);
        self.n += 1;
    }
}

/// See [`Share::interval`].
const MANY: u64 = 2_000;

fn wilson(k: f64, n: f64) -> Interval {
    const Z: f64 = 1.959_964;
    let (value, square) = (k / n, Z * Z / n);
    let middle = (value + square / 2.0) / (1.0 + square);
    let half = Z * (value * (1.0 - value) / n + square / (4.0 * n)).sqrt() / (1.0 + square);
    Interval { value, low: middle - half, high: middle + half }
}

/// Requests: `k` of `n`. There is no interval, because a client's requests are not independent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestShare {
    /// How many have the property.
    pub k: u64,
    /// Out of how many.
    pub n: u64,
}

impl RequestShare {
    /// The share; NaN if `n` is 0.
    pub fn value(self) -> f64 {
        self.k as f64 / self.n as f64
    }
}

impl Serialize for RequestShare {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            k: u64,
            n: u64,
            share: Option<f64>,
        }
        let share = (self.n > 0).then_some(self.value());
        Shown { k: self.k, n: self.n, share }.serialize(serializer)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            k: u64,
            n: u64,
            share: Option<f64>,
            low: f64,
            high: f64,
        }
        let Interval { value, low, high } = self.interval();
        let share = (self.n > 0).then_some(value);
        Shown { k: self.k, n: self.n, share, low, high }.serialize(serializer)
    }
}

/// One population.
#[derive(Clone, Debug, Serialize)]
pub struct PopulationRow {
    /// Its name.
    pub population: String,
    /// Why it is in the benchmark and behaves as it does.
    pub reasoning: String,
    /// Number of addresses (an IPv6 /64 counts as one).
    pub clients: u64,
    /// Number of requests.
    pub requests: u64,
    /// Results in the order of [`BotBench::columns`].
    pub of: Vec<ColumnOutcome>,
}

/// What became of one population in one column.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ColumnOutcome {
    /// Clients with any reaction: limited, refused or caught.
    pub detected: Share,
    /// Clients with at least one refused request (429 or 403), or banned by a rule that reads logs.
    pub refused: Share,
    /// Clients blocked (403), or banned by a rule.
    pub blocked: Share,
    /// Requests let through, of all.
    pub let_through: RequestShare,
    /// Requests let through, of those of the clients detected.
    pub found_let_through: RequestShare,
    /// Number of requests, assets included, up to the first reaction, over the clients detected.
    pub requests_to_detect: Option<Quantiles>,
    /// Number of requests up to the first block, over the clients blocked.
    pub requests_to_block: Option<Quantiles>,
}

/// Quantiles of a number of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half of the clients have at most this many.
    pub median: u64,
    /// Nine of ten have at most this many.
    pub p90: u64,
}

impl Quantiles {
    /// Quantiles of these numbers; `None` if there are none.
    pub fn of(mut numbers: Vec<u32>) -> Option<Self> {
        numbers.sort_unstable();
        let at = |share: f64| {
            numbers.get(((numbers.len() as f64 * share).ceil() as usize).saturating_sub(1))
        };
        Some(Self { median: u64::from(*at(0.5)?), p90: u64::from(*at(0.9)?) })
    }
}

/// How the detector compares with each rule on one bad population.
#[derive(Clone, Debug, Serialize)]
pub struct PopulationVerdict {
    /// The bad population.
    pub population: String,
    /// One entry for each rule, in the order of [`BotBench::columns`].
    pub against: Vec<Against>,
}

/// How the detector compares with one rule.
#[derive(Clone, Debug, Serialize)]
pub struct Against {
    /// The rule.
    pub rule: String,
    /// Does the detector detect at least as large a share, let no larger share of requests through,
    /// and refuse no more people (of all people)?
    pub is_ahead: bool,
    /// Where the detector is behind, with the figures.
    pub why: Option<String>,
}

/// Why the detector is not ahead of a rule, and on which populations; see [`BotBench::behind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Where the detector is behind, with the figures.
    pub why: &'a str,
    /// The bad populations.
    pub populations: Vec<&'a str>,
    /// Are these all bad populations?
    pub is_everywhere: bool,
}

/// A target set beforehand.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// The population, or `people`.
    pub population: String,
    /// What is measured of it, in words.
    pub what: &'static str,
    /// The bound: a minimum for bad clients, a maximum for people.
    pub bound: f64,
    /// What was found.
    pub found: Share,
    /// Was the target reached?
    pub is_met: bool,
    /// Does the whole 95 % interval reach it? Where the target is that nobody is blocked: are there
    /// at least 30,000 people?
    pub is_sure: bool,
}

/// Share of schedulers detected, by period and jitter.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HeatMap {
    /// Seconds between requests, one for each row.
    pub periods_s: Vec<f64>,
    /// Jitter as a share of the period, one for each column.
    pub jitters: Vec<f64>,
    /// Clients limited, refused or blocked: a list of cells for each row.
    pub detected: Vec<Vec<Share>>,
    /// Clients blocked: a list of cells for each row.
    pub blocked: Vec<Vec<Share>>,
}

/// A real log, judged by a model that has seen none of it.
#[derive(Clone, Debug, Serialize)]
pub struct OfSite {
    /// Name of the site.
    pub site: String,
    /// How it was judged, and by what.
    pub how: String,
    /// Its people; `None` where the log has none.
    pub people: Option<PopulationRow>,
    /// Its bad clients, one row for each reason of a label.
    pub bad: Vec<PopulationRow>,
}
