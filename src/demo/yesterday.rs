//! The toy shop's access log of yesterday, which is simulated, and the model that the ordinary
//! trainer makes of it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use detector::model::seal;
use detector::{Model, Score, Timestamp};
use traffic::sim::{self, Mix, Site};
use trainer::{Options, train as fit};

use crate::input::{Logs, read_labels, read_model};
use crate::output::{count, figure, percent};

/// Enough people to prove a block budget of 0.1 %. Half of those with enough pages are kept apart
/// for the proof, which needs at least 2,995.
const PEOPLE: usize = 10_000;
const BOTS: usize = 400;
/// Monday 2026-11-16, 00:00 UTC. Any day would do, but it is always the same one.
const DAY: Timestamp = Timestamp::from_secs(1_794_787_200);
const DAY_US: u64 = 86_400 * 1_000_000;
/// Added to the seed, so that yesterday's people are not today's.
const SEED_OFFSET: u64 = 1_000_003;

/// Writes `yesterday.log`, `labels.csv` and `shop.json` to the folder and returns the model.
///
/// # Errors
/// A file that cannot be written, or a failed training.
pub fn train(site: &Arc<Site>, seed: u64, folder: &Path) -> Result<Model> {
    let (log, labels, path) =
        (folder.join("yesterday.log"), folder.join("labels.csv"), folder.join("shop.json"));
    let day =
        sim::simulate(site, seed.wrapping_add(SEED_OFFSET), DAY, &Mix::of(PEOPLE, BOTS), DAY_US);
    let create = |path: &Path| {
        File::create(path)
            .map(BufWriter::new)
            .with_context(|| format!("{}: cannot be written", path.display()))
    };
    sim::write_json(&day, &mut create(&log)?)?;
    sim::write_labels(&sim::labels(&day), &mut create(&labels)?)?;
    drop(day);

    let logs = Logs::find(&[log.display().to_string()])?;
    let (site, _) = logs.read_site("toy shop", Some(&read_labels(&labels)?))?;
    let options = Options {
        name: "toy shop".to_owned(),
        data: logs.names(),
        data_sha256: logs.sha256(),
        ..Options::default()
    };
    let trained = fit(std::slice::from_ref(&site), &options, |_| ())?;
    std::fs::write(&path, seal(&trained.file)?)
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    read_model(Some(&path))
}

/// The trained model in a few lines: its clients, thresholds and quality.
pub fn describe(model: &Model, folder: &Path) -> String {
    let card = model.card();
    let clients = |label: &str| count(card.clients.get(label).copied().unwrap_or(0));
    let auc = card.metrics.get("held_out/auc").map(|metric| metric.value);
    let mut text = format!(
        "  {} people and {} bots; AUC {} on clients held out by time\n",
        clients("human"),
        clients("bad"),
        figure(auc)
    );
    for (name, budget) in
        [("limit", &model.thresholds().limit), ("block", &model.thresholds().block)]
    {
        let score = budget
            .margin
            .map(|margin| format!("score ≥ {:.3}", Score::from_margin(margin).value()));
        let _ = writeln!(
            text,
            "  {name} at {}: {}",
            score.as_deref().unwrap_or("no score"),
            budget.evidence
        );
    }
    let caught = card.metrics.get("calibration/tpr_at_block").map(|metric| percent(metric.value));
    let _ = writeln!(
        text,
        "  at the block threshold {} of yesterday's bots would have been stopped",
        caught.unwrap_or_default()
    );
    let _ = writeln!(text, "  (log, labels and model: {})", folder.display());
    text
}
