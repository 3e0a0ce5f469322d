//! The proxy's only background work: the engine's, and looking up the shop's name. No hidden task
//! anywhere else.

use std::sync::Arc;
use std::time::Duration;

use gate::Engine;
use pingora::server::ShutdownWatch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::upstream::{RESOLVE_EVERY, Upstream};

/// Bans have a resolution of seconds, and a second of histogram samples at 10,000 requests is
/// 100 KB.
const TICK: Duration = Duration::from_secs(1);

/// Runs until the stop.
pub(crate) async fn run(engine: Arc<Engine>, upstream: Arc<Upstream>, mut shutdown: ShutdownWatch) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut resolved = Instant::now();
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = shutdown.changed() => return,
        }
        engine.tick();
        if resolved.elapsed() >= RESOLVE_EVERY {
            resolved = Instant::now();
            let upstream = Arc::clone(&upstream);
            // The system's resolver blocks.
            tokio::task::spawn_blocking(move || upstream.refresh());
        }
    }
}
