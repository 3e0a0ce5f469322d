//! The report of `kidoban diff`: whose verdict changes from one judge to another.

use detector::Action;
use maud::{Markup, html};

use super::names::Names;
use super::page::Page;
use super::section::Section;
use super::table::{Cell, Table};
use crate::diff::{self, Affected, ClientChange, Difference, JudgeSummary, VerdictWords};
use crate::format::{count, counted, percent, score, time};

/// Kinds of clients that get a key figure at the top.
const KINDS_SHOWN: usize = 2;

/// The report's page; [`Page::render`] makes a file of it.
pub fn difference(difference: &Difference, names: &Names) -> Page {
    let page = Page::new("diff", &names.whole_text(&difference.in_words()));
    let page =
        tiles(difference, page, names).with(sides(difference, names)).with(matrix(difference));
    if difference.is_none() {
        return page;
    }
    page.with(affected(difference, names))
        .with(reasons(difference, names))
        .with(paths(difference, names))
        .with(clients(difference, names))
}

fn tiles(difference: &Difference, page: Page, names: &Names) -> Page {
    let share = |part: u64, whole: u64| {
        let share = if whole > 0 {
            format!(", {}", percent(part as f64 / whole as f64))
        } else {
            String::new()
        };
        format!("of {}{share}", count(whole))
    };
    let page = page
        .tile(
            "Requests treated otherwise",
            &count(difference.requests_changed),
            &share(difference.requests_changed, difference.requests),
        )
        .tile(
            "Clients treated otherwise",
            &count(difference.clients_changed),
            &share(difference.clients_changed, difference.clients),
        );
    difference.affected.iter().take(KINDS_SHOWN).fold(page, |page, kind| {
        let label = format!("Refused more: {}", names.text(&kind.who));
        page.tile(
            &label,
            &count(kind.harder),
            &format!("of {}; {} refused less", count(kind.clients), count(kind.softer)),
        )
    })
}

fn sides(difference: &Difference, names: &Names) -> Section {
    let mut table = Table::new(
        "Scores from which something happens",
        &[
            "which",
            "file",
            "model",
            "model’s SHA-256",
            "limit from",
            "block from",
            "cohort from",
            "judged from",
        ],
    );
    let mut row = |what: &str, side: &JudgeSummary| {
        let value = |value: Option<f32>| {
            value.map_or_else(Cell::none, |value| Cell::figure(&score(f64::from(value))))
        };
        let thresholds = &side.thresholds;
        table.row([
            Cell::text(what),
            Cell::code(&names.text(&side.name)),
            Cell::code(&names.text(&side.model)),
            Cell::code(side.model_sha256.get(..12).unwrap_or("–")),
            value(thresholds.limit),
            value(thresholds.block),
            value(thresholds.cohort),
            Cell::figure(&counted(u64::from(thresholds.min_pages), "page")),
        ]);
    };
    row("before", &difference.before);
    row("after", &difference.after);
    Section::new("sides", "The two").with(table.render())
}

fn matrix(difference: &Difference) -> Section {
    let tables = html! {
        div.pair {
            (cells("Requests", &difference.by_request))
            (cells("Clients, by the hardest that became of them", &difference.by_client))
        }
    };
    Section::new("matrix", "What becomes of what")
        .lead(
            "A row is what the first does, a column what the second does. ▲ is refused more, ▼ \
            is refused less.",
        )
        .with(tables)
}

fn cells(caption: &str, cells: &[diff::ActionChange]) -> Markup {
    let heading: Vec<String> =
        Action::ALL.iter().map(|after| format!("then {}", after.as_str())).collect();
    let heading: Vec<&str> =
        std::iter::once("before").chain(heading.iter().map(String::as_str)).collect();
    let mut table = Table::new(caption, &heading);
    for before in Action::ALL {
        let number = |after: Action| {
            let cell = cells.iter().find(|cell| (cell.before, cell.after) == (before, after));
            moved(cell.map_or(0, |cell| cell.number), (after as u8).cmp(&(before as u8)))
        };
        let name = Cell::text(before.as_str());
        table.row([name].into_iter().chain(Action::ALL.map(number)));
    }
    table.render()
}

