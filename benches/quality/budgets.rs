//! Counts on how many simulated shops the budgets hold, and whether the people who calibrate the
//! thresholds differ from those who come later.
//!
//! A bound at 95 % fails on one shop in twenty, so a single shop proves nothing, and many small
//! ones are needed. If calibrating and later people are alike to the model, the number of people
//! refused follows the beta-binomial distribution, whatever the model. So it is known how many
//! shops keep their budget by chance alone, and how many people are refused. More refused people
//! mean that the model has learnt from the calibrating people. Ranks show this sooner: without such
//! learning, the highest scores are spread over both groups by lot.

use anyhow::Result;
use detector::Model;
use detector::model::{Budget, Scorer, Thresholds, seal};
use kidoban::input::SHIPPED_MODEL;
use kidoban::output::count;
use traffic::sim::SHOPS;
use trainer::calibrate::{Budgets, Proof};
use trainer::protocol::{calibrated, part};
use trainer::samples::highest;
use trainer::scoring::Scoring;
use trainer::site_profile::fold_of;
use trainer::statistics::{hurt_at_most, share};
use trainer::train::learn_profile;
use trainer::{Base, Label, Options, Site, train};

use crate::parallel::on_all_cores;
use crate::shops::simulated;
use crate::table::{Table, percent};

/// The first seed. The other tables use other seeds.
const SEED: u64 = 2_000;
/// Looser budgets than the product's, so that shops can be small: 299 people prove the stricter
/// one, where the product's needs 2,995.
const BUDGETS: Budgets = Budgets { limit_alpha: 0.02, block_alpha: 0.01, delta: 0.05 };
/// One client in this many is known; all others come later.
const PARTS: usize = 4;
/// Share of people, by highest score, whose ranks are compared.
const HIGHEST: f64 = 0.02;

/// What a model knows of the shop.
#[derive(Clone, Copy)]
enum ModelOrigin {
    NeverSaw,
    Trained,
    Adapted,
}

const ORIGINS: [(ModelOrigin, &str); 3] = [
    (ModelOrigin::NeverSaw, "never saw it"),
    (ModelOrigin::Trained, "trained on it"),
    (ModelOrigin::Adapted, "adapted to it"),
];

/// One shop under one model: its thresholds, and the highest score of each person who calibrated
/// them and of each who comes later.
struct TriedShop {
    thresholds: Thresholds,
    known: Vec<f32>,
    later: Vec<f32>,
}

/// One threshold of one kind of model, summed over all shops.
#[derive(Default)]
struct ShopSum {
    shops: u64,
    kept: u64,
    kept_by_chance: f64,
    people: u64,
    hurt: u64,
    hurt_by_chance: f64,
}

impl ShopSum {
    fn add(&mut self, budget: &Budget, later: &[f32]) {
        let Some(margin) = budget.margin.filter(|_| !later.is_empty()) else { return };
        let people = later.len() as u64;
        let hurt = later.iter().filter(|&&score| score >= margin).count() as u64;
        let allowed = (budget.alpha * people as f64 + 1e-9).floor() as u64;
        self.shops += 1;
        self.kept += u64::from(hurt <= allowed);
        self.kept_by_chance += hurt_at_most(allowed, people, budget.k, budget.n);
        self.people += people;
        self.hurt += hurt;
        self.hurt_by_chance += people as f64 * (budget.k + 1) as f64 / (budget.n + 1) as f64;
    }

    fn cells(&self) -> [String; 5] {
        let of_all = |part: f64, all: u64| format!("{:.2} %", 100.0 * part / all as f64);
        [
            count(self.shops),
            format!("{}: {}", self.kept, percent(share(self.kept, self.shops))),
            of_all(self.kept_by_chance, self.shops),
            format!(
                "{} of {}: {:.2} %",
                count(self.hurt),
                count(self.people),
                100.0 * share(self.hurt, self.people).value
            ),
            of_all(self.hurt_by_chance, self.people),
        ]
    }
}

/// How many of a shop's highest-scoring people come later, how many would if drawn by lot, and the
/// variance of the latter.
fn ranks(known: &[f32], later: &[f32]) -> [f64; 3] {
    let tag = |is_later: bool| move |&score: &f32| (score, is_later);
    let mut all: Vec<(f32, bool)> =
        known.iter().map(tag(false)).chain(later.iter().map(tag(true))).collect();
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (n, m) = (known.len() as f64, later.len() as f64);
    let drawn = (HIGHEST * (n + m)).floor();
    let (mut found, mut left) = (0.0, drawn);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let size = tied.len() as f64;
        let taken = left.min(size);
        found += taken / size * tied.iter().filter(|row| row.1).count() as f64;
        left -= taken;
    }
    // Mean and variance of the hypergeometric distribution.
    [
        found,
        drawn * m / (n + m),
        drawn * m * n / (n + m).powi(2) * (n + m - drawn) / (n + m - 1.0).max(1.0),
    ]
}

