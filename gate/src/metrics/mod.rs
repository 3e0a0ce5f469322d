//! Every metric there is, by name, and nothing else may make one.
//!
//! Handles are looked up once and kept: a macro at the call site costs ten times as much (42 ns
//! against 4). Labels are words from bounded lists, never a client's data. Each gate has a recorder
//! of its own, so several can run in one process. Histograms of this exporter hold raw samples
//! until they are read: the timer's [`Metrics::upkeep`] keeps that bounded when nobody scrapes, and
//! what has a sample on every page is counted in [`scores`] instead.

mod conversion_series;
mod conversions;
mod edge;
mod model_info;
mod scores;

use std::time::Duration;

use detector::drift::{ClientsSeen, SCORE as SCORE_SHIFT};
use detector::{Action, Class, Drift, FEATURES, Mode, Model, Reason, Stats, Verdict};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use traffic::Conversions;
use traffic::log::ChallengeResult;

use crate::enforce::Ruling;
use crate::malformed::Malformed;
use conversion_series::ConversionSeries;
pub(crate) use conversions::{ConversionCounters, PendingConversion, StandingLabel};
pub use edge::{EDGE_METRICS, EdgeCounters, EdgeOutcome, EdgeQuestion};
use model_info::ModelInfo;
use scores::Scores;

const REQUESTS: &str = "kidoban_requests_total";
const MALFORMED: &str = "kidoban_malformed_total";
const SCORE: &str = "kidoban_score";
const DECISION_SECONDS: &str = "kidoban_decision_seconds";
const CLIENTS: &str = "kidoban_clients";
const EVICTIONS: &str = "kidoban_evictions_total";
const BANS_DROPPED: &str = "kidoban_bans_dropped_total";
const BANS: &str = "kidoban_bans";
const PANICS: &str = "kidoban_detector_panics_total";
const LOG_DROPPED: &str = "kidoban_event_log_dropped_total";
const LOG_ERRORS: &str = "kidoban_event_log_errors_total";
const UPSTREAM_ERRORS: &str = "kidoban_upstream_errors_total";
const MODEL_INFO: &str = "kidoban_model_info";
const RELOADS: &str = "kidoban_reloads_total";
const DRIFT_PSI: &str = "kidoban_drift_psi";
const DRIFT_ALARM: &str = "kidoban_drift_alarm";
const DRIFT_CLIENTS: &str = "kidoban_drift_clients";
const DRIFT_ABOVE_LIMIT: &str = "kidoban_drift_above_limit";
const OUTCOMES: &str = "kidoban_outcomes_total";
const BUDGET: &str = "kidoban_budget";
const UNDECLARED_PROXY: &str = "kidoban_undeclared_proxy_requests_total";
const SILENT_PROXY: &str = "kidoban_silent_proxy_requests_total";
const CHALLENGES: &str = "kidoban_challenges_total";
const CLOCK_BEHIND: &str = "kidoban_clock_behind_seconds";

/// Name and help of every metric, for the exporter, the tests and the manual.
pub const METRICS: [(&str, &str); 24] = [
    (REQUESTS, "Requests by what was decided, why, and in which mode."),
    (
        MALFORMED,
        "Malformed requests by kind: answered by the gate in enforce mode, else passed on.",
    ),
    (SCORE, "Scores of requests, 0 like people to 1 like bots."),
    (DECISION_SECONDS, "Seconds from a request to its verdict; one in 16 is measured."),
    (CLIENTS, "Clients tracked."),
    (EVICTIONS, "Clients forgotten to make room for others."),
    (BANS_DROPPED, "Bans that found no room apart from their client's window."),
    (BANS, "Bans in force."),
    (PANICS, "Panics while scoring; each allowed its request."),
    (LOG_DROPPED, "Event log lines dropped because the queue was full."),
    (LOG_ERRORS, "Failed writes and rotations of the event log."),
    (UPSTREAM_ERRORS, "Requests that failed because of the shop or the way to it."),
    (MODEL_INFO, "1 for the model in force."),
    (RELOADS, "Reloads by result."),
    (
        DRIFT_PSI,
        "Population stability index of what passes, by feature, and of its score, against the \
            model's training.",
    ),
    (DRIFT_ALARM, "1 where it is above 0.1 and above chance."),
    (DRIFT_CLIENTS, "Clients of the window that drift was last measured in."),
    (
        DRIFT_ABOVE_LIMIT,
        "Share of that window's clients whose first score reaches the model's limit: drift leaves \
            them out.",
    ),
    (
        OUTCOMES,
        "Requests that came to an outcome of [outcomes], and those refused on the way, by how \
            their client stood.",
    ),
    (
        BUDGET,
        "Share of people that the threshold in force reaches at most, by its proof; NaN where \
            there is none.",
    ),
    (
        UNDECLARED_PROXY,
        "Requests that passed unjudged because they came through a proxy that trusted_proxies does \
         not name.",
    ),
    (
        SILENT_PROXY,
        "Requests of trusted proxies that name no client: their own health checks, or visitors' \
         whose address the proxy does not send.",
    ),
    (CHALLENGES, "Challenges by what came of them: shown, passed, failed, or sent too early."),
    (CLOCK_BEHIND, "Seconds by which the wall clock is ahead of the time of events."),
];

