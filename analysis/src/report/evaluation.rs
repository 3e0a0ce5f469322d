//! The report of `kidoban evaluate`: how good a model is on a labelled log.

use maud::{Markup, html};
use trainer::label::Label;

use super::chart::curve::{self, Marked, interval, name_of};
use super::chart::histogram::histogram;
use super::clients::{label, table as clients};
use super::names::Names;
use super::page::Page;
use super::section::Section;
use super::table::{Cell, Table};
use crate::evaluate::{Evaluation, Refusals, RefusedBy, RequestsToDetect, ThresholdRow};
use crate::format::{count, counted, figure, percent, range, score};
use crate::separation::Separation;

/// The report's page; [`Page::render`] makes a file of it.
pub fn evaluation(e: &Evaluation, names: &Names) -> Page {
    tiles(e, Page::new("evaluate", &verdict(e)).note(&note(e)))
        .with(thresholds(e))
        .with(scores(&e.separation, &own(&e.ladder)))
        .with(curves(&e.separation, &marks(e)))
        .with(detection(e))
        .with(classes(e, names))
        .with(listed(
            "top",
            "Who scores highest",
            "The twenty clients that score highest, whoever \
            they are.",
            &e.top,
            names,
        ))
        .with(listed(
            "borderline",
            "Borderline",
            "The twenty clients nearest to the limit: a label for one of these teaches a model \
                most.",
            &e.borderline,
            names,
        ))
        .with(listed(
            "shared",
            "Shared addresses",
            "Addresses that named five browsers or more within an hour: an office, a carrier, or a \
                robot that changes its name. They are limited where \
             others would be blocked.",
            &e.shared,
            names,
        ))
}

/// The conclusion in one sentence, after a warning if the log trained the model.
pub fn verdict(e: &Evaluation) -> String {
    match e.flattery().filter(|_| e.in_sample) {
        Some(flattery) => format!("{flattery} {}", what_it_stops(e)),
        None => what_it_stops(e),
    }
}

/// The conclusion in one sentence: how many clients the model's own thresholds would have refused
/// something, and how many people among them.
fn what_it_stops(e: &Evaluation) -> String {
    let own: Vec<String> = e
        .ladder
        .iter()
        .filter_map(|rung| Some(format!("{} {}", score(rung.threshold), rung.name?)))
        .collect();
    if own.is_empty() {
        return "This model has no threshold: it would stop nobody.".to_owned();
    }
    let refusals = &e.refusals;
    let people = match (refusals.people, refusals.people_ci) {
        (Some(share), Some(ends)) => format!(
            "an estimated {} of {}, of however few pages ({})",
            percent(share),
            match e.clients.get(&Label::Human) {
                Some(1) => "the one person".to_owned(),
                people => format!("all {} people", count(people.copied().unwrap_or(0))),
            },
            interval(ends)
        ),
        _ => "and how many people among them is not known: nobody is labelled one".to_owned(),
    };
    format!(
        "At {} you would stop {}, {} of requests{}, {people}.",
        at(e),
        counted(refusals.clients, "client"),
        refusals.share().map_or_else(|| "none".to_owned(), percent),
        by_reason(refusals),
    )
}

/// Who was stopped for the score and who for something else; nothing where it was the score alone.
fn by_reason(refusals: &Refusals) -> String {
    let of = |by: RefusedBy| refusals.by_reason.get(&by).copied().unwrap_or(0);
    let others = [(RefusedBy::Guard, "by the guard"), (RefusedBy::Cohort, "with their cohort")];
    let others: Vec<String> = others
        .into_iter()
        .filter(|(by, _)| of(*by) > 0)
        .map(|(by, words)| format!("{} {words}", count(of(by))))
        .collect();
    if others.is_empty() {
        return String::new();
    }
    let all: u64 = RefusedBy::ALL.into_iter().map(of).sum();
    let twice = if all > refusals.clients { ", some by more than one" } else { "" };
    let scored = count(of(RefusedBy::Score));
    format!(" ({scored} for their score, {}{twice})", others.join(", "))
}

/// From when on clients are judged: `5 page requests or more`, and the first step that is scored.
fn judged_from(e: &Evaluation) -> String {
    let step = match e.from_step {
        ..=1 => String::new(),
        step => format!(
            ", of which one is in step {step} of a visit or later (a step is a click and the calls \
                that it causes)"
        ),
    };
    format!("{} or more{step}", counted(u64::from(e.min_pages), "page request"))
}

/// Why fewer clients are refused something than reach the limit, and which clients may have trained
/// the model.
fn note(e: &Evaluation) -> String {
    let taught = e.flattery().filter(|_| !e.in_sample);
    [reach(e), taught.unwrap_or_default()].join(" ").trim().to_owned()
}

