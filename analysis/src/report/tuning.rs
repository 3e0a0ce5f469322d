//! The report of `kidoban tune`: thresholds with their proof, what they would stop, and how many
//! orders they would cost.

use maud::html;
use trainer::label::Label;

use super::chart::histogram::histogram;
use super::clients::label;
use super::names::Names;
use super::page::Page;
use super::section::Section;
use super::table::{Cell, Table};
use crate::format::{count, counted, percent, percent_at_most, score};
use crate::tune::{AtRisk, LadderStep, StepThreshold, Stops, ThresholdState, Tuned};

/// The report's page; [`Page::render`] makes a file of it.
pub fn tuning(tuned: &Tuned, names: &Names) -> Page {
    tiles(tuned, Page::new("tune", &verdict(tuned)).note(&note(tuned)), names)
        .with(thresholds(tuned, names))
        .with(stopped(tuned))
        .with(at_risk(tuned, names))
        .with(scores(tuned))
        .with(others(tuned))
        .with(people(tuned, names))
        .with(snippet(tuned, names))
}

/// The conclusion in one sentence: how many clients the thresholds would stop, and how many people
/// are above.
pub fn verdict(tuned: &Tuned) -> String {
    let at: Vec<String> = thresholds_of(tuned)
        .map(|(rung, value)| format!("{value} ({})", rung.step.as_str()))
        .collect();
    let Some(lowest) = lowest(tuned) else {
        return format!(
            "No threshold is proven and none is in force: nobody would be stopped for a score{}.",
            match tuned.stops.clients {
                0 => String::new(),
                clients => format!(", {} all the same", counted(clients, "client")),
            }
        );
    };
    let people = match (lowest.n, lowest.at_most) {
        (1.., Some(at_most)) => format!(
            "an estimated {} of people lie above (with {} confidence at most {})",
            percent(lowest.k as f64 / lowest.n as f64),
            percent(tuned.confidence),
            percent_at_most(at_most)
        ),
        _ => "how many people among them is not known: nobody in this log shows it".to_owned(),
    };
    format!(
        "At {} you would stop {}, {} of requests; {people}.",
        at.join(" and "),
        counted(tuned.stops.clients, "client"),
        percent(tuned.stops.share_of_requests),
    )
}

/// Limit and block, if they have a threshold, with the score as it is written.
fn thresholds_of(tuned: &Tuned) -> impl Iterator<Item = (&StepThreshold, String)> {
    tuned
        .ladder
        .iter()
        .filter(|rung| rung.step != LadderStep::Cohort)
        .filter_map(|rung| Some((rung, score(rung.score?))))
}

/// The threshold below which a client is not refused anything for its own behaviour.
fn lowest(tuned: &Tuned) -> Option<&StepThreshold> {
    let alone =
        tuned.ladder.iter().filter(|rung| rung.step != LadderStep::Cohort && rung.score.is_some());
    alone.min_by(|a, b| a.score.unwrap_or(1.0).total_cmp(&b.score.unwrap_or(1.0)))
}

fn note(tuned: &Tuned) -> String {
    let lacking = tuned
        .ladder
        .iter()
        .filter(|rung| rung.step != LadderStep::Cohort && rung.state != ThresholdState::Proven);
    let lacking: Vec<String> = lacking
        .map(|rung| format!("{}, {}: {}.", rung.step.as_str(), percent(rung.budget), rung.evidence))
        .collect();
    let kept = if lacking.is_empty() {
        "Each budget is kept by a threshold with a proof.".to_owned()
    } else {
        format!("Not every budget is proven to be kept. {}", lacking.join(" "))
    };
    format!(
        "{kept} A limited client is refused only the pages beyond its rate, so fewer are stopped \
            than lie above."
    )
}

fn tiles(tuned: &Tuned, page: Page, names: &Names) -> Page {
    let stops = &tuned.stops;
    let people = stops.by_label.get(&Label::Human).copied().unwrap_or(0);
    let known = tuned.clients.get(&Label::Human).copied().unwrap_or(0);
    let page = page
        .tile(
            "Clients stopped",
            &count(stops.clients),
            &format!("of {}", count(tuned.clients.values().sum())),
        )
        .tile("Requests refused", &count(stops.requests), &format!("of {}", count(tuned.requests)))
        .tile("Known people stopped", &count(people), &format!("of {}", count(known)));
    match tuned.at_risk.first() {
        None => page.tile("Orders at risk", "–", "no outcome is named"),
        Some(risk) => page.tile(
            &format!("{}: sessions refused on their way", names.text(&risk.outcome)),
            &count(risk.at_risk),
            &format!("of {} that came to it", count(risk.sessions)),
        ),
    }
}

