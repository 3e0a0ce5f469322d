//! Reads logs once and follows a client: a [`Pass`] with a [`Follower`] for each thread.

use std::sync::{Mutex, PoisonError};

use detector::policy::Standing;
use detector::{ClientKey, Detector, Event, Mode, Verdict};
use traffic::log::{Record, RecordKind, RecordedChallenge};
use traffic::replay::{BannedClients, Driver, Judged, LogStep, Pass, TooManyBans, Watcher};
use trainer::evidence::{Agents, Trace};

use super::follower::Follower;
use super::moment::{FollowedLine, PastDecision, RequestChoice};

/// Follows one client through logs, judged by one detector.
pub struct ExplainPass {
    detector: Detector,
    client: ClientKey,
    which: RequestChoice,
    agents: Mutex<Agents>,
}

/// What is kept of one log line until its turn comes.
pub struct ExplainStep {
    line: LogStep,
    /// What labelling rules need to know of a request; `None` if the line is none.
    trace: Option<Trace>,
    /// What the line says of a request of the followed client; `None` for anybody else's.
    followed: Option<Box<FollowedLine>>,
    /// Whose challenge the line tells of, and what came of it.
    challenge: Option<RecordedChallenge>,
    /// Identifier of the followed client's request that this line ends.
    ends: Option<Box<str>>,
}

/// State of one thread: the driver of the detector, and what it has seen.
pub struct ExplainWatch {
    driver: Driver,
    follower: Follower,
    banned: BannedClients,
}

impl ExplainPass {
    /// Follows this client, judged by this detector; `which` of its requests is to be explained.
    pub fn new(detector: Detector, client: ClientKey, which: RequestChoice) -> Self {
        Self { detector, client, which, agents: Mutex::default() }
    }
}

impl ExplainWatch {
    /// What this thread has seen.
    pub fn into_follower(self) -> Follower {
        self.follower
    }
}

impl Pass for ExplainPass {
    type Step = ExplainStep;
    type Watch = ExplainWatch;

    fn step(&self, record: &Record<'_>) -> ExplainStep {
        let line = LogStep::of(record, &self.detector);
        let trace = line.is_request().then(|| {
            Trace::of(record, &mut self.agents.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let is_followed = line.event.client == self.client;
        ExplainStep {
            line,
            trace,
            challenge: record.challenge,
            followed: (is_followed && trace.is_some()).then(|| Box::new(line_of(record))),
            ends: record
                .id
                .filter(|_| is_followed && record.kind == RecordKind::Outcome)
                .map(Into::into),
        }
    }

    fn group(&self, step: &ExplainStep) -> usize {
        self.detector.group(step.line.event.client)
    }

    fn watch(&self) -> ExplainWatch {
        ExplainWatch {
            driver: Driver::default(),
            follower: Follower::new(self.client, self.which.clone()),
            banned: BannedClients::default(),
        }
    }

    fn pass(&self, step: ExplainStep, watch: &mut ExplainWatch) {
        let ExplainWatch { driver, follower, banned } = watch;
        let ExplainStep { line, trace, challenge, followed, ends } = step;
        let watcher =
            FollowedWatcher { pass: self, follower, banned, trace, followed, standing: None };
        driver.step(&line, &mut Judged::watched(&self.detector, watcher).with_reasons());
        banned.note_line(&line);
        if let Some(challenge) = challenge {
            follower.challenged(line.event.client, challenge);
        }
        if let Some(id) = ends {
            follower.ended(&id, line.status);
        }
    }

    fn check(&self, watches: &[ExplainWatch]) -> Result<(), TooManyBans> {
        BannedClients::check(watches.iter().map(|watch| &watch.banned), &self.detector)
    }
}

/// Shows the follower one request and its verdict.
struct FollowedWatcher<'a> {
    pass: &'a ExplainPass,
    follower: &'a mut Follower,
    banned: &'a mut BannedClients,
    trace: Option<Trace>,
    followed: Option<Box<FollowedLine>>,
    /// How the followed client stands before its request is observed.
    standing: Option<Standing>,
}

impl Watcher for FollowedWatcher<'_> {
    fn before(&mut self, detector: &Detector, event: &Event, mode: Mode) {
        self.standing = self.followed.is_some().then(|| detector.standing_in(event.client, mode));
    }

    fn at_verdict(&mut self, event: &Event, verdict: &Verdict) {
        self.banned.note(event.client, verdict);
        let detector = &self.pass.detector;
        if let (Some(line), Some(standing)) = (self.followed.take(), self.standing) {
            self.follower.take_own(detector, event, verdict, standing, *line);
        }
        if let Some(trace) = self.trace {
            self.follower.take(detector, event, verdict, trace);
        }
    }
}

fn line_of(record: &Record<'_>) -> FollowedLine {
    FollowedLine {
        method: record.method.to_owned(),
        target: record.target.to_owned(),
        status: (record.kind == RecordKind::Whole).then_some(record.status),
        recorded: record.decision.map(|decision| PastDecision {
            id: decision.id.to_owned(),
            mode: decision.mode.to_owned(),
            action: decision.action.to_owned(),
            reason: decision.reason.to_owned(),
            score: decision.score,
        }),
    }
}
