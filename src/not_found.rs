//! The answer of a command when the client or decision asked for is not in these logs.

use anyhow::Result;
use serde::Serialize;

use crate::command_result::CommandResult;
use crate::output;

/// The JSON of something that was asked for and is not in the logs.
#[derive(Debug, Serialize)]
pub struct NotInLogs<'a> {
    /// As the user wrote it: a client, or a decision's id.
    pub asked: &'a str,
    /// Always false: something found is printed in another form.
    pub is_in_logs: bool,
    /// What is missing and what to do, in one sentence each.
    pub words: [String; 1],
}

/// Prints that it is not there; the result is `Failed`.
///
/// # Errors
/// Standard output cannot be written to.
pub fn print(asked: &str, words: String, as_json: bool) -> Result<CommandResult> {
    if as_json {
        output::print_json(&NotInLogs { asked, is_in_logs: false, words: [words] })?;
    } else {
        output::print(&format!("{words}\n"))?;
    }
    Ok(CommandResult::Failed)
}
