//! The report of `kidoban drift`: what moved since a model was trained, and whether its budgets
//! hold.

use detector::drift::{Drift, PSI_ALARM, SCORE, Shift};
use detector::features::{FEATURES, index_of};

use super::chart::dots::{Dot, dots};
use super::names::Names;
use super::page::Page;
use super::section::Section;
use super::table::{Cell, Table};
use crate::drift::{BudgetCheck, BudgetVerdict, Examined};
use crate::format::{count, counted, percent, percent_at_most, range};

/// Left end of the chart, in PSI: less than this is no shift.
const PSI_LEAST: f64 = 0.001;

/// The report's page; [`Page::render`] makes a file of it.
pub fn drift(examined: &Examined, names: &Names) -> Page {
    let page = Page::new("drift", &names.whole_text(&examined.in_words())).note(&note(examined));
    let page = tiles(examined, page);
    let page = match &examined.drift {
        Some(drift) => page.with(chart(drift)).with(shifts(drift)),
        None => page,
    };
    page.with(budgets(examined))
}

fn note(examined: &Examined) -> String {
    let Some(share) = examined.share_above_limit.filter(|_| examined.drift.is_some()) else {
        return String::new();
    };
    format!(
        "{} of {} score from the limit threshold on; what moved is measured on the others.",
        percent(share),
        counted(examined.clients_judged, "judged client"),
    )
}

fn tiles(examined: &Examined, page: Page) -> Page {
    let page = match &examined.drift {
        None => page.tile("Clients judged", &count(examined.clients_judged), "none to compare"),
        Some(drift) => {
            let moved = drift.features.iter().filter(|shift| shift.alarm).count() as u64;
            page.tile(
                "Features that moved",
                &count(moved),
                &format!("of {}", count(drift.features.len() as u64)),
            )
            .tile(
                if drift.score.alarm {
                    "The score moved (PSI)"
                } else {
                    "The score did not move (PSI)"
                },
                &format!("{:.3}", drift.score.psi),
                &format!("alarm above {:.3}", level(&drift.score)),
            )
            .tile(
                "Clients compared",
                &count(drift.clients_now),
                &format!("{} in training", count(drift.clients_then)),
            )
        }
    };
    examined.budgets.iter().rev().take(1).fold(page, |page, (name, held)| {
        page.tile(
            &format!("The {name} budget of {}", percent_at_most(held.budget)),
            verdict(held.verdict),
            &format!("{} of {} known people above", count(held.above), count(held.people)),
        )
    })
}

/// What a shift has to exceed to count as one.
fn level(shift: &Shift) -> f64 {
    shift.noise.max(PSI_ALARM)
}

fn verdict(verdict: BudgetVerdict) -> &'static str {
    match verdict {
        BudgetVerdict::Holds => "holds",
        BudgetVerdict::Unsure => "not known",
        BudgetVerdict::Broken => "broken",
    }
}

/// The score first, then the features, largest shift first.
fn all(drift: &Drift) -> impl Iterator<Item = &Shift> {
    std::iter::once(&drift.score).chain(&drift.features)
}

fn chart(drift: &Drift) -> Section {
    let rows: Vec<Dot> = all(drift)
        .map(|shift| Dot {
            name: shift.name.to_owned(),
            value: shift.psi,
            level: level(shift),
            is_above: shift.alarm,
        })
        .collect();
    let moved = rows.iter().filter(|row| row.is_above).count();
    let moved = format!("{moved} of {} lie above their level.", rows.len());
    let description = format!(
        "{moved} The stroke in each row is the level of alarm: {PSI_ALARM}, or what chance alone \
            stays below but for once in 100,000 \
         comparisons, whichever is more. A large dot lies above it."
    );
    Section::new("moved", "What moved")
        .lead(
            "The population stability index (PSI) of each against the deciles of the training \
            logs: 0 where nothing moved.",
        )
        .with(dots(
            "psi",
            (
                "Shifts beside their level of \
            alarm",
                "PSI (logarithmic)",
            ),
            &description,
            PSI_LEAST,
            &rows,
        ))
}

fn shifts(drift: &Drift) -> Section {
    let mut table = Table::new(
        "Then: in training. Now: in this log",
        &[
            "feature",
            "what it is",
            "PSI",
            "alarm above",
            "moved",
            "median then",
            "median now",
            "missing then",
            "missing now",
        ],
    );
    let number = |value: Option<f32>| {
        value
            .map_or_else(Cell::none, |value| Cell::figure(&format!("{value:.3}").replace('-', "−")))
    };
    for shift in all(drift) {
        let words = match index_of(shift.name) {
            Some(feature) => FEATURES[feature].words,
            None if shift.name == SCORE => "the model’s score, in log-odds",
            None => "",
        };
        table.row([
            Cell::code(shift.name).of("whole"),
            Cell::text(words).of("wordy"),
            Cell::figure(&format!("{:.3}", shift.psi)),
            Cell::figure(&format!("{:.3}", level(shift))),
            if shift.alarm { Cell::text("▲ yes").of("bad") } else { Cell::text("no") },
            number(shift.median_then),
            number(shift.median_now),
            Cell::figure(&percent(f64::from(shift.missing_then))),
            Cell::figure(&percent(f64::from(shift.missing_now))),
        ]);
    }
    Section::new("shifts", "Then and now")
        .lead(
            "Medians lie within their bins and are as exact as those; there is none where half \
            or more is missing.",
        )
        .with(table.render())
}

fn budgets(examined: &Examined) -> Section {
    let section = Section::new("budgets", "Do the budgets hold?");
    if examined.budgets.is_empty() {
        return section.empty("The model has no threshold, so there is no budget to keep.");
    }
    let mut table = Table::new(
        "Known people of this log above each threshold",
        &["threshold", "budget", "people", "above", "95 % of people", "verdict", "in words"],
    );
    for (name, held) in &examined.budgets {
        let BudgetCheck { budget, people, above, share_ci, verdict: of, .. } = held;
        let cell = match of {
            BudgetVerdict::Holds => Cell::text("✓ holds"),
            BudgetVerdict::Unsure => Cell::text("not known"),
            BudgetVerdict::Broken => Cell::text("✗ broken").of("bad"),
        };
        table.row([
            Cell::text(name),
            Cell::figure(&percent_at_most(*budget)),
            Cell::number(*people),
            Cell::number(*above),
            Cell::figure(&range(*share_ci)),
            cell,
            Cell::text(&held.in_words()).of("wordy"),
        ]);
    }
    section.with(table.render())
}
