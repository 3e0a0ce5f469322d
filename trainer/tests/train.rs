//! Whole training runs on simulated days: wrong labels, floods, a base model, few people.

#![allow(clippy::unwrap_used)] // in a test a failing unwrap is a failing test

use std::io::Cursor;
use std::sync::Arc;

use detector::model::{Metric, ReadinessState, seal};
use detector::{Model, Timestamp};
use traffic::log::LogReader;
use traffic::replay::TrafficWriter;
use traffic::sim::{self, Mix};
use trainer::calibrate::{Budgets, Proof};
use trainer::label::Labelled;
use trainer::samples::highest;
use trainer::scoring::Scoring;
use trainer::statistics::{auc, tpr_at_fpr};
use trainer::train::learn_profile;
use trainer::{Base, Label, Labels, Options, Site, SiteBuilder, Step, Trained, train};

/// Monday 2026-11-16, 00:00 UTC.
const DAY: Timestamp = Timestamp::from_secs(1_794_787_200);
const DAY_US: u64 = 86_400 * 1_000_000;

/// A simulated day, with the truth as labels.
fn day(people: usize, bots: usize, seed: u64) -> Site {
    let day =
        sim::simulate(&Arc::new(sim::Site::new(2)), seed, DAY, &Mix::of(people, bots), DAY_US);
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(&day, &mut log).unwrap();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    let labels = Labels::parse("labels.csv", std::str::from_utf8(&labels).unwrap()).unwrap();
    let mut reader = LogReader::new("day.log", Cursor::new(&log[..])).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    builder.finish("shop", reader.tally().resolution_us(), Some(&labels)).unwrap()
}

/// Changes the label of a share of the clients that have another one.
fn relabel(site: &mut Site, from: Label, to: Label, why: &str, share: f64) {
    let clients: Vec<usize> =
        (0..site.clients.len()).filter(|&i| site.clients[i].labelled.label == from).collect();
    let count = clients.len() as f64;
    for (number, &client) in clients.iter().enumerate() {
        // Spread evenly over the clients in order of appearance, and so over their kinds.
        if ((number + 1) as f64 * share).floor() > (number as f64 * share).floor() {
            site.clients[client].labelled = Labelled { label: to, why: why.to_owned() };
        }
    }
    assert!(count > 0.0);
}

fn model(trained: &Trained) -> Model {
    Model::parse(&seal(&trained.file).unwrap()).unwrap()
}

/// Highest scores of a site's people and of its bad robots.
fn scores(trained: &Trained, site: &Site) -> [Vec<f32>; 2] {
    let model = model(trained);
    let highest = highest(site, model.resolution_us(), Scoring::of(model.thresholds()), |_| {
        Some(model.scorer())
    });
    [Label::Human, Label::Bad].map(|label| {
        let clients = site.clients.iter().zip(&highest);
        let of_label = clients.filter(|(client, _)| client.labelled.label == label);
        of_label.filter_map(|(_, highest)| *highest).collect()
    })
}

fn run(site: &Site, options: &Options) -> Trained {
    train(std::slice::from_ref(site), options, |_| {}).unwrap()
}

#[test]
fn leaving_out_whom_the_model_doubts_restores_recall() {
    let later = day(500, 300, 40);
    let mut recall = [0.0, 0.0];
    for (share, seed) in [(0.3, 1), (0.45, 21), (0.6, 31)] {
        let mut noisy = day(200, 200, seed);
        relabel(&mut noisy, Label::Bad, Label::Human, "taken for a person", share);
        let of = |prunes| run(&noisy, &Options { prunes, ..Options::default() });
        let [naive, pruned] = [of(false), of(true)];
        // Doubted, whether that then trained better or not.
        let (card, wrong) = (&pruned.file.card, (200.0 * share) as u64);
        assert!(
            card.dropped.keys().all(|why| why.starts_with("labelled human, looks otherwise")),
            "{:?}",
            card.dropped
        );
        let doubted: u64 = card.dropped.values().sum();
        assert!(doubted > wrong / 2 && doubted < wrong * 11 / 10, "{doubted} of {wrong} wrong");
        for (recall, trained) in recall.iter_mut().zip([&naive, &pruned]) {
            let [people, bots] = scores(trained, &later);
            assert!(people.len() >= 100, "one in a hundred is nobody");
            *recall += tpr_at_fpr(&people, &bots, 0.01).unwrap() / 3.0;
        }
    }
    assert!(recall[1] > recall[0] + 0.02, "{recall:?}");
}

