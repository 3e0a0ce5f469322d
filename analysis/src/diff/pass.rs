//! Reads logs once and has two detectors judge every request.

use std::sync::{Mutex, PoisonError};

use detector::{Detector, Verdict};
use traffic::conversions::ReachedConversions;
use traffic::log::{Record, RecordKind};
use traffic::replay::{BannedClients, Driver, Judged, LogStep, Pass, TooManyBans};
use traffic::{ConversionWatch, Conversions};
use trainer::evidence::Agents;

use super::comparison::Comparison;
use super::path_shape::path_shape;

/// Two detectors that see the same requests. Each reduces a request by its own model, because
/// models can differ in time step and in how they place pages.
pub struct DiffPass<'a> {
    detectors: [Detector; 2],
    conversions: &'a Conversions,
    agents: Mutex<Agents>,
}

/// What is kept of one log line until its turn comes.
pub struct DiffStep {
    lines: [LogStep; 2],
    path: Box<str>,
    is_good_robot: bool,
    reached: ReachedConversions,
    /// Set for two lines of an event log that must be joined to find a conversion: a request that
    /// may be one, and the line that ends it.
    joins: Option<Box<JoinedLine>>,
}

/// What is kept of a line of an event log to join a request with its end.
struct JoinedLine {
    id: String,
    method: String,
    target: String,
}

/// State of one thread: the drivers of the detectors, and the sums.
pub struct DiffWatch<'a> {
    drivers: [Driver; 2],
    comparison: Comparison,
    conversions: ConversionWatch<'a>,
    banned: [BannedClients; 2],
}

impl<'a> DiffPass<'a> {
    /// Compares these two detectors, and notes which client comes to which conversion.
    pub fn new(detectors: [Detector; 2], conversions: &'a Conversions) -> Self {
        Self { detectors, conversions, agents: Mutex::default() }
    }

    /// The two detectors.
    pub fn detectors(&self) -> &[Detector; 2] {
        &self.detectors
    }
}

impl DiffWatch<'_> {
    /// The sums of this thread.
    pub fn into_comparison(self) -> Comparison {
        self.comparison
    }
}

impl<'a> Pass for DiffPass<'a> {
    type Step = DiffStep;
    type Watch = DiffWatch<'a>;

    fn step(&self, record: &Record<'_>) -> DiffStep {
        let is_request = record.kind.is_request();
        let is_good_robot = is_request
            && record.user_agent.is_some_and(|agent| {
                self.agents.lock().unwrap_or_else(PoisonError::into_inner).is_good_bot(agent)
            });
        let asked = self.conversions.asked(record.method, record.target);
        let reached = match record.kind {
            RecordKind::Whole => self.conversions.reached(asked, record.status),
            RecordKind::Request | RecordKind::Outcome | RecordKind::Ban | RecordKind::Challenge => {
                ReachedConversions::default()
            }
        };
        let wanted = match record.kind {
            RecordKind::Whole | RecordKind::Ban | RecordKind::Challenge => false,
            RecordKind::Request => !asked.is_nothing(),
            RecordKind::Outcome => !self.conversions.is_empty(),
        };
        let id = record.id.or(record.decision.map(|decision| decision.id)).filter(|_| wanted);
        DiffStep {
            lines: [0, 1].map(|side: usize| LogStep::of(record, &self.detectors[side])),
            path: if is_request { path_shape(record.target) } else { Box::default() },
            is_good_robot,
            reached,
            joins: id.map(|id| {
                Box::new(JoinedLine {
                    id: id.to_owned(),
                    method: record.method.to_owned(),
                    target: record.target.to_owned(),
                })
            }),
        }
    }

    fn group(&self, step: &DiffStep) -> usize {
        self.detectors[0].group(step.lines[0].event.client)
    }

    fn watch(&self) -> DiffWatch<'a> {
        DiffWatch {
            drivers: Default::default(),
            comparison: Comparison::default(),
            conversions: ConversionWatch::new(self.conversions),
            banned: Default::default(),
        }
    }

    fn pass(&self, step: DiffStep, watch: &mut DiffWatch<'a>) {
        let client = step.lines[0].event.client;
        let verdicts: [Option<Verdict>; 2] = [0, 1].map(|side: usize| {
            let mut found = None;
            let mut judged = Judged::new(&self.detectors[side], |_, verdict| {
                watch.banned[side].note(client, verdict);
                found = Some(*verdict);
            })
            .with_reasons();
            watch.drivers[side].step(&step.lines[side], &mut judged);
            watch.banned[side].note_line(&step.lines[side]);
            found
        });
        if let [Some(before), Some(after)] = verdicts {
            let group = self.detectors[0].group(client);
            let DiffStep { path, is_good_robot, .. } = step;
            watch.comparison.note(client, group, path, is_good_robot, [before, after]);
        }
        let mut reached = step.reached;
        if let Some(joins) = step.joins {
            let JoinedLine { id, method, target } = &*joins;
            let record = Record {
                kind: step.lines[0].kind,
                status: step.lines[0].status,
                id: Some(id),
                method,
                target,
                ..Record::default()
            };
            let arrival = watch.conversions.see(&record);
            reached = arrival.map_or(reached, |arrival| reached.and(arrival.reached));
        }
        if !reached.is_nothing() {
            watch.comparison.reached(client, reached);
        }
    }

    fn check(&self, watches: &[DiffWatch<'a>]) -> Result<(), TooManyBans> {
        [0, 1].into_iter().try_for_each(|side: usize| {
            let banned = watches.iter().map(|watch| &watch.banned[side]);
            BannedClients::check(banned, &self.detectors[side])
        })
    }
}
