//! `kidoban train --promote-to`: retrains on a rolling window of the logs, judges the new model on
//! what came after, and promotes it only through the gates.
//!
//! ```text
//!  logs ─► learn (--window) ─► challenger ─┐
//!       └► newest (--judge-on) ────────────┴─► beside the champion ─► promoted, or the last good stays
//! ```
//!
//! A run that fails leaves the model in force as it was: all that is written before the last rename
//! is beside it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use analysis::promote::{Promotion, PromotionCase, promotion};
use anyhow::{Context, Result, bail};
use detector::model::seal;
use detector::{Model, PolicyConfig, Timestamp};
use serde::Serialize;
use tokio::signal::unix::SignalKind;
use traffic::log::Tally;
use trainer::train;
use trainer::train::learn_profile;

use super::labelled_logs::Served;
use super::options;
use super::place::Place;
use crate::args::{RollingArgs, TrainArgs};
use crate::command_result::CommandResult;
use crate::input::{LogWindow, Logs, WindowSites, read_labels};
use crate::judge::overrides_with_shipped_model;
use crate::signals::listen;
use crate::{output, progress};

/// One line of the journal: what was judged in a run and what was decided.
#[derive(Serialize)]
struct JournalLine<'a> {
    /// When the run began, UTC.
    at: String,
    decision: Decision,
    words: &'a str,
    /// Where learning began and ended, and the logs' last line, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<[String; 3]>,
    logs: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    judged: Option<&'a Promotion>,
    /// Whether the command of --on-promotion succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_promotion: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Promoted,
    Kept,
    Failed,
}

/// What a run came to.
struct Outcome {
    decision: Decision,
    words: String,
    window: Option<LogWindow>,
    logs: Vec<String>,
    judged: Option<Promotion>,
}

/// Retrains once, or again and again with `--every`. The result of a single run is `Failed` where
/// the last good model stays.
///
/// # Errors
/// Another run is at work; a single run that failed.
pub fn run(args: &TrainArgs, model: &Path) -> Result<CommandResult> {
    let place = Place::of(model)?;
    let _held = place.lock()?;
    let Some(every) = args.rolling.every else {
        return Ok(CommandResult::passed_if(one(args, &place)? == Decision::Promoted));
    };
    repeat(every, || {
        // Whatever went wrong may be mended by the next time.
        if let Err(error) = one(args, &place) {
            eprintln!("kidoban: {error:#}");
        }
    })?;
    Ok(CommandResult::Passed)
}

/// Calls `run` at once and after each span, until SIGTERM or SIGINT. A signal ends it between runs.
/// A run that took longer than the span is followed by the next one at once.
fn repeat(every: Duration, mut run: impl FnMut()) -> Result<()> {
    let (runtime, [mut terminate, mut interrupt]) =
        listen([SignalKind::terminate(), SignalKind::interrupt()])?;
    loop {
        let began = Instant::now();
        run();
        let left = every.saturating_sub(began.elapsed());
        let is_over = runtime.block_on(async {
            tokio::select! {
                biased;
                _ = terminate.recv() => true,
                _ = interrupt.recv() => true,
                () = tokio::time::sleep(left) => false,
            }
        });
        if is_over {
            return Ok(());
        }
    }
}

/// One run, noted in the journal and printed.
fn one(args: &TrainArgs, place: &Place) -> Result<Decision> {
    let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = output::time(Timestamp::from_micros(i64::try_from(at.as_micros()).unwrap_or(0)));
    let mut line = JournalLine {
        at,
        decision: Decision::Failed,
        words: "",
        window: None,
        logs: &args.logs,
        judged: None,
        on_promotion: None,
    };
    let outcome = match judged(args, place) {
        Ok(outcome) => outcome,
        Err(error) => {
            let words = format!("{error:#}");
            // A full disk takes no line either. The reason of the run is the one to be told.
            if let Err(error) = place.note(&JournalLine { words: &words, ..line }) {
                eprintln!("warning: {error:#}");
            }
            return Err(error.context("nothing was changed"));
        }
    };
    line.on_promotion = match (outcome.decision, &args.rolling.on_promotion) {
        (Decision::Promoted, Some(command)) => Some(on_promotion(command)),
        _ => None,
    };
    line.decision = outcome.decision;
    line.words = &outcome.words;
    line.logs = &outcome.logs;
    line.window =
        outcome.window.map(|window| [window.from, window.split, window.until].map(output::time));
    line.judged = outcome.judged.as_ref();
    if let Err(error) = place.note(&line) {
        eprintln!("warning: {error:#}");
    }
    if args.json {
        output::print_json_lines(&[&line])?;
    } else {
        output::print(&describe(&line, place))?;
    }
    Ok(outcome.decision)
}

