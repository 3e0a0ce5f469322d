//! A detector that is driven, and what is done with each verdict.

use detector::{Detector, Event, Mode, Timestamp, Token, Verdict};

use super::driver::Subject;

/// A detector as a [`Subject`] for whoever needs nothing besides the verdict.
pub struct Judged<'a, V> {
    detector: &'a Detector,
    at_verdict: V,
    wants_reasons: bool,
}

impl<'a, V: FnMut(&Event, &Verdict)> Judged<'a, V> {
    /// `at_verdict` is called with each request and its verdict, before its end is concluded.
    pub fn new(detector: &'a Detector, at_verdict: V) -> Self {
        Self { detector, at_verdict, wants_reasons: false }
    }

    /// Verdicts that refuse come with the features that spoke loudest; they cost more to find than
    /// the score.
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
}
