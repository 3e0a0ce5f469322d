//! A tracker with a judge of its own: what replays, simulations, training and benches drive.

use std::ops::Deref;
use std::sync::Arc;

use crate::client::ClientKey;
use crate::drift::Drift;
use crate::event::{Event, Request};
use crate::features::Features;
use crate::judge::Judge;
use crate::mode::Mode;
use crate::time::Timestamp;
use crate::token::{Observed, Token};
use crate::tracker::{Mark, Settings, Tracker};

/// A [`Tracker`] and the one [`Judge`] that judges with it. What needs no judge, the tracker
/// itself answers.
pub struct Detector {
    tracker: Tracker,
    judge: Arc<Judge>,
}

impl Detector {
    /// A detector that knows nobody yet.
    pub fn new(settings: Settings, judge: Judge) -> Self {
        Self { tracker: Tracker::new(settings), judge: Arc::new(judge) }
    }

    /// Reduces a request to what the features may see.
    pub fn event(&self, request: &Request<'_>) -> Event {
        self.tracker.event(&self.judge, request)
    }

    /// Takes a request in and says what to do with it; reasons are found for every refusal.
    pub fn observe(&self, event: &Event, mode: Mode) -> Observed {
        self.tracker.observe(&self.judge, mode, event, &|| true)
    }

    /// Takes a request in; reasons are found where `wants_reasons` says so. See
    /// [`Tracker::observe`].
    pub fn observe_and_tell(
        &self,
        event: &Event,
        mode: Mode,
        wants_reasons: &dyn Fn() -> bool,
    ) -> Observed {
        self.tracker.observe(&self.judge, mode, event, wants_reasons)
    }

    /// Takes the end of a request in. See [`Tracker::conclude`].
    pub fn conclude(&self, token: Token, at: Timestamp, status: u16) -> Option<Mark> {
        self.tracker.conclude(&self.judge, token, at, status)
    }

    /// Bans a client. See [`Tracker::impose`].
    pub fn impose(&self, client: ClientKey, at: Timestamp, until: Timestamp) -> bool {
        self.tracker.impose(&self.judge, client, at, until)
    }

    /// Puts another judge in force; windows and bans stay.
    pub fn install(&mut self, judge: Judge) {
        self.judge = Arc::new(judge);
        self.tracker.begin_drift_window();
    }

    /// What judges.
    pub fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.judge)
    }

    /// How far traffic has moved from what the model was trained on. See [`Tracker::drift`].
    pub fn drift(&self) -> Option<Drift> {
        self.tracker.drift(&self.judge)
    }

    /// A client's features as they stand, or `None` when it is not tracked.
    pub fn features(&self, client: ClientKey) -> Option<Features> {
        self.tracker.features(&self.judge, client)
    }
}

impl Deref for Detector {
    type Target = Tracker;

    fn deref(&self) -> &Tracker {
        &self.tracker
    }
}
