//! Budgets kept and bots caught on simulated shops with enough people to prove a block threshold.

use analysis::evaluate;
use anyhow::Result;
use detector::Model;
use detector::model::seal;
use kidoban::output::count;
use kidoban::simulate::write_shop;
use lab::baselines::fixed;
use traffic::sim::Shop;
use trainer::protocol::{
    Strangers, calibrated, carried, half, model_at, model_of, without_thresholds,
};
use trainer::samples::highest;
use trainer::statistics::share;
use trainer::{Base, Label, Options, Site, train};

use crate::table::{Table, percent};

/// An arbitrary seed, other than that of the tests.
const SEED: u64 = 11;
const HOURS: u64 = 24;

pub fn table(
    shops: &[Shop],
    people: usize,
    strangers: &Strangers<'_>,
    sites: usize,
    options: &Options,
) -> Result<String> {
    let mut table = Table::new(
        "Budgets kept, on simulated shops",
        &format!(
            "A simulated day of {} people and the bots that go with them. One half of the clients \
                calibrates, the other half, which \
             neither model nor thresholds have seen, is counted. *Never saw it*: the model of all \
             sites above, its thresholds \
             calibrated on the first half. *Adapted*: that model adapted to the first half \
             (`kidoban train --base`); half of its \
             people are kept apart and prove the thresholds. Budgets hold with 95 % confidence. \
             Requests are all those of a scraper \
             up to the one that crosses the block threshold, assets and refused ones included, \
             over the scrapers that cross it.",
            count(people as u64)
        ),
        &[
            "shop",
            "model",
            "threshold",
            "budget",
            "people refused (95 %)",
            "bots caught (95 %)",
            "scrapers caught",
            "requests, median",
            "p90",
        ],
    );
    // Left out is a site that there is not: a model of all.
    let scorer = strangers.fit(sites, &carried())?;
    let scoring = strangers.scoring();
    let base = Base::new(model_of("others", &scorer, without_thresholds(scoring))?)?;
    for shop in shops {
        let site = simulated(shop, SEED, people)?;
        let (known, other) = (half(&site, 0), half(&site, 1));
        let scores = highest(&known, known.resolution_us, scoring, |client| {
            (known.clients[client].labelled.label == Label::Human).then_some(&scorer)
        });
        let thresholds = calibrated(
            &scores.into_iter().flatten().collect::<Vec<f32>>(),
            options.budgets,
            scoring,
        );
        let stranger = model_at("others", &scorer, thresholds, known.resolution_us)?;
        rows(&mut table, shop, "never saw it", &stranger, &other)?;
        let mut known = known;
        let profile = Some(trainer::train::learn_profile(&mut known, options)?);
        let trained = train(
            &[known],
            &Options { base: Some(base.clone()), profile, ..options.clone() },
            |_| {},
        )?;
        let adapted = Model::parse(&seal(&trained.file)?)?;
        let mut other = other;
        if let Some(profile) = adapted.shared_site_profile() {
            other.use_profile(profile);
        }
        let what = if trained.is_adapted { "adapted" } else { "adapted (plainly lost: kept)" };
        rows(&mut table, shop, what, &adapted, &other)?;
    }
    Ok(table.end())
}

/// Simulates a day of the shop and reads its log as a site.
pub fn simulated(shop: &Shop, seed: u64, people: usize) -> Result<Site> {
    // The seed keeps the folders of parallel calls apart. The inner folder gives the site its name.
    let folder =
        std::env::temp_dir().join(format!("kidoban-quality-{}-{seed}", std::process::id()));
    let own = folder.join(shop.name);
    let site = write_shop(shop, seed, HOURS, Some(people), &own).and_then(|_| crate::read(&own));
    drop(std::fs::remove_dir_all(&folder));
    site
}

fn rows(table: &mut Table, shop: &Shop, what: &str, model: &Model, other: &Site) -> Result<()> {
    let min_pages = model.thresholds().min_pages;
    let all = evaluate(model, other, min_pages, fixed())?;
    let scrapers = evaluate(model, &only_scrapers(other), min_pages, fixed())?;
    let judged = |evaluation: &analysis::Evaluation, label: Label| {
        let of = |counts: &std::collections::BTreeMap<Label, u64>| {
            counts.get(&label).copied().unwrap_or(0)
        };
        of(&evaluation.clients) - of(&evaluation.not_judged)
    };
    let budgets = [("limit", &model.thresholds().limit), ("block", &model.thresholds().block)];
    for (name, budget) in budgets {
        let mut cells = vec![shop.name.to_owned(), what.to_owned(), name.to_owned()];
        cells.push(format!("{:.1} %", 100.0 * budget.alpha));
        let at = |evaluation: &analysis::Evaluation| {
            evaluation.at_threshold.get(name).cloned().flatten()
        };
        match (at(&all), at(&scrapers)) {
            (Some(at), Some(of_scrapers)) => {
                let shown = |value: f64, n: u64| {
                    let k = (value * n as f64).round() as u64;
                    format!("{} of {}: {}", count(k), count(n), percent(share(k, n)))
                };
                cells.push(shown(at.fpr, judged(&all, Label::Human)));
                cells.push(shown(at.tpr, judged(&all, Label::Bad)));
                cells.push(shown(of_scrapers.tpr, judged(&scrapers, Label::Bad)));
                let requests = scrapers.requests_to_detect.filter(|_| name == "block");
                let number = |of: fn(analysis::evaluate::RequestsToDetect) -> u64| {
                    requests.map_or("–".to_owned(), |it| count(of(it)))
                };
                cells.extend([number(|it| it.median), number(|it| it.p90)]);
            }
            _ => {
                cells.push(format!("none: {}", budget.evidence));
                cells.extend(std::iter::repeat_n("–".to_owned(), 4));
            }
        }
        table.row(cells);
    }
    Ok(())
}

/// A copy of the site in which only scrapers of the catalogue count as bots. None of them declares
/// itself.
fn only_scrapers(site: &Site) -> Site {
    let mut site = site.clone();
    for client in &mut site.clients {
        if client.labelled.label == Label::Bad && !client.labelled.why.ends_with("scraper") {
            client.labelled.label = Label::Unknown;
        }
    }
    site
}
