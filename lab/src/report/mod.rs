//! The report of `kidoban bench`: every population against the detector and the other projects'
//! rules.
//!
//! - `columns.rs`: the tables with a column for each of the things compared
//! - this file: result, targets, refused people one by one, heat maps, training data, and the list
//!   of populations
//!
//! Clients are simulated, so their addresses are shown: with the seed, a reader can look at one of
//! them.

mod cells;
mod columns;

use analysis::format::{count, counted, percent, score};
use analysis::report::Names;
use analysis::report::chart::heat::{HeatCell, heat};
use analysis::report::page::Page;
use analysis::report::section::Section;
use analysis::report::table::{Cell, Table};
use analysis::report::training::steps;
use maud::html;

use crate::botbench::result::{BotBench, HeatMap, REFUSED_SHOWN, Share};
use cells::{called, ends, name, share};

/// The report's page; [`Page::render`] makes a file of it.
pub fn benchmark(found: &BotBench, names: &Names) -> Page {
    let page = Page::new("bench", &names.whole_text(&found.summary))
        .note(&note(found))
        .clients(clients(names));
    let page = tiles(found, page)
        .with(targets(found, names))
        .with(columns::bad(found, names))
        .with(columns::passed(found, names))
        .with(columns::people(found, names))
        .with(refused(found, names))
        .with(columns::robots(found, names))
        .with(columns::ahead(found, names))
        .with(schedulers(&found.heat))
        .with(columns::first_week(found));
    let page =
        if found.sites.is_empty() { page } else { page.with(columns::real_logs(found, names)) };
    page.with(training(found, names)).with(populations(found, names))
}

fn note(found: &BotBench) -> String {
    let training = &found.training;
    let trained = format!(
        "Trained on {} of {} people and {} of the same shop, tested on others under another seed.",
        counted(training.requests, "request"),
        count(training.people),
        counted(training.bots, "bad client"),
    );
    let quick = " This was a quick run: few clients, so intervals are wide and too few people come \
        to prove a block threshold. For the \
                 figures of docs/benchmark.md leave --quick out.";
    if found.is_quick { trained + quick } else { trained }
}

fn clients(names: &Names) -> &'static str {
    if names.are_hidden() {
        "Clients are simulated: their addresses belong to nobody (240.0.0.0/4 and 3fff::/20) and \
            are shown as they are. Addresses in what \
         real logs and their labels say are pseudonyms: HMAC-SHA-256 under a key that is not in \
         this file; --show-clients shows them."
    } else {
        "Clients are simulated: their addresses belong to nobody (240.0.0.0/4 and 3fff::/20) and \
            are shown as they are. So is what real \
         logs and their labels say: where some were given, this file may hold personal data."
    }
}

fn tiles(found: &BotBench, page: Page) -> Page {
    let training = &found.training;
    let met = found.targets.iter().filter(|target| target.is_met).count();
    let against = || found.verdicts.iter().flat_map(|verdict| &verdict.against);
    let ahead = against().filter(|against| against.is_ahead).count();
    let page = match found.people.of.first() {
        None => page,
        Some(people) => page.tile(
            "People refused something",
            &count(people.refused.k),
            &format!("of {}; {} of them blocked", count(people.refused.n), count(people.blocked.k)),
        ),
    };
    page.tile(
        "Targets reached",
        &count(met as u64),
        &format!("of {}", count(found.targets.len() as u64)),
    )
    .tile(
        "Ahead of a rule on a population",
        &count(ahead as u64),
        &format!(
            "of {}: no fewer found, no more let through, no more people refused",
            counted(against().count() as u64, "comparison")
        ),
    )
    .tile(
        "People trained on",
        &count(training.people),
        &format!("and {}", counted(training.bots, "bad client")),
    )
}

fn targets(found: &BotBench, names: &Names) -> Section {
    let mut table = Table::new(
        "Bounds that were set beforehand",
        &["who", "what", "bound", "found", "95 %", "clients", "reached"],
    )
    .broad();
    for target in &found.targets {
        table.row([
            Cell::markup(called(&target.population, names)),
            Cell::text(target.what),
            Cell::figure(&percent(target.bound)),
            share(target.found),
            Cell::figure(&ends(target.found)),
            Cell::number(target.found.n),
            match (target.is_met, target.is_sure) {
                (false, _) => Cell::text("✗ no").of("bad"),
                (true, false) => Cell::text("yes, not surely"),
                (true, true) => Cell::text("✓ yes"),
            },
        ]);
    }
    let missed: Vec<String> = found
        .targets
        .iter()
        .filter(|target| !target.is_met)
        .map(|target| {
            format!(
                "{} ({} {})",
                names.text(&target.population),
                target.what,
                percent(target.bound)
            )
        })
        .collect();
    let lead = match missed.is_empty() {
        true => {
            "All of them are reached; not surely where the interval has the bound in it.".to_owned()
        }
        false => format!(
            "Missed: {}. A target that is missed is a finding and no failure.",
            missed.join(", ")
        ),
    };
    Section::new("targets", "What had to be reached").lead(&lead).with(table.render())
}

