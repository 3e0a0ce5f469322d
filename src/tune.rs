//! `kidoban tune`: finds thresholds that keep a budget of people refused. Prints their proof, what
//! they would stop and which orders they would cost.

mod print;

use std::path::{Path, PathBuf};

use analysis::format::counted;
use analysis::report::tuning::verdict;
use analysis::sources::LogRead;
use analysis::tune::{CountedClients, TuneError, tune_with};
use analysis::{TuneOptions, Tuned};
use anyhow::{Context, Result, bail};
use detector::{AllowList, Judge, Model, PolicyConfig};
use gate::config::edit;
use gate::{Config, Overrides};
use serde::Serialize;
use traffic::{ConversionWatch, Conversions};
use trainer::Labels;
use trainer::calibrate::Budgets;

use crate::args::TuneArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels, read_model};
use crate::judge::overrides_with_shipped_model;
use crate::output;
use crate::report::{self, Report};

/// Share of people that may be blocked, without `--block-budget`.
const BLOCK_BUDGET: f64 = 0.001;

#[derive(Serialize)]
struct Printed<'a> {
    /// The verdict in one sentence.
    words: String,
    is_kept: bool,
    snippet: String,
    written: Option<&'a Path>,
    logs: &'a [LogRead],
    #[serde(flatten)]
    tuned: &'a Tuned,
}

/// Model, policy, allow list and outcomes in force before tuning.
struct InForce {
    model: Model,
    policy: PolicyConfig,
    allow: AllowList,
    outcomes: Conversions,
    warning: Option<String>,
}

/// Tunes, prints, and writes the thresholds to the file of `--write`. The result is `Failed` when a
/// budget cannot be proven to be kept.
///
/// # Errors
/// A file that cannot be read or written; a `--write` file whose gate runs another model; budgets,
/// patterns or thresholds that contradict one another.
pub fn run(args: &TuneArgs) -> Result<CommandResult> {
    let report = Report::open(&args.report)?;
    let InForce { model, policy, allow, mut outcomes, warning } = in_force(args)?;
    if let Some(path) = &args.write {
        refuse_other_model(path, &model, args)?;
    }
    for outcome in &args.outcomes {
        outcomes.add_flag(outcome).context("--outcome")?;
    }
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    // Before the logs, which may take minutes.
    let mut known = args.proof.as_deref().map(read_proof).transpose()?.flatten();
    let logs = Logs::find(&args.logs)?
        .within_memory(args.memory_max)
        .reading(args.read.options(args.config.as_deref())?)
        .without_copies()?;
    let mut watch = ConversionWatch::new(&outcomes);
    let mut arrivals = Vec::new();
    let (site, tallies) = logs
        .read_site_watched("site", labels.as_ref(), |record| arrivals.extend(watch.see(record)))?;
    let options = TuneOptions {
        budgets: Budgets {
            limit_alpha: args.fp_budget,
            block_alpha: args.block_budget.unwrap_or(BLOCK_BUDGET.min(args.fp_budget)),
            delta: 1.0 - args.confidence,
        },
        policy,
        allow,
        labels_are_given: labels.is_some(),
        is_unseen: args.unseen,
        data_sha256: logs.sha256(),
        outcomes: TuneOptions::named(&outcomes),
        labels: labels.iter().flat_map(Labels::iter).map(|(key, it)| (key, it.clone())).collect(),
        arrivals,
    };
    let mut tuned = tune_with(&model, site, &options, &mut known).map_err(|error| {
        match (error, &args.proof) {
            (TuneError::Proof(error), Some(path)) => {
                anyhow::Error::new(error).context(path.display().to_string())
            }
            (error, _) => error.into(),
        }
    })?;
    tuned.warnings.extend(warning);
    let read = LogRead::all(&logs.names(), &tallies);
    let refused: u64 = tallies.iter().map(|tally| tally.refused).sum();
    if refused > 0 {
        tuned.warnings.push(format!("{} could not be read", counted(refused, "line")));
    }
    if let Some(report) = &report {
        // This comes before `--write`, so that the digest is of the configuration that was in
        // force.
        let mut origin = report::origin([&model], read.clone());
        origin.digests.push(("Logs read".to_owned(), logs.sha256()));
        for (what, path) in [
            ("Labels", &args.labels),
            ("Configuration", &args.config.clone().or(args.write.clone())),
        ] {
            if let Some(path) = path {
                origin.digests.push((what.to_owned(), report::sha256(path)?));
            }
        }
        report.write(&analysis::report::tuning(&tuned, report.names()), &origin)?;
    }
    // The people first: thresholds without their proof would be worth less than none.
    if let (Some(path), Some(known)) = (&args.proof, &known) {
        let bytes = known.to_file().with_context(|| path.display().to_string())?;
        output::write_private(path, &bytes)?;
    }
    let written = match &args.write {
        Some(path) if !tuned.keys().is_empty() => {
            write(path, &tuned)?;
            Some(path.as_path())
        }
        _ => None,
    };
    if args.json {
        let (is_kept, snippet) = (tuned.is_kept(), tuned.snippet());
        let words = verdict(&tuned);
        let printed = Printed { words, is_kept, snippet, written, logs: &read, tuned: &tuned };
        output::print_json(&printed)?;
    } else {
        output::print(&print::describe(&tuned, args.write.as_deref(), written))?;
    }
    Ok(CommandResult::passed_if(tuned.is_kept()))
}

