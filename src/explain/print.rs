//! Prints an explanation on a terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use analysis::counterfactual::Counterfactuals;
use analysis::explain::{
    Decisive, ExplainedFeature, ExplainedRequest, Explanation, Normal, Otherwise, Source, value,
};
use detector::{Action, Reason};

use crate::output::{self, TextTable};

/// Features shown with a row each; the others share one row with their sum.
const ROWS: usize = 10;
/// Requests shown before and after each change of verdict, unless `--all` is given.
const AROUND: usize = 2;

/// The explanation in words, then what would have been allowed, the features, and the timeline.
pub fn describe(explanation: &Explanation, all: bool) -> String {
    let mut text = String::new();
    for sentence in &explanation.words {
        let _ = writeln!(text, "{}", output::safe(sentence, 1_500));
    }
    if let Some(decisive) = &explanation.decisive {
        if explanation.is_repeated == Some(false) {
            let _ = writeln!(
                text,
                "\nBy {} as it judges here, not by the gate:",
                output::safe(&explanation.model, 60)
            );
        }
        otherwise(&mut text, decisive, explanation.thresholds.limit);
        features(&mut text, decisive);
    }
    timeline(&mut text, explanation, all);
    text
}

fn otherwise(text: &mut String, decisive: &Decisive, limit: Option<f32>) {
    for Otherwise { action, reason, below, answer, words } in &decisive.otherwise {
        let would = match (action, reason, decisive.action) {
            (Action::Block, ..) => "blocked",
            (_, reason, _) if reason.is_own_limit() || *reason == Reason::Shared => {
                "limited to its rate and not blocked"
            }
            // The request passed because the client kept below the rate of its limit.
            (.., Action::Allow) => "free of any limit to its rate",
            _ => "allowed",
        };
        let clearly = match limit {
            Some(limit) if *below < limit - 1e-6 => {
                format!("; who is limited is free again clearly below {limit:.3} only")
            }
            _ => String::new(),
        };
        let _ = match answer {
            Counterfactuals::Ways { .. } => {
                writeln!(
                    text,
                    "It would have been {would} (a score below {below:.3}{clearly}) {}.",
                    words.iter().map(|way| with(way)).collect::<Vec<_>>().join("; or ")
                )
            }
            Counterfactuals::Impossible { .. } => writeln!(
                text,
                "Nothing that it could have done gives a score below {below:.3}: the threshold \
                    lies below all that this model \
                 can say."
            ),
            Counterfactuals::Unknown { .. } => {
                writeln!(
                    text,
                    "No change of a few features was found that gives a score below {below:.3}."
                )
            }
            Counterfactuals::Below => Ok(()),
        };
    }
}

/// Puts `with` before a condition, as in `with typical gap ≥ 12 s`; `without errors` stays as it
/// is.
fn with(way: &str) -> String {
    if way.starts_with("without ") { way.to_owned() } else { format!("with {way}") }
}

fn features(text: &mut String, decisive: &Decisive) {
    let Some((score, margin)) = decisive.score.zip(decisive.margin) else { return };
    let _ = writeln!(
        text,
        "\nHow the score {score:.3} of request {} came about, after {} pages ({}):",
        decisive.scored,
        decisive.pages,
        compared(&decisive.normal)
    );
    let mut table =
        TextTable::new(&["feature", "measured", "low", "people", "high", "people below", "adds"]);
    let asked: Vec<&ExplainedFeature> =
        decisive.features.iter().filter(|row| row.is_asked).collect();
    let (shown, rest) = asked.split_at(asked.len().min(ROWS));
    table.row([
        "a client nobody knows".to_owned(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        signed(decisive.base),
    ]);
    for row in shown {
        let people = |pick: fn(&analysis::explain::Spread) -> f32| {
            row.normal
                .as_ref()
                .map_or_else(|| "–".to_owned(), |normal| value(row.feature, pick(normal)))
        };
        let below = row.normal.and_then(|normal| normal.below);
        table.row([
            row.words.to_owned(),
            row.value.map_or_else(|| "–".to_owned(), |measured| value(row.feature, measured)),
            people(|normal| normal.low),
            people(|normal| normal.middle),
            people(|normal| normal.high),
            below.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0)),
            signed(row.part),
        ]);
    }
    if !rest.is_empty() {
        let sum: f32 = rest.iter().map(|row| row.part).sum();
        let name = analysis::format::counted(rest.len() as u64, "other");
        table.row([
            name,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            signed(sum),
        ]);
    }
    table.row([
        "sum".to_owned(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        signed(decisive.sum),
    ]);
    text.push_str(&table.render());
    let made = if (decisive.sum - margin).abs() < 1e-3 * margin.abs().max(1.0) {
        format!("The sum {} is the margin {} in log-odds", signed(decisive.sum), signed(margin))
    } else {
        format!(
            "The sum {} is what this page shows by itself. The margin {} in log-odds is the \
             average over the pages of its visit",
            signed(decisive.sum),
            signed(margin)
        )
    };
    let _ = writeln!(
        text,
        "{made}, 1 / (1 + e^−margin) the score {score:.3}.{}",
        decisive.probability.map_or_else(String::new, |share| {
            format!(
                " Of clients who scored so in training {} were bots.",
                output::percent(f64::from(share))
            )
        })
    );
}

