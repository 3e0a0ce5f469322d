//! What the demo prints: a live table on a terminal or one line elsewhere, and a summary at the
//! end.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use traffic::sim::Truth;

use super::today::DemoResult;
use super::visitors::{Live, LiveRow};
use crate::output::{TextTable, count};

/// The live table: one row a visitor, redrawn in place.
pub fn live(live: &[Arc<Live>], left: Duration) -> String {
    let mut table = TextTable::new(&[
        "visitor",
        "requests",
        "allowed",
        "limited",
        "blocked",
        "first refused at",
    ]);
    for row in live.iter().map(|live| live.row()) {
        table.row([
            row.name.clone(),
            row.requests.to_string(),
            row.allowed.to_string(),
            row.limited.to_string(),
            row.blocked.to_string(),
            row.first_refused_at.map_or_else(|| "–".to_owned(), |at| format!("#{at}")),
        ]);
    }
    format!("{}  {} s left\n", table.render(), left.as_secs())
}

/// The live counts in one line, for logs and pipes.
pub fn line(live: &[Arc<Live>], left: Duration) -> String {
    let rows: Vec<LiveRow> = live.iter().map(|live| live.row()).collect();
    let is_bad = |row: &&LiveRow| row.truth == Truth::Bad;
    let refused = |row: &&LiveRow| row.limited + row.blocked > 0;
    let bots = rows.iter().filter(is_bad).count();
    format!(
        "  {:>2} s left: {} requests; {} of {bots} bots stopped, {} of {} people refused\n",
        left.as_secs(),
        count(rows.iter().map(|row| u64::from(row.requests)).sum()),
        rows.iter().filter(is_bad).filter(refused).count(),
        rows.iter().filter(|row| !is_bad(row)).filter(refused).count(),
        rows.len() - bots,
    )
}

/// The summary: every visitor with its verdict and the reasons.
pub fn summary(result: &DemoResult) -> String {
    let heading = [
        "visitor",
        "client",
        "requests",
        "score",
        "shipped model",
        "verdict",
        "at request",
        "because",
    ];
    let mut table = TextTable::new(&heading);
    for row in &result.clients {
        let score = |score: Option<f32>| {
            score.map_or_else(|| "–".to_owned(), |score| format!("{score:.3}"))
        };
        let verdict = match (row.blocked, row.limited) {
            (0, 0) => "allowed",
            (0, _) => "limited",
            (_, 0) => "blocked",
            (_, _) => "limited, then blocked",
        };
        table.row([
            row.name.clone(),
            row.client.clone(),
            count(u64::from(row.requests)),
            score(row.score),
            score(row.shipped_score),
            verdict.to_owned(),
            row.first_refused.map_or_else(|| "–".to_owned(), |at| format!("#{at}")),
            // A third reason would make most terminals wrap. `--json` has all.
            row.because.iter().take(2).cloned().collect::<Vec<_>>().join(", "),
        ]);
    }
    let people = result.clients.iter().filter(|row| !row.is_bad).count();
    let bots = result.clients.len() - people;
    let mut text = format!("\n{}\n", table.render());
    let _ = writeln!(
        text,
        "{} of {people} people were hurt, {} of {bots} bots stopped.",
        result.people_hurt,
        bots - result.bots_missed
    );
    let _ = writeln!(
        text,
        "{} of {} verdicts in the event log were repeated by replaying it.",
        count(result.repeated),
        count(result.recorded)
    );
    let _ = writeln!(
        text,
        "The shipped model, which knows other shops and not this one, scores {} of {bots} bots \
         above every person.",
        result.shipped_model_apart
    );
    if result.failed > 0 {
        let _ = writeln!(text, "{} visitors had connections that failed.", result.failed);
    }
    let _ = writeln!(
        text,
        "{}",
        if result.is_good() {
            "Good."
        } else {
            "Not good: a shopper was refused, a bot was missed, or a verdict was not repeated."
        }
    );
    text
}
