//! The detector and the other projects' rules behind one interface: a request in, what becomes of
//! it out.

use analysis::baseline::{Baseline, BaselineAction, BaselineRequest};
use detector::Settings;
use detector::{
    Action, AllowList, Detector, Event, Judge, Mode, Model, Policy, PolicyConfig, PolicyError,
    Timestamp, Verdict,
};
use traffic::replay::{Driver, Judged, Semantics};
use trainer::Step;
use trainer::site::OFFLINE_HASH_KEY;

use super::result::Column;
use crate::baselines::LearntRules;

/// What a detector or a rule does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnAction {
    /// The request passes, and nothing is held against its client.
    Passed,
    /// The request passes, but its client is being limited.
    Noted,
    /// The request passes, and its client is banned from then on.
    Caught,
    /// The request is refused with 429, or by a rule that does not ban.
    Limited,
    /// The request is refused with 403, or by a rule's ban.
    Blocked,
}

/// One column of the tables, while traffic runs through it.
pub(super) enum RunningColumn {
    Detector(Box<DetectorColumn>),
    Rule(Box<dyn Baseline>),
}

/// The detector, driven as an enforcing gate drives it. A request is judged when it arrives and
/// concluded when it is answered. A refused request has no outcome to learn from.
pub(super) struct DetectorColumn {
    detector: Detector,
    driver: Driver,
    /// The latest verdict.
    verdict: Option<Verdict>,
}

/// The models and rules that are compared; each run of traffic makes fresh workers from them.
#[derive(Clone)]
pub(super) struct ColumnSet {
    /// Models by name. The first is the one under test.
    pub models: Vec<(String, Model)>,
    /// The other projects' rules; `None` where they take no part.
    pub rules: Option<LearntRules>,
}

impl ColumnSet {
    pub fn columns(&self) -> Vec<Column> {
        let detectors =
            self.models.iter().map(|(name, _)| Column { name: name.clone(), is_detector: true });
        let rules = self.rules().into_iter();
        detectors
            .chain(rules.map(|rule| Column { name: rule.name().to_owned(), is_detector: false }))
            .collect()
    }

    /// Makes a fresh worker for each column. `clients` sets the size of the detectors' tables.
    pub fn running_columns(&self, clients: usize) -> Result<Vec<RunningColumn>, PolicyError> {
        let gates = self.models.iter().map(|(_, model)| {
            Ok(RunningColumn::Detector(Box::new(DetectorColumn::new(model, clients)?)))
        });
        gates.chain(self.rules().into_iter().map(|rule| Ok(RunningColumn::Rule(rule)))).collect()
    }

    fn rules(&self) -> Vec<Box<dyn Baseline>> {
        self.rules.as_ref().map(LearntRules::all).unwrap_or_default()
    }
}

impl DetectorColumn {
    /// A detector with the default policy.
    pub fn new(model: &Model, clients: usize) -> Result<Self, PolicyError> {
        let policy = Policy::new(PolicyConfig::default(), Some(model))?;
        let judge = Judge { model: Some(model.clone()), policy, allow: AllowList::default() };
        // Far below capacity, so that no client's verdict depends on who else came: a network's
        // clients share one of 64 rings.
        let settings = Settings { capacity: clients * 8 + 65_536, hash_key: OFFLINE_HASH_KEY };
        let driver = Driver::new(Semantics::Always(Mode::Enforce));
        Ok(Self { detector: Detector::new(settings, judge), driver, verdict: None })
    }

    /// Passes a line through the detector. `answer` is when and how the request was answered, where
    /// the line says so.
    fn see(&mut self, event: &Event, answer: Option<(Timestamp, u16)>) -> ColumnAction {
        let Self { detector, driver, verdict } = self;
        let mut subject = Judged::new(detector, |_, found| *verdict = Some(*found)).with_reasons();
        driver.simulate(event, answer, &mut subject);
        let Some(verdict) = verdict else { return ColumnAction::Passed };
        match (verdict.action, verdict.reason) {
            (Action::Allow, reason) if reason.is_limit() => ColumnAction::Noted,
            (Action::Allow, _) => ColumnAction::Passed,
            (Action::Limit, _) => ColumnAction::Limited,
            (Action::Block, _) => ColumnAction::Blocked,
        }
    }
}

impl RunningColumn {
    /// Passes a request through and returns what becomes of it. `event` reduces the request to what
    /// the detector may see. `answer` is when and how it is answered, where that is known already.
    pub fn see(
        &mut self,
        request: &BaselineRequest<'_>,
        answer: Option<(Timestamp, u16)>,
        event: impl FnOnce(&Detector) -> Event,
    ) -> ColumnAction {
        match self {
            Self::Detector(gate) => {
                let event = event(&gate.detector);
                gate.see(&event, answer)
            }
            Self::Rule(rule) => match rule.observe(request) {
                BaselineAction::Passed => ColumnAction::Passed,
                BaselineAction::Caught => ColumnAction::Caught,
                BaselineAction::Refused => ColumnAction::Limited,
                BaselineAction::Banned => ColumnAction::Blocked,
            },
        }
    }

    /// The detector's latest verdict; `None` for a rule.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Detector(gate) => gate.verdict.as_ref(),
            Self::Rule(_) => None,
        }
    }

    /// A line of an event log that only says how a request ended.
    pub fn end(&mut self, step: &Step) {
        if let Self::Detector(gate) = self {
            gate.driver.step(step, &mut Judged::new(&gate.detector, |_, _| ()));
        }
    }
}
