//! The gate's only background work: forget, fold, look up. No hidden task anywhere else.

use std::sync::Arc;
use std::time::Duration;

use pingora::server::ShutdownWatch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::gate::RESOLVE_EVERY;
use crate::keeper::{Keeper, now};
use crate::upstream::Upstream;

/// Bans have a resolution of seconds, and a second of histogram samples at 10,000 requests is 100
/// KB.
const TICK: Duration = Duration::from_secs(1);

/// A window of drift is over when it has so many clients, whom chance moves by a hundredth: PSI of
/// a shift that matters is ten times that.
const DRIFT_CLIENTS: u64 = 5_000;
/// Or after a day, because the hours of one differ.
const DRIFT_TIME: Duration = Duration::from_secs(86_400);
/// Looked at so often while it lasts.
const DRIFT_EVERY: Duration = Duration::from_secs(60);

/// Runs until the stop.
pub(crate) async fn run(keeper: Arc<Keeper>, upstream: Arc<Upstream>, mut shutdown: ShutdownWatch) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut resolved = Instant::now();
    let (mut drift_began, mut drift_measured) = (Instant::now(), Instant::now());
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = shutdown.changed() => return,
        }
        keeper.detector.sweep(now());
        keeper.metrics.upkeep();
        if drift_measured.elapsed() >= DRIFT_EVERY {
            drift_measured = Instant::now();
            if keeper.measure_drift(DRIFT_CLIENTS) || drift_began.elapsed() >= DRIFT_TIME {
                drift_began = Instant::now();
                keeper.detector.begin_drift_window();
            }
        }
        if resolved.elapsed() >= RESOLVE_EVERY {
            resolved = Instant::now();
            let upstream = Arc::clone(&upstream);
            // The system's resolver blocks.
            tokio::task::spawn_blocking(move || upstream.refresh());
        }
    }
}