fn state(state: ThresholdState) -> Cell {
    match state {
        ThresholdState::Proven => Cell::text("✓ proven").of("whole"),
        ThresholdState::Kept => Cell::text("not proven, stays").of("bad"),
        ThresholdState::Raised => Cell::text("not proven, raised").of("bad"),
        ThresholdState::None => Cell::text("✗ none").of("bad"),
    }
}

fn thresholds(tuned: &Tuned, names: &Names) -> Section {
    let mut table = Table::new(
        "Thresholds and their proof",
        &[
            "step",
            "budget",
            "state",
            "from score",
            "before",
            "people",
            "above",
            "at most of people",
            "evidence",
        ],
    );
    let value = |text: Option<String>| text.map_or_else(Cell::none, |text| Cell::figure(&text));
    for rung in &tuned.ladder {
        table.row([
            Cell::text(rung.step.as_str()),
            Cell::figure(&percent(rung.budget)),
            state(rung.state),
            value(rung.score.map(score)),
            value(rung.before.map(score)),
            Cell::number(rung.n),
            if rung.score.is_some() { Cell::number(rung.k) } else { Cell::none() },
            value(rung.at_most.map(percent_at_most)),
            Cell::text(&rung.evidence).of("wordy"),
        ]);
    }
    let lead = format!(
        "Proven with {} confidence by people whom the model has not seen; the thresholds hold from \
            {} on. Limit: refused (429) beyond a \
         rate. Block: refused everything (403). Cohort: newcomers of one network who together \
         score so.",
        percent(tuned.confidence),
        counted(u64::from(tuned.min_pages), "page request"),
    );
    let section = Section::new("thresholds", "Thresholds").lead(&lead).with(table.render());
    let warnings = tuned.warnings.iter();
    warnings.fold(section, |section, warning| {
        section.with(html! { p.warning { (names.whole_text(warning)) } })
    })
}

fn stopped(tuned: &Tuned) -> Section {
    let mut table = Table::new(
        "What each step would refuse, with the whole ladder in force",
        &[
            "step",
            "clients",
            "people",
            "bad robots",
            "good robots",
            "unknown",
            "requests",
            "of all",
            "pages",
            "of all pages",
        ],
    );
    let mut row = |name: &str, stops: &Stops| {
        let labels =
            Label::ALL.map(|label| Cell::number(stops.by_label.get(&label).copied().unwrap_or(0)));
        let cells = [Cell::text(name), Cell::number(stops.clients)].into_iter().chain(labels);
        table.row(cells.chain([
            Cell::number(stops.requests),
            Cell::figure(&percent(stops.share_of_requests)),
            Cell::number(stops.pages),
            Cell::figure(&percent(stops.share_of_pages)),
        ]));
    };
    tuned.ladder.iter().for_each(|rung| row(rung.step.as_str(), &rung.stops));
    row("together", &tuned.stops);
    let mut above =
        Table::new("Clients that lie above, whatever becomes of them", &columns("step"));
    for rung in tuned.ladder.iter().filter(|rung| rung.step != LadderStep::Cohort) {
        let labels =
            Label::ALL.map(|label| Cell::number(rung.above.get(&label).copied().unwrap_or(0)));
        above.row([Cell::text(rung.step.as_str())].into_iter().chain(labels));
    }
    let mut all = Table::new("Clients of the log", &columns("which"));
    let labels =
        Label::ALL.map(|label| Cell::number(tuned.clients.get(&label).copied().unwrap_or(0)));
    all.row([Cell::text("all")].into_iter().chain(labels));
    Section::new("stopped", "What they would stop")
        .lead(
            "Every request of the log again, through the detector. A client may be refused by \
            several steps and is counted for each.",
        )
        .with(table.render())
        .with(html! { div.pair { (above.render()) (all.render()) } })
}

/// The heading: a first column, and one column for each label.
fn columns(first: &str) -> Vec<&str> {
    std::iter::once(first).chain(Label::ALL.map(label)).collect()
}

