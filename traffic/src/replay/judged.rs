//! A detector as the subject of a driver, and a function that takes each verdict.

use detector::{ClientKey, Detector, Event, Mode, Timestamp, Token, Verdict};

use super::driver::Subject;
use crate::log::RecordedBan;

/// A detector as a [`Subject`] that hands each verdict to a function, for callers that need nothing
/// else.
pub struct Judged<'a, V> {
    detector: &'a Detector,
    at_verdict: V,
    wants_reasons: bool,
}

impl<'a, V: FnMut(&Event, &Verdict)> Judged<'a, V> {
    /// Drives `detector`. `at_verdict` is called with each request and its verdict, before the
    /// request is concluded.
    pub fn new(detector: &'a Detector, at_verdict: V) -> Self {
        Self { detector, at_verdict, wants_reasons: false }
    }

    /// Lets verdicts that refuse carry their reasons: the features that contributed most. Finding
    /// them costs more than the score itself.
    #[must_use]
    pub fn with_reasons(self) -> Self {
        Self { wants_reasons: true, ..self }
    }
}

impl<V: FnMut(&Event, &Verdict)> Subject for Judged<'_, V> {
    fn observe(&mut self, event: &Event, mode: Mode) -> Option<Token> {
        let observed = self.detector.observe_with_reasons_if(event, mode, &|| self.wants_reasons);
        (self.at_verdict)(event, &observed.verdict);
        observed.token
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        self.detector.conclude(token, at, status);
    }

    fn change_ban(&mut self, client: ClientKey, at: Timestamp, ban: RecordedBan) {
        change_ban(self.detector, client, at, ban);
    }
}

/// Does to a detector's bans what an operator did to the gate's.
pub fn change_ban(detector: &Detector, client: ClientKey, at: Timestamp, ban: RecordedBan) {
    match ban {
        RecordedBan::Imposed(until) => detector.impose(client, at, until),
        RecordedBan::Lifted => detector.lift(client, at),
    };
}