/// From a hit in the cache (250 ns) to a rehash or a page fault under load (10 ms).
const DECISION_BUCKETS: [f64; 12] =
    [250e-9, 500e-9, 1e-6, 2e-6, 3e-6, 5e-6, 10e-6, 25e-6, 100e-6, 500e-6, 2e-3, 10e-3];

const METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// The gate's metrics.
pub struct Metrics {
    handle: PrometheusHandle,
    requests: [[[Counter; Reason::ALL.len()]; Action::ALL.len()]; Mode::ALL.len()],
    malformed: [[Counter; Malformed::ALL.len()]; Mode::ALL.len()],
    scores: Scores,
    decision_seconds: Histogram,
    clients: Gauge,
    evictions: Counter,
    bans_dropped: Counter,
    bans: Gauge,
    panics: Counter,
    /// For the event log's writer.
    pub(crate) log_dropped: Counter,
    /// For the event log's writer.
    pub(crate) log_errors: Counter,
    upstream_errors: Counter,
    conversions: ConversionSeries,
    model_info: ModelInfo,
    reloads: [Counter; 2],
    /// By feature, and last of the score.
    drift: [[Gauge; 2]; FEATURES.len() + 1],
    drift_clients: Gauge,
    drift_above_limit: Gauge,
    /// Of limit and block.
    budgets: [Gauge; 2],
    undeclared_proxy: Counter,
    silent_proxy: Counter,
    clock_behind: Gauge,
    challenges: [Counter; ChallengeResult::ALL.len()],
    /// For a door that edges ask.
    pub edge: EdgeCounters,
}

