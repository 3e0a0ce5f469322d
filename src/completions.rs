//! `kidoban completions`: what a shell needs to complete commands and flags.

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::command_result::CommandResult;
use crate::output;

/// Prints the script for one shell.
///
/// # Errors
/// Standard output is gone.
pub fn run(args: &CompletionsArgs) -> Result<CommandResult> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "kidoban", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(CommandResult::Passed)
}
