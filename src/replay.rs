//! `kidoban replay`: says who would have been stopped, when and why. Time is the log's; nothing is
//! changed.

use anyhow::Result;
use detector::{ClientKey, Detector, Settings, Timestamp};
use traffic::replay::{VerdictPass, VerdictWatch, Walked, walk_twice_if_needed};

mod client;
mod print;
mod result;
mod summary;
mod words;

use result::{Replayed, stopped};
use summary::Summary;
pub use words::because;

use crate::args::ReplayArgs;
use crate::command_result::CommandResult;
use crate::input::Logs;
use crate::jobs::jobs;
use crate::judge::judge;
use crate::not_found;
use crate::output;

/// Stopped clients shown without `--top`.
const TOP: usize = 20;

/// Replays the logs and prints. The result is `Failed` when a verdict recorded in an event log is
/// not repeated, when the client asked for is not in the logs, and when there is no request.
///
/// # Errors
/// A file that cannot be read; a model or configuration that is refused.
pub fn run(args: &ReplayArgs) -> Result<CommandResult> {
    let (judge, capacity) = judge(args.config.as_deref(), args.model.as_deref())?;
    let model = judge.model.as_ref().map_or_else(String::new, |model| model.file().name.clone());
    let jobs = jobs(args.jobs);
    let options = args.read.options(args.config.as_deref())?;
    let since = args.since.map(|since| since.resolve(&args.logs, &options, jobs)).transpose()?;
    let logs = Logs::find(&args.logs)?.shown_as("Replaying").reading(options);
    let shown = args.client.as_deref().map(ClientKey::from_text);
    let fresh = || {
        let settings = Settings { capacity, hash_key: trainer::site::OFFLINE_HASH_KEY };
        let detector = Detector::new(settings, judge.clone());
        VerdictPass::new(detector, shown, || Summary::new(since))
    };
    let Walked { pass, tallies, watches } = walk_twice_if_needed(jobs, &logs, fresh)?;
    logs.finish();
    let summary = Summary::sum(watches.into_iter().map(VerdictWatch::into_sink));
    let actions = summary.actions();
    let Summary { clients, requests, recorded, identical, timeline, .. } = summary;
    let answer = CommandResult::passed_if(recorded == identical);
    let since = since.map(output::time);
    if let Some(name) = &args.client {
        if timeline.is_empty() {
            return not_found(name, since.as_deref(), args);
        }
        let client = ClientKey::from_text(name).to_string();
        let shown = client::ClientTimeline::of(&client, &model, since.as_deref(), &timeline);
        match (args.json, args.json_lines) {
            (true, _) => output::print_json(&shown)?,
            (_, true) => output::print(&client::json_lines(&timeline))?,
            _ => output::print(&shown.describe())?,
        }
        return Ok(answer);
    }
    let stats = pass.detector().stats(Timestamp::default());
    let top = args.top.unwrap_or(if args.json_lines { usize::MAX } else { TOP });
    let replayed = Replayed {
        model,
        lines: tallies.iter().map(|tally| tally.lines).sum(),
        refused: tallies.iter().map(|tally| tally.refused).sum(),
        since,
        requests,
        clients: clients.len() as u64,
        clients_stopped: clients.values().filter(|client| client.first.is_some()).count() as u64,
        clients_limited: clients.values().filter(|client| client.limited > 0).count() as u64,
        clients_blocked: clients.values().filter(|client| client.blocked > 0).count() as u64,
        actions,
        recorded,
        recorded_identical: identical,
        evictions: stats.evictions,
        stopped: stopped(&clients, top),
    };
    // With `--since`, earlier requests may have been read, so this would be wrong.
    let nothing = output::nothing_read(requests, &args.logs).filter(|_| replayed.since.is_none());
    match (args.json, args.json_lines, &nothing) {
        (true, ..) => output::print_json(&replayed)?,
        (_, true, Some(nothing)) => eprintln!("{nothing}"),
        (_, true, None) => output::print_json_lines(&replayed.stopped)?,
        (_, _, Some(nothing)) => {
            output::print(&format!("{nothing}\n{}", print::unread(replayed.refused)))?
        }
        _ => output::print(&print::describe(&replayed))?,
    }
    Ok(if nothing.is_some() { CommandResult::Failed } else { answer })
}

/// Prints that the client is not in the logs, because a typing error must not look like a good
/// result.
fn not_found(name: &str, since: Option<&str>, args: &ReplayArgs) -> Result<CommandResult> {
    let since = since.map_or_else(String::new, |since| format!(", from {since} UTC on"));
    let words = format!(
        "{} is not in {}{since}. A client is what the log's client field holds.",
        output::safe(name, 80),
        args.logs.join(" ")
    );
    if args.json_lines {
        // The JSON is no line at all. The explanation for people goes to standard error.
        eprintln!("{words}");
        return Ok(CommandResult::Failed);
    }
    not_found::print(name, words, args.json)
}
