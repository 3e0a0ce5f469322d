//! `kidoban train`: reads logs and labels, trains a model and writes it.

mod labelled_logs;
mod place;
mod print;
mod rolling;

use std::cell::LazyCell;
use std::fmt::Write as _;
use std::path::Path;

use analysis::held_out::HeldOutQuality;
use analysis::sources::LogRead;
use anyhow::{Result, bail};
use data_encoding::HEXLOWER;
use detector::Model;
use detector::model::{Budget, Card, Readiness, seal};
use serde::Serialize;
use sha2::{Digest, Sha256};
use traffic::log::Tally;
use trainer::adaboost::AdaBoostParams;
use trainer::boosted::BoostedParams;
use trainer::calibrate::Budgets;
use trainer::logistic::LogisticParams;
use trainer::train::learn_profile;
use trainer::{Algorithm, Base, Options, Site, Trained, train, write_rows};

use crate::args::{AlgorithmArg, TrainArgs};
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels, read_model};
use crate::report::{self, Report};
use crate::{output, progress};
use labelled_logs::Served;
pub use print::metrics;

#[derive(Serialize)]
struct Printed<'a> {
    model: &'a Path,
    state: String,
    readiness: &'a Readiness,
    is_adapted: bool,
    limit: &'a Budget,
    block: &'a Budget,
    cohort: &'a Budget,
    card: &'a Card,
    held_out: &'a HeldOutQuality,
    logs: &'a [LogRead],
}

/// Trains and writes a model.
///
/// # Errors
/// A file that cannot be read or written; logs that nothing can be learnt from.
pub fn run(args: &TrainArgs) -> Result<CommandResult> {
    match (&args.rolling.promote_to, &args.output) {
        (Some(model), _) => rolling::run(args, model),
        (None, Some(output)) => once(args, output),
        (None, None) => bail!("give -o MODEL, or --promote-to MODEL"),
    }
}

fn once(args: &TrainArgs, output: &Path) -> Result<CommandResult> {
    let report = Report::open(&args.report)?;
    // Checked now, because training takes minutes.
    for path in
        [Some(output), args.rows.as_deref(), args.labels_out.as_deref()].into_iter().flatten()
    {
        output::check_writable(path)?;
    }
    let Sources { mut sites, tallies, data, data_sha256, sites_sha256 } = read(args)?;
    let logs = LogRead::all(&data, &tallies);
    let mut options = options(args, output)?;
    (options.data, options.data_sha256, options.sites_sha256) = (data, data_sha256, sites_sha256);
    // A model of one site remembers that site. A model of several is meant for sites it has not
    // seen.
    if let [site] = &mut sites[..] {
        let _bar = progress::uncounted("Learning what the site is");
        options.profile = Some(learn_profile(site, &options)?);
    }
    let trained = train(&sites, &options, progress::stages("Training"))?;
    let Trained { file, is_adapted, .. } = &trained;
    let held_out = LazyCell::new(|| HeldOutQuality::of(&sites, &trained));
    let sealed = seal(file)?;
    if let Some(path) = &args.rows {
        let _bar = progress::uncounted("Writing rows");
        let mut rows = Vec::new();
        write_rows(&sites, &options, &mut rows)?;
        output::write(path, &rows)?;
    }
    output::write(output, &sealed)?;
    if let Some(path) = &args.labels_out {
        output::write(path, labels(&sites).as_bytes())?;
    }
    if let Some(report) = &report {
        let mut origin = report::origin([&Model::parse(&sealed)?], logs.clone());
        origin.digests.push(("Logs read".to_owned(), file.card.data_sha256.clone()));
        report.write(&analysis::report::training(&trained, &held_out, report.names()), &origin)?;
    }
    if args.json {
        let printed = Printed {
            model: output,
            state: file.readiness.to_string(),
            readiness: &file.readiness,
            is_adapted: *is_adapted,
            limit: &file.thresholds.limit,
            block: &file.thresholds.block,
            cohort: &file.thresholds.cohort,
            card: &file.card,
            held_out: &held_out,
            logs: &logs,
        };
        output::print_json(&printed)?;
    } else {
        output::print(&print::describe(args, output, &sites, &tallies, file, *is_adapted))?;
    }
    Ok(CommandResult::Passed)
}

