//! `kidoban replay`: who would have been stopped, when and why. Virtual time, changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use analysis::format::counted;
use anyhow::{Context, Result};
use detector::Settings;
use detector::{
    Action, AllowList, ClientKey, Detector, Judge, Policy, PolicyConfig, Reason, Timestamp,
};
use serde::Serialize;
use traffic::replay::{VerdictPass, VerdictWatch, Walked, walk_twice_if_needed};

mod client;
mod summary;
mod words;

use summary::{ClientSummary, FirstStop, Summary};
pub use words::because;

use crate::absent;
use crate::args::ReplayArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_model};
use crate::output::{self, Table};

/// Stopped clients shown to people who do not say how many.
const TOP: usize = 20;
/// Clients tracked when no configuration says how many: enough that nobody of most logs is evicted.
const CAPACITY: usize = 1_000_000;

#[derive(Serialize)]
struct Stopped {
    client: String,
    requests: u64,
    limited: u64,
    blocked: u64,
    score: Option<f32>,
    first_stopped_at: String,
    first_stopped_at_us: i64,
    first_stopped_request: u64,
    action: Action,
    reason: Reason,
    because: Vec<String>,
}

#[derive(Serialize)]
struct Replayed {
    model: String,
    lines: u64,
    refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    requests: u64,
    clients: u64,
    /// Limited or blocked, each once.
    clients_stopped: u64,
    clients_limited: u64,
    clients_blocked: u64,
    actions: BTreeMap<String, u64>,
    recorded: u64,
    recorded_identical: u64,
    evictions: u64,
    stopped: Vec<Stopped>,
}

/// Replays and prints. The result is `Failed` when the event log's own verdicts were not repeated, when the
/// client asked for never came, and when there was no request at all.
///
/// # Errors
/// What cannot be read; a model or configuration that is refused.
pub fn run(args: &ReplayArgs) -> Result<CommandResult> {
    let (judge, capacity) = judge(args.config.as_deref(), args.model.as_deref())?;
    let model = judge.model.as_ref().map_or_else(String::new, |model| model.file().name.clone());
    let jobs = jobs(args.jobs);
    let since = args.since.map(|since| since.resolve(&args.logs, jobs)).transpose()?;
    let logs = Logs::find(&args.logs)?.shown_as("Replaying");
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
            return absent(name, since.as_deref(), args);
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
    // Before the time asked for there may have been some.
    let nothing = output::nothing_read(requests, &args.logs).filter(|_| replayed.since.is_none());
    match (args.json, args.json_lines, &nothing) {
        (true, ..) => output::print_json(&replayed)?,
        (_, true, Some(nothing)) => eprintln!("{nothing}"),
        (_, true, None) => output::print_json_lines(&replayed.stopped)?,
        (_, _, Some(nothing)) => {
            output::print(&format!("{nothing}\n{}", unread(replayed.refused)))?
        }
        _ => output::print(&describe(&replayed))?,
    }
    Ok(if nothing.is_some() { CommandResult::Failed } else { answer })
}

/// A client that was asked for and never came: a typing error must not read like "all is well".
fn absent(name: &str, since: Option<&str>, args: &ReplayArgs) -> Result<CommandResult> {
    let since = since.map_or_else(String::new, |since| format!(", from {since} UTC on"));
    let words = format!(
        "{} is not in {}{since}. A client is what the log's client field holds.",
        output::safe(name, 80),
        args.logs.join(" ")
    );
    if args.json_lines {
        // No line is what there is to tell; why, people read beside it.
        eprintln!("{words}");
        return Ok(CommandResult::Failed);
    }
    absent::say(name, words, args.json)
}

/// How many threads a stage has: as many as were asked for, or as there are cores.
pub fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// What judges, and how many clients are tracked: a configuration's, or a model with the policy's
/// defaults.
///
/// # Errors
/// What cannot be read or is refused.
pub fn judge(config: Option<&Path>, model: Option<&Path>) -> Result<(Judge, usize)> {
    if let Some(path) = config {
        let model = model.map(Path::to_path_buf);
        let overrides = gate::Overrides { model, ..crate::run::overrides_with_shipped_model() };
        let config = gate::Config::load(Some(path), &overrides)?;
        return Ok((gate::judge(&config)?, config.capacity()));
    }
    let model = read_model(model)?;
    let policy =
        Policy::new(PolicyConfig::default(), Some(&model)).context("the model's thresholds")?;
    Ok((Judge { model: Some(model), policy, allow: AllowList::default() }, CAPACITY))
}

