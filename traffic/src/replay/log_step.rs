//! One log line, reduced to what the driver needs of it.
//!
//! Lines wait in order of time and pass between threads by the million, so a line takes 56 bytes
//! whatever it tells.

use detector::{Action, Detector, Event, Mode, Reason, Timestamp, UrlKey};

use crate::log::{Record, RecordKind, RecordedBan, RecordedChallenge, RequestKeys};

/// One log line, reduced to what the driver needs. 56 bytes.
///
/// The line of a ban or a challenge has no request, so the end of the ban or the pass takes the
/// place of `id` and of the URL's hash ([`LogStep::ban`]).
#[derive(Clone, Copy, Debug)]
pub struct LogStep {
    /// The request. For a line that only tells how a request ended, only these are known: client,
    /// time, hash of the user agent, and what is known of its path.
    pub event: Event,
    pub(super) id: u32,
    /// HTTP status with which the request ended; 0 if the line does not tell it.
    pub status: u16,
    /// What the line tells: a request, its end, both, a ban, or a challenge.
    pub kind: RecordKind,
    pub(super) recorded: RecordedMode,
}

/// The end of a ban that was lifted: no ban ends at this time.
const LIFTED: Timestamp = Timestamp::from_micros(i64::MIN);

/// What an event log says of a request besides: its mode, and whether a line with its end can come.
/// None can where the gate refused the request or let it pass unjudged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordedMode {
    /// It is another log.
    Nothing,
    Shadow,
    ShadowWithoutEnd,
    Enforce,
    EnforceWithoutEnd,
}

impl RecordedMode {
    fn of(record: &Record<'_>) -> Self {
        let Some(decision) = &record.decision else { return Self::Nothing };
        let mode = decision.mode.parse().unwrap_or_default();
        let is_refused = mode == Mode::Enforce && decision.action != Action::Allow.as_str();
        let is_exempt = [Reason::AllowList, Reason::Proxy]
            .iter()
            .any(|reason| reason.as_str() == decision.reason);
        match (mode, is_refused || is_exempt) {
            (Mode::Shadow, false) => Self::Shadow,
            (Mode::Shadow, true) => Self::ShadowWithoutEnd,
            (Mode::Enforce, false) => Self::Enforce,
            (Mode::Enforce, true) => Self::EnforceWithoutEnd,
        }
    }

    pub(super) const fn mode(self) -> Option<Mode> {
        match self {
            Self::Nothing => None,
            Self::Shadow | Self::ShadowWithoutEnd => Some(Mode::Shadow),
            Self::Enforce | Self::EnforceWithoutEnd => Some(Mode::Enforce),
        }
    }

    pub(super) const fn has_no_end(self) -> bool {
        matches!(self, Self::ShadowWithoutEnd | Self::EnforceWithoutEnd)
    }
}

const _: () = assert!(size_of::<LogStep>() <= 56);

impl LogStep {
    /// A step from an event, and the status with which it ended (0 if not known).
    pub const fn new(event: Event, kind: RecordKind, status: u16) -> Self {
        Self { event, id: 0, status, kind, recorded: RecordedMode::Nothing }
    }

    /// Hash of the decision's identifier, which joins a request of an event log with its end. 0 in
    /// other logs.
    pub fn id(&self) -> u32 {
        match self.kind {
            RecordKind::Ban | RecordKind::Challenge => 0,
            RecordKind::Whole | RecordKind::Request | RecordKind::Outcome => self.id,
        }
    }

    /// Until when a challenge counts that the client passed, for the line of one.
    pub fn passed_until(&self) -> Option<Timestamp> {
        let is_pass = self.kind == RecordKind::Challenge && self.recorded == RecordedMode::Enforce;
        is_pass.then(|| self.time_in_place())
    }

    /// What came of a challenge that softens nothing has no time.
    fn of_challenge(record: &Record<'_>, challenge: RecordedChallenge) -> Self {
        // Only a gate that enforces challenges anybody.
        let (until, recorded) = match challenge {
            RecordedChallenge::Passed(until) => (until, RecordedMode::Enforce),
            RecordedChallenge::Issued | RecordedChallenge::Failed | RecordedChallenge::Early => {
                (LIFTED, RecordedMode::Nothing)
            }
        };
        Self { recorded, ..Self::with_time(record, RecordKind::Challenge, until) }
    }

    /// The time that stands in place of `id` and of the URL's hash.
    fn time_in_place(&self) -> Timestamp {
        let us = (u64::from(self.id) << 32 | u64::from(self.event.url.0)).cast_signed();
        Timestamp::from_micros(us)
    }

    fn with_time(record: &Record<'_>, kind: RecordKind, time: Timestamp) -> Self {
        let us = time.as_micros().cast_unsigned();
        // Half of it each.
        let (id, url) = ((us >> 32) as u32, UrlKey(us as u32));
        let event = Event::page(record.client_key(), record.at, url);
        Self { id, ..Self::new(event, kind, 0) }
    }

    /// What became of the client's ban, for the line of a ban.
    pub fn ban(&self) -> Option<RecordedBan> {
        if self.kind != RecordKind::Ban {
            return None;
        }
        let until = self.time_in_place();
        Some(if until == LIFTED { RecordedBan::Lifted } else { RecordedBan::Imposed(until) })
    }

    fn of_ban(record: &Record<'_>, ban: RecordedBan) -> Self {
        let until = match ban {
            RecordedBan::Imposed(until) => until,
            RecordedBan::Lifted => LIFTED,
        };
        Self::with_time(record, RecordKind::Ban, until)
    }

    /// A step from a log record. The detector reduces its request to an event.
    pub fn of(record: &Record<'_>, detector: &Detector) -> Self {
        Self::reduced(record, |request| detector.event(request))
    }

    /// A step from a log record. `event` reduces its request to an event.
    pub fn reduced(
        record: &Record<'_>,
        event: impl FnOnce(&detector::Request<'_>) -> Event,
    ) -> Self {
        if let Some(ban) = record.ban {
            return Self::of_ban(record, ban);
        }
        if let Some(challenge) = record.challenge {
            return Self::of_challenge(record, challenge);
        }
        let event = record.request().map(|request| event(&request)).unwrap_or_else(|| {
            let RequestKeys { agent, target } = record.request_keys;
            Event { agent, ..Event::of_target(record.client_key(), record.at, target) }
        });
        let id = record.id.or(record.decision.map(|decision| decision.id));
        Self {
            event,
            id: id.map_or(0, hash),
            status: record.status,
            kind: record.kind,
            recorded: RecordedMode::of(record),
        }
    }

    /// Whether the line tells a request.
    pub fn is_request(&self) -> bool {
        self.kind.is_request()
    }

    /// Whether the line tells how a request ended.
    pub fn is_end(&self) -> bool {
        self.kind.is_end()
    }
}

/// Hash of a decision's identifier: FNV-1a (Fowler, Noll, Vo), folded to 32 bits and never 0.
fn hash(id: &str) -> u32 {
    let mixed = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    ((mixed >> 32) as u32 ^ mixed as u32).max(1)
}
