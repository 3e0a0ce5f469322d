//! Prints a trained model on a terminal.

use std::fmt::Write as _;
use std::path::Path;

use analysis::format::counted;
use detector::model::{Budget, Card, Metric};
use traffic::log::Tally;
use trainer::Site;

use crate::args::TrainArgs;
use crate::output;

/// State, thresholds, lines read, labels, quality and where the model was written.
pub fn describe(
    args: &TrainArgs,
    model: &Path,
    sites: &[Site],
    tallies: &[Tally],
    file: &detector::model::File,
    is_adapted: bool,
) -> String {
    let card = &file.card;
    let thresholds = &file.thresholds;
    let mut text = format!("{}\n", file.readiness);
    if !file.readiness.is_armed() {
        text.push_str(
            "It is written, and not armed: kidoban run --mode enforce refuses it; shadow \
            mode does not.\n",
        );
    }
    let _ = writeln!(text, "\nThresholds:");
    let _ = writeln!(text, "  limit  {}", threshold(&thresholds.limit));
    let _ = writeln!(text, "  block  {}", threshold(&thresholds.block));
    let _ = writeln!(text, "  cohort {}", threshold(&thresholds.cohort));
    let lines: u64 = tallies.iter().map(|tally| tally.parsed).sum();
    let refused: u64 = tallies.iter().map(|tally| tally.refused).sum();
    let _ = write!(text, "\nRead {}", counted(lines, "line"));
    if refused > 0 {
        let _ = write!(text, " ({} could not be read)", output::count(refused));
    }
    let clients: usize = sites.iter().map(|site| site.clients.len()).sum();
    let _ = writeln!(text, " of {}.", counted(clients as u64, "client"));
    for line in tallies.iter().flat_map(|tally| &tally.first_refused).take(3) {
        let _ =
            writeln!(text, "  line {}: {}\n    {}", line.line_number, line.reason, line.excerpt);
    }
    let _ = writeln!(text, "\nLabels, and the rule that gave each:");
    for (rule, number) in &card.labels {
        let _ = writeln!(text, "  {:>8}  {}", output::count(*number), output::safe(rule, 80));
    }
    for (reason, number) in &card.dropped {
        let _ = writeln!(text, "  {:>8}  {reason}", output::count(*number));
    }
    if args.base.is_some() {
        text.push_str(&adapted(card, is_adapted));
    }
    let trees = match (card.parameters.get("trees"), card.parameters.get("trees_max")) {
        (Some(trees), Some(most)) => {
            format!(" ({trees} trees of at most {most}, as held-out clients chose)")
        }
        _ => String::new(),
    };
    let _ = writeln!(
        text,
        "\nFitted {}{trees} on {} rows. On clients it did not see:",
        card.algorithm,
        output::count(card.rows)
    );
    text.push_str(&metrics(card));
    let _ = writeln!(text, "\nWrote {}. Next: kidoban replay LOG --model {0}", model.display());
    text
}

/// What adapting the base model gained.
fn adapted(card: &Card, is_adapted: bool) -> String {
    let figure = |name: &str| match card.metrics.get(name) {
        Some(Metric { value, low, high, .. }) => format!("{value:.3} ({low:.3} – {high:.3})"),
        None => "not known".to_owned(),
    };
    let verdict = match (is_adapted, card.metrics.contains_key("gain/auc")) {
        (true, _) => "adapted",
        (false, true) => {
            "that is a loss by more than chance: the base is kept as it is, with thresholds of \
                this site"
        }
        (false, false) => "no people and bots to tell apart: the base is kept as it is",
    };
    format!(
        "\nOn clients of this site that the adapted models did not see: base AUC {}, adapted {}, \
            gain {}: {verdict}.\n",
        figure("base/auc"),
        figure("adapted/auc"),
        figure("gain/auc"),
    )
}

/// The metrics of a model card as a table.
pub fn metrics(card: &Card) -> String {
    let mut table =
        output::TextTable::new(&["measured", "value", "95 % interval", "people", "bots"]);
    for (name, Metric { value, low, high, people, bots }) in &card.metrics {
        let interval = format!("{low:.3} – {high:.3}");
        table.row([
            name.clone(),
            format!("{value:.3}"),
            interval,
            output::count(*people),
            output::count(*bots),
        ]);
    }
    table.render()
}

fn threshold(budget: &Budget) -> String {
    match budget.margin {
        Some(margin) => {
            let score = f64::from(detector::Score::from_margin(margin).value());
            format!("score ≥ {}: {}", output::score(score), budget.evidence)
        }
        None => format!("none: {}", budget.evidence),
    }
}
