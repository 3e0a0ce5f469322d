//! What a benchmark found: for the terminal, for `--json`, and for a report to draw. Plain data, no
//! figure is computed twice.

use detector::model::Budget;
use detector::{Action, Reason};
use serde::{Serialize, Serializer};
use trainer::statistics::{Interval, share};

/// Everything that one run found.
#[derive(Clone, Debug, Serialize)]
pub struct BotBench {
    /// The verdict in one sentence.
    pub summary: String,
    /// Everything random came from it.
    pub seed: u64,
    /// Fewer clients than the figures of `docs/benchmark.md` stand for: good for a look and for
    /// tests.
    pub is_quick: bool,
    /// What the tested model was trained on.
    pub training: Training,
    /// What is compared; the order of `of` in every row. The first is the detector.
    pub columns: Vec<Column>,
    /// People of all human populations together.
    pub people: Row,
    /// One row a human population.
    pub human: Vec<Row>,
    /// People whom the detector refused, and why: the first [`REFUSED_SHOWN`].
    pub refused: Vec<Refused>,
    /// One row a population of welcome robots.
    pub robots: Vec<Row>,
    /// One row a bad population.
    pub bad: Vec<Row>,
    /// For each bad population, whether the detector is ahead of each rule.
    pub verdicts: Vec<Verdict>,
    /// What had to be reached, and whether it was.
    pub targets: Vec<Target>,
    /// Share of a scheduler's clients that the detector finds, by period and jitter.
    pub heat: HeatMap,
    /// The same on real logs, where some were given.
    pub sites: Vec<OfSite>,
}

/// So many refused people are told in detail.
pub const REFUSED_SHOWN: usize = 40;

/// A person refused: at the first refusal, and again at the first block if that is another request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refused {
    /// Of which population.
    pub population: &'static str,
    /// The simulated address.
    pub client: String,
    /// On which day of the test, from 0.
    pub day: usize,
    /// At which of its requests, from 1.
    pub request: u32,
    /// What it was answered.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Its score.
    pub score: Option<f32>,
    /// The features that spoke loudest; none where a ban was in force already.
    pub because: Vec<String>,
}

/// What the tested model was trained on.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    /// Seeds of the traffic that was trained on.
    pub seeds: Vec<u64>,
    /// Seeds of the traffic that was tested on; none is a seed of the training.
    pub test_seeds: Vec<u64>,
    /// Requests trained on.
    pub requests: u64,
    /// People trained on, the half included that was kept apart to prove the budgets.
    pub people: u64,
    /// Bad clients trained on.
    pub bots: u64,
    /// SHA-256 of the model that came of it, in hex: whoever repeats the run has the same.
    pub model_sha256: String,
    /// Populations that the training did not have, by name: whom nobody could label, or who had not
    /// come yet.
    pub left_out: Vec<&'static str>,
    /// May the model refuse anybody, in words; see [`detector::model::Readiness`].
    pub readiness: String,
    /// The limit threshold and its evidence.
    pub limit: Budget,
    /// The block threshold and its evidence; without a margin nobody is blocked.
    pub block: Budget,
    /// The threshold for newcomers' company.
    pub cohort: Budget,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Is it the detector (with this or the shipped model), or a peer's rule?
    pub is_detector: bool,
}

impl Column {
    /// A rule by its project's name, anything else by its own.
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
    /// What real logs are judged by: not by other models, which may have seen them.
    pub fn columns_of_sites(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(i, column)| *i == 0 || !column.is_detector)
            .map(|(_, column)| column)
    }
}

/// Of n, k.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many of them.
    pub k: u64,
    /// Out of how many.
    pub n: u64,
}

impl Share {
    /// The share; not a number out of none.
    pub fn value(self) -> f64 {
        self.k as f64 / self.n as f64
    }

    /// With its 95 % interval: Clopper & Pearson 1934, and where both sides are many thousands
    /// Wilson 1927, which is the same to four digits there and does not sum up as many terms.
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

/// Of so many requests, so many: without an interval, because a client's requests are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// How many of them.
    pub k: u64,
    /// Out of how many.
    pub n: u64,
}

