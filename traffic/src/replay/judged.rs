//! A detector as the subject of a driver, and who looks on.

use detector::{ClientKey, Detector, Event, Mode, Timestamp, Token, Verdict};

use super::driver::Subject;
use crate::log::RecordedBan;

/// A detector as a [`Subject`], with somebody who looks on. There is no other way to drive one.
pub struct Judged<'a, W> {
    detector: &'a Detector,
    watcher: W,
    wants_reasons: bool,
}

/// Looks on while a detector is driven. A function of each request and its verdict is one.
pub trait Watcher {
    /// Before a request is observed in this mode.
    fn before(&mut self, _: &Detector, _: &Event, _: Mode) {}

    /// After it was observed and before it is concluded.
    fn at_verdict(&mut self, event: &Event, verdict: &Verdict);

    /// Whether the verdict on this client's request should carry its reasons, if it refuses. It is
    /// asked only where [`Judged::with_reasons`] has not said so for everybody.
    fn wants_reasons(&self, _: ClientKey) -> bool {
        false
    }
}

impl<F: FnMut(&Event, &Verdict)> Watcher for F {
    fn at_verdict(&mut self, event: &Event, verdict: &Verdict) {
        self(event, verdict);
    }
}

impl<'a, F: FnMut(&Event, &Verdict)> Judged<'a, F> {
    /// Drives `detector`. `at_verdict` is called with each request and its verdict, before the
    /// request is concluded.
    pub fn new(detector: &'a Detector, at_verdict: F) -> Self {
        Self::watched(detector, at_verdict)
    }
}

impl<'a, W: Watcher> Judged<'a, W> {
    /// Drives `detector` while `watcher` looks on.
    pub fn watched(detector: &'a Detector, watcher: W) -> Self {
        Self { detector, watcher, wants_reasons: false }
    }

    /// Lets verdicts that refuse carry their reasons: the features that contributed most. Finding
    /// them costs more than the score itself.
    #[must_use]
    pub fn with_reasons(self) -> Self {
        Self { wants_reasons: true, ..self }
    }
}

impl<W: Watcher> Subject for Judged<'_, W> {
    fn observe(&mut self, event: &Event, mode: Mode) -> Option<Token> {
        self.watcher.before(self.detector, event, mode);
        let wants_reasons = || self.wants_reasons || self.watcher.wants_reasons(event.client);
        let observed = self.detector.observe_with_reasons_if(event, mode, &wants_reasons);
        self.watcher.at_verdict(event, &observed.verdict);
        observed.token
    }

    fn conclude(&mut self, token: Token, at: Timestamp, status: u16) {
        self.detector.conclude(token, at, status);
    }

    fn change_ban(&mut self, client: ClientKey, at: Timestamp, ban: RecordedBan) {
        match ban {
            RecordedBan::Imposed(until) => self.detector.impose(client, at, until),
            RecordedBan::Lifted => self.detector.lift(client, at),
        };
    }

    fn pass_challenge(&mut self, client: ClientKey, at: Timestamp, until: Timestamp) {
        self.detector.ease(client, at, until);
    }
}
