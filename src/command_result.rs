//! What a command answers when it ran to its end, and the exit code of that.

use std::process::ExitCode;

/// The answer of a command that ran to its end. A command that could not is an `Err`: exit 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandResult {
    /// The check held, or there was nothing to check: exit 0.
    Passed,
    /// A check failed, or the answer to the question is no: exit 1.
    Failed,
}

impl CommandResult {
    /// Passed where the condition holds, failed otherwise.
    pub fn passed_if(condition: bool) -> Self {
        if condition { Self::Passed } else { Self::Failed }
    }
}

impl From<CommandResult> for ExitCode {
    fn from(result: CommandResult) -> Self {
        match result {
            CommandResult::Passed => Self::SUCCESS,
            CommandResult::Failed => Self::from(1),
        }
    }
}