fn compared(normal: &Normal) -> String {
    let pages = normal.pages.map_or_else(String::new, |pages| format!(" at {pages} pages"));
    match normal.source {
        Source::Labelled => {
            format!("beside {} people of these logs{pages}, as labelled", normal.people)
        }
        Source::Guessed => {
            format!(
                "beside {} people of these logs{pages}, by weak rules: nobody has labelled them",
                normal.people
            )
        }
        Source::Reference => format!(
            "beside the model's reference, {} ordinary clients of its training logs at any number \
                of pages: these logs have too \
             few people",
            normal.people
        ),
        Source::Nobody => {
            "with nobody to compare: too few people in these logs, and the model keeps no reference"
                .to_owned()
        }
    }
}

fn signed(value: f32) -> String {
    if value < 0.0 { format!("−{:.3}", -value) } else { format!("+{value:.3}") }
}

fn timeline(text: &mut String, explanation: &Explanation, all: bool) {
    let moments = &explanation.timeline;
    if moments.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nEvery request, its score and its verdict:");
    let decisive = explanation.decisive.as_ref().map(|decisive| decisive.number);
    let mut shown = vec![all; moments.len()];
    let mut around = |place: usize| {
        let end = (place + AROUND + 1).min(moments.len());
        shown[place.saturating_sub(AROUND)..end].fill(true);
    };
    let mut known = BTreeSet::new();
    for (place, moment) in moments.iter().enumerate() {
        let is_first = known.insert((moment.action.as_str(), moment.reason.as_str()));
        if is_first || Some(moment.number) == decisive || place + 1 == moments.len() {
            around(place);
        }
    }
    let is_shown = |place: usize| shown[place];
    let mut place = 0;
    while place < moments.len() {
        if is_shown(place) {
            line(text, &moments[place], decisive);
            place += 1;
            continue;
        }
        let end = (place..moments.len()).find(|&place| is_shown(place)).unwrap_or(moments.len());
        skipped(text, &moments[place..end]);
        place = end;
    }
    if explanation.left_out > 0 {
        let _ = writeln!(
            text,
            "  … {} later requests are not kept",
            output::count(explanation.left_out)
        );
    }
}

fn line(text: &mut String, moment: &ExplainedRequest, decisive: Option<u64>) {
    let score = match (moment.score, moment.is_scored) {
        (Some(score), true) => format!("{score:.3}"),
        _ => "–".to_owned(),
    };
    // Where the gate's recorded verdict differs, it is printed beside the verdict here.
    let gate = match &moment.recorded {
        Some(past) if !moment.is_as_recorded() => {
            format!("  (the gate: {}/{})", past.action, past.reason)
        }
        _ => String::new(),
    };
    let _ = writeln!(
        text,
        "{} {:>5}  {}  {score:>5}  {:<19} {:>3} {} {}{}",
        if Some(moment.number) == decisive { '>' } else { ' ' },
        moment.number,
        output::time(moment.at),
        format!("{}/{}", moment.action.as_str(), moment.reason.as_str()),
        moment.status.map_or_else(|| "–".to_owned(), |status| status.to_string()),
        output::safe(&moment.method, 10),
        output::safe(&moment.target, 80),
        output::safe(&gate, 60),
    );
}

fn skipped(text: &mut String, moments: &[ExplainedRequest]) {
    let mut verdicts: BTreeMap<String, u64> = BTreeMap::new();
    for moment in moments {
        *verdicts
            .entry(format!("{}/{}", moment.action.as_str(), moment.reason.as_str()))
            .or_default() += 1;
    }
    let verdicts: Vec<String> = verdicts
        .iter()
        .map(|(name, number)| format!("{} {name}", output::count(*number)))
        .collect();
    let scores = moments.iter().filter(|moment| moment.is_scored).filter_map(|moment| moment.score);
    let (low, high) = scores.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), score| {
        (low.min(score), high.max(score))
    });
    let scores =
        if low <= high { format!(", scores {low:.3} to {high:.3}") } else { String::new() };
    let _ = writeln!(text, "         … {}{scores} (--all shows them)", verdicts.join(", "));
}
