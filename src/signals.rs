//! What the system tells a command that goes on: SIGTERM and SIGINT end it, SIGHUP reloads a gate.

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Begins to listen for these signals, which then no longer end the process. They are waited for
/// in the runtime.
///
/// # Errors
/// The system refuses.
pub(crate) fn listen<const N: usize>(kinds: [SignalKind; N]) -> Result<(Runtime, [Signal; N])> {
    let problem = "cannot listen for signals";
    let runtime = Builder::new_current_thread().enable_all().build().context(problem)?;
    // Within the runtime, but not blocking in it: a gate brings its own threads.
    let entered = runtime.enter();
    let signals: Vec<Signal> =
        kinds.into_iter().map(signal).collect::<Result<_, _>>().context(problem)?;
    drop(entered);
    let signals = signals.try_into().ok().context(problem)?;
    Ok((runtime, signals))
}

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
    // The signals come first, so that none is missed while it starts.
    let (runtime, [mut terminate, mut interrupt, mut hangup]) =
        listen([SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()])?;
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
