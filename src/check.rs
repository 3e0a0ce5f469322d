//! `kidoban check`: says whether configuration and model are sound. It changes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use analysis::proxied::ProxiedLog;
use anyhow::Result;
use detector::{Judge, Model, Score};
use gate::config::tuned::{self, Basis, TunedProof};
use gate::identity::TrustedProxies;
use proxy::{Config, Overrides};
use serde::Serialize;

use crate::args::CheckArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_model};
use crate::judge::overrides_with_shipped_model;
use crate::output;
use crate::train::metrics;

#[derive(Serialize)]
struct Checked {
    sound: bool,
    model: Option<String>,
    sha256: Option<String>,
    state: Option<String>,
    armed: Option<bool>,
    limit_score: Option<f32>,
    block_score: Option<f32>,
    cohort_score: Option<f32>,
    basis: BTreeMap<&'static str, Basis>,
    warnings: Vec<String>,
}

/// Checks configuration, model and logs, and prints what it found.
///
/// # Errors
/// The first fault of the configuration or the model, with file, line and remedy; a log that cannot
/// be read.
pub fn run(args: &CheckArgs) -> Result<CommandResult> {
    let mut warnings = Vec::new();
    let mut trusted = TrustedProxies::default();
    let (model, [limit, block, cohort], basis) = match &args.config {
        Some(path) => {
            let gate =
                gate::Overrides { model: args.model.clone(), ..overrides_with_shipped_model() };
            let config = &load(path, gate, &mut warnings)?;
            trusted = TrustedProxies::new(config.trusted_proxies().to_vec());
            let Judge { model, policy, .. } = gate::judge(config)?;
            gate::refuse_unarmed(config, model.as_ref())?;
            let margins = [policy.limit_margin(), policy.block_margin(), policy.cohort_margin()];
            warnings.extend(config.warnings_with(model.as_ref()));
            let basis = tuned::basis(config, model.as_ref());
            (model, margins, basis)
        }
        None => {
            let model = read_model(args.model.as_deref())?;
            let thresholds = model.thresholds();
            let margins = [&thresholds.limit, &thresholds.block, &thresholds.cohort]
                .map(|budget| budget.margin);
            let basis =
                margins.map(|margin| if margin.is_some() { Basis::Model } else { Basis::None });
            (Some(model), margins, basis)
        }
    };
    if limit.is_none() && block.is_none() {
        warnings.push(
            "no threshold is in force: nobody will be limited or blocked; train on your own log, \
                or set limit_score"
                .to_owned(),
        );
    }
    if let Some(model) = &model
        && !model.readiness().is_armed()
    {
        warnings.push("the model is not armed: kidoban run --mode enforce refuses it".to_owned());
    }
    warnings.extend(warning_of_proxied_log(&args.logs, &trusted)?);
    let score = |margin: Option<f32>| margin.map(|margin| Score::from_margin(margin).value());
    let checked = Checked {
        sound: true,
        model: model.as_ref().map(|model| model.file().name.clone()),
        sha256: model.as_ref().map(|model| model.sha256().to_owned()),
        state: model.as_ref().map(|model| model.readiness().to_string()),
        armed: model.as_ref().map(|model| model.readiness().is_armed()),
        limit_score: score(limit),
        block_score: score(block),
        cohort_score: score(cohort),
        basis: tuned::KEYS.into_iter().zip(basis).collect(),
        warnings,
    };
    if args.json {
        output::print_json(&checked)?;
    } else {
        output::print(&describe(args, &checked, model.as_ref()))?;
    }
    Ok(CommandResult::Passed)
}

/// Checks the section of every door that the file is meant for: of the proxy where it does not say.
fn load(path: &Path, gate: gate::Overrides, warnings: &mut Vec<String>) -> Result<gate::Config> {
    let text = gate::config::read(path)?;
    if decide::Config::is_meant_by(&text) {
        let overrides = decide::Overrides { gate: gate.clone(), ..decide::Overrides::default() };
        let config = decide::Config::load(Some(path), &overrides)?;
        if !text.contains("[proxy") {
            return Ok(config.gate().clone());
        }
    }
    let config = Config::load(Some(path), &Overrides { gate, ..Overrides::default() })?;
    warnings.extend(config.warnings().iter().cloned());
    Ok(config.gate().clone())
}

/// A warning if most requests of these logs carry the address of a proxy in front, which hides the
/// visitors.
fn warning_of_proxied_log(patterns: &[String], trusted: &TrustedProxies) -> Result<Option<String>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let logs = Logs::find(patterns)?.shown_as("Checking").quiet();
    let mut proxied = ProxiedLog::default();
    for mut reader in logs.open()? {
        while let Some(record) = reader.next()? {
            proxied.note(&record);
        }
    }
    logs.finish();
    Ok(proxied.warning(trusted))
}

fn describe(args: &CheckArgs, checked: &Checked, model: Option<&Model>) -> String {
    let mut text = String::new();
    if let Some(path) = &args.config {
        let _ = writeln!(text, "{} is sound.", path.display());
    }
    if let Some(model) = model {
        let file = model.file();
        let card = model.card();
        let _ = writeln!(
            text,
            "Model {} is sound: {}, trained on {} rows until {} UTC, all {} golden rows score as \
                recorded.",
            file.name,
            card.algorithm,
            output::count(card.rows),
            output::time(detector::Timestamp::from_micros(card.trained_until_us)),
            file.golden.len(),
        );
        let _ = writeln!(text, "{}", file.readiness);
        for (name, key, score, budget) in [
            ("limit", "limit_score", checked.limit_score, &file.thresholds.limit),
            ("block", "block_score", checked.block_score, &file.thresholds.block),
            ("cohort", "cohort_score", checked.cohort_score, &file.thresholds.cohort),
        ] {
            let basis = checked.basis.get(key).copied().unwrap_or(Basis::None);
            let _ = match score {
                Some(score) => writeln!(
                    text,
                    "  {name}  score ≥ {}{}",
                    output::score(f64::from(score)),
                    standing(name, basis, &budget.evidence)
                ),
                None => writeln!(text, "  {name}  none: {}", budget.evidence),
            };
        }
    }
    for warning in &checked.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    if let Some(model) = model {
        let _ = write!(text, "\nWhat it was worth in training:\n{}", metrics(model.card()));
    }
    text
}

/// The evidence for a threshold, printed after its score.
fn standing(name: &str, basis: Basis, of_the_model: &str) -> String {
    match basis {
        Basis::Model => format!(": {of_the_model}"),
        Basis::Tuned(TunedProof { people, above, at_most, confidence, .. }) => format!(
            ", tuned for this model: {} of {} people whom it had not seen lie above, at most {} of \
                people{}, with {} confidence",
            output::count(above),
            output::count(people),
            output::percent_at_most(at_most),
            if name == "cohort" { " besides those whom the limit hurts" } else { "" },
            output::percent(confidence),
        ),
        Basis::OtherModel => {
            ", tuned for another model: that is no evidence for this one".to_owned()
        }
        Basis::Changed => {
            ", changed by hand since it was tuned: there is no evidence for it".to_owned()
        }
        Basis::FewerPages { from_pages } => {
            format!(
                ", tuned for clients of {from_pages} pages or more, and fewer are judged: there is \
                    no evidence for that"
            )
        }
        Basis::Hand | Basis::None => {
            ", set by hand in the configuration: there is no evidence for it".to_owned()
        }
    }
}