/// How many clients reach the lowest threshold, and why fewer are refused something.
pub fn reach(e: &Evaluation) -> String {
    let Some(lowest) = e.ladder.iter().find(|rung| rung.name.is_some()) else {
        return String::new();
    };
    let reach: u64 = lowest.clients.values().sum();
    let blocked = match e.refusals.clients_blocked {
        0 => "Nobody would be blocked.".to_owned(),
        clients => format!("{} would be blocked.", counted(clients, "client")),
    };
    let reach = match reach {
        0 => return "Nobody reaches that score.".to_owned(),
        1 => "1 client reaches".to_owned(),
        reach => format!("{} clients reach", count(reach)),
    };
    format!(
        "{reach} that score. A limited client is refused only the pages beyond its rate, so fewer \
            may be stopped than found. {blocked}"
    )
}

/// Such as `0.90 (limit) and 0.98 (block)`.
fn at(e: &Evaluation) -> String {
    let own = own(&e.ladder);
    match &own[..] {
        [(name, value)] => format!("{} ({name})", score(*value)),
        [(first, one), (second, other), ..] => {
            format!("{} ({first}) and {} ({second})", score(*one), score(*other))
        }
        [] => String::new(),
    }
}

fn tiles(e: &Evaluation, page: Page) -> Page {
    let area = match (e.auc, e.auc_ci) {
        (Some(auc), Some([low, high])) => {
            (format!("{auc:.3}"), format!("95 %: {low:.3} – {high:.3}"))
        }
        _ => ("–".to_owned(), "needs people and bad robots".to_owned()),
    };
    let strict = e.ladder.iter().find(|rung| rung.name.is_some());
    let found = match strict.and_then(|rung| Some((rung.tpr?, rung.tpr_ci?))) {
        Some((tpr, ends)) => (percent(tpr), format!("95 %: {}", range(ends))),
        None => ("–".to_owned(), "no threshold, or no bad robots".to_owned()),
    };
    let hurt = match strict.and_then(|rung| Some((rung.fpr?, rung.fpr_ci?))) {
        Some((fpr, ends)) => (percent(fpr), format!("95 %: {}", range(ends))),
        None => ("–".to_owned(), "no threshold, or no people".to_owned()),
    };
    let soon = match e.requests_to_detect {
        Some(RequestsToDetect { median, p90 }) => {
            (count(median), format!("{} for nine of ten", count(p90)))
        }
        None => ("–".to_owned(), "none is found".to_owned()),
    };
    page.tile("Chance that a bad robot scores above a person (AUC)", &area.0, &area.1)
        .tile("Bad robots that reach the lowest threshold", &found.0, &found.1)
        .tile("People who reach it", &hurt.0, &hurt.1)
        .tile("Requests until a bad robot is found, median", &soon.0, &soon.1)
}

/// Names and scores of the model's own thresholds.
fn own(ladder: &[ThresholdRow]) -> Vec<(&str, f64)> {
    ladder.iter().filter_map(|rung| Some((rung.name?, rung.threshold))).collect()
}

fn marks(e: &Evaluation) -> Vec<Marked> {
    let mark = |rung: &ThresholdRow| {
        Some(Marked {
            name: name_of(rung.name?, rung.threshold),
            fpr: rung.fpr?,
            fpr_ci: rung.fpr_ci?,
            tpr: rung.tpr?,
            tpr_ci: rung.tpr_ci?,
        })
    };
    e.ladder.iter().filter_map(mark).collect()
}

fn thresholds(e: &Evaluation) -> Section {
    let mut table = Table::new(
        "Who reaches a threshold at each score",
        &[
            "from score",
            "people",
            "bad robots",
            "good robots",
            "unknown",
            "of requests",
            "of people",
            "95 %",
            "of bad robots",
            "95 %",
        ],
    );
    let share =
        |share: Option<f64>| share.map_or_else(Cell::none, |share| Cell::figure(&percent(share)));
    let ends =
        |ends: Option<[f64; 2]>| ends.map_or_else(Cell::none, |ends| Cell::figure(&range(ends)));
    for rung in &e.ladder {
        let name = match rung.name {
            None => Cell::text(&score(rung.threshold)),
            Some(name) => Cell::markup(html! { (score(rung.threshold)) " " span.own { (name) } }),
        };
        let clients =
            Label::ALL.map(|label| Cell::number(rung.clients.get(&label).copied().unwrap_or(0)));
        let shares = [
            Cell::figure(&percent(rung.request_share)),
            share(rung.fpr),
            ends(rung.fpr_ci),
            share(rung.tpr),
            ends(rung.tpr_ci),
        ];
        table.row([name].into_iter().chain(clients).chain(shares));
    }
    let judged = |label: Label| {
        let all = e.clients.get(&label).copied().unwrap_or(0);
        all - e.not_judged.get(&label).copied().unwrap_or(0).min(all)
    };
    let lead = format!(
        "Counted are clients that reach the score and their requests from then on, of those with \
            {}: {} people and {} bad robots. All others are judged by nobody. A limited client is \
            still served some pages, so a limit refuses fewer requests than this.",
        judged_from(e),
        count(judged(Label::Human)),
        count(judged(Label::Bad)),
    );
    Section::new("thresholds", "Thresholds").lead(&lead).with(table.render())
}

