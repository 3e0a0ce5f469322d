//! Tables with a column for each of the things compared: the tested model first, then other models
//! and the other projects' rules.

use analysis::format::{count, percent};
use analysis::report::Names;
use analysis::report::section::Section;
use analysis::report::table::{Cell, Table};
use maud::html;

use super::cells::{called, ends, name, share};
use crate::botbench::result::{Behind, BotBench, Column, ColumnOutcome, PopulationRow, Quantiles};

pub(super) fn bad(found: &BotBench, names: &Names) -> Section {
    let own = [
        "population",
        "clients",
        "found (95\u{a0}%)",
        "blocked",
        "at request, median",
        "p90",
        "let through",
    ];
    let others =
        found.columns.iter().skip(1).map(|column| format!("{} finds", names.text(column.short())));
    let mut table = broad(
        "What the tested model does, and the share that each of the others finds",
        &own,
        others,
    );
    for row in &found.bad {
        let Some((own, others)) = row.of.split_first() else { continue };
        let [median, p90] = quantiles(own.requests_to_detect);
        let cells = [
            name(row, names),
            Cell::number(row.clients),
            Cell::noted(&percent(own.detected.value()), &ends(own.detected)),
            share(own.blocked),
            median,
            p90,
            Cell::figure(&percent(own.let_through.value())),
        ];
        table.row(cells.into_iter().chain(others.iter().map(|other| beside(other, own))));
    }
    Section::new("bad", "Bad clients found")
        .lead(
            "Found is who is limited or blocked at all, and at which of its requests, assets \
                included. What is let through says how much \
             that was worth. ▲ finds more than the tested model: whom it refuses among people \
             stands below.",
        )
        .with(table.render())
}

/// Another column's value, marked by a sign and a colour where it is higher than the detector's.
fn beside(other: &ColumnOutcome, own: &ColumnOutcome) -> Cell {
    let (theirs, ours) = (other.detected.value(), own.detected.value());
    if theirs > ours {
        Cell::figure(&format!("▲ {}", percent(theirs))).of("bad")
    } else {
        share(other.detected)
    }
}

pub(super) fn passed(found: &BotBench, names: &Names) -> Section {
    let own = ["population", "requests", "blocked at, median", "p90"];
    let mut table =
        broad("Share of bad clients' requests let through", &own, short(&found.columns, names));
    for row in &found.bad {
        let [median, p90] = quantiles(row.of.first().and_then(|own| own.requests_to_block));
        let cells = [name(row, names), Cell::number(row.requests), median, p90];
        table.row(
            cells
                .into_iter()
                .chain(row.of.iter().map(|of| Cell::figure(&percent(of.let_through.value())))),
        );
    }
    Section::new("passed", "What passes")
        .lead(
            "A limit alone lets 30 pages a minute through; a rule that bans lets through what \
            comes before.",
        )
        .with(table.render())
}

/// A young shop's first week.
pub(super) fn first_week(found: &BotBench) -> Section {
    let week = &found.first_week;
    let mut table = Table::new(
        "Each day, by the model of the days before",
        &[
            "model of",
            "may block",
            "people",
            "refused (blocked)",
            "kinds of bot",
            "found",
            "of these let through",
            "of all let through",
        ],
    )
    .broad();
    for day in &week.days {
        let Some(people) = day.people.of.first() else { continue };
        table.row([
            match day.learnt_days {
                0 => Cell::text("shipped"),
                1 => Cell::text("1 day"),
                days => Cell::text(&format!("{days} days")),
            },
            Cell::text(if day.blocks { "yes" } else { "no" }),
            Cell::number(day.people.clients),
            Cell::figure(&refused_of(people)),
            Cell::number(day.populations as u64),
            Cell::figure(&percent(day.found)),
            Cell::figure(&percent(day.found_let_through)),
            Cell::figure(&percent(day.let_through)),
        ]);
    }
    Section::new("week", "A young shop's first week")
        .lead(&format!(
            "{} people and {} of each kind of bot a day, and nobody has labelled anything. Each \
             day is judged by a model of the days before, with its own thresholds; the first by \
             the shipped model. Shares of bots are means over their kinds.",
            count(week.people_a_day as u64),
            count(week.bots_a_day as u64),
        ))
        .with(table.render())
}

fn refused_of(of: &ColumnOutcome) -> String {
    match of.blocked.k {
        0 => count(of.refused.k),
        blocked => format!("{} ({})", count(of.refused.k), count(blocked)),
    }
}

pub(super) fn people(found: &BotBench, names: &Names) -> Section {
    let rows = std::iter::once(&found.people).chain(&found.human);
    Section::new("people", "People refused")
        .lead(
            "Refused at least one request (429 or 403), or banned by a rule that reads logs; of \
            them blocked or banned in brackets.",
        )
        .with(refused("People refused, of them banned", rows, &found.columns, names).render())
}

