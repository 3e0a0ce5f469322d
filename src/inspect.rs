//! `kidoban inspect`: says what a log holds, before anything is learnt from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use analysis::inspect::{ClientCounts, PeopleCount};
use analysis::sources::RefusedLine;
use anyhow::Result;
use detector::{Class, url};
use serde::Serialize;
use traffic::log::{Shown, Survey, Surveyed, Warning, together};
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
    /// What each column was taken for, with up to three values that it has.
    columns: BTreeMap<&'static str, Vec<String>>,
    /// With several logs, the first entry also has the warnings about all of them together.
    warnings: Vec<Warning>,
    #[serde(skip)]
    shown: Shown,
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
    let logs = Logs::find(&args.logs)?.reading(args.read.options(None)?).quiet();
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
    if args.explain_format {
        output::print(&all.iter().map(explain).collect::<Vec<_>>().join("\n"))?;
    } else if args.json {
        output::print_json(&all)?;
    } else {
        output::print(&all.iter().map(describe).collect::<Vec<_>>().join("\n"))?;
    }
    let has_requests = all.iter().any(|log| log.requests > 0);
    let is_worthless = |log: &Inspected| log.warnings.iter().any(Warning::is_worthless);
    let is_fit = has_requests
        && !all.iter().any(is_worthless)
        && !surveyed.iter().any(|log| log.tally.is_unreadable());
    Ok(CommandResult::passed_if(is_fit))
}

fn inspect(mut reader: Reader, people: &mut PeopleCount) -> Result<(Inspected, Surveyed)> {
    let (mut crowd, mut survey) = (ClientCounts::default(), Survey::default());
    let cut = loop {
        let record = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => break None,
            // What was read before is worth seeing.
            Err(error) => break Some(error.to_string()),
        };
        if let Some(challenge) = record.challenge {
            people.challenged(record.client_key(), challenge);
        }
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
    };
    let (pages, requests) = (survey.pages, survey.requests);
    let log = Surveyed {
        name: reader.name().to_owned(),
        format: reader.format(),
        tally: reader.tally().clone(),
        survey,
    };
    let mut warnings = reader.warnings().to_vec();
    warnings.extend(cut.map(|reason| {
        let fix = "Fetch the file again: all that follows is missing";
        Warning::new("cut", reason, fix)
    }));
    warnings.extend(log.warnings());
    // Where a proxy hides the clients, it is also the busiest client. One warning is enough.
    warnings.extend(crowd.warning().filter(|_| !log.hides_clients()));
    let tally = &log.tally;
    let shown = reader.shown().clone();
    let inspected = Inspected {
        log: log.name.clone(),
        format: reader.described(),
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
        columns: shown
            .columns
            .iter()
            .map(|column| (column.name, column.examples.clone()))
            .collect(),
        warnings,
        shown,
    };
    Ok((inspected, log))
}

/// One line of a log, and what each of its fields was taken for.
fn explain(log: &Inspected) -> String {
    let mut text = format!("{}: {}\n  {}\n", log.log, log.format, log.shown.line);
    for column in &log.shown.columns {
        let first = column.examples.first().map_or("", String::as_str);
        let _ = writeln!(text, "  {:<15} {first}", column.name);
    }
    text
}

fn describe(log: &Inspected) -> String {
    let mut text = format!("{}\n", log.log);
    let resolution = match log.resolution_us {
        1_000_000 => "whole seconds",
        1_000 => "milliseconds",
        _ => "microseconds",
    };
    let _ = writeln!(text, "  format      {} (times in {resolution})", log.format);
    for (number, column) in log.shown.columns.iter().enumerate() {
        let examples = column.examples.join(" · ");
        let title = if number == 0 { "columns" } else { "" };
        let _ = writeln!(text, "  {title:<11} {:<15} {examples}", column.name);
    }
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
