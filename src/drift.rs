//! `kidoban drift`: says whether traffic has changed since the model was trained, and whether its
//! budget still holds.

use std::fmt::Write as _;

use analysis::drift::{Examined, Promise, examine, words};
use analysis::explain::value;
use analysis::sources::LogRead;
use anyhow::{Context, Result, bail};
use detector::drift::{PSI_ALARM, Shift};
use detector::{Judge, Model};
use gate::config::tuned::{self, Basis, TunedProof};
use gate::{Config, Overrides};

use crate::args::DriftArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels, read_model};
use crate::judge::overrides_with_shipped_model;
use crate::output::{self, TextTable, WithLogs};
use crate::report::{self, Report};

/// Features shown when none has changed beyond the alarm.
const SHOWN_QUIET: usize = 5;

/// Compares the logs with the traffic that the model remembers, and prints. The result is `Failed`
/// when a feature changed beyond its alarm, a budget is exceeded, or no client could be judged.
///
/// # Errors
/// A file that cannot be read; a model that is refused, or that does not remember its training
/// traffic.
pub fn run(args: &DriftArgs) -> Result<CommandResult> {
    let report = Report::open(&args.report)?;
    let (model, promises) = in_force(args)?;
    if model.file().drift.is_none() {
        bail!(
            "{}: the model does not remember what its traffic was like; train it again with this \
                version",
            model.file().name
        );
    }
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let found = Logs::find(&args.logs)?
        .within_memory(args.memory_max)
        .reading(args.read.options(args.config.as_deref())?);
    let (mut site, tallies) = found.read_site("site", labels.as_ref())?;
    let logs = LogRead::all(&found.names(), &tallies);
    if let Some(profile) = model.shared_site_profile() {
        site.use_profile(profile);
    }
    let examined = examine(&site, &model, promises);
    if let Some(report) = &report {
        let mut origin = report::origin([&model], logs.clone());
        origin.digests.push(("Logs read".to_owned(), found.sha256()));
        if let Some(labels) = &args.labels {
            origin.digests.push(("Labels".to_owned(), report::sha256(labels)?));
        }
        report.write(&analysis::report::drift(&examined, report.names()), &origin)?;
    }
    if args.json {
        output::print_json(&WithLogs { result: &examined, logs: &logs })?;
    } else {
        output::print(&describe(&examined))?;
    }
    Ok(CommandResult::passed_if(examined.is_quiet()))
}

/// The model in force, and the budgets that its limit and block thresholds promise. A
/// configuration, where given, names both.
fn in_force(args: &DriftArgs) -> Result<(Model, [Option<Promise>; 2])> {
    let Some(path) = &args.config else {
        let model = read_model(args.model.as_deref())?;
        let promises = Promise::of_model(&model);
        return Ok((model, promises));
    };
    let overrides = Overrides { model: args.model.clone(), ..overrides_with_shipped_model() };
    let config = Config::load(Some(path), &overrides)?;
    let Judge { model, policy, .. } = gate::judge(&config)?;
    let model = model
        .context("the configuration names no model, and there is nothing to compare without one")?;
    let [limit, block, _] = tuned::basis(&config, Some(&model));
    let [own_limit, own_block] = Promise::of_model(&model);
    let promise = |basis: Basis, margin: Option<f32>, own: Option<Promise>| match basis {
        Basis::Tuned(TunedProof { people, above, at_most, confidence, .. }) => Some(Promise {
            margin: margin?,
            budget: at_most,
            evidence: format!(
                "{} of {} people whom the model had not seen lay above when it was tuned, with {} \
                    confidence",
                output::count(above),
                output::count(people),
                output::percent(confidence)
            ),
        }),
        Basis::Model => own,
        Basis::None
        | Basis::OtherModel
        | Basis::Changed
        | Basis::FewerPages { .. }
        | Basis::Hand => None,
    };
    let promises = [
        promise(limit, policy.limit_margin(), own_limit),
        promise(block, policy.block_margin(), own_block),
    ];
    tuned::warnings(&config, Some(&model))
        .iter()
        .for_each(|warning| eprintln!("warning: {warning}"));
    Ok((model, promises))
}

fn describe(examined: &Examined) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", examined.in_words());
    let Some(drift) = &examined.drift else { return text };
    if let Some(share) = examined.share_above_limit {
        let _ = writeln!(
            text,
            "{} of {} judged clients score from the limit threshold on; what moved is measured on \
                the others.",
            output::percent(share),
            output::count(examined.clients_judged),
        );
    }
    let number = |name: &str, median: Option<f32>| {
        median.map_or_else(|| "–".to_owned(), |median| value(name, median).replace('-', "−"))
    };
    let mut table =
        TextTable::new(&["", "PSI", "alarm above", "median then", "now", "missing then", "now"]);
    let mut row = |shift: &Shift| {
        table.row([
            format!("{}{}", words(shift.name), if shift.alarm { " !" } else { "" }),
            format!("{:.3}", shift.psi),
            format!("{:.3}", shift.noise.max(PSI_ALARM)),
            number(shift.name, shift.median_then),
            number(shift.name, shift.median_now),
            output::percent(f64::from(shift.missing_then)),
            output::percent(f64::from(shift.missing_now)),
        ]);
    };
    row(&drift.score);
    let alarms = drift.features.iter().filter(|shift| shift.alarm).count();
    drift.features.iter().take(alarms.max(SHOWN_QUIET)).for_each(&mut row);
    let _ = write!(text, "\n{}\n", table.render());
    for (name, held) in examined.budgets.iter().rev() {
        let _ = writeln!(
            text,
            "  {name} budget {}: {}",
            output::percent_at_most(held.budget),
            held.in_words()
        );
        // The budget printed is the proven share, which can be far from the share asked for.
        let _ = writeln!(text, "    on what it stands: {}", output::safe(&held.evidence, 300));
    }
    text
}
