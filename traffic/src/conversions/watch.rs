//! Finds conversions in a log, line by line.

use std::collections::{HashMap, VecDeque};

use detector::{ClientKey, Timestamp};

use super::named::Conversions;
use super::reached::{MatchedPatterns, ReachedConversions};
use crate::log::{Record, RecordKind};

/// How many requests of an event log may wait for their end. Beyond that the oldest are dropped,
/// because a request that was refused never ends.
const WAITING_MAX: usize = 1 << 16;

/// A client has reached one or more conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The client.
    pub client: ClientKey,
    /// When the client sent the request.
    pub at: Timestamp,
    /// The conversions that were reached.
    pub reached: ReachedConversions,
}

/// Finds conversions in the records of a log. In an event log, it joins each request with the line
/// that tells how it ended; every other log has both in one line.
#[derive(Clone, Debug)]
pub struct ConversionWatch<'a> {
    conversions: &'a Conversions,
    /// Requests that have not ended, by the identifier of their decision.
    waiting: HashMap<Box<str>, (Timestamp, MatchedPatterns)>,
    /// The identifiers of the waiting requests, the oldest first.
    ids: VecDeque<Box<str>>,
}

impl<'a> ConversionWatch<'a> {
    /// Looks for these conversions.
    pub fn new(conversions: &'a Conversions) -> Self {
        Self { conversions, waiting: HashMap::new(), ids: VecDeque::new() }
    }

    /// Takes the next record of a log, and returns what a client has reached with it.
    pub fn see(&mut self, record: &Record<'_>) -> Option<Arrival> {
        let (at, asked) = match record.kind {
            RecordKind::Whole => (record.at, self.conversions.asked(record.method, record.target)),
            RecordKind::Request => {
                self.wait(record);
                return None;
            }
            RecordKind::Outcome => self.waiting.remove(record.id?)?,
            RecordKind::Ban | RecordKind::Challenge => return None,
        };
        let reached = self.conversions.reached(asked, record.status);
        (!reached.is_nothing()).then(|| Arrival { client: record.client_key(), at, reached })
    }

    /// Keeps a request until the line that tells how it ended.
    fn wait(&mut self, record: &Record<'_>) {
        let asked = self.conversions.asked(record.method, record.target);
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
