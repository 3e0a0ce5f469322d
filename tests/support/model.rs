//! Models for tests: small ones written out by hand, and one trained on a simulated day.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detector::Settings;
use detector::features::{COUNT, FEATURES, definition_hash, index_of};
use detector::model::{Card, File, GoldenRow, Readiness, ScoreRule, ScorerFile, Thresholds, seal};
use detector::{AllowList, Detector, Judge, Model, Policy, PolicyConfig, Timestamp};
use traffic::log::LogReader;
use traffic::sim::{self, Mix, Population, SimRequest};
use trainer::{Labels, Options, Site, SiteBuilder, train};

use super::Folder;

/// A file with everything but a scorer that says something: an untold margin for everybody.
pub fn file(name: &str, scorer: ScorerFile) -> File {
    let mut file = File {
        format: detector::model::FORMAT,
        name: name.to_owned(),
        product: "test".to_owned(),
        features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
        definition: definition_hash(),
        resolution_us: 1,
        scorer,
        calibration: Vec::new(),
        thresholds: Thresholds::none(5, ScoreRule::LAST_PAGE),
        readiness: Readiness::default(),
        card: Card::default(),
        drift: None,
        site: None,
        golden: vec![GoldenRow { row: vec![None; COUNT], margin: 0.0 }],
    };
    if let Ok(scorer) = file.scorer.check() {
        file.golden[0].margin = scorer.margin(&file.golden[0].features().unwrap());
    }
    file
}

/// Everybody scores this margin.
pub fn constant(margin: f32) -> ScorerFile {
    weighted(margin, &[])
}

/// `bias + Σ weight · feature`.
pub fn weighted(bias: f32, weights: &[(&str, f32)]) -> ScorerFile {
    let mut weight = vec![0.0; COUNT];
    for (name, value) in weights {
        weight[index_of(name).unwrap()] = *value;
    }
    ScorerFile::Logistic { bias, mean: vec![0.0; COUNT], scale: vec![1.0; COUNT], weight }
}

/// Scores that move with what a client does: errors, haste, uniqueness and regularity raise them.
pub fn lively() -> ScorerFile {
    weighted(
        -4.0,
        &[
            ("error_share", 5.0),
            ("unique_ratio", 2.0),
            ("gap_cv", -0.8),
            ("gap_consistency", 3.0),
            ("rate_60s", 0.05),
        ],
    )
}

/// One tree of two splits.
pub fn small_tree() -> ScorerFile {
    let feature = |name| index_of(name).unwrap() as u16;
    ScorerFile::Trees {
        base: -0.5,
        roots: vec![0],
        feature: vec![feature("gap_cv"), 0x7fff, feature("unique_ratio") | 0x8000, 0x7fff, 0x7fff],
        threshold: vec![0.25, 0.0, 0.5, 0.0, 0.0],
        left: vec![1, 1, 3, 3, 4],
        right: vec![2, 1, 4, 3, 4],
        value: vec![0.0, 2.0, -1.0, -2.0, 1.5],
    }
}

/// Seals a file into a folder.
pub fn write(folder: &Folder, file: &File) -> PathBuf {
    folder.write(&format!("{}.json", file.name), seal(file).unwrap())
}

/// Reads a file as a gate would.
pub fn parse(file: &File) -> Model {
    Model::parse(&seal(file).unwrap()).unwrap()
}

/// A judge with this model and these thresholds, in 0..1.
pub fn judge(model: Model, limit: f32, block: f32) -> Judge {
    let config = PolicyConfig {
        limit_score: Some(limit),
        block_score: Some(block),
        ..PolicyConfig::default()
    };
    Judge {
        policy: Policy::new(config, Some(&model)).unwrap(),
        model: Some(model),
        allow: AllowList::default(),
    }
}

/// A detector that judges so; the hash key is any.
pub fn detector(capacity: usize, judge: Judge) -> Detector {
    Detector::new(Settings { capacity, hash_key: 7 }, judge)
}

/// Monday 2026-11-16, 00:00 UTC: any day will do, but always the same.
pub const DAY: Timestamp = Timestamp::from_secs(1_794_787_200);
pub const DAY_US: u64 = 86_400 * 1_000_000;

/// The model a toy shop would train on a day of 1,200 people and 270 bots, some of them slow, as
/// `kidoban demo` does on a larger one.
pub fn trained_on_a_day(site: &Arc<sim::Site>) -> File {
    trained_on(site, 1_200)
}

/// The model after a day of 8,500 people: enough to prove both thresholds. Training takes ten
/// seconds, so the tests of one build share it.
pub fn proven(site: &Arc<sim::Site>) -> File {
    let built = std::fs::metadata(std::env::current_exe().unwrap()).unwrap();
    let age = built.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let kept =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("proven-{age}-{}.json", built.len()));
    if let Ok(text) = std::fs::read_to_string(&kept) {
        return serde_json::from_str(&text).unwrap();
    }
    let file = trained_on(site, 8_500);
    // Whole or not at all: other tests are doing the same.
    let own = kept.with_extension(std::process::id().to_string());
    std::fs::write(&own, serde_json::to_string(&file).unwrap()).unwrap();
    std::fs::rename(own, kept).unwrap();
    file
}

fn trained_on(site: &Arc<sim::Site>, people: usize) -> File {
    let mix = Mix::of(people, people / 5).with(Population::SlowBruteForcer, people / 40);
    let site = labelled(&sim::simulate(site, 20_261_116, DAY, &mix, DAY_US));
    let options = Options { name: "toy".to_owned(), ..Options::default() };
    train(std::slice::from_ref(&site), &options, |_| ()).unwrap().file
}

/// A simulated day as the trainer would read it from the shop's log.
pub fn labelled(day: &[SimRequest]) -> Site {
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(day, &mut log).unwrap();
    sim::write_labels(&sim::labels(day), &mut labels).unwrap();
    let labels = Labels::parse("labels.csv", std::str::from_utf8(&labels).unwrap()).unwrap();
    let mut reader = LogReader::new("day.log", Cursor::new(&log[..])).unwrap();
    let mut builder = SiteBuilder::default();
    while let Some(record) = reader.next().unwrap() {
        builder.note(&record).unwrap();
    }
    builder.finish("toy shop", reader.tally().resolution_us(), Some(&labels)).unwrap()
}
