//! The report of `kidoban train`: what the model learnt, from whom, and how good it is on clients
//! that it did not see.

use detector::Score;
use detector::model::{Budget, Card, Metric, Readiness};
use maud::html;
use trainer::train::Trained;

use super::chart::curve::{Marked, interval, name_of};
use super::evaluation::{curves, listed, scores};
use super::names::Names;
use super::page::Page;
use super::section::Section;
use super::table::{Cell, Table};
use crate::evaluate::AtThreshold;
use crate::format::{count, percent, score};
use crate::held_out::HeldOutQuality;

/// The report's page; [`Page::render`] makes a file of it.
pub fn training(trained: &Trained, held_out: &HeldOutQuality, names: &Names) -> Page {
    let file = &trained.file;
    let own = own(trained);
    tiles(trained, Page::new("train", &verdict(trained, held_out)))
        .with(readiness(&file.readiness))
        .with(budgets(trained))
        .with(scores(&held_out.separation, &own))
        .with(curves(&held_out.separation, &marks(held_out, &own)))
        .with(listed(
            "people",
            "People who score highest",
            "Each as scored by a model that had not seen it. They are hurt first, or are labelled \
                wrongly: look at them.",
            &held_out.people_highest,
            names,
        ))
        .with(listed(
            "robots",
            "Bad robots that score lowest",
            "Each as scored by a model that had not seen it. They are found last, or are labelled \
                wrongly: look at them.",
            &held_out.bots_lowest,
            names,
        ))
        .with(figures(&file.card, names))
        .with(labels(&file.card, names))
}

fn verdict(trained: &Trained, held_out: &HeldOutQuality) -> String {
    let limit = &trained.file.thresholds.limit;
    let Some(margin) = limit.margin else {
        return format!("This model has no threshold and stops nobody: {}.", limit.evidence);
    };
    let value = score(f64::from(Score::from_margin(margin).value()));
    match held_out.at_threshold.get("limit").and_then(Option::as_ref) {
        Some(at) => format!(
            "An estimated {} of bad robots ({}) and {} of people ({}) reach {value}, from where a \
                client is limited. What they would be \
             refused is less: kidoban replay counts it.",
            percent(at.tpr),
            interval(at.tpr_ci),
            percent(at.fpr),
            interval(at.fpr_ci)
        ),
        None => format!("It limits from {value} on: {}.", limit.evidence),
    }
}

fn tiles(trained: &Trained, page: Page) -> Page {
    let card = &trained.file.card;
    let area = |name: &str| match card.metrics.get(name) {
        Some(Metric { value, low, high, .. }) => {
            (format!("{value:.3}"), format!("95 %: {low:.3} – {high:.3}"))
        }
        None => ("–".to_owned(), "not measured".to_owned()),
    };
    let calibration = area("calibration/auc");
    let readiness = &trained.file.readiness;
    let state = format!("{:?}", readiness.state);
    let people = format!("of {} that prove a block", count(readiness.people_needed));
    let rows = format!("rows of {} clients", count(card.clients.values().sum()));
    page.tile("Chance that a bad robot scores above a person (AUC)", &calibration.0, &calibration.1)
        .tile("State", &state, if readiness.is_armed() { "armed" } else { "not armed" })
        .tile("People judged", &count(readiness.people_seen), &people)
        .tile("Trained on", &count(card.rows), &rows)
}

fn own(trained: &Trained) -> Vec<(&'static str, f64)> {
    let thresholds = &trained.file.thresholds;
    let own = [("limit", thresholds.limit.margin), ("block", thresholds.block.margin)];
    own.into_iter()
        .filter_map(|(name, margin)| Some((name, f64::from(Score::from_margin(margin?).value()))))
        .collect()
}

