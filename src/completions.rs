//! `kidoban completions`: prints the script with which a shell completes commands and flags.

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::command_result::CommandResult;
use crate::output;

/// Prints the script for one shell.
///
/// # Errors
/// Standard output cannot be written to.
pub fn run(args: &CompletionsArgs) -> Result<CommandResult> {
    // Into memory first, because the generator panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "kidoban", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(CommandResult::Passed)
}
