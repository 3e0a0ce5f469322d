//! `kidoban diff`: whose verdict changes between two configurations or models.

mod print;

use std::path::{Path, PathBuf};

use analysis::diff::{Comparison, DiffPass, DiffWatch, JudgeSummary};
use analysis::sources::LogRead;
use anyhow::{Context, Result, bail};
use detector::{Detector, Judge, Settings};
use gate::Config;
use traffic::Conversions;
use traffic::replay::{Walked, walk_twice_if_needed};
use trainer::site::OFFLINE_HASH_KEY;

use crate::args::DiffArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels};
use crate::jobs::jobs;
use crate::judge::{judge, overrides_with_shipped_model};
use crate::output::{self, WithLogs};
use crate::report::{self, Report};

/// Compares both sides on the logs and prints. As with diff(1), the result is `Failed` when any
/// verdict changes; also when no request was read.
///
/// # Errors
/// A file that cannot be read; a configuration or model that is refused.
pub fn run(args: &DiffArgs) -> Result<CommandResult> {
    let report = Report::open(&args.report)?;
    let mut outcomes = Conversions::default();
    let judges = [judge_of(&args.before, &mut outcomes)?, judge_of(&args.after, &mut outcomes)?];
    for outcome in &args.outcomes {
        outcomes.add_flag(outcome).context("--outcome")?;
    }
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let logs = Logs::find(&args.logs)?.reading(args.read.options(None)?);
    let comparing = || {
        let detectors = [0, 1].map(|side: usize| {
            let (judge, capacity) = &judges[side];
            let settings = Settings { capacity: *capacity, hash_key: OFFLINE_HASH_KEY };
            Detector::new(settings, judge.clone())
        });
        DiffPass::new(detectors, &outcomes)
    };
    let Walked { pass, tallies, watches } =
        walk_twice_if_needed(jobs(args.jobs), &logs, comparing)?;
    logs.finish();
    let comparisons = watches.into_iter().map(DiffWatch::into_comparison);
    let comparison = comparisons.reduce(Comparison::join).unwrap_or_default();
    let names = [&args.before, &args.after];
    let sides = [0, 1].map(|side: usize| {
        JudgeSummary::of(&names[side].display().to_string(), &pass.detectors()[side])
    });
    let read = (
        tallies.iter().map(|tally| tally.lines).sum(),
        tallies.iter().map(|tally| tally.refused).sum(),
    );
    let difference = comparison.finish(sides, read, outcomes.names(), labels.as_ref(), args.top);
    let read = LogRead::all(&logs.names(), &tallies);
    if let Some(report) = &report {
        let models = judges.iter().filter_map(|(judge, _)| judge.model.as_ref());
        let mut origin = report::origin(models, read.clone());
        // Two configurations often name the same model.
        origin.models.dedup_by(|after, before| after.sha256 == before.sha256);
        let named = [&args.before, &args.after].into_iter().chain(&args.labels);
        for path in named.map(PathBuf::as_path).chain(logs.files()) {
            origin.digests.push((path.display().to_string(), report::sha256(path)?));
        }
        report.write(&analysis::report::difference(&difference, report.names()), &origin)?;
    }
    let nothing = output::nothing_read(difference.requests, &args.logs);
    if args.json {
        output::print_json(&WithLogs { result: &difference, logs: &read })?;
    } else if let Some(nothing) = &nothing {
        output::print(&format!("{nothing}\n"))?;
    } else {
        output::print(&print::describe(&difference))?;
    }
    Ok(CommandResult::passed_if(difference.is_none() && nothing.is_none()))
}

/// Reads a configuration (`.toml`) or a model (`.json`), told apart by the extension. The outcomes
/// that a configuration defines are added to `outcomes`.
fn judge_of(path: &Path, outcomes: &mut Conversions) -> Result<(Judge, usize)> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => judge(None, Some(path)),
        Some("toml") => {
            let config = Config::load(Some(path), &overrides_with_shipped_model())?;
            for (name, pattern) in config.outcomes().patterns() {
                let pattern = pattern.to_string();
                let is_known = outcomes
                    .patterns()
                    .any(|(known, other)| known == name && other.to_string() == pattern);
                if !is_known {
                    outcomes.add(name, &pattern)?;
                }
            }
            judge(Some(path), None)
        }
        _ => bail!("{}: expected a configuration (.toml) or a model (.json)", path.display()),
    }
}
