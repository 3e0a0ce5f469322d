//! Prints tuned thresholds on a terminal.

use std::fmt::Write as _;
use std::path::Path;

use analysis::Tuned;
use analysis::format::counted;
use analysis::report::tuning::verdict;
use analysis::tune::{AtRisk, Stops};
use trainer::Label;

use crate::output::{self, TextTable};

/// The verdict in words, then thresholds, what they stop, orders at risk and the evidence. `asked`
/// is the file of `--write`, `written` that file if it was changed.
pub fn describe(tuned: &Tuned, asked: Option<&Path>, written: Option<&Path>) -> String {
    let mut text = format!("{}\n\n", verdict(tuned));
    for rung in &tuned.ladder {
        let threshold = rung
            .score
            .map_or_else(|| "none".to_owned(), |score| format!("score ≥ {}", output::score(score)));
        let _ = writeln!(text, "{:<6}  {threshold}: {}", rung.step.as_str(), rung.evidence);
    }
    let Stops { clients, requests, share_of_requests, share_of_pages, .. } = &tuned.stops;
    let _ = writeln!(
        text,
        "\nTogether they would refuse {} of {} requests, {} of all and {} of page requests, of {}.",
        output::count(*requests),
        output::count(tuned.requests),
        output::percent(*share_of_requests),
        output::percent(*share_of_pages),
        counted(*clients, "client"),
    );
    let _ = writeln!(text, "\n{}", ladder(tuned));
    for risk in &tuned.at_risk {
        let _ = writeln!(text, "{}", at_risk(risk));
    }
    if tuned.at_risk.is_empty() {
        text.push_str(
            "No outcome is named, so nobody can say whose orders this would cost: --outcome \
                'buyer=POST /checkout/complete 2xx'.\n",
        );
    }
    let _ = writeln!(text, "\n{}", tuned.proof.words());
    text.push_str(&people(tuned));
    for warning in &tuned.warnings {
        let _ = writeln!(text, "warning: {}", output::safe(warning, 400));
    }
    match (written, asked) {
        (Some(path), _) => {
            let keys: Vec<String> =
                tuned.keys().iter().map(|(key, score)| format!("{key} = {score}")).collect();
            let _ = writeln!(
                text,
                "\nWrote {} to {}. Next: kidoban check -c {1}",
                keys.join(", "),
                path.display()
            );
        }
        (None, Some(path)) => {
            let _ = writeln!(text, "\nNothing is proven, so {} stays as it is.", path.display());
        }
        (None, None) if tuned.keys().is_empty() => {
            text.push_str("\nNothing is proven, so there is nothing to set.\n");
        }
        (None, None) => {
            let _ = writeln!(
                text,
                "\nFor kidoban.toml, or with --write kidoban.toml:\n\n{}",
                tuned.snippet()
            );
        }
    }
    text
}

fn ladder(tuned: &Tuned) -> String {
    let heading = [
        "step",
        "threshold",
        "before",
        "people above",
        "at most",
        "clients refused",
        "people",
        "bad robots",
        "good robots",
        "unknown",
        "requests",
        "of all",
        "of pages",
    ];
    let mut table = TextTable::new(&heading);
    let score = |score: Option<f64>| score.map_or_else(|| "–".to_owned(), output::score);
    let row = |of: [String; 5], stops: &Stops| {
        let labels = [Label::Human, Label::Bad, Label::GoodBot, Label::Unknown];
        let labels =
            labels.map(|label| output::count(stops.by_label.get(&label).copied().unwrap_or(0)));
        let shares = [stops.share_of_requests, stops.share_of_pages].map(output::percent);
        let counts = [output::count(stops.clients)]
            .into_iter()
            .chain(labels)
            .chain([output::count(stops.requests)]);
        of.into_iter().chain(counts).chain(shares).collect::<Vec<String>>()
    };
    for rung in &tuned.ladder {
        let of = [
            rung.step.as_str().to_owned(),
            score(rung.score),
            score(rung.before),
            if rung.score.is_some() {
                format!("{} of {}", output::count(rung.k), output::count(rung.n))
            } else {
                "–".to_owned()
            },
            rung.at_most.map_or_else(|| "–".to_owned(), output::percent_at_most),
        ];
        table.row(row(of, &rung.stops));
    }
    // Not the sum of the rows: several steps may refuse the same client.
    let dash = || "–".to_owned();
    table.row(row(["together".to_owned(), dash(), dash(), dash(), dash()], &tuned.stops));
    table.render()
}

fn at_risk(risk: &AtRisk) -> String {
    let mut text = format!(
        "{} at risk: {} of {} sessions that came to it would have been refused before",
        risk.outcome,
        output::count(risk.at_risk),
        output::count(risk.sessions)
    );
    let steps: Vec<String> = risk
        .by_step
        .iter()
        .map(|(step, number)| format!("{} by {}", output::count(*number), step.as_str()))
        .collect();
    if !steps.is_empty() {
        let labels: Vec<String> = risk
            .by_label
            .iter()
            .map(|(label, number)| format!("{} {label}", output::count(*number)))
            .collect();
        let _ = write!(text, " ({}; clients: {})", steps.join(", "), labels.join(", "));
    }
    if let Some(at_most) = risk.at_most {
        let _ = write!(
            text,
            "; at most {} of its {} clients",
            output::percent_at_most(at_most),
            output::count(risk.clients)
        );
    }
    if risk.afterwards > 0 {
        let _ = write!(text, "; {} more only afterwards", output::count(risk.afterwards));
    }
    text + "."
}

fn people(tuned: &Tuned) -> String {
    let people = &tuned.people;
    let mut text = format!("People by {}: {}. ", people.source, counted(people.known, "client"));
    if people.may_have_trained > 0 {
        let _ = write!(
            text,
            "{} were there before {} UTC, when the model's training ended: they may have trained \
                it and prove nothing (--unseen if it \
             was trained on other sites). ",
            output::count(people.may_have_trained),
            output::time(detector::Timestamp::from_micros(people.trained_until_us)),
        );
    }
    let _ = writeln!(
        text,
        "{} have fewer than {} pages; {} prove the thresholds:",
        output::count(people.not_judged),
        tuned.min_pages,
        output::count(people.judged),
    );
    for (why, number) in &people.by_why {
        let _ = writeln!(text, "  {:>8}  {}", output::count(*number), output::safe(why, 80));
    }
    for caveat in &people.caveats {
        let _ = writeln!(text, "  note: {caveat}");
    }
    text
}
