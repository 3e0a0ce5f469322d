//! Reads logs once and follows a client: a [`Pass`] with a [`Follower`] for each thread.

use std::sync::{Mutex, PoisonError};

use detector::{ClientKey, Detector, Event, Mode, Timestamp, Token};
use traffic::log::{Record, RecordKind, RecordedBan};
use traffic::replay::{BannedClients, Driver, LogStep, Pass, Subject, TooManyBans, change_ban};
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
        let ExplainStep { line, trace, followed, ends } = step;
        let mut subject = FollowedDetector { pass: self, follower, banned, trace, followed };
        driver.step(&line, &mut subject);
        banned.note_line(&line);
        if let Some(id) = ends {
            follower.ended(&id, line.status);
        }
    }

    fn check(&self, watches: &[ExplainWatch]) -> Result<(), TooManyBans> {
        BannedClients::check(watches.iter().map(|watch| &watch.banned), &self.detector)
    }
}

/// Passes the driver's calls on to the detector, by way of the follower.
struct FollowedDetector<'a> {
    pass: &'a ExplainPass,
    follower: &'a mut Follower,
    banned: &'a mut BannedClients,
    trace: Option<Trace>,
    followed: Option<Box<FollowedLine>>,
}

impl Subject for FollowedDetector<'_> {
    fn observe(&mut self, event: &Event, mode: Mode) -> Option<Token> {
        // Every request has a trace; other lines are not observed.
        let trace = self.trace?;
        let line = self.followed.take().map(|line| *line);
        let observed = self.follower.observe(&self.pass.detector, event, mode, trace, line);
        self.banned.note(event.client, &observed.verdict);
        observed.token
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        self.pass.detector.conclude(token, at, status);
    }

    fn change_ban(&mut self, client: ClientKey, at: Timestamp, ban: RecordedBan) {
        change_ban(&self.pass.detector, client, at, ban);
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