fn at_risk(tuned: &Tuned, names: &Names) -> Section {
    let section = Section::new("at-risk", "Revenue at risk");
    if tuned.at_risk.is_empty() {
        return section.empty(
            "No outcome is named, so nobody can say whose orders this would cost: --outcome \
                'buyer=POST /checkout/complete 2xx'.",
        );
    }
    let mut table = Table::new(
        "Sessions that came to an outcome, and those refused something on their way to it",
        &[
            "outcome",
            "sessions",
            "refused before",
            "by limit",
            "by block",
            "by cohort",
            "their clients",
            "of all clients",
            "at most of clients",
            "only afterwards",
        ],
    );
    for risk in &tuned.at_risk {
        let by = |step: LadderStep| Cell::number(risk.by_step.get(&step).copied().unwrap_or(0));
        let outcome = html! {
            code { bdi { (names.text(&risk.outcome)) } }
            @for pattern in &risk.patterns { br; small { bdi { (names.text(pattern)) } } }
        };
        table.row([
            Cell::markup(outcome),
            Cell::number(risk.sessions),
            Cell::number(risk.at_risk),
            by(LadderStep::Limit),
            by(LadderStep::Block),
            by(LadderStep::Cohort),
            Cell::markup(
                html! { (count(risk.clients_at_risk)) @if risk.clients_at_risk > 0 { br; small {
                (whose(risk)) } } },
            ),
            Cell::number(risk.clients),
            risk.at_most.map_or_else(Cell::none, |share| Cell::figure(&percent_at_most(share))),
            Cell::number(risk.afterwards),
        ]);
    }
    section
        .lead(
            "A session is a client's requests without a pause of half an hour. It is at risk when \
                a request was refused before the outcome \
             was asked for, or that very request; it counts for the harshest step.",
        )
        .with(table.render())
}

fn whose(risk: &AtRisk) -> String {
    let labels: Vec<String> = risk
        .by_label
        .iter()
        .map(|(of, number)| format!("{} {}", count(*number), label(*of)))
        .collect();
    labels.join(", ")
}

fn scores(tuned: &Tuned) -> Section {
    let section = Section::new("scores", "Scores");
    if tuned.log_odds.clients.is_empty() {
        return section.empty("No client has enough pages to be judged.");
    }
    let own: Vec<(&str, f64)> = tuned
        .ladder
        .iter()
        .filter_map(|rung| Some((rung.step.as_str(), rung.score?)))
        .filter(|own| own.0 != "cohort")
        .collect();
    section
        .lead(
            "Each client by the highest score that it reached. Heights are roots of numbers, so \
            that few are seen beside many.",
        )
        .with(histogram(&tuned.log_odds, &own))
}

fn others(tuned: &Tuned) -> Section {
    let section = Section::new("others", "Other thresholds");
    if tuned.marks.is_empty() {
        return section.empty("Nobody proves anything, so there is nothing to choose from.");
    }
    let heading = ["from score", "people above", "at most of people"];
    let heading: Vec<&str> = heading.into_iter().chain(Label::ALL.map(label)).collect();
    let mut table = Table::new("Clients of the log from each score on", &heading);
    for mark in &tuned.marks {
        let cells = [
            Cell::text(&score(mark.score)),
            Cell::number(mark.k),
            Cell::figure(&percent_at_most(mark.at_most)),
        ];
        let labels =
            Label::ALL.map(|label| Cell::number(mark.above.get(&label).copied().unwrap_or(0)));
        table.row(cells.into_iter().chain(labels));
    }
    section
        .lead(
            "Just above all but so many of the people who prove thresholds. To look at: each bound \
                holds were it the only threshold looked \
             at, so whoever chooses from this table has no proof.",
        )
        .with(table.render())
}

fn people(tuned: &Tuned, names: &Names) -> Section {
    let people = &tuned.people;
    let lead = format!(
        "By {}, {} are people. {} may have trained the model and prove nothing; {} have fewer than \
            {} pages; {} prove the thresholds.",
        people.source,
        counted(people.known, "client"),
        count(people.may_have_trained),
        count(people.not_judged),
        tuned.min_pages,
        count(people.judged),
    );
    let mut table = Table::new(
        "Who proves the thresholds, by the reason of their label",
        &["reason", "people"],
    );
    for (why, &number) in &people.by_why {
        let why = if why.is_empty() { "no reason given".to_owned() } else { names.text(why) };
        table.row([Cell::code(&why), Cell::number(number)]);
    }
    let section = Section::new("people", "The people").lead(&lead);
    let section = if table.is_empty() { section } else { section.with(table.render()) };
    if people.caveats.is_empty() {
        return section;
    }
    section.with(html! { ul.caveats { @for caveat in &people.caveats { li {
    (names.whole_text(caveat)) } } } })
}

fn snippet(tuned: &Tuned, names: &Names) -> Section {
    Section::new("snippet", "For kidoban.toml")
        .lead("To paste, or with --write kidoban.toml.")
        .with(html! { pre { code { bdi { (lines(&tuned.snippet(), names)) } } } })
}

/// Makes each line safe on its own, so that the line breaks stay.
fn lines(text: &str, names: &Names) -> String {
    text.lines().map(|line| names.whole_text(line)).collect::<Vec<_>>().join("\n")
}