#[test]
fn whoever_floods_while_a_model_is_trained_does_not_become_the_norm() {
    let base = Base::new(model(&run(&day(200, 100, 2), &Options::default()))).unwrap();
    // Nine in ten bots pass for people by a weak rule; the rest are known.
    let mut flooded = day(150, 300, 3);
    let truth: Vec<Label> = flooded.clients.iter().map(|client| client.labelled.label).collect();
    relabel(&mut flooded, Label::Bad, Label::Human, "assets with referer", 0.9);
    let weak = || Options { labels_are_checked: false, ..Options::default() };
    let guarded = run(&flooded, &Options { base: Some(base), ..weak() });
    let naive = run(&flooded, &weak());
    let suspects = guarded.file.card.dropped["anomalous to the base model: not taken for people"];
    let passing = truth.iter().zip(&flooded.clients);
    let passing = passing
        .filter(|(truth, client)| **truth == Label::Bad && client.labelled.label == Label::Human);
    assert!(suspects > passing.count() as u64 / 2, "{suspects} suspects");
    assert!(naive.file.card.dropped.is_empty());
    let later = day(200, 100, 4);
    let auc = |trained: &Trained| {
        let [people, bots] = scores(trained, &later);
        auc(&people, &bots).unwrap()
    };
    assert!(auc(&guarded) > auc(&naive) + 0.02, "{} guarded, {} not", auc(&guarded), auc(&naive));
    // Nor is the flood in what drift is measured against.
    let ordinary = |trained: &Trained| trained.file.drift.as_ref().unwrap().clients;
    assert!(ordinary(&guarded) < ordinary(&naive));
    // A label somebody wrote is believed.
    let base = Base::new(model(&run(&day(200, 100, 2), &Options::default()))).unwrap();
    let checked = run(&flooded, &Options { base: Some(base), ..Options::default() });
    assert!(checked.file.card.dropped.is_empty());
}

#[test]
fn a_base_is_adapted_where_that_gains_and_kept_where_it_does_not() {
    // A base of wrong labels has much to learn, one of the same shop nothing.
    let mut wrong = day(150, 100, 5);
    relabel(&mut wrong, Label::Bad, Label::Human, "", 0.5);
    let site = day(200, 150, 6);
    let poor = Base::new(model(&run(&wrong, &Options::default()))).unwrap();
    let adapted = run(&site, &Options { base: Some(poor.clone()), ..Options::default() });
    let metric = |name: &str| adapted.file.card.metrics[name];
    assert!(
        adapted.is_adapted
            && metric("gain/auc").value > 0.0
            && metric("gain/auc").low < metric("gain/auc").value
    );
    assert!(metric("adapted/auc").value > metric("base/auc").value);
    assert!(adapted.file.card.base.ends_with(poor.model().sha256()));
    let detector::model::ScorerFile::Trees { roots, .. } = &adapted.file.scorer else {
        panic!("trees")
    };
    let added = adapted.file.card.parameters["trees"] as usize;
    assert_eq!(roots.len(), poor.trees().roots().len() + added);
    assert!(added > 0);

    let good = Base::new(model(&run(&day(900, 500, 7), &Options::default()))).unwrap();
    let kept = run(&day(60, 40, 8), &Options { base: Some(good.clone()), ..Options::default() });
    assert!(!kept.is_adapted, "{:?}", kept.file.card.metrics.get("gain/auc"));
    assert_eq!(
        model(&kept).scorer().margin(&detector::Features([0.5; detector::features::COUNT])),
        good.model().scorer().margin(&detector::Features([0.5; detector::features::COUNT]))
    );
}

#[test]
fn people_whom_only_the_base_mistakes_count_against_it() {
    // To this base a third of all people look like bots, and weak rules vouch for nobody.
    let mut wrong = day(150, 100, 5);
    relabel(&mut wrong, Label::Human, Label::Bad, "", 0.85);
    let base = Base::new(model(&run(&wrong, &Options::default()))).unwrap();
    let mut site = day(200, 150, 6);
    site.clients.iter_mut().for_each(|client| client.labelled.why = "by a weak rule".to_owned());
    let metrics = |labels_are_checked| {
        let options =
            Options { base: Some(base.clone()), labels_are_checked, ..Options::default() };
        let trained = run(&site, &options);
        let suspects = trained.file.card.dropped.values().sum::<u64>();
        (suspects, trained.is_adapted, trained.file.card.metrics)
    };
    let (suspects, is_adapted, weak) = metrics(false);
    let (none, _, checked) = metrics(true);
    let people = |metrics: &std::collections::BTreeMap<String, Metric>| metrics["base/auc"].people;
    assert!(suspects > 40 && none == 0);
    // All but those whom both find odd.
    assert!(
        people(&weak) > people(&checked) - suspects / 2,
        "{} of {}",
        people(&weak),
        people(&checked)
    );
    assert!(is_adapted);
}

#[test]
fn a_site_without_labels_is_learnt_from_its_people_and_the_unknown() {
    let mut site = day(200, 150, 9);
    relabel(&mut site, Label::Bad, Label::Unknown, "no evidence either way", 0.8);
    relabel(&mut site, Label::Human, Label::Unknown, "no evidence either way", 0.5);
    let mut wrong = day(150, 100, 5);
    relabel(&mut wrong, Label::Bad, Label::Human, "", 0.5);
    let base = Base::new(model(&run(&wrong, &Options::default()))).unwrap();
    let rows = |labels_are_checked| {
        let options =
            Options { base: Some(base.clone()), labels_are_checked, ..Options::default() };
        run(&site, &options).file.card.rows
    };
    assert!(
        rows(false) > rows(true),
        "the unknown train as bots of low weight where nobody checked the labels"
    );
}

