//! Prints the benchmark on a terminal.

use std::fmt::Write as _;

use analysis::format::range;
use lab::botbench::result::{
    Against, Behind, BotBench, Column, ColumnOutcome, FirstWeek, HeatMap, OfSite, PopulationRow,
    Quantiles, Share, Target,
};
use trainer::statistics::Interval;

use crate::output::{self, TextTable, count, percent};

/// The summary in words, then every table of the benchmark.
pub fn describe(found: &BotBench) -> String {
    let mut text = format!("{}\n", found.summary);
    if found.is_quick {
        text.push_str(
            "This was a quick run, of few clients: for the figures of docs/benchmark.md leave \
                --quick out.\n",
        );
    }
    let training = &found.training;
    let _ = writeln!(
        text,
        "\nThe tested model was trained on {} requests of {} people and {} bad clients of the same \
            site (seed {}; tested with other \
         seeds): {}.\n  limit: {}\n  block: {}",
        count(training.requests),
        count(training.people),
        count(training.bots),
        found.seed,
        training.readiness,
        training.limit.evidence,
        training.block.evidence,
    );
    if !training.left_out.is_empty() {
        let _ = writeln!(
            text,
            "  Not trained on, as nobody could label them or none had come yet: {}.",
            training.left_out.join(", ")
        );
    }
    let _ = write!(text, "\nTargets\n{}", targets(&found.targets));
    let _ = write!(
        text,
        "\nBad clients, by the tested model\n{}",
        by_detector("population", &found.bad)
    );
    let names: Vec<&str> = found.columns.iter().map(Column::short).collect();
    let _ = write!(
        text,
        "\nShare of bad clients found\n{}",
        shares(&names, &found.bad, |of| percent(of.detected.value()))
    );
    let _ = write!(
        text,
        "\nShare of their requests let through\n{}",
        shares(&names, &found.bad, |of| percent(of.let_through.value()))
    );
    let mut people = found.human.clone();
    people.push(found.people.clone());
    let _ = write!(
        text,
        "\nPeople refused at least one request (blocked)\n{}",
        shares(&names, &people, refused)
    );
    if !found.refused.is_empty() {
        let _ = write!(
            text,
            "\nWhich people the tested model refused, and why\n{}",
            people_refused(found)
        );
    }
    let _ = write!(
        text,
        "\nWelcome robots refused at least one request (blocked), as if no allow list named \
            them\n{}",
        shares(&names, &found.robots, refused)
    );
    let _ = write!(
        text,
        "\nAhead of each rule: finds no fewer, lets no more through, refuses no more people\n{}",
        verdicts(found)
    );
    let _ = write!(text, "\nSchedulers found, by period and jitter\n{}", heat(&found.heat));
    let _ = write!(
        text,
        "\nA young shop's first week: {} people and {} of each kind of bot a day, no labels; each \
         day is judged by the model of the days before\n{}",
        found.first_week.people_a_day,
        found.first_week.bots_a_day,
        week(&found.first_week)
    );
    let names: Vec<&str> = found.columns_of_sites().map(Column::short).collect();
    for site in &found.sites {
        let _ = write!(text, "\n{}", of_site(site, &names));
    }
    text
}

fn targets(targets: &[Target]) -> String {
    let mut table = TextTable::new(&["who", "what", "bound", "found", "reached"]);
    for target in targets {
        table.row([
            target.population.clone(),
            target.what.to_owned(),
            percent(target.bound),
            interval(target.found),
            match (target.is_met, target.is_sure) {
                (false, _) => "NO",
                (true, false) => "yes, not surely",
                (true, true) => "yes",
            }
            .to_owned(),
        ]);
    }
    table.render()
}

fn by_detector(who: &str, rows: &[PopulationRow]) -> String {
    let heading = [
        who,
        "clients",
        "requests",
        "found (95 %)",
        "blocked",
        "found at request",
        "p90",
        "blocked at",
        "p90",
        "let through",
    ];
    let mut table = TextTable::new(&heading);
    for row in rows {
        let Some(of) = row.of.first() else { continue };
        let quantiles = |of: Option<Quantiles>| match of {
            Some(Quantiles { median, p90 }) => [count(median), count(p90)],
            None => ["–".to_owned(), "–".to_owned()],
        };
        let cells = [
            row.population.clone(),
            count(row.clients),
            count(row.requests),
            interval(of.detected),
        ];
        let cells = cells.into_iter().chain([percent(of.blocked.value())]);
        let cells =
            cells.chain(quantiles(of.requests_to_detect)).chain(quantiles(of.requests_to_block));
        table.row(cells.chain([percent(of.let_through.value())]));
    }
    table.render()
}