/// Whom earlier runs have counted; `None` where the file is not there yet.
fn read_proof(path: &Path) -> Result<Option<CountedClients>> {
    let name = || path.display().to_string();
    output::check_writable(path)?;
    match std::fs::read(path) {
        Ok(bytes) => CountedClients::of_file(&bytes).map(Some).with_context(name),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be read", name())),
    }
}

fn in_force(args: &TuneArgs) -> Result<InForce> {
    let Some(path) = args.config.as_ref().or(args.write.as_ref()) else {
        let model = read_model(args.model.as_deref())?;
        let (policy, allow, outcomes) =
            (PolicyConfig::default(), AllowList::default(), Conversions::default());
        return Ok(InForce { model, policy, allow, outcomes, warning: None });
    };
    let config = Config::load(
        Some(path),
        &Overrides { model: args.model.clone(), ..overrides_with_shipped_model() },
    )?;
    let Judge { model, allow, .. } = gate::judge(&config)?;
    let model = model.context("there is no model: pass --model")?;
    // Only a warning here. For the file of `--write` it is an error.
    let warning =
        args.write.is_none().then(|| other_model(path, &model)).transpose()?.flatten().map(|own| {
            format!(
                "{} runs another model ({}); these thresholds mean nothing to that one",
                path.display(),
                own.file().name
            )
        });
    Ok(InForce {
        model,
        policy: config.policy().clone(),
        allow,
        outcomes: config.outcomes().clone(),
        warning,
    })
}

/// The model that a configuration runs, if it differs from `model`.
fn other_model(path: &Path, model: &Model) -> Result<Option<Model>> {
    let own = gate::model(&Config::load(Some(path), &overrides_with_shipped_model())?)?;
    Ok(own.filter(|own| own.sha256() != model.sha256()))
}

/// Refuses to write thresholds for a gate that runs another model: a threshold is valid only for
/// the model it was found for.
fn refuse_other_model(path: &Path, model: &Model, args: &TuneArgs) -> Result<()> {
    let Some(own) = other_model(path, model)? else { return Ok(()) };
    let remedy = match &args.model {
        Some(given) => format!(
            "Write model = \"{}\" at its top, or leave out --model",
            beside(path, given).display().to_string().escape_default()
        ),
        None => "Pass the same file as -c, or pass its model with --model".to_owned(),
    };
    bail!(
        "{}: its gate runs the model {}, and these would be thresholds of {}, which mean nothing \
            to that one. {remedy}",
        path.display(),
        output::safe(&own.file().name, 60),
        output::safe(&model.file().name, 60),
    )
}

/// The path by which a configuration names a file: relative to the configuration's folder where the
/// file lies below it.
fn beside(config: &Path, file: &Path) -> PathBuf {
    let folder =
        config.canonicalize().ok().and_then(|config| config.parent().map(Path::to_path_buf));
    let file = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    folder.and_then(|folder| file.strip_prefix(folder).ok().map(Path::to_path_buf)).unwrap_or(file)
}

/// Writes thresholds and their evidence into the configuration, after checking that the gate would
/// accept the result.
fn write(path: &Path, tuned: &Tuned) -> Result<()> {
    let before = std::fs::read_to_string(path)
        .with_context(|| format!("{}: cannot be read", path.display()))?;
    let after = edit::with_policy(&before, path, &tuned.keys(), &tuned.evidence())?;
    Config::parse(&after, path, &overrides_with_shipped_model())
        .context("with the new thresholds")?;
    edit::replace(path, &after).with_context(|| format!("{}: cannot be written", path.display()))
}