/// What to train, without what is known only once the logs are read. The model is named as the
/// file unless a flag says otherwise.
fn options(args: &TrainArgs, output: &Path) -> Result<Options> {
    let base = args.base.as_deref().map(|path| anyhow::Ok(Base::new(read_model(Some(path))?)?));
    Ok(Options {
        name: args.name.clone().unwrap_or_else(|| stem(output)),
        algorithm: match args.algorithm {
            AlgorithmArg::Boosted => Algorithm::Boosted(BoostedParams::default()),
            AlgorithmArg::Logistic => Algorithm::Logistic(LogisticParams::default()),
            AlgorithmArg::Adaboost => Algorithm::AdaBoost(AdaBoostParams::default()),
        },
        budgets: Budgets {
            limit_alpha: args.limit_budget,
            block_alpha: args.block_budget,
            ..Budgets::default()
        },
        min_pages: args.min_pages,
        base: base.transpose()?,
        labels_are_checked: args.labels.is_some() || !args.sites.is_empty(),
        prunes: args.prune,
        compares: !args.no_compare,
        warm_up: args.warm_up,
        attacks: !args.no_attack,
        is_forced: args.force,
        ..Options::default()
    })
}

/// The sites to train on, and what identifies their logs on the model's card.
struct Sources {
    sites: Vec<Site>,
    tallies: Vec<Tally>,
    data: Vec<String>,
    data_sha256: String,
    sites_sha256: Vec<String>,
}

fn read(args: &TrainArgs) -> Result<Sources> {
    if args.sites.is_empty() {
        let labels = args.labels.as_deref().map(read_labels).transpose()?;
        let logs = Logs::find(&args.logs)?
            .within_memory(args.memory_max)
            .reading(args.read.options(None)?)
            .without_copies()?;
        let mut served = Served::new(&args.people_paths);
        let (mut site, tallies) =
            logs.read_site_watched("site", labels.as_ref(), |record| served.see(record))?;
        served.vouch(&mut site, labels.is_some());
        let (data, data_sha256) = (logs.names(), logs.sha256());
        return Ok(Sources {
            sites: vec![site],
            tallies,
            data,
            data_sha256,
            sites_sha256: Vec::new(),
        });
    }
    let (mut sites, mut tallies, mut data, mut digest) =
        (Vec::new(), Vec::new(), Vec::new(), Sha256::new());
    let mut sites_sha256 = Vec::new();
    for folder in &args.sites {
        let name = stem(folder);
        let labels = read_labels(&folder.join("labels.csv"))?;
        let logs = Logs::find(&[folder.join("access.log*").display().to_string()])?
            .within_memory(args.memory_max)
            .reading(args.read.options(None)?);
        let (site, read) = logs.read_site(&name, Some(&labels))?;
        data.extend(logs.names().into_iter().map(|log| format!("{name}/{log}")));
        digest.update(logs.sha256());
        sites_sha256.push(logs.sha256());
        sites.push(site);
        tallies.extend(read);
    }
    let data_sha256 = HEXLOWER.encode(&digest.finalize());
    Ok(Sources { sites, tallies, data, data_sha256, sites_sha256 })
}

/// The label of every client and the rule that gave it, as a labels file.
fn labels(sites: &[Site]) -> String {
    let mut text = String::from("client,label,why\n");
    for client in sites.iter().flat_map(|site| &site.clients) {
        let quoted =
            |field: &str| format!("\"{}\"", field.replace('"', "\"\"").replace(['\r', '\n'], " "));
        let name = if client.name.contains([',', '"']) {
            quoted(&client.name)
        } else {
            client.name.clone()
        };
        let _ = writeln!(text, "{name},{},{}", client.labelled.label, quoted(&client.labelled.why));
    }
    text
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
