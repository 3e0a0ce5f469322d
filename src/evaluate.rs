//! `kidoban evaluate`: measures how good a model is on a labelled log.

use std::fmt::Write as _;

use analysis::evaluate::{Evaluation, NoneHurt, RequestsToDetect, evaluate_told};
use analysis::report::evaluation::{reach, verdict};
use analysis::sources::LogRead;
use anyhow::Result;
use lab::baselines::fixed;
use serde::Serialize;

use crate::args::EvaluateArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels, read_model};
use crate::output::{self, TextTable, WithLogs};
use crate::progress;
use crate::report::{self, Report};

/// Evaluates and prints. The result is `Failed` when people or bad robots are missing, so that
/// there is nothing to tell apart.
///
/// # Errors
/// A file that cannot be read; a model that is refused.
pub fn run(args: &EvaluateArgs) -> Result<CommandResult> {
    let report = Report::open(&args.report)?;
    let model = read_model(Some(&args.model))?;
    let labels = read_labels(&args.labels)?;
    let found =
        Logs::find(&args.logs)?.within_memory(args.memory_max).reading(args.read.options(None)?);
    let (mut site, tallies) = found.read_site("site", Some(&labels))?;
    let logs = LogRead::all(&found.names(), &tallies);
    if let Some(profile) = model.shared_site_profile() {
        site.use_profile(profile);
    }
    let min_pages = args.min_pages.unwrap_or(model.thresholds().min_pages);
    let evaluation =
        evaluate_told(&model, &site, min_pages, fixed(), progress::stages("Evaluating"))?;
    let evaluation = evaluation.of_logs(&model, &found.sha256());
    if let Some(report) = &report {
        let mut origin = report::origin([&model], logs.clone());
        origin.digests.push(("Logs read".to_owned(), found.sha256()));
        origin.digests.push(("Labels".to_owned(), report::sha256(&args.labels)?));
        report.write(&analysis::report::evaluation(&evaluation, report.names()), &origin)?;
    }
    if args.json {
        let words = verdict(&evaluation);
        output::print_json(&Printed {
            words,
            result: WithLogs { result: &evaluation, logs: &logs },
        })?;
    } else {
        output::print(&describe(&evaluation))?;
    }
    Ok(CommandResult::passed_if(evaluation.auc.is_some()))
}

/// The JSON of `evaluate`: the verdict in one sentence, then the figures.
#[derive(Serialize)]
struct Printed<'a> {
    words: String,
    #[serde(flatten)]
    result: WithLogs<'a, Evaluation>,
}

fn describe(e: &Evaluation) -> String {
    let mut text = String::new();
    let flattery = e.flattery().map(|flattery| format!("{flattery}\n")).unwrap_or_default();
    let _ = writeln!(text, "{}", [verdict(e), reach(e)].join(" ").trim());
    match (e.auc, e.auc_ci) {
        (Some(auc), Some([low, high])) => {
            let _ = writeln!(
                text,
                "A bad robot scores above a person in {} of cases (AUC {auc:.3}, 95 % {low:.3} – \
                    {high:.3}).",
                output::percent(auc)
            );
        }
        _ => text.push_str(
            "There are not both people and bad robots with enough pages: nothing can be said.\n",
        ),
    }
    if !e.in_sample {
        text.push_str(&flattery);
    }
    let mut clients = TextTable::new(&["clients", "labelled", "judged", "not yet judged"]);
    for (label, &number) in &e.clients {
        let not = e.not_judged.get(label).copied().unwrap_or(0);
        clients.row([
            label.to_string(),
            output::count(number),
            output::count(number - not),
            output::count(not),
        ]);
    }
    let _ = write!(text, "\nJudged from {} page requests on.\n{}", e.min_pages, clients.render());
    let _ = writeln!(text);
    for (fpr, tpr) in &e.tpr_at_fpr {
        let ends = e.tpr_at_fpr_ci.get(fpr).copied().flatten();
        if let (Some(tpr), Some(ends)) = (tpr, ends) {
            let fpr: f64 = fpr.parse().unwrap_or(f64::NAN);
            let (fpr, tpr) = (output::percent(fpr), output::percent(*tpr));
            let _ = writeln!(
                text,
                "  a score that {fpr} of people reach is reached by {tpr} of bad robots (95 % {})",
                analysis::format::range(ends)
            );
        }
    }
    // Shown only where there are too few people to measure so small a share.
    if let Some(NoneHurt { people, tpr, tpr_ci }) = &e.with_none_hurt
        && e.tpr_at_fpr.values().any(Option::is_none)
    {
        let (all, few) = match people {
            1 => ("the one person".to_owned(), "one person is".to_owned()),
            _ => {
                let people = output::count(*people);
                (format!("all {people} people"), format!("{people} people are"))
            }
        };
        let _ = writeln!(
            text,
            "  a threshold above {all} is reached by {} of bad robots (95 % {}); {few} too few \
             to rely on it",
            output::percent(*tpr),
            analysis::format::range(*tpr_ci),
        );
    }
    for (name, at) in &e.at_threshold {
        let _ = match at {
            None => writeln!(text, "  {name} threshold: none"),
            Some(at) => writeln!(
                text,
                "  {name} threshold: reached by {} of bad robots (95 % {}) and {} of people (95 % \
                    {})",
                output::percent(at.tpr),
                analysis::format::range(at.tpr_ci),
                output::percent(at.fpr),
                analysis::format::range(at.fpr_ci),
            ),
        };
    }
    if let Some(RequestsToDetect { median, p90 }) = e.requests_to_detect {
        let _ = writeln!(
            text,
            "  requests until detected: {median} in the median, {p90} for nine of ten"
        );
    }
    let mut classes =
        TextTable::new(&["bad robots by label", "judged", "AUC", "reach the limit", "95 %"]);
    for (why, class) in &e.by_class {
        let found = class.tpr.map_or_else(|| "–".to_owned(), output::percent);
        let ends = class.tpr_ci.map_or_else(|| "–".to_owned(), analysis::format::range);
        classes.row([
            output::safe(why, 60),
            output::count(class.n),
            output::figure(class.auc),
            found,
            ends,
        ]);
    }
    let mut baselines = TextTable::new(&[
        "fixed rules on the same clients",
        "bots found",
        "people found",
        "median requests",
    ]);
    for (name, row) in &e.baselines {
        let median = row
            .requests_to_detect
            .map_or_else(|| "–".to_owned(), |requests| output::count(requests.median));
        baselines.row([name.clone(), output::percent(row.tpr), output::percent(row.fpr), median]);
    }
    let _ = write!(text, "\n{}\n{}", classes.render(), baselines.render());
    text
}
