//! "It is not there", in words and for machines alike: what was asked about is not in these logs.

use anyhow::Result;
use serde::Serialize;

use crate::command_result::CommandResult;
use crate::output;

/// What was asked about and is not there.
#[derive(Debug, Serialize)]
pub struct Absent<'a> {
    /// As the user wrote it: a client, or a decision's id.
    pub asked: &'a str,
    /// Always false: what is there has another form.
    pub is_in_logs: bool,
    /// What is missing and what to do, in one sentence each.
    pub words: [String; 1],
}

/// Says so, and answers no.
///
/// # Errors
/// Standard output is gone.
pub fn say(asked: &str, words: String, as_json: bool) -> Result<CommandResult> {
    if as_json {
        output::print_json(&Absent { asked, is_in_logs: false, words: [words] })?;
    } else {
        output::print(&format!("{words}\n"))?;
    }
    Ok(CommandResult::Failed)
}