#[test]
fn few_people_mean_a_warm_up_that_limits_and_a_state_that_says_so() {
    let site = day(200, 60, 10);
    let trained = run(&site, &Options::default());
    let (limit, readiness) = (&trained.file.thresholds.limit, &trained.file.readiness);
    assert!(
        limit.evidence.starts_with("warm-up: 1 of this site's") && limit.margin.is_some(),
        "{}",
        limit.evidence
    );
    assert_eq!(trained.file.thresholds.block.margin, None);
    assert_eq!((readiness.state, readiness.is_armed()), (ReadinessState::Collecting, true));
    let words = readiness.to_string();
    assert!(
        words.starts_with("Collecting: 1") && words.contains(" of 5,990 people seen"),
        "{words}"
    );
}

#[test]
fn a_model_under_its_gates_is_written_and_not_armed_unless_forced() {
    // Labels by the toss of a coin: nothing to learn.
    let mut site = day(100, 100, 11);
    relabel(&mut site, Label::Bad, Label::Unknown, "", 1.0);
    relabel(&mut site, Label::Human, Label::Bad, "", 0.5);
    let trained = run(&site, &Options::default());
    assert_eq!(
        (trained.file.readiness.state, trained.file.readiness.is_armed()),
        (ReadinessState::Failed, false)
    );
    let words = trained.file.readiness.to_string();
    assert!(
        words.starts_with("Failed: ") && words.contains("at least 0.700 is needed: label more"),
        "{words}"
    );
    assert!(!model(&trained).readiness().is_armed());
    let forced = run(&site, &Options { is_forced: true, ..Options::default() });
    assert!(
        model(&forced).readiness().is_armed()
            && forced.file.readiness.to_string().ends_with("(armed by force)")
    );
}

#[test]
fn the_three_algorithms_are_compared_on_the_same_folds() {
    let site = day(120, 80, 12);
    let trained = run(&site, &Options { compares: true, ..Options::default() });
    let metrics = &trained.file.card.metrics;
    let of = |name: &str| metrics[&format!("compare/{name}/auc")];
    let sizes = |name: &str| (of(name).people, of(name).bots);
    assert!(of("boosted").value > 0.9 && of("adaboost").value > 0.8 && of("logistic").value > 0.7);
    assert_eq!(sizes("boosted"), sizes("logistic"));
    assert_eq!(sizes("boosted"), sizes("adaboost"));
}

#[test]
fn nobody_who_proves_a_budget_leaves_a_trace_in_the_model_or_its_memory() {
    // Enough people to prove loose budgets.
    let budgets = Budgets { limit_alpha: 0.05, block_alpha: 0.03, delta: 0.05 };
    let base = Base::new(model(&run(&day(100, 60, 2), &Options::default()))).unwrap();
    let trained = |changes: bool, base: Option<&Base>| {
        let mut site = day(300, 80, 13);
        if changes {
            // Whoever is kept apart stops after six pages, and asks for them in another order, one
            // step a second.
            let mut pages = vec![0; site.clients.len()];
            let mut taken: Vec<Vec<u32>> = vec![Vec::new(); site.clients.len()];
            let is_apart = {
                let mut site = site.clone();
                learn_profile(&mut site, &Options { budgets, ..Options::default() }).unwrap();
                site.apart
            };
            let mut steps: Vec<Step> = Vec::new();
            site.walk(|step| {
                let client = step.client as usize;
                pages[client] += u32::from(
                    step.request().is_some() && step.event.class == detector::Class::Page,
                );
                if !is_apart[client] || pages[client] <= 6 {
                    steps.push(*step);
                }
            });
            for step in steps.iter().filter(|step| is_apart[step.client as usize]) {
                taken[step.client as usize].push(step.target);
            }
            for step in steps.iter_mut().filter(|step| is_apart[step.client as usize]) {
                let taken = &mut taken[step.client as usize];
                let first_at = site.clients[step.client as usize].first_at;
                step.event.at = Timestamp::from_micros(
                    first_at.as_micros() + 1_000_000 * (200 - taken.len() as i64),
                );
                step.target = taken.pop().unwrap();
            }
            let mut traffic = TrafficWriter::default();
            steps.into_iter().for_each(|step| traffic.push(step).unwrap());
            site = site.with_traffic(traffic.finish().unwrap());
            assert!(is_apart.iter().filter(|apart| **apart).count() > 100);
        }
        let options = Options { budgets, base: base.cloned(), ..Options::default() };
        let profile = learn_profile(&mut site, &options).unwrap();
        assert!(!site.apart.is_empty());
        let trained = run(&site, &Options { profile: Some(profile), ..options });
        assert_eq!(trained.proof, Proof::Split);
        trained.file
    };
    for base in [None, Some(&base)] {
        let [as_is, changed] = [false, true].map(|changes| trained(changes, base));
        let limits = [&as_is, &changed].map(|file| file.thresholds.limit.clone());
        assert_ne!(limits[0].margin, limits[1].margin, "they were not looked at: {limits:?}");
        assert_eq!(as_is.site, changed.site);
        assert_eq!(format!("{:?}", as_is.scorer), format!("{:?}", changed.scorer));
    }
}
