//! The gate through real sockets on loopback, in front of a shop that says what it saw.
#![allow(clippy::unwrap_used)] // Tests, helpers included: a panic is the report.

mod challenging;
mod challenging_browser;
mod client;
mod origin;
mod refusing;
mod running;
mod serving;
#[allow(clippy::print_stdout)] // why a test is skipped
#[path = "../../../tests/support/skip.rs"]
mod skip;

use std::path::{Path, PathBuf};

use client::Client;
use detector::features::{COUNT, FEATURES, definition_hash};
use detector::model::{Card, File, GoldenRow, Readiness, ScoreRule, ScorerFile, Thresholds, seal};
use origin::Origin;
use proxy::{Config, Overrides, RunningGate};

/// What a gate needs to be started on free ports; `rest` is more configuration.
fn config(upstream: &str, rest: &str) -> Config {
    let proxy = format!("listen = \"127.0.0.1:0\"\nupstream = \"{upstream}\"\nthreads = 2");
    let text = format!("admin = \"127.0.0.1:0\"\n{rest}\n[proxy]\n{proxy}\n");
    Config::parse(&text, Path::new("test.toml"), &Overrides::default()).unwrap()
}

fn gate(origin: &Origin, rest: &str) -> RunningGate {
    RunningGate::start(config(&origin.url(), rest)).unwrap()
}

/// A model for which everybody scores the same: `margin` in log-odds.
fn model(folder: &Path, name: &str, margin: f32) -> PathBuf {
    model_that_is(Readiness::default(), folder, name, margin)
}

/// A model that scores everybody alike, and says so of itself whether it is ready.
fn model_that_is(readiness: Readiness, folder: &Path, name: &str, margin: f32) -> PathBuf {
    let file = File {
        format: detector::model::FORMAT,
        name: name.to_owned(),
        product: "test".to_owned(),
        features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
        definition: definition_hash(),
        resolution_us: 1,
        scorer: ScorerFile::Logistic {
            bias: margin,
            mean: vec![0.0; COUNT],
            scale: vec![1.0; COUNT],
            weight: vec![0.0; COUNT],
        },
        calibration: Vec::new(),
        thresholds: Thresholds::none(1, ScoreRule::LAST_PAGE),
        readiness,
        card: Card::default(),
        drift: None,
        site: None,
        golden: vec![GoldenRow { row: vec![None; COUNT], margin }],
    };
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, seal(&file).unwrap()).unwrap();
    path
}

/// A folder of the test's own, removed when it passes.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("kidoban-gate-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }
}

/// Blocks every page from the first on.
const BLOCK: &str =
    "[policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = 0.9\nblock_after_pages = 1\n";
/// Grants one page and then limits.
const LIMIT: &str = "[policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = \
    0.99999\nlimit_burst_pages = 1\nlimit_pages_per_min = 1\n";

/// A gate in front of `origin` that finds everybody suspicious.
fn strict(origin: &Origin, folder: &Folder, mode: &str, policy: &str) -> RunningGate {
    let model = model(&folder.0, "strict", 5.0);
    gate(origin, &format!("mode = \"{mode}\"\nmodel = {model:?}\n{policy}"))
}

fn metrics(gate: &RunningGate) -> String {
    let answer = Client::connect(gate.admin_addr()).get("/metrics");
    assert_eq!(answer.status, 200);
    answer.body
}
