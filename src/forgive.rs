//! `kidoban forgive`: labels the client of a wrong decision as a person.

use analysis::relabel::Relabelled;
use anyhow::Result;
use serde::Serialize;
use trainer::Label;

use crate::args::ForgiveArgs;
use crate::command_result::CommandResult;
use crate::jobs::jobs;
use crate::{decision, label, output};

#[derive(Serialize)]
struct Forgiven<'a> {
    id: &'a str,
    at_us: i64,
    request: &'a str,
    verdict: &'a str,
    mode: &'a str,
    labels: String,
    #[serde(flatten)]
    relabelled: &'a Relabelled,
}

/// Writes the label and prints what was written. The result is `Failed` when the event log does not
/// have the decision.
///
/// # Errors
/// A text that is no id; a labels file that cannot be read or written.
pub fn run(args: &ForgiveArgs) -> Result<CommandResult> {
    let Some(decided) = decision::find(&args.id, &args.logs, jobs(None))? else {
        return decision::not_found(&args.id, &args.logs, args.json);
    };
    let why = format!("forgiven: {}", decided.id);
    let relabelled = label::write(&args.labels, &decided.client.to_string(), Label::Human, &why)?;
    if args.json {
        output::print_json(&Forgiven {
            id: &decided.id,
            at_us: decided.at.as_micros(),
            request: &decided.request,
            verdict: &decided.verdict,
            mode: &decided.mode,
            labels: args.labels.display().to_string(),
            relabelled: &relabelled,
        })?;
        return Ok(CommandResult::Passed);
    }
    let client = &relabelled.client;
    let mut text = format!(
        "Decision {} was {} ({} mode), on {} of {client} at {} UTC.\n{}",
        decided.id,
        decided.verdict,
        decided.mode,
        output::safe(&decided.request, 90),
        output::time(decided.at),
        label::describe(&relabelled, &args.labels)
    );
    if !decided.verdict.starts_with("allow/") {
        text.push_str(&format!(
            "This teaches the next model; it lifts no ban. Until then, to let it pass at once: \
                [allow] networks = [\"{}\"], \
             and reload.\n",
            match decided.client.ip() {
                Some(ip) if ip.is_ipv4() => format!("{ip}/32"),
                _ => client.clone(),
            }
        ));
    }
    output::print(&text)?;
    Ok(CommandResult::Passed)
}
