//! When drift is measured, and when its window is over.

use std::time::Duration;

use detector::{Judge, Tracker};

use crate::clock::Moment;
use crate::metrics::Metrics;

/// A window of drift is over when it has so many clients, whom chance moves by a hundredth: PSI of
/// a shift that matters is ten times that.
const CLIENTS: u64 = 5_000;
/// Or after a day, because the hours of one differ.
const TIME: Duration = Duration::from_secs(86_400);
/// Looked at so often while it lasts.
const EVERY: Duration = Duration::from_secs(60);

/// The current window.
pub(crate) struct DriftWatch {
    began: Moment,
    looked: Moment,
}

impl DriftWatch {
    pub(crate) fn new(now: Moment) -> Self {
        Self { began: now, looked: now }
    }

    /// Tells the metrics what moved, once a minute, when the window has a tenth of its clients:
    /// with fewer the last window's figures stand.
    pub(crate) fn look(
        &mut self,
        now: Moment,
        tracker: &Tracker,
        judge: &Judge,
        metrics: &Metrics,
    ) {
        if now.since(self.looked) < EVERY {
            return;
        }
        self.looked = now;
        let seen = tracker.drift_seen();
        if seen.all() * 10 >= CLIENTS {
            metrics.drifted(tracker.drift(judge).as_ref(), seen);
        }
        if seen.all() >= CLIENTS || now.since(self.began) >= TIME {
            self.began = now;
            tracker.begin_drift_window();
        }
    }
}
