//! `kidoban inspect`: says what a log holds, before anything is learnt from it.

use std::fmt::Write as _;

use analysis::inspect::{ClientCounts, PeopleCount};
use analysis::sources::RefusedLine;
use anyhow::Result;
use detector::{Class, url};
use serde::Serialize;
use traffic::log::{Survey, Surveyed, Warning, is_unreadable, together};
use traffic::replay::Reader;

use crate::args::InspectArgs;
use crate::command_result::CommandResult;
use crate::input::Logs;
use crate::output;

#[derive(Serialize)]
struct Inspected {
    log: String,
    format: String,
    lines: u64,
    parsed: u64,
    refused: u64,
    blank: u64,
    repaired: u64,
    out_of_order: u64,
    first_refused: Vec<RefusedLine>,
    first_at: Option<String>,
    last_at: Option<String>,
    resolution_us: u32,
    clients: u64,
    pages: u64,
    requests: u64,
    busiest: Option<Busiest>,
    /// With several logs, the first entry also has the warnings about all of them together.
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct Busiest {
    client: String,
    requests: u64,
}

/// Prints what each log is. The result is `Failed` when so many lines cannot be read that training
/// would refuse a log, or that none has a single request.
///
/// # Errors
/// A log that cannot be opened or read.
pub fn run(args: &InspectArgs) -> Result<CommandResult> {
    let logs = Logs::find(&args.logs)?;
    let (mut all, mut surveyed, mut people) = (Vec::new(), Vec::new(), PeopleCount::default());
    for reader in logs.open_leniently()? {
        let (inspected, log) = inspect(reader, &mut people)?;
        all.push(inspected);
        surveyed.push(log);
    }
    logs.finish();
    if let Some(first) = all.first_mut() {
        first.warnings.extend(together(&surveyed));
        first.warnings.extend(people.warning());
    }
    if args.json {
        output::print_json(&all)?;
    } else {
        output::print(&all.iter().map(describe).collect::<Vec<_>>().join("\n"))?;
    }
    let has_requests = all.iter().any(|log| log.requests > 0);
    let is_fit = has_requests && all.iter().all(|log| !is_unreadable(log.refused, log.lines));
    Ok(CommandResult::passed_if(is_fit))
}

fn inspect(mut reader: Reader, people: &mut PeopleCount) -> Result<(Inspected, Surveyed)> {
    let (mut crowd, mut survey) = (ClientCounts::default(), Survey::default());
    while let Some(record) = reader.next()? {
        let Some(request) = record.request() else {
            survey.note(&record, Class::Page);
            continue;
        };
        let class = request.recorded.map_or_else(
            || url::classify(url::split(request.target).0, request.fetch_dest),
            |recorded| recorded.class,
        );
        survey.note(&record, class);
        crowd.note(&request);
        people.note(&record, class);
    }
    let (pages, requests) = (survey.pages, survey.requests);
    let log = Surveyed {
        name: reader.name().to_owned(),
        format: reader.format(),
        tally: reader.tally().clone(),
        survey,
    };
    let mut warnings = log.warnings();
    // Where a proxy hides the clients, it is also the busiest client. One warning is enough.
    warnings.extend(crowd.warning().filter(|_| !log.hides_clients()));
    let tally = &log.tally;
    let inspected = Inspected {
        log: log.name.clone(),
        format: log.format.to_string(),
        lines: tally.lines,
        parsed: tally.parsed,
        refused: tally.refused,
        blank: tally.blank,
        repaired: tally.repaired,
        out_of_order: tally.out_of_order,
        first_refused: tally.first_refused.iter().map(RefusedLine::of).collect(),
        first_at: tally.first_at.map(output::time),
        last_at: tally.last_at.map(output::time),
        resolution_us: tally.resolution_us(),
        clients: crowd.clients(),
        pages,
        requests,
        busiest: crowd
            .busiest()
            .map(|(client, requests)| Busiest { client: client.to_string(), requests }),
        warnings,
    };
    Ok((inspected, log))
}

fn describe(log: &Inspected) -> String {
    let mut text = format!("{}\n", log.log);
    let resolution = match log.resolution_us {
        1_000_000 => "whole seconds",
        1_000 => "milliseconds",
        _ => "microseconds",
    };
    let _ = writeln!(text, "  format      {} (times in {resolution})", log.format);
    let _ = write!(text, "  lines       {} read", output::count(log.parsed));
    for (what, number) in [
        ("refused", log.refused),
        ("blank", log.blank),
        ("unwrapped from stray quotes", log.repaired),
    ] {
        if number > 0 {
            let _ = write!(text, ", {} {what}", output::count(number));
        }
    }
    text.push('\n');
    for line in &log.first_refused {
        let _ = writeln!(text, "    line {}: {}\n      {}", line.line, line.reason, line.excerpt);
    }
    if let (Some(first), Some(last)) = (&log.first_at, &log.last_at) {
        let _ = writeln!(text, "  time        {first} to {last} UTC");
    }
    let _ = writeln!(
        text,
        "  requests    {} of {} clients; {} pages",
        output::count(log.requests),
        output::count(log.clients),
        output::count(log.pages)
    );
    if let Some(busiest) = &log.busiest {
        let _ = writeln!(
            text,
            "  busiest     {} with {} requests",
            busiest.client,
            output::count(busiest.requests)
        );
    }
    for Warning { message, fix, .. } in &log.warnings {
        let _ = writeln!(text, "  warning     {message}\n              {fix}");
    }
    text
}
