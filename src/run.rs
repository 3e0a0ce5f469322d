//! `kidoban run`: runs the reverse proxy.

use std::io::IsTerminal;

use anyhow::Result;
use gate::Mode;
use proxy::{Config, Overrides, RunningGate};
use tracing_subscriber::EnvFilter;

use crate::args::{GateArgs, ModeArg, RunArgs};
use crate::command_result::CommandResult;
use crate::judge::overrides_with_shipped_model;
use crate::signals::run_until_stopped;

/// Runs the proxy until SIGTERM or SIGINT.
///
/// # Errors
/// A configuration or model that is refused; an address that cannot be listened on.
pub fn run(args: &RunArgs) -> Result<CommandResult> {
    let overrides = Overrides {
        gate: gate_overrides(&args.gate),
        upstream: args.upstream.clone(),
        listen: args.listen.clone(),
    };
    let config = Config::load(args.config.as_deref(), &overrides)?;
    log_to_stderr();
    run_until_stopped(
        || RunningGate::start(config),
        // Logged and counted there; a bad one changes nothing.
        |gate| drop(gate.reload()),
        RunningGate::stop,
    )?;
    Ok(CommandResult::Passed)
}

/// What the flags say that every way to run the gate shares.
pub(crate) fn gate_overrides(args: &GateArgs) -> gate::Overrides {
    gate::Overrides {
        admin: args.admin.clone(),
        model: args.model.clone(),
        mode: args.mode.map(|mode| match mode {
            ModeArg::Shadow => Mode::Shadow,
            ModeArg::Enforce => Mode::Enforce,
        }),
        event_log: args.event_log.clone(),
        force: args.force,
        ..overrides_with_shipped_model()
    }
}

/// Sends the gate's log messages to standard error; `RUST_LOG` sets the level.
///
/// Pingora is silenced by default. It logs a line for each broken connection, so an attacker could
/// fill the disk by breaking many. The gate itself counts and logs what matters of them.
pub(crate) fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,pingora=off"));
    let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_coloured);
    // Fails only if a subscriber is installed already. That one is then used.
    drop(subscriber.try_init());
}
