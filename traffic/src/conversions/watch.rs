//! Finds outcomes in a log, line by line.

use std::collections::{HashMap, VecDeque};

use detector::{ClientKey, Timestamp};

use super::{Asked, Conversions, Reached};
use crate::log::{Kind, Record};

/// Requests of an event log that wait for their end at most; the oldest are given up. A request
/// that is refused never ends.
const WAITING_MAX: usize = 1 << 16;

/// Somebody has come to an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Who.
    pub client: ClientKey,
    /// When it was asked for.
    pub at: Timestamp,
    /// Which.
    pub reached: Reached,
}

/// Joins an event log's requests with how they ended; every other log has both in one line.
#[derive(Clone, Debug)]
pub struct ConversionWatch<'a> {
    outcomes: &'a Conversions,
    waiting: HashMap<Box<str>, (Timestamp, Asked)>,
    /// In order of their coming.
    ids: VecDeque<Box<str>>,
}

impl<'a> ConversionWatch<'a> {
    /// Looks for these.
    pub fn new(outcomes: &'a Conversions) -> Self {
        Self { outcomes, waiting: HashMap::new(), ids: VecDeque::new() }
    }

    /// Takes a line in, in the order of its file, and says what somebody has come to by it.
    pub fn see(&mut self, record: &Record<'_>) -> Option<Arrival> {
        let (at, asked) = match record.kind {
            Kind::Whole => (record.at, self.outcomes.asked(record.method, record.target)),
            Kind::Request => {
                self.wait(record);
                return None;
            }
            Kind::Outcome => self.waiting.remove(record.id?)?,
        };
        let reached = self.outcomes.reached(asked, record.status);
        (!reached.is_nothing()).then(|| Arrival { client: record.client_key(), at, reached })
    }

    fn wait(&mut self, record: &Record<'_>) {
        let asked = self.outcomes.asked(record.method, record.target);
        let Some(id) = record
            .id
            .or(record.decision.map(|decision| decision.id))
            .filter(|_| !asked.is_nothing())
        else {
            return;
        };
        if self.ids.len() >= WAITING_MAX
            && let Some(oldest) = self.ids.pop_front()
        {
            self.waiting.remove(&oldest);
        }
        self.ids.push_back(id.into());
        self.waiting.insert(id.into(), (record.at, asked));
    }
}
