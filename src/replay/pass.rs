//! One pass over logs on one thread: read, put in order, observe.

use anyhow::Result;
use detector::{Action, ClientKey, Detector, Event, Method, Outcome, UrlKey, Verdict};
use traffic::log::{Asked, Kind, Record, Tally};
use traffic::{Merged, Ordered};

use crate::input::Reader;

/// What the gate decided at the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recorded {
    /// Its action.
    pub action: Action,
    /// Its reason.
    pub reason: detector::Reason,
    /// Its score.
    pub score: Option<f32>,
}

impl Recorded {
    /// Same action, same reason, same score to the last bit.
    pub fn is_repeated_by(&self, verdict: &Verdict) -> bool {
        let score = verdict.score.map(detector::Score::value);
        (self.action, self.reason, self.score) == (verdict.action, verdict.reason, score)
    }
}

/// One record, reduced and owned.
pub(super) struct Step {
    /// The request; of an outcome only client, time, browser and where it wrote mean anything.
    event: Event,
    kind: Kind,
    status: u16,
    recorded: Option<Recorded>,
    /// Method and target, kept for the client that is shown only.
    shown: Option<Box<str>>,
}

/// Little more than a cache line: three million of them pass from thread to thread every second.
const _: () = assert!(size_of::<Step>() <= 80);

impl Step {
    pub(super) fn of(record: &Record<'_>, detector: &Detector, shown: Option<ClientKey>) -> Self {
        let request = record.request();
        let wanted = request.as_ref().filter(|request| shown == Some(request.client));
        Self {
            shown: wanted.map(|request| format!("{} {}", request.method, request.target).into()),
            event: request.map_or_else(|| nothing(record), |request| detector.event(&request)),
            kind: record.kind,
            status: record.status,
            recorded: record.decision.and_then(|decision| {
                let action = Action::ALL.into_iter().find(|action| action.as_str() == decision.action)?;
                let reason = detector::Reason::ALL.into_iter().find(|reason| reason.as_str() == decision.reason)?;
                Some(Recorded { action, reason, score: decision.score })
            }),
        }
    }

    pub(super) fn client(&self) -> ClientKey {
        self.event.client
    }

    /// Has the detector watch it, and calls `visit` with the verdict if it is a request.
    pub(super) fn pass(
        &self,
        detector: &Detector,
        visit: impl FnOnce(&Event, &Verdict, Option<&Recorded>, Option<&str>),
    ) {
        if self.kind != Kind::Outcome {
            let verdict = detector.observe(&self.event);
            visit(&self.event, &verdict, self.recorded.as_ref(), self.shown.as_deref());
        }
        if self.kind != Kind::Request {
            let at = self.event.at;
            detector.conclude(&Outcome::of(&self.event, at, self.status));
        }
    }
}

/// What an outcome says of its request.
fn nothing(record: &Record<'_>) -> Event {
    let Asked { agent, write } = record.asked;
    let method = if write == 0 { Method::Other } else { Method::Write };
    Event { method, agent, ..Event::page(record.client_key(), record.at, UrlKey(u32::from(write) << 16)) }
}

/// Replays logs in order of time through a detector and calls `visit` with each request's verdict.
///
/// # Errors
/// What cannot be read.
pub fn replay(
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
    mut visit: impl FnMut(&Event, &Verdict, Option<&Recorded>, Option<&str>),
) -> Result<Vec<Tally>> {
    let sources = readers
        .into_iter()
        .map(|reader| Ordered::new(reader, |record: &Record<'_>| Some(Step::of(record, detector, shown))));
    let mut merged = Merged::new(sources.collect());
    for step in &mut merged {
        let (_, step) = step?;
        step.pass(detector, &mut visit);
    }
    Ok(merged.sources().iter().map(|source| source.reader().tally().clone()).collect())
}
