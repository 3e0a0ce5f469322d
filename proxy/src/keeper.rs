//! The gate's mind, without its mouth: from an HTTP request to a ruling, and from its end to an
//! outcome.
//!
//! A [`Keeper`] knows requests and the detector, and no sessions, so whatever else asks for
//! verdicts can share it. It reads the clock: once when a request arrives, once when it ends, and
//! once more on the requests whose decision time is measured. Everything it calls takes time as an
//! argument.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use detector::{AgentKey, ClientKey, Detector, Outcome, Reason, Request, Timestamp};
use http::header::HeaderValue;
use pingora::http::RequestHeader;

use crate::decision::{DecisionId, DecisionIds};
use crate::enforce::{Mode, Ruling};
use crate::identity::{Caller, TrustedProxies};
use crate::metrics::{Metrics, OutcomeCounters, Stood};
use crate::record::{OutcomeRecord, Recorder, Texts};
use crate::told::Told;

/// Two clock reads and a histogram cost 80 ns: a tenth of the detector's budget on every request,
/// nothing on one in 16.
const MEASURED_ONE_IN: u64 = 16;

/// Judges requests and remembers how they ended.
pub(crate) struct Keeper {
    pub(crate) detector: Arc<Detector>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) live: ArcSwap<Live>,
    ids: DecisionIds,
    decisions: AtomicU64,
}

/// What a reload changes besides the detector's judge.
pub(crate) struct Live {
    pub(crate) mode: Mode,
    pub(crate) trusted: TrustedProxies,
    pub(crate) outcomes: OutcomeCounters,
}

/// A request that was judged, until it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage {
    pub(crate) id: DecisionId,
    client: ClientKey,
    agent: AgentKey,
    write: u16,
    arrived: SystemTime,
    stood: Stood,
    /// Refused by the gate, or let past unasked: neither has an outcome that the detector should
    /// learn from.
    unlearned: bool,
}

impl Keeper {
    pub(crate) fn new(
        detector: Arc<Detector>,
        metrics: Arc<Metrics>,
        recorder: Option<Recorder>,
        live: Live,
    ) -> Self {
        let (ids, decisions) = (DecisionIds::new(), AtomicU64::new(0));
        Self { detector, metrics, recorder, live: ArcSwap::from_pointee(live), ids, decisions }
    }

    /// Works out who is asking, judges the request, counts and records it.
    pub(crate) fn admit(
        &self,
        peer: IpAddr,
        request: &RequestHeader,
        told: &Told<'_>,
    ) -> (Caller, Passage, Ruling) {
        let arrived = SystemTime::now();
        let live = self.live.load();
        let caller = Caller::identify(peer, told.forwarded_for(), &live.trusted);
        let target = String::from_utf8_lossy(request.raw_path());
        let client = caller.key();
        let user_agent = told.user_agent.map(HeaderValue::as_bytes);
        let event = self.detector.event(&Request {
            client,
            at: timestamp(arrived),
            method: request.method.as_str(),
            target: &target,
            fetch_dest: told.fetch_dest.and_then(|value| value.to_str().ok()),
            agent: user_agent,
            recorded: None,
        });
        let ruling = live.mode.rule(self.detector.observe(&event));
        if self.decisions.fetch_add(1, Ordering::Relaxed).is_multiple_of(MEASURED_ONE_IN) {
            self.metrics.decision_took(arrived.elapsed().unwrap_or_default());
        }
        self.metrics.decided(&ruling);
        let id = self.ids.draw();
        if let Some(recorder) = &self.recorder {
            let referer = told.referer.map(HeaderValue::as_bytes);
            let texts =
                Texts { method: request.method.as_str(), target: &target, user_agent, referer };
            recorder.request(&ruling, &event, id, texts);
        }
        let unlearned = ruling.refusal().is_some() || ruling.verdict().reason == Reason::AllowList;
        let stood = Stood::of(&ruling);
        let passage = Passage {
            id,
            client,
            agent: event.agent,
            write: event.write(),
            arrived,
            stood,
            unlearned,
        };
        (caller, passage, ruling)
    }

    /// Takes in how a request ended.
    pub(crate) fn conclude(
        &self,
        passage: &Passage,
        request: &RequestHeader,
        status: u16,
        bytes: u64,
    ) {
        self.live.load().outcomes.count(
            request.method.as_str(),
            request.raw_path(),
            status,
            passage.stood,
        );
        if passage.unlearned {
            return;
        }
        let ended = SystemTime::now();
        let Passage { client, id, agent, write, .. } = *passage;
        let outcome = Outcome { client, at: timestamp(ended), status, agent, write };
        if let (Some(mark), Some(recorder)) = (self.detector.conclude(&outcome), &self.recorder) {
            let duration = ended.duration_since(passage.arrived).unwrap_or_default();
            let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            recorder.outcome(OutcomeRecord { outcome, id, mark, bytes, duration_us });
        }
    }

    /// Tells the metrics what moved, once the window has a tenth of `full` clients: with fewer the
    /// last window's figures stand. Is it full?
    pub(crate) fn measure_drift(&self, full: u64) -> bool {
        let seen = self.detector.drift_seen();
        if seen.all() * 10 >= full {
            self.metrics.drifted(self.detector.drift().as_ref(), seen);
        }
        seen.all() >= full
    }

    /// The text Prometheus scrapes.
    pub(crate) fn render_metrics(&self) -> String {
        self.metrics.render(&self.detector.stats(now()))
    }
}

/// The time, for those who have no request to take it from.
pub(crate) fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

/// A clock before 1970 reads 1970: it is wrong either way, and the gate must not stop for it.
fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
