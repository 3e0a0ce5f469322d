//! `kidoban decide`: runs the decision service.

use anyhow::Result;
use decide::{Config, Overrides, RunningService};

use crate::args::DecideArgs;
use crate::command_result::CommandResult;
use crate::run::{gate_overrides, log_to_stderr};
use crate::signals::run_until_stopped;

/// Answers edges until SIGTERM or SIGINT.
///
/// # Errors
/// A configuration or model that is refused; a socket that cannot be listened on.
pub fn run(args: &DecideArgs) -> Result<CommandResult> {
    let overrides = Overrides { gate: gate_overrides(&args.gate), listen: args.listen.clone() };
    let config = Config::load(args.config.as_deref(), &overrides)?;
    log_to_stderr();
    run_until_stopped(
        || RunningService::start(config),
        // Logged and counted there; a bad one changes nothing.
        |service| drop(service.reload()),
        RunningService::stop,
    )?;
    Ok(CommandResult::Passed)
}