impl Requests {
    /// The share; not a number out of none.
    pub fn value(self) -> f64 {
        self.k as f64 / self.n as f64
    }
}

impl Serialize for Requests {
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
pub struct Row {
    /// Its name.
    pub population: String,
    /// Why it is there and behaves so.
    pub reasoning: String,
    /// Addresses (an IPv6 /64 is one).
    pub clients: u64,
    /// Requests they made.
    pub requests: u64,
    /// What became of them, in the order of [`BotBench::columns`].
    pub of: Vec<Outcome>,
}

/// What became of one population under one rule.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Clients acted on: limited, refused or caught.
    pub detected: Share,
    /// Clients of whom at least one request was refused (429 or 403), or whom a rule that reads
    /// logs bans from then on.
    pub refused: Share,
    /// Clients blocked (403), or banned by a rule.
    pub blocked: Share,
    /// Requests let through of all.
    pub let_through: Requests,
    /// Requests, assets included, up to the one at which it acted first, over those detected.
    pub requests_to_detect: Option<Quantiles>,
    /// The same up to the first block.
    pub requests_to_block: Option<Quantiles>,
}

/// Of a number of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half have at most so many.
    pub median: u64,
    /// Nine of ten have at most so many.
    pub p90: u64,
}

impl Quantiles {
    /// Of these numbers; `None` of none.
    pub fn of(mut numbers: Vec<u32>) -> Option<Self> {
        numbers.sort_unstable();
        let at = |share: f64| {
            numbers.get(((numbers.len() as f64 * share).ceil() as usize).saturating_sub(1))
        };
        Some(Self { median: u64::from(*at(0.5)?), p90: u64::from(*at(0.9)?) })
    }
}

/// How the detector stands to one rule on one bad population.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The bad population.
    pub population: String,
    /// In the order of the rules among [`BotBench::columns`].
    pub against: Vec<Against>,
}

/// Against one rule.
#[derive(Clone, Debug, Serialize)]
pub struct Against {
    /// The rule.
    pub rule: String,
    /// Does the detector detect at least as large a share, let no larger share of requests through,
    /// and refuse no more people (over all people)?
    pub is_ahead: bool,
    /// Where not: what is behind, with the figures.
    pub why: Option<String>,
}

/// Why the detector is not ahead of a rule, and on which populations; see [`BotBench::behind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind<'a> {
    /// The rule.
    pub rule: &'a str,
    /// What is behind, with the figures.
    pub why: &'a str,
    /// The bad populations.
    pub populations: Vec<&'a str>,
    /// Are these all there are?
    pub is_everywhere: bool,
}

/// Something that had to be reached.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// The population, or `people`.
    pub population: String,
    /// What of it, in words.
    pub what: &'static str,
    /// The bound: at least so much of bad clients, at most so much of people.
    pub bound: f64,
    /// What was found.
    pub found: Share,
    /// Was it reached?
    pub is_met: bool,
    /// Does the 95 % interval say so as well? Of nobody blocked: are they 30,000 at least?
    pub is_sure: bool,
}

/// Detected share of a scheduler by period and jitter.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HeatMap {
    /// Seconds between requests, one a row.
    pub periods_s: Vec<f64>,
    /// Jitter as a share of the period, one a column.
    pub jitters: Vec<f64>,
    /// Rows of columns: clients limited, refused or blocked.
    pub detected: Vec<Vec<Share>>,
    /// The same: clients blocked.
    pub blocked: Vec<Vec<Share>>,
}

/// A real log, judged by a model that has seen none of it.
#[derive(Clone, Debug, Serialize)]
pub struct OfSite {
    /// The site.
    pub site: String,
    /// How it was judged, and by what.
    pub how: String,
    /// Its people; none where the log has none.
    pub people: Option<Row>,
    /// Its bad clients, one row a reason of the label.
    pub bad: Vec<Row>,
}