/// The table over `shops` simulated shops of so many people a day. They take turns through
/// [`SHOPS`], each with its own seed.
pub fn table(shops: usize, people: usize, options: &Options) -> Result<String> {
    let options = Options { budgets: BUDGETS, ..options.clone() };
    let base = Base::new(Model::parse(SHIPPED_MODEL)?)?;
    let seeds: Vec<u64> = (SEED..SEED + shops as u64).collect();
    let of_shop = |seed: &u64| -> Result<Vec<Option<TriedShop>>> {
        let site = simulated(&SHOPS[(seed - SEED) as usize % SHOPS.len()], *seed, people)?;
        let known = part(&site, |client| fold_of(client, PARTS) == 0);
        let later = part(&site, |client| fold_of(client, PARTS) != 0);
        ORIGINS.iter().map(|(origin, _)| tried(*origin, &known, &later, &base, &options)).collect()
    };
    let found = on_all_cores(&seeds, of_shop).into_iter().collect::<Result<Vec<_>>>()?;
    let mut table = Table::new(
        "Budgets kept, over many simulated shops",
        &format!(
            "{shops} simulated days of {} people, each of another shop, and looser budgets than \
                the product's, which fewer people prove. \
             A quarter of the clients is known: it calibrates (*never saw it*: the shipped model), \
             or half of its people train and half calibrate \
             (*trained*, and *adapted* from the shipped model). The other three quarters come \
             later and are counted. *Kept*: at most the budget of \
             them was refused. *By chance*: what comes of it if people who calibrate and people \
             who come later are alike to the \
             model and no two scores tie (ties refuse fewer). *Highest*: how many of the {:.0} % \
             of people with the highest scores come later, by \
             how many standard deviations more than by lot; far above 2 the model knows those who \
             calibrate.",
            count(people as u64),
            100.0 * HIGHEST
        ),
        &[
            "model",
            "threshold",
            "budget",
            "shops",
            "kept (95 %)",
            "by chance",
            "people refused",
            "by chance",
            "highest who come later",
        ],
    );
    for (number, (_, way)) in ORIGINS.iter().enumerate() {
        let tried: Vec<&TriedShop> =
            found.iter().filter_map(|shop| shop[number].as_ref()).collect();
        let mut sums = [ShopSum::default(), ShopSum::default()];
        let mut highest = [0.0; 3];
        for TriedShop { thresholds, known, later } in tried {
            sums[0].add(&thresholds.limit, later);
            sums[1].add(&thresholds.block, later);
            highest.iter_mut().zip(ranks(known, later)).for_each(|(sum, value)| *sum += value);
        }
        let [found, by_lot, variance] = highest;
        let highest =
            format!("{found:.0}, by lot {by_lot:.0}: {:+.1}", (found - by_lot) / variance.sqrt());
        for ((name, alpha), sum) in [("limit", BUDGETS.limit_alpha), ("block", BUDGETS.block_alpha)]
            .iter()
            .zip(&sums)
            .filter(|(_, it)| it.shops > 0)
        {
            let head = [(*way).to_owned(), (*name).to_owned(), format!("{:.1} %", 100.0 * alpha)];
            table.row(head.into_iter().chain(sum.cells()).chain([highest.clone()]));
        }
    }
    Ok(table.end())
}

/// Trains or takes the model and scores the shop's people. `None` where too few people are known
/// for a proof.
fn tried(
    origin: ModelOrigin,
    known: &Site,
    later: &Site,
    base: &Base,
    options: &Options,
) -> Result<Option<TriedShop>> {
    let scores = |site: &Site,
                  scorer: &Scorer,
                  scoring: Scoring,
                  takes: &dyn Fn(usize) -> bool|
     -> Vec<f32> {
        let best = highest(site, site.resolution_us, scoring, |client| {
            (site.clients[client].labelled.label == Label::Human && takes(client)).then_some(scorer)
        });
        best.into_iter().flatten().collect()
    };
    let base = match origin {
        ModelOrigin::NeverSaw => {
            let scoring = Scoring::of(base.model().thresholds());
            let [known, later] =
                [known, later].map(|site| scores(site, base.model().scorer(), scoring, &|_| true));
            let thresholds = calibrated(&known, options.budgets, scoring);
            return Ok(thresholds.block.margin.is_some().then_some(TriedShop {
                thresholds,
                known,
                later,
            }));
        }
        ModelOrigin::Trained => None,
        ModelOrigin::Adapted => Some(base.clone()),
    };
    let mut known = known.clone();
    let profile = Some(learn_profile(&mut known, options)?);
    let known = [known];
    let trained = train(&known, &Options { base, profile, ..options.clone() }, |_| {})?;
    if trained.proof != Proof::Split {
        return Ok(None);
    }
    let model = Model::parse(&seal(&trained.file)?)?;
    let mut later = later.clone();
    if let Some(profile) = model.shared_site_profile() {
        later.use_profile(profile);
    }
    let [known] = known;
    let scoring = Scoring::of(model.thresholds());
    Ok(Some(TriedShop {
        thresholds: model.thresholds().clone(),
        known: scores(&known, model.scorer(), scoring, &|client| known.is_apart(client)),
        later: scores(&later, model.scorer(), scoring, &|_| true),
    }))
}
