//! The plain replay: one detector, and each request with its verdict goes to a [`VerdictSink`].

use std::borrow::Borrow;
use std::marker::PhantomData;

use detector::{ClientKey, Detector, Event, Verdict};

use super::bans::{BannedClients, TooManyBans};
use super::driver::{Driver, Semantics};
use super::error::ReplayError;
use super::judged::{Judged, Watcher};
use super::log_step::LogStep;
use super::logs::Reader;
use super::pass::Pass;
use super::recorded::RecordedVerdict;
use super::walk::walk_records;
use super::walk_parallel::walk_parallel;
use crate::log::{Record, Tally};

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
    let mut driver = Driver::default();
    walk_records(
        readers,
        |record| ReplayedLine::of(record, detector, shown),
        |line| line.replay(detector, &mut driver, &mut visit),
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
    Ok((tallies, watches.into_iter().map(VerdictWatch::into_sink).collect()))
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

/// What one thread of the plain replay works with: its driver, its sink, and the clients it has
/// seen being banned.
pub struct VerdictWatch<S> {
    driver: Driver,
    sink: S,
    banned: BannedClients,
}

impl<S> VerdictWatch<S> {
    /// The sink, with everything it has collected.
    pub fn into_sink(self) -> S {
        self.sink
    }
}

/// The pass of the plain replay. `D` is a detector or a reference to one, and each watcher gets a
/// sink from `make`.
pub struct VerdictPass<D, S, M> {
    detector: D,
    shown: Option<ClientKey>,
    semantics: Semantics,
    make: M,
    sink: PhantomData<fn() -> S>,
}

impl<D: Borrow<Detector>, S: VerdictSink, M: Fn() -> S> VerdictPass<D, S, M> {
    /// A pass that replays with `detector`. For the requests of `shown`, sinks also get the method
    /// and target.
    pub fn new(detector: D, shown: Option<ClientKey>, make: M) -> Self {
        Self { detector, shown, semantics: Semantics::default(), make, sink: PhantomData }
    }

    /// Observes requests in modes chosen by `semantics`. The default is [`Semantics::AsRecorded`].
    #[must_use]
    pub fn in_mode(self, semantics: Semantics) -> Self {
        Self { semantics, ..self }
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
    type Watch = VerdictWatch<S>;

    fn step(&self, record: &Record<'_>) -> ReplayedLine {
        ReplayedLine::of(record, self.detector(), self.shown)
    }

    fn group(&self, line: &ReplayedLine) -> usize {
        self.detector().group(line.step.event.client)
    }

    fn watch(&self) -> VerdictWatch<S> {
        let (driver, banned) = (Driver::new(self.semantics), BannedClients::default());
        VerdictWatch { driver, sink: (self.make)(), banned }
    }

    fn pass(&self, line: ReplayedLine, watch: &mut VerdictWatch<S>) {
        let VerdictWatch { driver, sink, banned } = watch;
        let mut noted = BanNoting { sink, banned };
        line.replay(self.detector(), driver, &mut noted);
        banned.note_line(&line.step);
    }

    fn check(&self, watches: &[VerdictWatch<S>]) -> Result<(), TooManyBans> {
        BannedClients::check(watches.iter().map(|watch| &watch.banned), self.detector())
    }
}

/// Passes every verdict on to a sink, and notes which clients were banned.
struct BanNoting<'a, S> {
    sink: &'a mut S,
    banned: &'a mut BannedClients,
}

impl<S: VerdictSink> VerdictSink for BanNoting<'_, S> {
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&RecordedVerdict>,
        request: Option<&str>,
    ) {
        self.banned.note(event.client, verdict);
        self.sink.accept(event, verdict, recorded, request);
    }

    fn wants_reasons(&self, client: ClientKey) -> bool {
        self.sink.wants_reasons(client)
    }
}

/// What is kept of one log line until its turn in the order of time.
pub struct ReplayedLine {
    step: LogStep,
    recorded: Option<RecordedVerdict>,
    /// Method and target, kept only for the client that is shown.
    shown: Option<Box<str>>,
}

/// Not much more than a cache line, because three million of them a second pass between threads.
const _: () = assert!(size_of::<ReplayedLine>() <= 88);

impl ReplayedLine {
    fn of(record: &Record<'_>, detector: &Detector, shown: Option<ClientKey>) -> Self {
        let step = LogStep::of(record, detector);
        let is_shown = step.is_request() && shown == Some(step.event.client);
        Self {
            shown: is_shown.then(|| format!("{} {}", record.method, record.target).into()),
            step,
            recorded: RecordedVerdict::of(record),
        }
    }

    fn replay(&self, detector: &Detector, driver: &mut Driver, sink: &mut impl VerdictSink) {
        driver.step(&self.step, &mut Judged::watched(detector, LineWatcher { line: self, sink }));
    }
}

/// Hands the verdict on a line to the sink.
struct LineWatcher<'a, S> {
    line: &'a ReplayedLine,
    sink: &'a mut S,
}

impl<S: VerdictSink> Watcher for LineWatcher<'_, S> {
    fn at_verdict(&mut self, event: &Event, verdict: &Verdict) {
        let Self { line, sink } = self;
        sink.accept(event, verdict, line.recorded.as_ref(), line.shown.as_deref());
    }

    fn wants_reasons(&self, client: ClientKey) -> bool {
        self.line.shown.is_some() || self.sink.wants_reasons(client)
    }
}
