//! One pass over logs on one thread: read, put in order, observe.

use std::collections::HashSet;
use std::marker::PhantomData;

use anyhow::Result;
use detector::{Action, ClientKey, Detector, Event, Method, Outcome, Reason, UrlKey, Verdict};
use traffic::log::{Asked, Kind, Record, Tally};
use traffic::{Merged, Ordered};

use super::parallel::Crowded;
use crate::input::Reader;

/// What is done with logs in one reading of them. Steps come in order of time; on several threads,
/// those of each group do ([`Detector::group`]), and each group has one watcher.
pub trait Pass: Sync {
    /// A line, reduced and owned.
    type Step: Send;
    /// What a watcher collects.
    type Watch: Send;

    /// Reduces a line; on any thread.
    fn step(&self, record: &Record<'_>) -> Self::Step;
    /// Which group its client is in.
    fn group(&self, step: &Self::Step) -> usize;
    /// A watcher that has seen nothing.
    fn watch(&self) -> Self::Watch;
    /// Takes a step in.
    fn pass(&self, step: Self::Step, watch: &mut Self::Watch);
    /// After all: did it matter in which order the groups were watched?
    ///
    /// # Errors
    /// [`Crowded`], if so.
    fn check(&self, watches: &[Self::Watch]) -> Result<(), Crowded>;
}

/// Clients that were banned: there must be room for all of them, or it matters who was banned
/// first.
#[derive(Debug, Default)]
pub struct Banned(HashSet<ClientKey>);

impl Banned {
    /// Takes a verdict in.
    pub fn note(&mut self, client: ClientKey, verdict: &Verdict) {
        if (verdict.action, verdict.reason) == (Action::Block, Reason::Score) {
            self.0.insert(client);
        }
    }

    /// # Errors
    /// [`Crowded`], when this detector forgot one for another.
    pub fn check<'a>(
        banned: impl Iterator<Item = &'a Self>,
        detector: &Detector,
    ) -> Result<(), Crowded> {
        let (banned, room) = (banned.map(|banned| banned.0.len()).sum(), detector.room_for_bans());
        if banned > room { Err(Crowded { banned, room }) } else { Ok(()) }
    }
}

/// Passes logs on this thread.
///
/// # Errors
/// What cannot be read.
pub fn pass_one<P: Pass>(
    readers: Vec<Reader>,
    pass: &P,
    watch: &mut P::Watch,
) -> Result<Vec<Tally>> {
    let sources = readers
        .into_iter()
        .map(|reader| Ordered::new(reader, |record: &Record<'_>| Some(pass.step(record))));
    let mut merged = Merged::new(sources.collect());
    for step in &mut merged {
        let (_, step) = step?;
        pass.pass(step, watch);
    }
    Ok(merged.sources().iter().map(|source| source.reader().tally().clone()).collect())
}

/// What the gate decided at the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recorded {
    /// Its action.
    pub action: Action,
    /// Its reason.
    pub reason: Reason,
    /// Its score.
    pub score: Option<f32>,
}

impl Recorded {
    /// What an event log's line says.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let decision = record.decision?;
        let action = Action::ALL.into_iter().find(|action| action.as_str() == decision.action)?;
        let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == decision.reason)?;
        Some(Self { action, reason, score: decision.score })
    }

    /// Same action, same reason, same score to the last bit.
    pub fn is_repeated_by(&self, verdict: &Verdict) -> bool {
        let score = verdict.score.map(detector::Score::value);
        (self.action, self.reason, self.score) == (verdict.action, verdict.reason, score)
    }
}

/// One record, reduced and owned.
pub struct Step {
    /// The request; of an outcome only client, time, browser and where it wrote mean anything.
    pub(super) event: Event,
    kind: Kind,
    status: u16,
    recorded: Option<Recorded>,
    /// Method and target, kept for the client that is shown only.
    shown: Option<Box<str>>,
}

/// Little more than a cache line: three million of them pass from thread to thread every second.
const _: () = assert!(size_of::<Step>() <= 80);

