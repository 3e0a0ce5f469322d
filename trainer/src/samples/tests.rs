use std::sync::Arc;

use detector::Timestamp;
use detector::model::ScorerFile;
use traffic::log::LogReader;
use traffic::sim;

use super::*;
use crate::label::Labels;
use crate::site_builder::SiteBuilder;

/// A simulated morning.
fn site() -> Site {
    let shop = Arc::new(sim::Site::with_size(1, 200, 4));
    let start = Timestamp::from_secs(1_763_683_200);
    let requests = sim::simulate(&shop, 1, start, &sim::Mix::of(60, 24), 6 * 3_600_000_000);
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(&requests, &mut log).unwrap();
    sim::write_labels(&sim::labels(&requests), &mut labels).unwrap();
    let labels = Labels::parse("labels.csv", std::str::from_utf8(&labels).unwrap()).unwrap();
    let mut reader = LogReader::new("day.log", &log[..]).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    builder.finish("shop", 1_000, Some(&labels)).unwrap()
}

#[test]
fn any_number_of_parts_gives_the_rows_of_one_walk_in_its_order() {
    let site = site();
    let takes = |client: usize| !client.is_multiple_of(5);
    let mut expect = Vec::new();
    walk(&site, 1_000, |client, known| {
        if takes(client) && SCHEDULE.contains(&known.window.pages()) {
            expect.push((client, Features::measure(&known.window).0.map(f32::to_bits)));
        }
    });
    assert!(expect.len() > 100, "{} rows", expect.len());
    for parts in 1..5 {
        let bad: Vec<Option<bool>> = site
            .clients
            .iter()
            .enumerate()
            .map(|(client, known)| takes(client).then_some(known.labelled.label == Label::Bad))
            .collect();
        let samples = samples_in(parts, &site, 3, 1_000, &bad);
        assert!(samples.iter().all(|sample| sample.site == 3));
        let is_bad = |sample: &Sample| site.clients[sample.client].labelled.label == Label::Bad;
        assert!(samples.iter().all(|sample| sample.bad == is_bad(sample)));
        let found: Vec<_> = samples
            .iter()
            .map(|sample| (sample.client, sample.features.0.map(f32::to_bits)))
            .collect();
        assert!(found == expect, "{parts} parts");
    }
}

#[test]
fn any_number_of_parts_gives_the_highest_scores_of_one_walk() {
    let site = site();
    let mut weight = vec![0.0; detector::features::COUNT];
    for (name, value) in [("unique_ratio", 2.0), ("gap_cv", -0.8), ("rate_60s", 0.05)] {
        weight[detector::features::index_of(name).unwrap()] = value;
    }
    let (mean, scale) =
        (vec![0.0; detector::features::COUNT], vec![1.0; detector::features::COUNT]);
    let scorer = ScorerFile::Logistic { bias: 0.3, mean, scale, weight }.check().unwrap();
    let mut expect: Vec<Option<f32>> = vec![None; site.clients.len()];
    walk(&site, 1_000, |client, known| {
        if known.window.pages() >= 5 && client % 3 != 1 {
            let margin = scorer.margin(&Features::measure(&known.window));
            expect[client] = Some(expect[client].map_or(margin, |best: f32| best.max(margin)));
        }
    });
    assert!(expect.iter().flatten().count() > 30);
    for parts in 1..5 {
        let found = highest_in(parts, &site, 1_000, Scoring::last_page(5), |client| {
            (client % 3 != 1).then_some(&scorer)
        });
        assert_eq!(found, expect, "{parts} parts");
    }
}

#[test]
fn parts_come_in_order_and_a_panic_in_one_is_not_swallowed() {
    assert_eq!(in_parts(3, |parts| parts), [0..21, 21..42, 42..64]);
    assert_eq!(in_parts(1, |parts| parts.len()), [64]);
    assert_eq!(in_parts(1_000, |parts| parts.len()), [1; 64]);
    let panics = || in_parts(2, |parts| assert_eq!(parts.start, 0));
    assert!(std::panic::catch_unwind(panics).is_err());
}
