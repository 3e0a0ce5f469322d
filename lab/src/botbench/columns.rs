//! The detector and the peers' rules behind one face: a request in, what becomes of it out.

use analysis::baseline::{Asked, Baseline, Ruling};
use detector::Settings;
use detector::{
    Action, AllowList, Detector, Event, Judge, Mode, Model, Policy, PolicyConfig, PolicyError,
    Reason, Timestamp, Verdict,
};
use traffic::replay::{Driver, Judged, Semantics};
use trainer::Step;
use trainer::site::OFFLINE_HASH_KEY;

use super::result::Column;
use crate::baselines::Learnt;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It passes, and nothing is held against its client.
    Passed,
    /// It passes, of a client that is limited.
    Noted,
    /// It passes, and with it its client is banned.
    Caught,
    /// 429, or what a rule says that bans nobody.
    Limited,
    /// 403.
    Blocked,
}

/// One column of the tables at work.
pub(super) enum Worker {
    Gate(Box<Gate>),
    Rule(Box<dyn Baseline>),
}

/// The detector as a gate that enforces drives it: a request is judged when it arrives, concluded
/// when it is answered, and what is refused has no end to learn from.
pub(super) struct Gate {
    detector: Detector,
    driver: Driver,
    /// The latest.
    verdict: Option<Verdict>,
}

/// What works, to be made anew for each run of traffic.
#[derive(Clone)]
pub(super) struct Contest {
    /// Models by name; the first is the one that is tested.
    pub models: Vec<(String, Model)>,
    /// The peers' rules, if they take part.
    pub rules: Option<Learnt>,
}

impl Contest {
    pub fn columns(&self) -> Vec<Column> {
        let detectors =
            self.models.iter().map(|(name, _)| Column { name: name.clone(), is_detector: true });
        let rules = self.rules().into_iter();
        detectors
            .chain(rules.map(|rule| Column { name: rule.name().to_owned(), is_detector: false }))
            .collect()
    }

    /// Fresh ones, the detectors with room for so many clients.
    pub fn workers(&self, clients: usize) -> Result<Vec<Worker>, PolicyError> {
        let gates = self
            .models
            .iter()
            .map(|(_, model)| Ok(Worker::Gate(Box::new(Gate::new(model, clients)?))));
        gates.chain(self.rules().into_iter().map(|rule| Ok(Worker::Rule(rule)))).collect()
    }

    fn rules(&self) -> Vec<Box<dyn Baseline>> {
        self.rules.as_ref().map(Learnt::all).unwrap_or_default()
    }
}

impl Gate {
    /// With the default policy.
    pub fn new(model: &Model, clients: usize) -> Result<Self, PolicyError> {
        let policy = Policy::new(PolicyConfig::default(), Some(model))?;
        let judge = Judge { model: Some(model.clone()), policy, allow: AllowList::default() };
        // Below capacity, so that nobody's verdict depends on who else came; a network's clients
        // share one of 64 rings.
        let settings = Settings { capacity: clients * 8 + 65_536, hash_key: OFFLINE_HASH_KEY };
        let driver = Driver::new(Semantics::Always(Mode::Enforce));
        Ok(Self { detector: Detector::new(settings, judge), driver, verdict: None })
    }

    /// `answer` is when and how it is answered, where that is known already.
    fn see(&mut self, event: &Event, answer: Option<(Timestamp, u16)>) -> Act {
        let Self { detector, driver, verdict } = self;
        let mut subject = Judged::new(detector, |_, found| *verdict = Some(*found)).with_reasons();
        driver.simulate(event, answer, &mut subject);
        let Some(verdict) = verdict else { return Act::Passed };
        match (verdict.action, verdict.reason) {
            (Action::Allow, Reason::Limited | Reason::Shared | Reason::Cohort) => Act::Noted,
            (Action::Allow, _) => Act::Passed,
            (Action::Limit, _) => Act::Limited,
            (Action::Block, _) => Act::Blocked,
        }
    }
}

impl Worker {
    /// `event` reduces the request as the detector wants it; `answer` is when and how it is
    /// answered, where that is known already.
    pub fn see(
        &mut self,
        asked: &Asked<'_>,
        answer: Option<(Timestamp, u16)>,
        event: impl FnOnce(&Detector) -> Event,
    ) -> Act {
        match self {
            Self::Gate(gate) => {
                let event = event(&gate.detector);
                gate.see(&event, answer)
            }
            Self::Rule(rule) => match rule.observe(asked) {
                Ruling::Passed => Act::Passed,
                Ruling::Caught => Act::Caught,
                Ruling::Refused => Act::Limited,
                Ruling::Banned => Act::Blocked,
            },
        }
    }

    /// The detector's latest verdict.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Gate(gate) => gate.verdict.as_ref(),
            Self::Rule(_) => None,
        }
    }

    /// A line of an event log that tells how a request ended.
    pub fn end(&mut self, step: &Step) {
        if let Self::Gate(gate) = self {
            gate.driver.step(step, &mut Judged::new(&gate.detector, |_, _| ()));
        }
    }
}
