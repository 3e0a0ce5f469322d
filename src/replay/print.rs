//! Prints a replay on a terminal.

use std::fmt::Write as _;

use analysis::format::counted;

use super::result::Replayed;
use crate::output::{self, TextTable};

/// A line with the number of lines that could not be read; empty where there are none.
pub fn unread(lines: u64) -> String {
    if lines == 0 {
        String::new()
    } else {
        format!("{} could not be read.\n", counted(lines, "line"))
    }
}

/// The summary in words, then tables of verdicts and of stopped clients.
pub fn describe(replayed: &Replayed) -> String {
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
    let mut actions = TextTable::new(&["verdict/reason", "requests"]);
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
    let mut table = TextTable::new(&heading);
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
