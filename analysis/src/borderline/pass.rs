//! Reads logs once and looks for clients near a threshold.

use std::sync::{Mutex, PoisonError};

use detector::Detector;
use traffic::log::Record;
use traffic::replay::{BannedClients, Driver, Judged, LogStep, Pass, TooManyBans};
use trainer::evidence::{Agents, Trace};

use super::border::NearThreshold;

/// Has one detector judge everybody.
pub struct NearThresholdPass {
    detector: Detector,
    agents: Mutex<Agents>,
}

/// State of one thread: the driver of the detector, and what it has seen.
pub struct NearThresholdWatch {
    driver: Driver,
    border: NearThreshold,
    banned: BannedClients,
}

impl NearThresholdPass {
    /// Judges with this detector.
    pub fn new(detector: Detector) -> Self {
        Self { detector, agents: Mutex::default() }
    }
}

impl NearThresholdWatch {
    /// What this thread has seen.
    pub fn into_near_threshold(self) -> NearThreshold {
        self.border
    }
}

impl Pass for NearThresholdPass {
    /// A line and, if it is a request, what the labelling rules need of it.
    type Step = (LogStep, Option<Trace>);
    type Watch = NearThresholdWatch;

    fn step(&self, record: &Record<'_>) -> (LogStep, Option<Trace>) {
        let line = LogStep::of(record, &self.detector);
        let trace = line.is_request().then(|| {
            Trace::of(record, &mut self.agents.lock().unwrap_or_else(PoisonError::into_inner))
        });
        (line, trace)
    }

    fn group(&self, (line, _): &(LogStep, Option<Trace>)) -> usize {
        self.detector.group(line.event.client)
    }

    fn watch(&self) -> NearThresholdWatch {
        NearThresholdWatch {
            driver: Driver::default(),
            border: NearThreshold::new(&self.detector),
            banned: BannedClients::default(),
        }
    }

    fn pass(&self, (line, trace): (LogStep, Option<Trace>), watch: &mut NearThresholdWatch) {
        let NearThresholdWatch { driver, border, banned } = watch;
        let mut judged = Judged::new(&self.detector, |event, verdict| {
            banned.note(event.client, verdict);
            if let Some(trace) = trace {
                border.note(&self.detector, event, verdict, trace);
            }
        });
        driver.step(&line, &mut judged);
        banned.note_line(&line);
    }

    fn check(&self, watches: &[NearThresholdWatch]) -> Result<(), TooManyBans> {
        BannedClients::check(watches.iter().map(|watch| &watch.banned), &self.detector)
    }
}
