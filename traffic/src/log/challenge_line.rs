//! The line of a challenge in our own event log ([`super::event_log`]): a client was shown the
//! page, and passed it or not.

use std::borrow::Cow;

use detector::Timestamp;
use serde::{Deserialize, Serialize};

use super::fields::{Fields, keep};
use super::record::{RecordKind, RecordedChallenge};
use super::refusal::Refusal;

/// The line of a challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChallengeLine<'a> {
    /// The time of the client's last event; the time of the challenge if the client was not
    /// tracked.
    pub at: Timestamp,
    /// The number of that event; 0 if the client was not tracked.
    pub seq: u32,
    /// Who was challenged.
    #[serde(borrow)]
    pub client: Cow<'a, str>,
    /// What came of it.
    pub result: ChallengeResult,
    /// Until when a challenge that was passed counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When it was, by the gate's clock.
    pub challenged_at: Timestamp,
}

/// What came of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeResult {
    /// The client was shown the page.
    Issued,
    /// It solved the task, or waited and sent the form.
    Passed,
    /// It sent what the gate did not make for it, a token too old, or a wrong solution.
    Failed,
    /// It sent the form too early, and got the page again.
    Early,
}

impl ChallengeResult {
    /// All of them, for metric labels.
    pub const ALL: [Self; 4] = [Self::Issued, Self::Passed, Self::Failed, Self::Early];

    /// As written in the event log and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Early => "early",
        }
    }
}

/// The fields of one line.
pub(super) fn fields<'a>(
    line: &ChallengeLine<'_>,
    decoded: &mut String,
) -> Result<Fields, Refusal<'a>> {
    let challenge = match (line.result, line.until) {
        (ChallengeResult::Issued, None) => RecordedChallenge::Issued,
        (ChallengeResult::Passed, Some(until)) => RecordedChallenge::Passed(until),
        (ChallengeResult::Failed, None) => RecordedChallenge::Failed,
        (ChallengeResult::Early, None) => RecordedChallenge::Early,
        (ChallengeResult::Passed, None) => {
            return Err(Refusal::new("until", "the end of a passed challenge", String::new()));
        }
        (_, Some(until)) => {
            let found = until.as_micros().to_string();
            return Err(Refusal::new("until", "nothing for a challenge not passed", found));
        }
    };
    Ok(Fields {
        kind: RecordKind::Challenge,
        at: line.at,
        client: keep(decoded, Some(&*line.client)).unwrap_or_default(),
        seq: line.seq,
        challenge: Some(challenge),
        ..Fields::default()
    })
}
