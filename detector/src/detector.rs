//! A tracker with a fixed judge, as replays, simulations, training and benches use it.

use std::ops::Deref;
use std::sync::Arc;

use crate::client::ClientKey;
use crate::drift::Drift;
use crate::event::{Event, Request};
use crate::features::Features;
use crate::judge::Judge;
use crate::mode::Mode;
use crate::time::Timestamp;
use crate::token::{Concluded, Observed, Token};
use crate::tracker::{BanMark, Settings, Tracker};

/// A [`Tracker`] and the one [`Judge`] that it works with. The tracker's methods that need no judge
/// are available as well.
pub struct Detector {
    tracker: Tracker,
    judge: Arc<Judge>,
}

impl Detector {
    /// A detector that has seen no client yet.
    pub fn new(settings: Settings, judge: Judge) -> Self {
        Self { tracker: Tracker::new(settings), judge: Arc::new(judge) }
    }

    /// Reduces a request to what the features may see.
    pub fn event(&self, request: &Request<'_>) -> Event {
        self.tracker.event(&self.judge, request)
    }

    /// Takes a request in and decides what to do with it. The reasons of every refusal are found.
    pub fn observe(&self, event: &Event, mode: Mode) -> Observed {
        self.tracker.observe(&self.judge, mode, event, &|| true)
    }

    /// Takes a request in and decides what to do with it. The reasons of a refusal are found only
    /// if `wants_reasons` returns true. See [`Tracker::observe`].
    pub fn observe_with_reasons_if(
        &self,
        event: &Event,
        mode: Mode,
        wants_reasons: &dyn Fn() -> bool,
    ) -> Observed {
        self.tracker.observe(&self.judge, mode, event, wants_reasons)
    }

    /// Takes the end of a request in. See [`Tracker::conclude`].
    pub fn conclude(&self, token: Token, at: Timestamp, status: u16) -> Option<Concluded> {
        self.tracker.conclude(&self.judge, token, at, status)
    }

    /// Bans a client. See [`Tracker::impose`].
    pub fn impose(&self, client: ClientKey, at: Timestamp, until: Timestamp) -> BanMark {
        self.tracker.impose(&self.judge, client, at, until)
    }

    /// Softens the limit of a client that passed a challenge. See [`Tracker::ease`].
    pub fn ease(&self, client: ClientKey, at: Timestamp, until: Timestamp) -> BanMark {
        self.tracker.ease(&self.judge, client, at, until)
    }

    /// Puts another judge in force; windows and bans stay.
    pub fn install(&mut self, judge: Judge) {
        self.judge = Arc::new(judge);
        self.tracker.begin_drift_window();
    }

    /// The judge in force.
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
