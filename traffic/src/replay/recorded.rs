//! The verdict that an event log holds, to compare with the replayed one.

use detector::{Action, Reason, Score, Verdict};

use crate::log::Record;

/// What the gate decided about a request at the time, according to its event log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordedVerdict {
    /// The action that was decided.
    pub action: Action,
    /// The reason for it.
    pub reason: Reason,
    /// The score, between 0 and 1; `None` where the model was not asked.
    pub score: Option<f32>,
}

impl RecordedVerdict {
    /// Reads the verdict from an event log's record. It is `None` for records of other logs, and
    /// where the action or reason has a name that this version does not know.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let decision = record.decision?;
        let action = Action::ALL.into_iter().find(|action| action.as_str() == decision.action)?;
        let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == decision.reason)?;
        Some(Self { action, reason, score: decision.score })
    }

    /// Whether the replayed verdict has the same action and reason, and the same score to the last
    /// bit.
    pub fn is_repeated_by(&self, verdict: &Verdict) -> bool {
        let score = verdict.score.map(Score::value);
        (self.action, self.reason, self.score) == (verdict.action, verdict.reason, score)
    }
}