impl Step {
    fn of(record: &Record<'_>, detector: &Detector, shown: Option<ClientKey>) -> Self {
        let request = record.request();
        let wanted = request.as_ref().filter(|request| shown == Some(request.client));
        Self {
            shown: wanted.map(|request| format!("{} {}", request.method, request.target).into()),
            event: event_of(record, detector),
            kind: record.kind,
            status: record.status,
            recorded: Recorded::of(record),
        }
    }

    /// Has the detector watch it, and shows the verdict if it is a request.
    fn pass(&self, detector: &Detector, watch: &mut impl Watch) {
        if self.kind != Kind::Outcome {
            let wants_reasons = || self.shown.is_some() || watch.wants_reasons(self.event.client);
            let verdict = detector.observe_and_tell(&self.event, &wants_reasons);
            watch.see(&self.event, &verdict, self.recorded.as_ref(), self.shown.as_deref());
        }
        if self.kind != Kind::Request {
            let at = self.event.at;
            detector.conclude(&Outcome::of(&self.event, at, self.status));
        }
    }
}

/// A line's request as this detector sees it; of an outcome, what it says of its request.
pub fn event_of(record: &Record<'_>, detector: &Detector) -> Event {
    if let Some(request) = record.request() {
        return detector.event(&request);
    }
    let Asked { agent, write } = record.asked;
    let method = if write == 0 { Method::Other } else { Method::Write };
    Event {
        method,
        agent,
        ..Event::page(record.client_key(), record.at, UrlKey(u32::from(write) << 16))
    }
}

/// Collects what becomes of requests. Each watcher has one of its own; a client's requests all come
/// to the same one, in order of time.
pub trait Watch: Send {
    /// A request and its verdict, what the log's gate decided, and how the request reads if its
    /// client is shown.
    fn see(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&Recorded>,
        request: Option<&str>,
    );

    /// Asked when a client's request is refused: shall the verdict say why?
    fn wants_reasons(&self, _: ClientKey) -> bool {
        true
    }
}

impl<F: FnMut(&Event, &Verdict, Option<&Recorded>, Option<&str>) + Send> Watch for F {
    fn see(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&Recorded>,
        request: Option<&str>,
    ) {
        self(event, verdict, recorded, request);
    }
}

/// A watcher and beside it who was banned.
impl<W: Watch> Watch for (W, Banned) {
    fn see(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&Recorded>,
        request: Option<&str>,
    ) {
        self.1.note(event.client, verdict);
        self.0.see(event, verdict, recorded, request);
    }

    fn wants_reasons(&self, client: ClientKey) -> bool {
        self.0.wants_reasons(client)
    }
}

/// The plain replay: one detector, its verdicts shown to watchers that `make` makes.
pub(super) struct Replaying<'a, W, M> {
    pub detector: &'a Detector,
    pub shown: Option<ClientKey>,
    pub make: M,
    pub watch: PhantomData<fn() -> W>,
}

impl<W: Watch, M: Fn() -> W + Sync> Pass for Replaying<'_, W, M> {
    type Step = Step;
    type Watch = (W, Banned);

    fn step(&self, record: &Record<'_>) -> Step {
        Step::of(record, self.detector, self.shown)
    }

    fn group(&self, step: &Step) -> usize {
        self.detector.group(step.event.client)
    }

    fn watch(&self) -> (W, Banned) {
        ((self.make)(), Banned::default())
    }

    fn pass(&self, step: Step, watch: &mut (W, Banned)) {
        step.pass(self.detector, watch);
    }

    fn check(&self, watches: &[(W, Banned)]) -> Result<(), Crowded> {
        Banned::check(watches.iter().map(|(_, banned)| banned), self.detector)
    }
}

/// Replays logs in order of time through a detector and calls `visit` with each request's verdict.
///
/// # Errors
/// What cannot be read.
pub fn replay(
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
    visit: impl FnMut(&Event, &Verdict, Option<&Recorded>, Option<&str>) + Send,
) -> Result<Vec<Tally>> {
    let mut visit = visit;
    let sources = readers.into_iter().map(|reader| {
        Ordered::new(reader, |record: &Record<'_>| Some(Step::of(record, detector, shown)))
    });
    let mut merged = Merged::new(sources.collect());
    for step in &mut merged {
        let (_, step) = step?;
        step.pass(detector, &mut visit);
    }
    Ok(merged.sources().iter().map(|source| source.reader().tally().clone()).collect())
}
