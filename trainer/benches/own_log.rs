//! A log without labels, attacked and not: how well a model of its first 60 % of time judges the
//! rest.
//!
//! ```text
//! cargo bench --profile release -p kidoban-trainer --bench own_log -- DIR …
//! ```
//!
//! Each folder has an `access.log.gz` and a `labels.csv`. The first 60 % of the log's time train by
//! the weak rules alone, as `kidoban train LOG` does, once without simulated attackers and once
//! with them. The other 40 % are judged, each client by its highest score, and the labels file says
//! who is who. Prints a table in Markdown.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // a benchmark prints, and fails loudly

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use detector::model::seal;
use detector::{Model, SiteProfile, Timestamp};
use traffic::log::{LogReader, Record, decompress};
use trainer::samples::highest;
use trainer::scoring::Scoring;
use trainer::site_profile::fold_of;
use trainer::statistics::auc_interval;
use trainer::train::learn_profile;
use trainer::{Label, Labels, Options, Site, SiteBuilder, train};

/// Share of a log's time that trains.
const TRAIN_SHARE: f64 = 0.6;

fn main() {
    let folders: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let head = [
        "site",
        "split by",
        "attacked",
        "people assumed, left out",
        "AUC (95 %)",
        "people above the limit",
        "bots above the limit",
    ];
    println!("| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
    for folder in &folders {
        let folder = Path::new(folder);
        let by_time = halves(folder, true);
        let has_both = |site: &Site| judged(site, Label::Human) > 2 && judged(site, Label::Bad) > 2;
        let is_by_time = has_both(&by_time[1]);
        let [early, late] = if is_by_time { by_time } else { halves(folder, false) };
        for attacks in [false, true] {
            let split = if is_by_time { "time" } else { "clients" };
            println!("| {} |", row(&early, &late, attacks, split).join(" | "));
        }
    }
}

/// One row of the table.
fn row(early: &Site, late: &Site, attacks: bool, split: &str) -> Vec<String> {
    let options = Options { attacks, labels_are_checked: false, ..Options::default() };
    let mut early = early.clone();
    let profile = learn_profile(&mut early, &options).unwrap();
    let options = Options { profile: Some(profile.clone()), ..options };
    let named = |rest: Vec<String>| {
        let attacked = if attacks { "yes" } else { "no" };
        [early.name.clone(), split.to_owned(), attacked.to_owned()]
            .into_iter()
            .chain(rest)
            .collect()
    };
    let trained = match train(std::slice::from_ref(&early), &options, |_| {}) {
        Ok(trained) => trained,
        Err(error) => return named(vec!["".to_owned(), format!("no model: {error}")]),
    };
    let card = &trained.file.card;
    let assumed = |counts: &std::collections::BTreeMap<String, u64>, what: &str| -> u64 {
        counts.iter().filter(|(why, _)| why.contains(what)).map(|(_, count)| count).sum()
    };
    let [assumed, left_out] = [
        assumed(&card.labels, "by assumption"),
        assumed(&card.dropped, "taken for a person, looks"),
    ];
    let model = Model::parse(&seal(&trained.file).unwrap()).unwrap();
    let mut late = late.clone();
    late.use_profile(Arc::new(SiteProfile::open(&profile).unwrap()));
    let scores = highest(&late, model.resolution_us(), Scoring::of(model.thresholds()), |_| {
        Some(model.scorer())
    });
    let of = |label: Label| -> Vec<f32> {
        let clients = late.clients.iter().zip(&scores);
        clients.filter(|(c, _)| c.labelled.label == label).filter_map(|(_, s)| *s).collect()
    };
    let (people, bots) = (of(Label::Human), of(Label::Bad));
    let area = auc_interval(&people, &bots).map_or("–".to_owned(), |area| {
        format!("{:.3} ({:.3}–{:.3})", area.value, area.low, area.high)
    });
    let above = |scores: &[f32]| match trained.file.thresholds.limit.margin {
        Some(margin) => {
            let above = scores.iter().filter(|&&score| score >= margin).count();
            format!("{above} of {}", scores.len())
        }
        None => "no limit".to_owned(),
    };
    named(vec![format!("{assumed}, {left_out}"), area, above(&people), above(&bots)])
}

/// How many clients with this label can be judged.
fn judged(site: &Site, label: Label) -> usize {
    site.clients.iter().filter(|c| c.labelled.label == label && c.pages >= 5).count()
}

/// The part of a log that trains, by the weak rules, and the rest by its labels file.
fn halves(folder: &Path, by_time: bool) -> [Site; 2] {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let labels = std::fs::read_to_string(folder.join("labels.csv")).unwrap();
    let labels = Labels::parse("labels.csv", &labels).unwrap();
    let (mut first, mut last) = (Timestamp::from_micros(i64::MAX), Timestamp::from_micros(0));
    read(folder, |record| {
        first = first.min(record.at);
        last = last.max(record.at);
    });
    let span = (last.as_micros() - first.as_micros()) as f64;
    let cut = Timestamp::from_micros(first.as_micros() + (span * TRAIN_SHARE) as i64);
    let mut builders = [SiteBuilder::default(), SiteBuilder::default()];
    let resolution_us = read(folder, |record| {
        let is_late = match by_time {
            true => record.at >= cut,
            false => fold_of(record.client_key(), 5) > 2,
        };
        builders[usize::from(is_late)].note(record).unwrap();
    });
    let [early, late] = builders;
    [
        early.finish(&name, resolution_us, None).unwrap(),
        late.finish(&name, resolution_us, Some(&labels)).unwrap(),
    ]
}

/// Reads a log and returns its time step in µs.
fn read(folder: &Path, mut visit: impl FnMut(&Record<'_>)) -> u32 {
    let file = File::open(folder.join("access.log.gz")).unwrap();
    let mut reader = LogReader::new("access.log.gz", decompress(BufReader::new(file))).unwrap();
    while let Some(record) = reader.next().unwrap() {
        visit(&record);
    }
    reader.tally().resolution_us()
}
