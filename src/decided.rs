//! Finds a decision in the gate's event log by its id, as the client was told it or as it was
//! typed.

use anyhow::{Context, Result, bail};
use detector::{ClientKey, Timestamp};
use gate::decision::DecisionId;
use traffic::log::{Kind, Record};
use traffic::replay::read_parallel;

use crate::command_result::CommandResult;
use crate::input::Logs;
use crate::{absent, output};

/// One decision, as the gate wrote it.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Its id, as the gate writes it.
    pub id: String,
    /// Whose request it was.
    pub client: ClientKey,
    /// When.
    pub at: Timestamp,
    /// Method and target.
    pub request: String,
    /// What was decided: `block/score`.
    pub verdict: String,
    /// `shadow` or `enforce`.
    pub mode: String,
}

/// Finds it; `None` where these event logs do not have it.
///
/// # Errors
/// What cannot be read, a text that is no id, and a log that is no event log.
pub fn find(id: &str, patterns: &[String], jobs: usize) -> Result<Option<Decided>> {
    let asked: DecisionId = id.parse().with_context(|| format!("{:?}", output::safe(id, 40)))?;
    let id = &asked.to_string();
    let logs = Logs::find(patterns)?;
    let map = |record: &Record<'_>| {
        let decision = record.decision.filter(|decision| decision.id == *id);
        let decided = decision.map(|decision| Decided {
            id: id.clone(),
            client: record.client_key(),
            at: record.at,
            request: format!("{} {}", record.method, record.target),
            verdict: format!("{}/{}", decision.action, decision.reason),
            mode: decision.mode.to_owned(),
        });
        (record.kind != Kind::Whole, decided)
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

/// Says that it is not there, what to do, and no.
///
/// # Errors
/// Standard output is gone.
pub fn absent(id: &str, patterns: &[String], as_json: bool) -> Result<CommandResult> {
    let words = format!(
        "decision {}: not in {}; name the rotated event logs as well (a glob in quotes).",
        output::safe(id, 40),
        patterns.join(" ")
    );
    absent::say(id, words, as_json)
}
