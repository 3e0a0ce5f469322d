//! Prints a difference on a terminal.

use std::fmt::Write as _;

use analysis::diff::{ActionChange, Difference, JudgeSummary, VerdictWords};
use analysis::format::counted;
use detector::Action;

use crate::output::{self, TextTable};

/// The summary in words, then tables of thresholds, verdicts, reasons, paths and clients.
pub fn describe(difference: &Difference) -> String {
    let mut text = format!("{}\n", difference.in_words());
    if !difference.is_none() {
        for kind in &difference.affected {
            let examples = if kind.examples.is_empty() {
                String::new()
            } else {
                format!(" (such as {})", kind.examples.join(", "))
            };
            let _ = writeln!(
                text,
                "{}, {}: {} refused more{examples}, {} refused less; stopped at all {} before, {} \
                    after.",
                output::safe(&kind.who, 60),
                counted(kind.clients, "client"),
                output::count(kind.harder),
                output::count(kind.softer),
                output::count(kind.stopped_before),
                output::count(kind.stopped_after),
            );
        }
    }
    if difference.refused > 0 {
        let _ = writeln!(text, "{} could not be read.", counted(difference.refused, "line"));
    }
    let _ = write!(text, "\n{}", sides([&difference.before, &difference.after]));
    let _ = write!(text, "\n{}", matrix("requests", &difference.by_request));
    let _ = write!(text, "\n{}", matrix("clients, by their hardest", &difference.by_client));
    if difference.is_none() {
        return text;
    }
    let mut reasons = TextTable::new(&["before", "after", "requests"]);
    for row in &difference.reasons {
        reasons.row([row.before.clone(), row.after.clone(), output::count(row.requests)]);
    }
    let mut paths = TextTable::new(&["path", "refused more", "refused less"]);
    for row in &difference.paths {
        paths.row([
            output::safe(&row.path, 80),
            output::count(row.harder),
            output::count(row.softer),
        ]);
    }
    let heading = [
        "client",
        "requests",
        "more",
        "less",
        "first at (UTC)",
        "known as",
        "before",
        "after",
        "because",
    ];
    let mut clients = TextTable::new(&heading);
    for row in &difference.changed {
        clients.row([
            row.client.clone(),
            output::count(row.requests),
            output::count(row.harder),
            output::count(row.softer),
            output::time(row.first.at),
            output::safe(&row.known_as.join(", "), 60),
            told(&row.first.before),
            told(&row.first.after),
            because(&row.first.before, &row.first.after),
        ]);
    }
    let _ = write!(text, "\n{}\n{}\n{}", reasons.render(), paths.render(), clients.render());
    text
}

fn sides(sides: [&JudgeSummary; 2]) -> String {
    let mut table =
        TextTable::new(&["", "model", "limit from", "block from", "cohort from", "judged from"]);
    for side in sides {
        let score = |score: Option<f32>| {
            score.map_or_else(|| "–".to_owned(), |score| output::score(f64::from(score)))
        };
        let thresholds = &side.thresholds;
        table.row([
            side.name.clone(),
            format!("{} {}", side.model, side.model_sha256.get(..8).unwrap_or("")),
            score(thresholds.limit),
            score(thresholds.block),
            score(thresholds.cohort),
            format!("{} pages", thresholds.min_pages),
        ]);
    }
    table.render()
}

fn matrix(what: &str, cells: &[ActionChange]) -> String {
    let mut table = TextTable::new(&[what, "then allow", "then limit", "then block"]);
    for before in Action::ALL {
        let number = |after: Action| {
            let cell = cells.iter().find(|cell| (cell.before, cell.after) == (before, after));
            output::count(cell.map_or(0, |cell| cell.number))
        };
        let [allow, limit, block] = Action::ALL.map(number);
        table.row([before.as_str().to_owned(), allow, limit, block]);
    }
    table.render()
}

fn told(told: &VerdictWords) -> String {
    let score = told.score.map_or_else(String::new, |score| format!(" {score:.3}"));
    format!("{}/{}{score}", told.action.as_str(), told.reason.as_str())
}

/// The reasons of a refusal: of one side, or of both where they differ. This is the last column,
/// because its width varies most.
fn because(before: &VerdictWords, after: &VerdictWords) -> String {
    match (before.because.join(", "), after.because.join(", ")) {
        (before, after) if before == after || before.is_empty() => after,
        (before, after) if after.is_empty() => before,
        (before, after) => format!("before: {before}; after: {after}"),
    }
}