/// The `top` clients with the most refused requests.
fn stopped(clients: &HashMap<ClientKey, ClientSummary>, top: usize) -> Vec<Stopped> {
    let mut stopped: Vec<_> =
        clients.iter().filter_map(|(key, client)| Some((key, client, client.first?))).collect();
    stopped.sort_by_key(|(key, client, _)| {
        (std::cmp::Reverse(client.limited + client.blocked), **key)
    });
    let row = |(key, client, first): (&ClientKey, &ClientSummary, FirstStop)| Stopped {
        client: key.to_string(),
        requests: client.requests,
        limited: client.limited,
        blocked: client.blocked,
        score: client.highest.map(|margin| detector::Score::from_margin(margin).value()),
        first_stopped_at: output::time(first.at),
        first_stopped_at_us: first.at.as_micros(),
        first_stopped_request: first.request,
        action: first.verdict.action,
        reason: first.verdict.reason,
        because: because(&first.verdict),
    };
    stopped.into_iter().take(top).map(row).collect()
}

fn unread(lines: u64) -> String {
    if lines == 0 {
        String::new()
    } else {
        format!("{} could not be read.\n", counted(lines, "line"))
    }
}

fn describe(replayed: &Replayed) -> String {
    let mut text = String::new();
    if let Some(since) = &replayed.since {
        let _ =
            writeln!(text, "Since {since} UTC; what came before was watched and is not counted.");
    }
    let _ = writeln!(
        text,
        "{} of {}, judged by {}: {} would have been stopped: {} blocked, {} only limited.",
        counted(replayed.requests, "request"),
        counted(replayed.clients, "client"),
        replayed.model,
        counted(replayed.clients_stopped, "client"),
        output::count(replayed.clients_blocked),
        output::count(replayed.clients_stopped - replayed.clients_blocked),
    );
    text.push_str(&unread(replayed.refused));
    if replayed.recorded > 0 {
        let _ = writeln!(
            text,
            "{} of {} recorded verdicts were repeated.",
            output::count(replayed.recorded_identical),
            output::count(replayed.recorded)
        );
        if replayed.recorded_identical < replayed.recorded {
            text.push_str(
                "The others were decided under another model or policy (pass the gate's own with \
                    -c and --model), by a gate \
                 that was reloaded, or after lines that are not in this log.\n",
            );
            if replayed.evictions > 0 {
                let _ = writeln!(
                    text,
                    "Here {} clients were evicted for others.",
                    output::count(replayed.evictions)
                );
            }
        }
    }
    let mut actions = Table::new(&["verdict/reason", "requests"]);
    for (action, number) in &replayed.actions {
        actions.row([action.clone(), output::count(*number)]);
    }
    let _ = write!(text, "\n{}", actions.render());
    if replayed.stopped.is_empty() {
        return text;
    }
    let heading = [
        "client",
        "requests",
        "limited",
        "blocked",
        "score",
        "first stopped (UTC)",
        "at request",
        "by",
        "because",
    ];
    let mut table = Table::new(&heading);
    for row in &replayed.stopped {
        table.row([
            row.client.clone(),
            output::count(row.requests),
            output::count(row.limited),
            output::count(row.blocked),
            output::figure(row.score.map(f64::from)),
            row.first_stopped_at.clone(),
            output::count(row.first_stopped_request),
            format!("{}/{}", row.action.as_str(), row.reason.as_str()),
            row.because.join(", "),
        ]);
    }
    let _ = write!(text, "\n{}", table.render());
    let more = replayed.clients_stopped - replayed.stopped.len() as u64;
    if more > 0 {
        let _ = writeln!(
            text,
            "  and {} more: --top N shows N, --json-lines all",
            counted(more, "client")
        );
    }
    text
}
