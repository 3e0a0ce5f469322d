//! `kidoban decide`: runs the decision service.

use anyhow::Result;
use decide::{Config, Overrides};

use crate::args::DecideArgs;
use crate::command_result::CommandResult;
use crate::run::{gate_overrides, log_to_stderr};

/// Answers edges until SIGTERM or SIGINT.
///
/// # Errors
/// A configuration or model that is refused; a socket that cannot be listened on.
pub fn run(args: &DecideArgs) -> Result<CommandResult> {
    let overrides = Overrides { gate: gate_overrides(&args.gate), listen: args.listen.clone() };
    let config = Config::load(args.config.as_deref(), &overrides)?;
    log_to_stderr();
    decide::run(config)?;
    Ok(CommandResult::Passed)
}
