//! `kidoban inspect`: what a log is, before anything is learnt from it.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use anyhow::Result;
use detector::{Class, ClientKey, url};
use serde::Serialize;
use traffic::log::Tally;

use crate::Answer;
use crate::args::InspectArgs;
use crate::input::{Logs, Reader};
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
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct RefusedLine {
    line: u64,
    reason: String,
    excerpt: String,
}

#[derive(Serialize)]
struct Busiest {
    client: String,
    requests: u64,
}

/// Prints what each log is. Answers no when so many lines cannot be read that training would refuse a log.
///
/// # Errors
/// What cannot be opened or read.
pub fn run(args: &InspectArgs) -> Result<Answer> {
    let logs = Logs::find(&args.logs)?;
    let mut all = Vec::new();
    for reader in logs.open()? {
        all.push(inspect(reader)?);
    }
    logs.finish();
    if args.json {
        output::print_json(&all)?;
    } else {
        output::print(&all.iter().map(describe).collect::<Vec<_>>().join("\n"))?;
    }
    let is_fit = all.iter().all(|log| !crate::input::is_unreadable(log.refused, log.lines));
    Ok(if is_fit { Answer::Yes } else { Answer::No })
}

fn inspect(mut reader: Reader) -> Result<Inspected> {
    let mut requests: HashMap<ClientKey, u64> = HashMap::new();
    let mut outcomes: HashSet<ClientKey> = HashSet::new();
    let (mut pages, mut total) = (0, 0);
    while let Some(record) = reader.next()? {
        match record.request() {
            Some(request) => {
                *requests.entry(request.client).or_default() += 1;
                total += 1;
                let class = request.recorded.map_or_else(
                    || url::classify(url::split(request.target).0, request.fetch_dest),
                    |recorded| recorded.class,
                );
                pages += u64::from(class == Class::Page);
            }
            None => drop(outcomes.insert(record.client_key())),
        }
    }
    let tally = reader.tally();
    let busiest = requests.iter().max_by_key(|&(client, count)| (*count, *client));
    let busiest = busiest.map(|(client, &requests)| Busiest { client: client.to_string(), requests });
    Ok(Inspected {
        log: reader.name().to_owned(),
        format: reader.format().to_string(),
        lines: tally.lines,
        parsed: tally.parsed,
        refused: tally.refused,
        blank: tally.blank,
        repaired: tally.repaired,
        out_of_order: tally.out_of_order,
        first_refused: tally
            .first_refused
            .iter()
            .map(|line| RefusedLine {
                line: line.line_number,
                reason: line.reason.clone(),
                excerpt: line.excerpt.clone(),
            })
            .collect(),
        first_at: tally.first_at.map(output::time),
        last_at: tally.last_at.map(output::time),
        resolution_us: tally.resolution_us(),
        clients: requests.len() as u64,
        pages,
        requests: total,
        warnings: warnings(tally, busiest.as_ref(), total),
        busiest,
    })
}

fn warnings(tally: &Tally, busiest: Option<&Busiest>, requests: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    if tally.parsed > 0 && share(tally.private_addresses, tally.parsed) > 0.9 {
        warnings.push(
            "nearly all addresses are private: this log holds a proxy's address and not the client's. Log \
             $http_x_forwarded_for or set real_ip in the server, and trusted_proxies in kidoban.toml"
                .to_owned(),
        );
    }
    if let Some(busiest) = busiest.filter(|busiest| requests >= 1_000 && share(busiest.requests, requests) > 0.5) {
        warnings.push(format!(
            "one client has {} of the requests ({}): a load balancer's health check, or a proxy in front?",
            output::percent(share(busiest.requests, requests)),
            busiest.client
        ));
    }
    if crate::input::is_unreadable(tally.refused, tally.lines) {
        warnings.push("more than 5 % of the lines cannot be read: `kidoban train` will refuse this log".to_owned());
    }
    if tally.parsed > 0 && tally.resolution_us() == 1_000_000 {
        warnings.push(
            "times are whole seconds: gaps below a second cannot be told apart. Log $msec for a sharper model"
                .to_owned(),
        );
    }
    warnings
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
    for (what, number) in
        [("refused", log.refused), ("blank", log.blank), ("unwrapped from stray quotes", log.repaired)]
    {
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
        let _ = writeln!(text, "  busiest     {} with {} requests", busiest.client, output::count(busiest.requests));
    }
    for warning in &log.warnings {
        let _ = writeln!(text, "  warning     {warning}");
    }
    text
}
