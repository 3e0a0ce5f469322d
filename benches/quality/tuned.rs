//! Counts on how many simulated shops the thresholds of `kidoban tune` keep their budgets.
//!
//! One model is trained once on a few shops. Then it is tuned on small shops that it has not seen,
//! with the people of day 1. The many people of the later days show what share is really refused. A
//! budget is *kept* where that share is at most the budget. At 95 % confidence this must hold on 95
//! % of shops. The binomial law says how often exactly: with `k` of `n` calibrating people above
//! the threshold, the share refused follows Beta(k + 1, n − k).

use analysis::tune::{LadderStep, ThresholdState};
use analysis::{TuneOptions, tune};
use anyhow::{Context, Result};
use detector::Model;
use detector::model::seal;
use kidoban::output::count;
use traffic::log::LogReader;
use traffic::sim::{
    DEFAULT_START, LogResolution, SHOPS, Shop, SimRequest, labels, simulate_shop, write_combined,
    write_json, write_labels,
};
use trainer::calibrate::Budgets;
use trainer::samples::highest;
use trainer::scoring::Scoring;
use trainer::statistics::{binomial_cdf, share};
use trainer::{Label, Labels, Options, Site, SiteBuilder, train};

use crate::parallel::on_all_cores;
use crate::shops::simulated;
use crate::table::{Table, percent};

/// The first seed. The other tables use other seeds.
const SEED: u64 = 4_000;
/// Shops that the model is trained on: index in [`SHOPS`] and seed.
const TEACHERS: [(usize, u64); 4] = [(0, 3_901), (1, 3_902), (2, 3_903), (4, 3_904)];
/// People a day of each of these shops.
const TEACHER_PEOPLE: usize = 600;
/// From this many people a day on, the product's own budgets are tried. Some people have too few
/// pages to count, and 2,995 must remain to prove them.
const MANY_PEOPLE: usize = 3_500;
/// Looser budgets for shops of fewer people: 299 people prove the stricter one.
const SMALL_BUDGETS: Budgets = Budgets { limit_alpha: 0.02, block_alpha: 0.01, delta: 0.05 };
const DAY_US: u64 = 86_400_000_000;

/// What every shop is tuned with.
#[derive(Clone, Copy)]
struct Trial {
    people: usize,
    budgets: Budgets,
    /// Days after day 1. Their new people show what share is really refused.
    later_days: u64,
}

impl Trial {
    fn of(people: usize) -> Self {
        match people {
            MANY_PEOPLE.. => Self { people, budgets: Budgets::default(), later_days: 4 },
            _ => Self { people, budgets: SMALL_BUDGETS, later_days: 14 },
        }
    }
}

/// The result of one shop.
struct TunedShop {
    shop: &'static str,
    later: u64,
    /// For limit and block: the k and n that prove the threshold, and the later people above it.
    steps: [Option<(u64, u64, u64)>; 2],
}

/// The table over `shops` simulated shops of so many people a day. They take turns through
/// [`SHOPS`], each with its own seed.
pub fn table(shops: usize, people: usize, options: &Options) -> Result<String> {
    let teachers =
        TEACHERS.iter().map(|&(shop, seed)| simulated(&SHOPS[shop], seed, TEACHER_PEOPLE));
    let teachers = teachers.collect::<Result<Vec<_>>>()?;
    let options = Options { compares: false, ..options.clone() };
    let model = Model::parse(&seal(&train(&teachers, &options, |_| {})?.file)?)?;
    let seeds: Vec<u64> = (SEED..SEED + shops as u64).collect();
    let trial = Trial::of(people);
    let Trial { budgets, later_days, .. } = trial;
    let tried = on_all_cores(&seeds, |seed| {
        tried(&model, &SHOPS[(seed - SEED) as usize % SHOPS.len()], *seed, trial)
    });
    let tried = tried.into_iter().collect::<Result<Vec<_>>>()?;
    let later: u64 = tried.iter().map(|shop| shop.later).sum();
    let mut table = Table::new(
        "Budgets of `kidoban tune` kept",
        &format!(
            "One model of {} simulated shops, and {shops} small shops that it never saw, of {} \
                people a day. Day 1 tunes; those who \
             come first on one of the {later_days} days after are counted by what they do that \
             day, {} people in all. *Kept*: at most \
             the budget of them lies above. *By law*: what is to be expected of k of n people \
             above, whatever the model. *None*: too few people \
             for a proof, so no threshold.",
            TEACHERS.len(),
            count(people as u64),
            count(later),
        ),
        &[
            "threshold",
            "budget",
            "shops",
            "none",
            "kept (95 %)",
            "by law",
            "people above",
            "broken by",
        ],
    );
    for (number, (name, alpha)) in
        [("limit", budgets.limit_alpha), ("block", budgets.block_alpha)].into_iter().enumerate()
    {
        let proven: Vec<(&TunedShop, (u64, u64, u64))> =
            tried.iter().filter_map(|shop| Some((shop, shop.steps[number]?))).collect();
        let is_kept =
            |shop: &TunedShop, above: u64| above as f64 <= alpha * shop.later as f64 + 1e-9;
        let kept =
            proven.iter().filter(|(shop, (_, _, above))| is_kept(shop, *above)).count() as u64;
        // P(Beta(k + 1, n − k) ≤ α) = P(Binomial(n, α) > k).
        let by_law: f64 =
            proven.iter().map(|(_, (k, n, _))| 1.0 - binomial_cdf(*k, *n, alpha)).sum();
        let (above, people) = proven
            .iter()
            .fold((0, 0), |(sum, all), (shop, (_, _, above))| (sum + above, all + shop.later));
        let broken: Vec<String> = proven
            .iter()
            .filter(|(shop, (_, _, above))| !is_kept(shop, *above))
            .map(|(shop, (_, _, above))| {
                format!("{} {:.2} %", shop.shop, 100.0 * *above as f64 / shop.later as f64)
            })
            .collect();
        let all = proven.len() as u64;
        table.row([
            name.to_owned(),
            format!("{:.1} %", 100.0 * alpha),
            count(all),
            count(tried.len() as u64 - all),
            format!("{kept}: {}", percent(share(kept, all))),
            format!("{:.1} %", 100.0 * by_law / all.max(1) as f64),
            format!(
                "{} of {}: {:.2} %",
                count(above),
                count(people),
                100.0 * share(above, people).value
            ),
            if broken.is_empty() { "–".to_owned() } else { broken.join(", ") },
        ]);
    }
    Ok(table.end())
}