/// A number with its direction, shown by a sign and by a colour.
fn moved(number: u64, direction: std::cmp::Ordering) -> Cell {
    match direction {
        _ if number == 0 => Cell::number(0),
        std::cmp::Ordering::Equal => Cell::number(number),
        std::cmp::Ordering::Greater => Cell::figure(&format!("▲ {}", count(number))).of("bad"),
        std::cmp::Ordering::Less => Cell::figure(&format!("▼ {}", count(number))).of("good"),
    }
}

fn harder(number: u64) -> Cell {
    moved(number, std::cmp::Ordering::Greater)
}

fn softer(number: u64) -> Cell {
    moved(number, std::cmp::Ordering::Less)
}

fn affected(difference: &Difference, names: &Names) -> Section {
    let section = Section::new("affected", "Who it concerns");
    let mut table = Table::new(
        "Clients of each kind",
        &[
            "who",
            "clients",
            "refused more",
            "refused less",
            "stopped before",
            "stopped after",
            "such as",
        ],
    );
    for Affected {
        who,
        clients,
        harder: more,
        softer: less,
        stopped_before,
        stopped_after,
        examples,
    } in &difference.affected
    {
        let examples = html! { @for (i, name) in examples.iter().enumerate() { @if i > 0 { ", " }
        code.whole { (names.client(name)) } } };
        table.row([
            Cell::text(&names.text(who)),
            Cell::number(*clients),
            harder(*more),
            softer(*less),
            Cell::number(*stopped_before),
            Cell::number(*stopped_after),
            Cell::markup(examples),
        ]);
    }
    if table.is_empty() {
        return section.empty(
            "Nobody here is known: no outcome is named (--outcome), there are no labels \
                (--labels), and no client says that it is a good robot.",
        );
    }
    section
        .lead(
            "A client counts as refused more when more of its requests are than are refused less.",
        )
        .with(table.render())
}

fn reasons(difference: &Difference, names: &Names) -> Section {
    let mut table =
        Table::new("Requests by what was decided and why", &["before", "after", "requests"]);
    for row in &difference.reasons {
        let [before, after] =
            [&row.before, &row.after].map(|reason| Cell::code(&names.text(reason)));
        table.row([before, after, Cell::number(row.requests)]);
    }
    Section::new("reasons", "Reasons before and after").with(table.render())
}

fn paths(difference: &Difference, names: &Names) -> Section {
    let mut table = Table::new(
        "Paths of the requests that change, digits as #",
        &["path", "refused more", "refused less"],
    );
    for row in &difference.paths {
        table.row([Cell::code(&names.text(&row.path)), harder(row.harder), softer(row.softer)]);
    }
    Section::new("paths", "Top paths").with(table.render())
}

fn clients(difference: &Difference, names: &Names) -> Section {
    let shown = difference.changed.len() as u64;
    let mut table = Table::new(
        "Clients that change",
        &[
            "client",
            "requests",
            "more",
            "less",
            "known as",
            "first change (UTC)",
            "before",
            "after",
        ],
    );
    for ClientChange { client, requests, harder: more, softer: less, known_as, first } in
        &difference.changed
    {
        let known_as: Vec<String> = known_as.iter().map(|kind| names.text(kind)).collect();
        let when = html! {
            (time(first.at)) br;
            small { "request " (count(first.number)) ": " code { bdi { (names.text(&first.path))
                } } }
        };
        table.row([
            Cell::code(&names.client(client)).of("client"),
            Cell::number(*requests),
            harder(*more),
            softer(*less),
            Cell::text(
                if known_as.is_empty() { "–".to_owned() } else { known_as.join(", ") }.as_str(),
            ),
            Cell::markup(when),
            Cell::markup(told(&first.before, names)),
            Cell::markup(told(&first.after, names)),
        ]);
    }
    let lead = format!(
        "{} of {}, the most changed requests first; and the first request of each that changes.",
        count(shown),
        counted(difference.clients_changed, "client")
    );
    Section::new("clients", "Clients").lead(&lead).with(table.render())
}

fn told(told: &VerdictWords, names: &Names) -> Markup {
    html! {
        code { (told.action.as_str()) "/" (told.reason.as_str()) }
        @if let Some(value) = told.score { " at " (score(f64::from(value))) }
        @if !told.because.is_empty() {
            ul.because { @for because in &told.because { li { (names.text(because)) } } }
        }
    }
}