fn marks(held_out: &HeldOutQuality, own: &[(&str, f64)]) -> Vec<Marked> {
    let mark = |&(name, threshold): &(&str, f64)| {
        let at: &AtThreshold = held_out.at_threshold.get(name)?.as_ref()?;
        let AtThreshold { tpr, tpr_ci, fpr, fpr_ci } = *at;
        Some(Marked { name: name_of(name, threshold), fpr, fpr_ci, tpr, tpr_ci })
    };
    own.iter().filter_map(mark).collect()
}

fn readiness(readiness: &Readiness) -> Section {
    let section =
        Section::new("readiness", "May it refuse anybody?").lead(&format!("{readiness}."));
    let mut table = Table::new(
        "What it was measured against",
        &["gate", "measured", "needed", "passed", "otherwise"],
    );
    for gate in &readiness.gates {
        let passed =
            if gate.is_passed() { Cell::text("✓ yes") } else { Cell::text("✗ no").of("bad") };
        let number = |value: f64| {
            Cell::figure(&if value.fract() == 0.0 {
                count(value as u64)
            } else {
                format!("{value:.3}")
            })
        };
        table.row([
            Cell::text(&gate.name),
            number(gate.value),
            number(gate.required),
            passed,
            Cell::text(&gate.remedy),
        ]);
    }
    if table.is_empty() { section } else { section.with(table.render()) }
}

fn budgets(trained: &Trained) -> Section {
    let thresholds = &trained.file.thresholds;
    let of = [
        ("limit", &thresholds.limit),
        ("block", &thresholds.block),
        ("cohort", &thresholds.cohort),
    ];
    Section::new("thresholds", "Thresholds").with(steps(of).render())
}

/// A table of thresholds by step.
pub fn steps(of: [(&str, &Budget); 3]) -> Table {
    let mut table = Table::new(
        "Thresholds and their evidence",
        &["step", "from score", "at most of people", "people", "above", "evidence"],
    );
    for (name, Budget { margin, alpha, n, k, evidence, .. }) in of {
        let from = margin.map_or_else(
            || Cell::figure("none"),
            |margin| Cell::figure(&score(f64::from(Score::from_margin(margin).value()))),
        );
        let cells = [
            from,
            Cell::figure(&percent(*alpha)),
            Cell::number(*n),
            Cell::number(*k),
            Cell::text(evidence),
        ];
        table.row([Cell::text(name)].into_iter().chain(cells));
    }
    table
}

fn figures(card: &Card, names: &Names) -> Section {
    let mut table = Table::new(
        "On clients it did not see",
        &["measured", "value", "95 %", "people", "bad robots"],
    );
    for (name, Metric { value, low, high, people, bots }) in &card.metrics {
        let figures = [format!("{value:.3}"), format!("{low:.3} – {high:.3}")]
            .map(|figure| Cell::figure(&figure));
        let sizes = [*people, *bots].map(Cell::number);
        table.row([Cell::code(&names.text(name))].into_iter().chain(figures).chain(sizes));
    }
    let section = Section::new("figures", "Figures");
    if table.is_empty() {
        section.empty("Nothing could be measured.")
    } else {
        section.with(table.render())
    }
}

fn labels(card: &Card, names: &Names) -> Section {
    let mut table =
        Table::new("Clients by label and the rule that gave it", &["label and rule", "clients"]);
    for (rule, &number) in &card.labels {
        table.row([Cell::code(&names.text(rule)), Cell::number(number)]);
    }
    let mut section = Section::new("labels", "Labels").with(table.render());
    let mut dropped = Table::new("Labels that were not believed", &["why", "clients"]);
    for (why, &number) in &card.dropped {
        dropped.row([Cell::text(why), Cell::number(number)]);
    }
    if !dropped.is_empty() {
        section = section.with(dropped.render());
    }
    let parameters = html! {
        p.parameters {
            "Parameters: "
            @for (i, (name, value)) in card.parameters.iter().enumerate() { @if i > 0 { ", " }
                (name) " " (value) }
        }
    };
    if card.parameters.is_empty() { section } else { section.with(parameters) }
}