fn refused(found: &BotBench, names: &Names) -> Section {
    let section = Section::new("refused", "Who was refused, and why");
    if found.refused.is_empty() {
        return section.empty("The tested model refused nobody among people.");
    }
    let mut table = Table::new(
        "People whom the tested model refused",
        &["population", "client", "day", "request", "answer", "why", "score", "what spoke for it"],
    )
    .broad();
    for one in &found.refused {
        let because = html! {
            @if one.because.is_empty() { "–" } @else {
                ul.because { @for because in &one.because { li { (names.text(because)) } } }
            }
        };
        table.row([
            Cell::markup(called(one.population, names)),
            Cell::code(&Names::shown().client(&one.client)).of("client"),
            Cell::number(one.day as u64),
            Cell::number(u64::from(one.request)),
            Cell::text(one.action.as_str()),
            Cell::markup(called(one.reason.as_str(), names)),
            one.score.map_or_else(Cell::none, |value| Cell::figure(&score(f64::from(value)))),
            Cell::markup(because).of("wordy"),
        ]);
    }
    let all = if found.refused.len() < REFUSED_SHOWN { "" } else { "The first of them. " };
    let lead = format!(
        "{all}Each at the first refusal, and again at the first block where that is another \
            request. Where a ban was in force already, \
         nothing spoke any more."
    );
    section.lead(&lead).with(table.render())
}

fn schedulers(map: &HeatMap) -> Section {
    let section = Section::new("heat", "Period and jitter");
    let Some(cell) = map.detected.first().and_then(|row| row.first()) else {
        return section.empty("No scheduler was tried.");
    };
    let clients = counted(cell.n, "client");
    let rows: Vec<String> =
        map.periods_s.iter().map(|period| format!("every {period} s")).collect();
    let columns: Vec<String> =
        map.jitters.iter().map(|jitter| format!("± {}", percent(*jitter))).collect();
    let draw = |id: &str, title: &str, what: &str, shares: &[Vec<Share>]| {
        let cell =
            |share: &Share| HeatCell { share: Some(share.value()), text: percent(share.value()) };
        let cells: Vec<Vec<HeatCell>> =
            shares.iter().map(|row| row.iter().map(cell).collect()).collect();
        let description = format!(
            "Of {clients} in each cell, the share that is {what}: the more, the stronger the shade."
        );
        heat(id, title, &description, (&rows, &columns), &cells)
    };
    section
        .lead(
            "Programs that ask once a period, and how much each gap is shaken: at ± 100 % it is \
                anything from nothing to twice the period.",
        )
        .with(html! {
            div.pair {
                (draw("heat-found", "Schedulers found", "limited or blocked", &map.detected))
                (draw("heat-blocked", "Schedulers blocked", "blocked", &map.blocked))
            }
        })
}

fn training(found: &BotBench, names: &Names) -> Section {
    let training = &found.training;
    let numbers = |seeds: &[u64]| seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let left_out = match training.left_out.is_empty() {
        true => "nobody".to_owned(),
        false => format!(
            "{}: nobody could label them by looking at a log, or none had come yet",
            training.left_out.join(", ")
        ),
    };
    let facts = [
        ("Requests", count(training.requests)),
        (
            "People",
            format!(
                "{}, with the half that was kept apart to prove the budgets",
                count(training.people)
            ),
        ),
        ("Bad clients", count(training.bots)),
        ("Not trained on", left_out),
        ("May it refuse anybody?", names.whole_text(&training.readiness)),
        ("Seed of everything", found.seed.to_string()),
        ("Seeds of training", numbers(&training.seeds)),
        ("Seeds of the test", numbers(&training.test_seeds)),
        ("Tested model’s SHA-256", training.model_sha256.clone()),
    ];
    let facts =
        html! { dl.facts { @for (term, value) in facts { div { dt { (term) } dd { (value) } } } } };
    let table = steps([
        ("limit", &training.limit),
        ("block", &training.block),
        ("cohort", &training.cohort),
    ]);
    Section::new("training", "What was trained on")
        .lead(
            "A model as an operator trains one, from days of the shop's access log with labels; \
                people whom it was kept from prove its \
             thresholds. No seed of the training is a seed of the test.",
        )
        .with(table.render())
        .with(facts)
}

fn populations(found: &BotBench, names: &Names) -> Section {
    let mut table = Table::new(
        "Everybody who came",
        &[
            "population",
            "is",
            "clients",
            "requests",
            "what it is, why it is here, what was expected",
        ],
    );
    for (kind, rows) in
        [("people", &found.human), ("welcome robot", &found.robots), ("bad", &found.bad)]
    {
        for row in rows {
            table.row([
                name(row, names),
                Cell::text(kind),
                Cell::number(row.clients),
                Cell::number(row.requests),
                Cell::text(&names.whole_text(&row.reasoning)).of("wordy"),
            ]);
        }
    }
    Section::new("populations", "The populations")
        .lead("What is expected was written down before anything was measured.")
        .with(table.render())
}