/// Tells whoever has to know; a gate is told by SIGHUP.
fn on_promotion(command: &str) -> bool {
    let ended = Command::new("sh").arg("-c").arg(command).status();
    let is_done = matches!(&ended, Ok(status) if status.success());
    if !is_done {
        let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
        eprintln!("warning: --on-promotion {command:?} failed: {how}");
    }
    is_done
}

fn judged(args: &TrainArgs, place: &Place) -> Result<Outcome> {
    let RollingArgs { window, judge_on, keep, config, .. } = &args.rolling;
    let champion = place.champion()?;
    let policy = match config {
        None => PolicyConfig::default(),
        Some(path) => {
            let config = gate::Config::load(Some(path), &overrides_with_shipped_model())?;
            config.policy().clone()
        }
    };
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let logs = Logs::find(&args.logs)?
        .within_memory(args.memory_max)
        .reading(args.read.options(config.as_deref())?)
        .without_copies()?
        .quiet();
    let window = LogWindow::of(&logs, *window, *judge_on)?;
    let outcome = |decision, words, judged| Outcome {
        decision,
        words,
        window: Some(window),
        logs: logs.names(),
        judged,
    };
    let mut served = [(); 2].map(|()| Served::new(&args.people_paths));
    let WindowSites { mut learnt, mut newest, tallies } =
        logs.read_window(window, labels.as_ref(), |record, is_newest| {
            served[usize::from(is_newest)].see(record);
        })?;
    let Some([_, learnt_until]) = learnt.span() else {
        bail!(
            "there is no request to learn from before {} UTC: give older logs too, or a shorter \
                --judge-on",
            output::time(window.split)
        );
    };
    let known = champion.as_ref().map(|champion| champion.card().trained_until_us);
    if let Some(known) = known.filter(|&known| known >= learnt_until.as_micros()) {
        let words = format!(
            "The last good model stays: it has learnt up to {} UTC, and what is to be learnt from \
                ends at {} UTC.",
            output::time(Timestamp::from_micros(known)),
            output::time(learnt_until),
        );
        return Ok(outcome(Decision::Kept, words, None));
    }
    served[0].vouch(&mut learnt, labels.is_some());
    served[1].vouch(&mut newest, labels.is_some());
    let mut options = options(args, &place.model)?;
    options.data = logs.names();
    options.data_sha256 = logs.sha256();
    options.guard = champion.clone();
    {
        let _bar = progress::uncounted("Learning what the site is");
        options.profile = Some(learn_profile(&mut learnt, &options)?);
    }
    let trained = train(std::slice::from_ref(&learnt), &options, progress::stages("Training"))?;
    let sealed = seal(&trained.file)?;
    let challenger = Model::parse(&sealed).context("the model just trained is refused")?;
    let case = PromotionCase {
        learnt: &learnt,
        newest: &newest,
        policy: &policy,
        budgets: options.budgets,
    };
    let judged = promotion(&challenger, champion.as_ref(), &case)
        .context("the policy in force does not fit a model")?;
    let decision = if judged.is_promoted {
        place.promote(champion.as_ref(), &sealed, *keep)?;
        Decision::Promoted
    } else {
        Decision::Kept
    };
    let refused: u64 = tallies.iter().map(|tally: &Tally| tally.refused).sum();
    if refused > 0 {
        eprintln!("warning: {} could not be read", analysis::format::counted(refused, "line"));
    }
    Ok(outcome(decision, judged.words.clone(), Some(judged)))
}

fn describe(line: &JournalLine<'_>, place: &Place) -> String {
    let mut text = format!("{}\n", output::safe(line.words, 2_000));
    if let Some([from, split, until]) = &line.window {
        text += &format!(
            "Learnt from {from} to {split} UTC, judged on new clients up to {until} UTC.\n"
        );
    }
    for gate in line.judged.iter().flat_map(|judged| &judged.gates) {
        let passed = if gate.is_passed { "passed" } else { "FAILED" };
        text += &format!("  {passed}  {:<14} {}\n", gate.name, output::safe(&gate.words, 400));
    }
    if line.decision == Decision::Promoted {
        text += &format!("Wrote {}. A gate reads it on SIGHUP.\n", place.model.display());
    }
    text
}
