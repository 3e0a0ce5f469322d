//! The plain replay: one detector, and each request with its verdict goes to a [`VerdictSink`].

use std::borrow::Borrow;
use std::marker::PhantomData;

use detector::{ClientKey, Detector, Event, Method, Outcome, UrlKey, Verdict};

use super::bans::{BannedClients, TooManyBans};
use super::error::ReplayError;
use super::logs::Reader;
use super::pass::Pass;
use super::recorded::RecordedVerdict;
use super::walk::walk_records;
use super::walk_parallel::walk_parallel;
use crate::log::{Asked, Kind, Record, Tally};

/// Replays logs on this thread and calls `visit` with each request and its verdict, in order of
/// time. `visit` has the arguments of [`VerdictSink::accept`].
///
/// # Errors
/// The first log that cannot be read; everything before that has been visited.
pub fn replay(
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
    visit: impl FnMut(&Event, &Verdict, Option<&RecordedVerdict>, Option<&str>) + Send,
) -> Result<Vec<Tally>, ReplayError> {
    let mut visit = visit;
    walk_records(
        readers,
        |record| ReplayedLine::of(record, detector, shown),
        |line| line.replay(detector, &mut visit),
    )
}

/// Replays logs with `jobs` threads that parse and `jobs` threads that observe. Returns each log's
/// tally of lines, and one sink for each thread that observed. With one job it starts no thread.
///
/// # Errors
/// The first log that cannot be read. With several jobs also [`TooManyBans`], and a thread that has
/// panicked.
pub fn replay_parallel<S: VerdictSink + Default>(
    jobs: usize,
    readers: Vec<Reader>,
    detector: &Detector,
    shown: Option<ClientKey>,
) -> Result<(Vec<Tally>, Vec<S>), ReplayError> {
    let pass = VerdictPass::new(detector, shown, S::default);
    let (tallies, watches) = walk_parallel(jobs, readers, &pass)?;
    Ok((tallies, watches.into_iter().map(|(sink, _)| sink).collect()))
}

/// Collects requests and their verdicts. On several threads each has a sink of its own; all
/// requests of a client go to the same sink, in order of time.
pub trait VerdictSink: Send {
    /// Takes a request and its verdict.
    ///
    /// `recorded` is the gate's own verdict, where the log is an event log. `request` is the method
    /// and target, for the client that is shown.
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&RecordedVerdict>,
        request: Option<&str>,
    );

    /// Whether the verdict on this client's request should carry its reasons, if it is a refusal.
    /// Finding the reasons takes time, so a sink that does not print them says no.
    fn wants_reasons(&self, _: ClientKey) -> bool {
        true
    }
}

impl<F: FnMut(&Event, &Verdict, Option<&RecordedVerdict>, Option<&str>) + Send> VerdictSink for F {
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&RecordedVerdict>,
        request: Option<&str>,
    ) {
        self(event, verdict, recorded, request);
    }
}

/// Passes everything on to the first, and notes in the second who was banned.
impl<S: VerdictSink> VerdictSink for (S, BannedClients) {
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&RecordedVerdict>,
        request: Option<&str>,
    ) {
        self.1.note(event.client, verdict);
        self.0.accept(event, verdict, recorded, request);
    }

    fn wants_reasons(&self, client: ClientKey) -> bool {
        self.0.wants_reasons(client)
    }
}

/// The pass of the plain replay. `D` is a detector or a reference to one, and each watcher gets a
/// sink from `make`.
pub struct VerdictPass<D, S, M> {
    detector: D,
    shown: Option<ClientKey>,
    make: M,
    sink: PhantomData<fn() -> S>,
}

impl<D: Borrow<Detector>, S: VerdictSink, M: Fn() -> S> VerdictPass<D, S, M> {
    /// A pass that replays with `detector`. For the requests of `shown`, sinks also get the method
    /// and target.
    pub fn new(detector: D, shown: Option<ClientKey>, make: M) -> Self {
        Self { detector, shown, make, sink: PhantomData }
    }

    /// The detector that observes the requests.
    pub fn detector(&self) -> &Detector {
        self.detector.borrow()
    }
}

impl<D, S, M> Pass for VerdictPass<D, S, M>
where
    D: Borrow<Detector> + Sync,
    S: VerdictSink,
    M: Fn() -> S + Sync,
{
    type Step = ReplayedLine;
    type Watch = (S, BannedClients);

    fn step(&self, record: &Record<'_>) -> ReplayedLine {
        ReplayedLine::of(record, self.detector(), self.shown)
    }

    fn group(&self, line: &ReplayedLine) -> usize {
        self.detector().group(line.event.client)
    }

    fn watch(&self) -> (S, BannedClients) {
        ((self.make)(), BannedClients::default())
    }

    fn pass(&self, line: ReplayedLine, watch: &mut (S, BannedClients)) {
        line.replay(self.detector(), watch);
    }

    fn check(&self, watches: &[(S, BannedClients)]) -> Result<(), TooManyBans> {
        BannedClients::check(watches.iter().map(|(_, banned)| banned), self.detector())
    }
}

/// What is kept of one log line until its turn comes.
pub struct ReplayedLine {
    /// The request. Of an outcome, only the client, time, browser and place of writing are known.
    event: Event,
    kind: Kind,
    status: u16,
    recorded: Option<RecordedVerdict>,
    /// Method and target, kept only for the client that is shown.
    shown: Option<Box<str>>,
}

/// Not much more than a cache line, because three million of them a second go between threads.
const _: () = assert!(size_of::<ReplayedLine>() <= 80);

impl ReplayedLine {
    fn of(record: &Record<'_>, detector: &Detector, shown: Option<ClientKey>) -> Self {
        let request = record.request();
        let wanted = request.as_ref().filter(|request| shown == Some(request.client));
        Self {
            shown: wanted.map(|request| format!("{} {}", request.method, request.target).into()),
            event: event_of(record, detector),
            kind: record.kind,
            status: record.status,
            recorded: RecordedVerdict::of(record),
        }
    }

    /// Has the detector observe the request, conclude it, or both, and hands on the verdict.
    fn replay(&self, detector: &Detector, sink: &mut impl VerdictSink) {
        if self.kind != Kind::Outcome {
            let wants_reasons = || self.shown.is_some() || sink.wants_reasons(self.event.client);
            let verdict = detector.observe_and_tell(&self.event, &wants_reasons);
            sink.accept(&self.event, &verdict, self.recorded.as_ref(), self.shown.as_deref());
        }
        if self.kind != Kind::Request {
            let at = self.event.at;
            detector.conclude(&Outcome::of(&self.event, at, self.status));
        }
    }
}

/// A record's request as this detector sees it. A record that only says how a request ended gives
/// an event with the client, time, browser and place of writing, for [`Outcome::of`].
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