fn tried(model: &Model, shop: &Shop, seed: u64, trial: Trial) -> Result<TunedShop> {
    let Trial { people, budgets, later_days } = trial;
    // Bots play no part in the proof, so there are as few as the shop can have.
    let shop = Shop { bots: 0.0, ..*shop };
    let requests =
        simulate_shop(&shop, seed, DEFAULT_START, (1 + later_days) * DAY_US, Some(people));
    let mut first = std::collections::HashMap::new();
    let day_of = |request: &SimRequest| request.at.micros_since(DEFAULT_START) / DAY_US;
    for request in &requests {
        first.entry(request.client).or_insert_with(|| day_of(request));
    }
    let day = |number: u64| -> Vec<SimRequest> {
        let is_new = |request: &&SimRequest| {
            day_of(request) == number && first.get(&request.client) == Some(&number)
        };
        requests.iter().filter(is_new).cloned().collect()
    };
    let tuned = tune(
        model,
        site(&shop, &day(0))?,
        &TuneOptions { budgets, labels_are_given: true, is_unseen: true, ..TuneOptions::default() },
    )?;
    let mut later: Vec<f32> = Vec::new();
    for number in 1..=later_days {
        let site = site(&shop, &day(number))?;
        let scoring = Scoring { min_pages: tuned.min_pages, rule: model.score_rule() };
        let scores = highest(&site, model.resolution_us(), scoring, |client| {
            (site.clients[client].labelled.label == Label::Human).then_some(model.scorer())
        });
        later.extend(scores.into_iter().flatten());
    }
    let step = |step: LadderStep| {
        let rung = tuned.rung(step).filter(|rung| rung.state == ThresholdState::Proven)?;
        let margin = rung.margin?;
        Some((rung.k, rung.n, later.iter().filter(|&&score| score >= margin).count() as u64))
    };
    let name = SHOPS.iter().find(|known| known.name == shop.name).map_or("", |known| known.name);
    Ok(TunedShop {
        shop: name,
        later: later.len() as u64,
        steps: [step(LadderStep::Limit), step(LadderStep::Block)],
    })
}

/// The site as it is read from the log of these requests.
fn site(shop: &Shop, requests: &[SimRequest]) -> Result<Site> {
    let (mut log, mut known) = (Vec::new(), Vec::new());
    let resolution_us = match shop.clock {
        LogResolution::Seconds => {
            write_combined(requests, &mut log)?;
            1_000_000
        }
        LogResolution::Millis => {
            write_json(requests, &mut log)?;
            1_000
        }
    };
    write_labels(&labels(requests), &mut known)?;
    let labels = Labels::parse("labels.csv", std::str::from_utf8(&known).context("labels")?)?;
    let mut reader = LogReader::new(shop.name, &log[..])?;
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next()? {
        builder.note(&record)?;
    }
    Ok(builder.finish(shop.name, resolution_us, Some(&labels))?)
}