impl Metrics {
    /// A recorder of its own, with every metric at zero.
    pub fn new() -> Self {
        let recorder = recorder();
        for (name, help) in METRICS.into_iter().chain(EDGE_METRICS) {
            // The kind does not matter to this exporter, the help text does.
            recorder.describe_gauge(name.into(), None, help.into());
        }
        let counter = |name: &'static str, labels: Vec<Label>| {
            recorder.register_counter(&key(name, labels), &METADATA)
        };
        let gauge = |name: &'static str| recorder.register_gauge(&key(name, Vec::new()), &METADATA);
        Self {
            requests: Mode::ALL.map(|mode| {
                Action::ALL.map(|action| {
                    Reason::ALL.map(|reason| {
                        let labels = [
                            ("action", action.as_str()),
                            ("reason", reason.as_str()),
                            ("mode", mode.as_str()),
                        ];
                        counter(REQUESTS, labels.map(Label::from_static_pair).to_vec())
                    })
                })
            }),
            malformed: Mode::ALL.map(|mode| {
                Malformed::ALL.map(|kind| {
                    let labels = [("kind", kind.as_str()), ("mode", mode.as_str())];
                    counter(MALFORMED, labels.map(Label::from_static_pair).to_vec())
                })
            }),
            scores: Scores::default(),
            decision_seconds: recorder
                .register_histogram(&key(DECISION_SECONDS, Vec::new()), &METADATA),
            clients: gauge(CLIENTS),
            evictions: counter(EVICTIONS, Vec::new()),
            bans_dropped: counter(BANS_DROPPED, Vec::new()),
            bans: gauge(BANS),
            panics: counter(PANICS, Vec::new()),
            log_dropped: counter(LOG_DROPPED, Vec::new()),
            log_errors: counter(LOG_ERRORS, Vec::new()),
            upstream_errors: counter(UPSTREAM_ERRORS, Vec::new()),
            conversions: ConversionSeries::default(),
            model_info: ModelInfo::default(),
            reloads: ["ok", "refused"]
                .map(|result| counter(RELOADS, vec![Label::from_static_parts("result", result)])),
            drift: std::array::from_fn(|index| {
                let name = FEATURES.get(index).map_or(SCORE_SHIFT, |feature| feature.name);
                [DRIFT_PSI, DRIFT_ALARM].map(|metric| {
                    recorder.register_gauge(
                        &key(metric, vec![Label::from_static_parts("of", name)]),
                        &METADATA,
                    )
                })
            }),
            drift_clients: gauge(DRIFT_CLIENTS),
            drift_above_limit: gauge(DRIFT_ABOVE_LIMIT),
            budgets: ["limit", "block"].map(|threshold| {
                recorder.register_gauge(
                    &key(BUDGET, vec![Label::from_static_parts("threshold", threshold)]),
                    &METADATA,
                )
            }),
            undeclared_proxy: counter(UNDECLARED_PROXY, Vec::new()),
            silent_proxy: counter(SILENT_PROXY, Vec::new()),
            clock_behind: gauge(CLOCK_BEHIND),
            challenges: ChallengeResult::ALL.map(|result| {
                let label = Label::from_static_parts("result", result.as_str());
                counter(CHALLENGES, vec![label])
            }),
            edge: EdgeCounters::new(&counter),
            handle: recorder.handle(),
        }
    }

    /// Counts a verdict; its score where this request made it, for an asset carries the last
    /// page's.
    pub(crate) fn decided(&self, ruling: &Ruling) {
        let Verdict { action, reason, score, class, .. } = ruling.verdict();
        self.requests[ruling.mode() as usize][*action as usize][*reason as usize].increment(1);
        if let (Some(score), Class::Page) = (score, class) {
            self.scores.record(score.value());
        }
    }

    pub(crate) fn decision_took(&self, time: Duration) {
        self.decision_seconds.record(time.as_secs_f64());
    }

    /// Counts a request that the gate answers itself, or would answer in enforce mode.
    pub(crate) fn malformed(&self, kind: Malformed, mode: Mode) {
        self.malformed[mode as usize][kind as usize].increment(1);
    }

    /// Counts a request that failed because of the shop.
    pub fn upstream_failed(&self) {
        self.upstream_errors.increment(1);
    }

    /// Counts a reload, or one that was refused.
    pub fn reloaded(&self, ok: bool) {
        self.reloads[usize::from(!ok)].increment(1);
    }

    /// Names the model in force, and no longer the one before.
    pub(crate) fn model(&self, model: Option<&Model>) {
        self.model_info.set(model);
    }

    /// Counts a request that came through a proxy that nobody has declared.
    pub(crate) fn undeclared_proxy(&self) {
        self.undeclared_proxy.increment(1);
    }

    /// Counts a request of a trusted proxy that names no client.
    pub(crate) fn silent_proxy(&self) {
        self.silent_proxy.increment(1);
    }

    /// Counts what came of a challenge.
    pub(crate) fn challenged(&self, result: ChallengeResult) {
        self.challenges[result as usize].increment(1);
    }

    /// How far the wall clock is ahead of the time of events, in µs.
    pub(crate) fn clock_behind(&self, us: i64) {
        self.clock_behind.set(us as f64 / 1e6);
    }

    /// Shares of people that limit and block may reach; `None` where nothing proves any.
    pub(crate) fn budgets(&self, budgets: [Option<f64>; 2]) {
        for (gauge, budget) in self.budgets.iter().zip(budgets) {
            gauge.set(budget.unwrap_or(f64::NAN));
        }
    }

    /// A counter for each outcome; those of a name that was there before go on, and those of other
    /// names are shown no more.
    pub(crate) fn conversions(&self, outcomes: &Conversions) -> ConversionCounters {
        let counters = self.conversions.put_in_force(outcomes.names()).into_iter();
        ConversionCounters::new(
            outcomes.clone(),
            counters.map(|counters| counters.map(Counter::from_arc)).collect(),
        )
    }

    /// What moved; nothing, where there is nothing to compare.
    pub(crate) fn drifted(&self, drift: Option<&Drift>, seen: ClientsSeen) {
        let shifts = || drift.iter().flat_map(|drift| drift.features.iter().chain([&drift.score]));
        for (index, [psi, alarm]) in self.drift.iter().enumerate() {
            let name = FEATURES.get(index).map_or(SCORE_SHIFT, |feature| feature.name);
            let shift = shifts().find(|shift| shift.name == name);
            psi.set(shift.map_or(0.0, |shift| shift.psi));
            alarm.set(shift.map_or(0.0, |shift| f64::from(u8::from(shift.alarm))));
        }
        self.drift_clients.set(seen.all() as f64);
        self.drift_above_limit.set(seen.share_above_limit());
    }

    /// The text Prometheus scrapes, with the detector's figures as of now.
    pub(crate) fn render(&self, stats: &Stats, mode: Mode) -> String {
        self.clients.set(stats.clients as f64);
        // In shadow mode those are shown that would be in force.
        let provisional = if mode == Mode::Shadow { stats.bans_provisional } else { 0 };
        self.bans.set((stats.bans + provisional) as f64);
        self.evictions.absolute(stats.evictions);
        self.bans_dropped.absolute(stats.bans_dropped);
        self.panics.absolute(stats.panics);
        let mut text = self.handle.render();
        let help =
            |of: &str| METRICS.iter().find(|(name, _)| *name == of).map_or("", |found| found.1);
        self.scores.render(SCORE, help(SCORE), &mut text);
        self.conversions.render(OUTCOMES, help(OUTCOMES), &mut text);
        self.model_info.render(MODEL_INFO, help(MODEL_INFO), &mut text);
        text
    }

    /// Folds samples into buckets. To be called about once a second.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn recorder() -> PrometheusRecorder {
    let decision_seconds = Matcher::Full(DECISION_SECONDS.to_owned());
    // Refused only when the list is empty, which this constant is not.
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(decision_seconds, &DECISION_BUCKETS);
    builder.unwrap_or_default().build_recorder()
}

fn key(name: &'static str, labels: Vec<Label>) -> Key {
    Key::from_parts(name, labels)
}

trait StaticPair {
    fn from_static_pair(pair: (&'static str, &'static str)) -> Label;
}

impl StaticPair for Label {
    fn from_static_pair((name, value): (&'static str, &'static str)) -> Label {
        Label::from_static_parts(name, value)
    }
}

#[cfg(test)]
mod tests;