pub(super) fn robots(found: &BotBench, names: &Names) -> Section {
    Section::new("robots", "Welcome robots")
        .lead(
            "By behaviour they are bots. Here nobody has allowed them; an operator does \
            ([allow]), and then none is refused.",
        )
        .with(
            refused(
                "Welcome robots refused, of them \
            banned",
                &found.robots,
                &found.columns,
                names,
            )
            .render(),
        )
}

fn refused<'a>(
    caption: &str,
    rows: impl IntoIterator<Item = &'a PopulationRow>,
    columns: impl IntoIterator<Item = &'a Column>,
    names: &Names,
) -> Table {
    let mut table = broad(caption, &["population", "clients"], short(columns, names));
    for row in rows {
        let cell = |of: &ColumnOutcome| match of.blocked.k {
            0 => Cell::number(of.refused.k),
            blocked => Cell::figure(&format!("{} ({})", count(of.refused.k), count(blocked))),
        };
        table.row(
            [name(row, names), Cell::number(row.clients)]
                .into_iter()
                .chain(row.of.iter().map(cell)),
        );
    }
    table
}

pub(super) fn ahead(found: &BotBench, names: &Names) -> Section {
    let rules = found.columns.iter().filter(|column| !column.is_detector);
    let mut table = broad(
        "Is the tested model ahead of the rule on the population?",
        &["population"],
        short(rules, names),
    );
    for verdict in &found.verdicts {
        let cells = verdict.against.iter().map(|against| match against.is_ahead {
            true => Cell::text("✓ yes"),
            false => Cell::text("✗ no").of("bad"),
        });
        table.row([Cell::markup(called(&verdict.population, names))].into_iter().chain(cells));
    }
    let section = Section::new("ahead", "Ahead of the rules?")
        .lead(
            "Ahead is who finds at least the same share of a population, lets no larger share of \
            its requests through and refuses no larger share of all people. A rule that acts on \
            nobody refuses nobody.",
        )
        .with(table.render());
    let behind = found.behind();
    if behind.is_empty() {
        return section.with(html! { p.empty { "It is ahead everywhere." } });
    }
    let mut table = Table::new("Where not, and why", &["rule", "populations", "the tested model"]);
    for Behind { rule, why, populations, is_everywhere } in behind {
        let places = html! {
            @if is_everywhere { "everywhere" } @else {
                @for (i, population) in populations.iter().enumerate() { @if i > 0 { ", " }
                    (called(population, names)) }
            }
        };
        table.row([
            Cell::markup(called(rule, names)),
            Cell::markup(places),
            Cell::text(&names.whole_text(why)).of("wordy"),
        ]);
    }
    section.with(table.render())
}

pub(super) fn real_logs(found: &BotBench, names: &Names) -> Section {
    let section = Section::new("real-logs", "Real logs").lead(
        "Each judged by a model that has seen none of it. The shipped model may have, so it \
            has no column.",
    );
    found.sites.iter().fold(section, |section, site| {
        let columns = || found.columns_of_sites();
        let shown = names.text(&site.site);
        let mut bad = broad(
            &format!("{shown}: share of bad clients found, by the reason of their label"),
            &["reason", "clients"],
            short(columns(), names),
        );
        for row in &site.bad {
            let cells = [name(row, names), Cell::number(row.clients)];
            bad.row(cells.into_iter().chain(row.of.iter().map(|of| share(of.detected))));
        }
        let section = if bad.is_empty() { section } else { section.with(bad.render()) };
        let section = match &site.people {
            None => section,
            people => section.with(
                refused(
                    &format!("{shown}: people refused, of them banned"),
                    people,
                    columns(),
                    names,
                )
                .render(),
            ),
        };
        section.with(html! { p.description { (shown) ": " (names.whole_text(&site.how)) "." } })
    })
}

/// Begins a table with these columns, and then one for each of the things compared.
fn broad(caption: &str, own: &[&str], others: impl IntoIterator<Item = String>) -> Table {
    let others: Vec<String> = others.into_iter().collect();
    let heading: Vec<&str> = own.iter().copied().chain(others.iter().map(String::as_str)).collect();
    Table::new(caption, &heading).broad()
}

fn short<'a>(columns: impl IntoIterator<Item = &'a Column>, names: &Names) -> Vec<String> {
    columns.into_iter().map(|column| names.text(column.short())).collect()
}

fn quantiles(of: Option<Quantiles>) -> [Cell; 2] {
    match of {
        Some(Quantiles { median, p90 }) => [median, p90].map(Cell::number),
        None => [Cell::none(), Cell::none()],
    }
}
