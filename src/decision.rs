//! Finds a decision in the gate's event log by the id that the client was told.

use anyhow::{Context, Result, bail};
use detector::{ClientKey, Timestamp};
use gate::decision::DecisionId;
use traffic::log::{Record, RecordKind};
use traffic::replay::read_parallel;

use crate::command_result::CommandResult;
use crate::input::Logs;
use crate::{not_found, output};

/// One decision, as the event log has it.
#[derive(Clone, Debug)]
pub struct LoggedDecision {
    /// Its id, as the gate writes it.
    pub id: String,
    /// The client that sent the request.
    pub client: ClientKey,
    /// When it was decided.
    pub at: Timestamp,
    /// Method and target.
    pub request: String,
    /// Action and reason, such as `block/score`.
    pub verdict: String,
    /// `shadow` or `enforce`.
    pub mode: String,
}

/// Finds the decision with this id; `None` where these event logs do not have it.
///
/// # Errors
/// A log that cannot be read, a text that is no id, and logs of which none is an event log.
pub fn find(id: &str, patterns: &[String], jobs: usize) -> Result<Option<LoggedDecision>> {
    let asked: DecisionId = id.parse().with_context(|| format!("{:?}", output::safe(id, 40)))?;
    let id = &asked.to_string();
    let logs = Logs::find(patterns)?;
    let map = |record: &Record<'_>| {
        let decision = record.decision.filter(|decision| decision.id == *id);
        let decided = decision.map(|decision| LoggedDecision {
            id: id.clone(),
            client: record.client_key(),
            at: record.at,
            request: format!("{} {}", record.method, record.target),
            verdict: format!("{}/{}", decision.action, decision.reason),
            mode: decision.mode.to_owned(),
        });
        (record.kind != RecordKind::Whole, decided)
    };
    let (found, is_event_log) = read_parallel(jobs, logs.open()?, map, |sources| {
        let (mut found, mut is_event_log) = (None, false);
        for item in sources.into_iter().flatten() {
            let (_, _, (is_ours, decided)) = item?;
            is_event_log |= is_ours;
            if decided.is_some() {
                found = decided;
                break;
            }
        }
        Ok::<_, anyhow::Error>((found, is_event_log))
    })?;
    logs.finish();
    if found.is_none() && !is_event_log {
        bail!(
            "decision {id}: {} is no event log; only the log that the gate itself writes \
                ([event_log] path) knows decisions by \
             their id",
            patterns.join(" ")
        );
    }
    Ok(found)
}

/// Prints that the decision is not in these logs and what to do; the result is `Failed`.
///
/// # Errors
/// Standard output cannot be written to.
pub fn not_found(id: &str, patterns: &[String], as_json: bool) -> Result<CommandResult> {
    let words = format!(
        "decision {}: not in {}; name the rotated event logs as well (a glob in quotes).",
        output::safe(id, 40),
        patterns.join(" ")
    );
    not_found::print(id, words, as_json)
}