/// The histogram of highest scores.
pub(super) fn scores(separation: &Separation, own: &[(&str, f64)]) -> Section {
    let section = Section::new("scores", "Scores");
    if separation.histogram.clients.is_empty() {
        return section.empty("No client has enough pages to be judged.");
    }
    section
        .lead(
            "Each client by the highest score that it reached. Heights are roots of numbers, so \
            that few are seen beside many.",
        )
        .with(histogram(&separation.histogram, own))
}

/// The ROC and the precision-recall curve.
pub(super) fn curves(separation: &Separation, marks: &[Marked]) -> Section {
    let section = Section::new("curves", "Bad robots against people");
    if separation.curve.is_empty() {
        return section.empty(
            "There are not both people and bad robots with enough pages: label some of both.",
        );
    }
    section.with(html! {
        div.pair { (curve::roc(&separation.curve, marks))
            (curve::precision_recall(&separation.curve)) }
    })
}

fn detection(e: &Evaluation) -> Section {
    let section = Section::new("detection", "Time to detect");
    if e.detection.of == 0 {
        return section.empty("No bad robot is labelled that has enough pages.");
    }
    let mut lines = vec![("this model".to_owned(), &e.detection)];
    lines.extend(e.baselines.iter().map(|(name, row)| (name.replace('_', " "), &row.detection)));
    let lead = match e.requests_to_detect {
        Some(RequestsToDetect { median, p90 }) => format!(
            "Of {}, {} cross the strictest threshold: half of those by request {}, nine of ten by \
                request {}.",
            counted(e.detection.of, "bad robot"),
            count(e.detection.by_request.last().map_or(0, |last| last[1])),
            count(median),
            count(p90)
        ),
        None => format!(
            "Of {}, none crosses the strictest threshold.",
            counted(e.detection.of, "bad robot")
        ),
    };
    section.lead(&lead).with(html! { div.pair { (curve::detection(&lines)) (baselines(e)) } })
}

fn classes(e: &Evaluation, names: &Names) -> Section {
    let mut table = Table::new(
        "Bad robots by the reason of their label",
        &["reason", "judged", "AUC", "reach"],
    );
    for (why, class) in &e.by_class {
        let why = if why.is_empty() { "no reason given".to_owned() } else { names.text(why) };
        let found = class.tpr.map_or_else(Cell::none, |tpr| Cell::figure(&percent(tpr)));
        table.row([
            Cell::code(&why),
            Cell::number(class.n),
            Cell::figure(&figure(class.auc)),
            found,
        ]);
    }
    let mut labels = Table::new("Clients by label", &["label", "clients", "with too few pages"]);
    for (of, &number) in &e.clients {
        let few = e.not_judged.get(of).copied().unwrap_or(0);
        labels.row([Cell::text(label(*of)), Cell::number(number), Cell::number(few)]);
    }
    let robots = if table.is_empty() {
        html! { p.empty { "No bad robot was judged." } }
    } else {
        table.render()
    };
    Section::new("classes", "Who was there").with(html! { div.pair { (labels.render()) (robots) } })
}

fn baselines(e: &Evaluation) -> Markup {
    if e.baselines.is_empty() {
        return html! { p.empty { "There are not both people and bad robots to compare fixed rules \
        on." } };
    }
    let mut table = Table::new(
        "Beside fixed rules on the same clients",
        &["rule", "robots found", "people found", "median requests"],
    );
    let own = e.ladder.iter().find(|rung| rung.name.is_some());
    if let Some((tpr, fpr)) = own.and_then(|rung| Some((rung.tpr?, rung.fpr?))) {
        let median =
            e.requests_to_detect.map_or_else(Cell::none, |requests| Cell::number(requests.median));
        table.row([
            Cell::text("this model, lowest threshold"),
            Cell::figure(&percent(tpr)),
            Cell::figure(&percent(fpr)),
            median,
        ]);
    }
    for (name, row) in &e.baselines {
        let median = row
            .requests_to_detect
            .map_or_else(Cell::none, |requests| Cell::number(requests.median));
        table.row([
            Cell::text(&name.replace('_', " ")),
            Cell::figure(&percent(row.tpr)),
            Cell::figure(&percent(row.fpr)),
            median,
        ]);
    }
    table.render()
}

/// A section that lists clients one by one.
pub(super) fn listed(
    id: &'static str,
    title: &str,
    lead: &str,
    of: &[crate::client_summary::ClientSummary],
    names: &Names,
) -> Section {
    let section = Section::new(id, title);
    let section = section.lead(lead);
    if of.is_empty() {
        return section.empty("There is none.");
    }
    section.with(html! { div.listed { (clients(title, of, names)) } })
}
