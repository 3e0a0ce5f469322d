//! What the system tells a gate that runs: SIGTERM and SIGINT stop it, SIGHUP reloads it.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Starts a gate and keeps it until SIGTERM or SIGINT; each SIGHUP reloads it. Blocks.
///
/// # Errors
/// When it cannot start. A gate that was told to stop is no error.
pub(crate) fn run_until_stopped<D, E>(
    start: impl FnOnce() -> Result<D, E>,
    reload: impl Fn(&D),
    stop: impl FnOnce(D),
) -> Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let problem = "cannot listen for signals";
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context(problem)?;
    // Within the runtime, but not blocking in it: a gate brings its own threads. The signals come
    // first, so that none is missed while it starts.
    let entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).context(problem)?;
    let mut interrupt = signal(SignalKind::interrupt()).context(problem)?;
    let mut hangup = signal(SignalKind::hangup()).context(problem)?;
    drop(entered);
    let gate = start()?;
    let mut is_stopped = || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => true,
                _ = interrupt.recv() => true,
                _ = hangup.recv() => false,
            }
        })
    };
    while !is_stopped() {
        reload(&gate);
    }
    tracing::info!("stopping");
    stop(gate);
    tracing::info!("stopped");
    Ok(())
}