/// A table with one row a population and one figure a detector or rule.
fn shares(
    names: &[&str],
    rows: &[PopulationRow],
    cell: impl Fn(&ColumnOutcome) -> String,
) -> String {
    let heading: Vec<&str> =
        ["population", "clients"].into_iter().chain(names.iter().copied()).collect();
    let mut table = TextTable::new(&heading);
    for row in rows {
        table.row(
            [row.population.clone(), count(row.clients)]
                .into_iter()
                .chain(row.of.iter().map(&cell)),
        );
    }
    table.render()
}

fn refused(of: &ColumnOutcome) -> String {
    match of.blocked.k {
        0 => count(of.refused.k),
        blocked => format!("{} ({})", count(of.refused.k), count(blocked)),
    }
}

fn people_refused(found: &BotBench) -> String {
    let mut table = TextTable::new(&[
        "population",
        "client",
        "day",
        "request",
        "answer",
        "why",
        "score",
        "because",
    ]);
    for one in &found.refused {
        table.row([
            one.population.to_owned(),
            one.client.clone(),
            one.day.to_string(),
            count(u64::from(one.request)),
            one.action.as_str().to_owned(),
            one.reason.as_str().to_owned(),
            output::figure(one.score.map(f64::from)),
            one.because.join(", "),
        ]);
    }
    table.render()
}

fn verdicts(found: &BotBench) -> String {
    let rules = found.columns.iter().filter(|column| !column.is_detector).map(Column::short);
    let heading: Vec<&str> = ["population"].into_iter().chain(rules).collect();
    let mut table = TextTable::new(&heading);
    for verdict in &found.verdicts {
        let cell = |it: &Against| if it.is_ahead { "yes" } else { "NO" }.to_owned();
        table.row([verdict.population.clone()].into_iter().chain(verdict.against.iter().map(cell)));
    }
    let mut text = table.render();
    let behind = found.behind();
    text.push_str(if behind.is_empty() { "  Everywhere.\n" } else { "\nWhere not, and why\n" });
    for Behind { rule, why, populations, is_everywhere } in behind {
        let places = if is_everywhere { "everywhere".to_owned() } else { populations.join(", ") };
        let _ = writeln!(text, "  {rule}, {places}: {why}");
    }
    text
}

fn heat(heat: &HeatMap) -> String {
    let heading = heat.jitters.iter().map(|jitter| format!("± {}", percent(*jitter)));
    let heading: Vec<String> = ["every".to_owned()].into_iter().chain(heading).collect();
    let mut table = TextTable::new(&heading.iter().map(String::as_str).collect::<Vec<_>>());
    for (period, row) in heat.periods_s.iter().zip(&heat.detected) {
        table.row(
            [format!("{period} s")]
                .into_iter()
                .chain(row.iter().map(|share| percent(share.value()))),
        );
    }
    table.render()
}

fn week(week: &FirstWeek) -> String {
    let mut table = TextTable::new(&[
        "model of",
        "blocks",
        "people",
        "refused (blocked)",
        "kinds of bot",
        "found",
        "let through of these",
        "of all",
    ]);
    for day in &week.days {
        let Some(people) = day.people.of.first() else { continue };
        table.row([
            match day.learnt_days {
                0 => "shipped".to_owned(),
                1 => "1 day".to_owned(),
                days => format!("{days} days"),
            },
            if day.blocks { "yes" } else { "no" }.to_owned(),
            count(day.people.clients),
            refused(people),
            count(day.populations as u64),
            percent(day.found),
            percent(day.found_let_through),
            percent(day.let_through),
        ]);
    }
    let mut text = table.render();
    for day in week.days.iter().filter(|day| !day.mostly_through.is_empty()) {
        let _ = writeln!(
            text,
            "  after {} days more than a quarter passes of those found: {}",
            day.learnt_days,
            day.mostly_through.join(", ")
        );
    }
    text
}

fn of_site(site: &OfSite, names: &[&str]) -> String {
    let mut text = format!("Real log {}: {}\n", output::safe(&site.site, 60), site.how);
    let shown: Vec<PopulationRow> = site
        .bad
        .iter()
        .map(|row| PopulationRow { population: output::safe(&row.population, 40), ..row.clone() })
        .collect();
    text.push_str(&shares(names, &shown, |of| percent(of.detected.value())));
    let _ = write!(
        text,
        "  people refused (blocked)\n{}",
        shares(names, site.people.as_slice(), refused)
    );
    text
}

/// `97.5 % (95.2 % – 98.9 %)`
fn interval(share: Share) -> String {
    let Interval { value, low, high } = share.interval();
    format!("{} ({})", percent(value), range([low, high]))
}
