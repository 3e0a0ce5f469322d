//! `kidoban bench`: the bot benchmark. It runs every simulated population through the detector and
//! through the rules of comparable products.

mod print;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use analysis::report::Origin;
use analysis::sources::LogRead;
use anyhow::{Result, bail};
use lab::botbench::{BenchOptions, run as run_benchmark};
use trainer::Site;
use trainer::calibrate::Budgets;

use crate::args::BenchArgs;
use crate::command_result::CommandResult;
use crate::input::{Logs, read_labels, read_model};
use crate::jobs::jobs;
use crate::output;
use crate::progress;
use crate::report::{self, Report};

/// Runs the benchmark and prints it. A missed target is a finding, so the result is still `Passed`.
///
/// # Errors
/// Logs that cannot be read; a single `--site`, because each site is judged by a model of the
/// others; a report that cannot be written.
pub fn run(args: &BenchArgs) -> Result<CommandResult> {
    if args.sites.len() == 1 {
        bail!("--site: each log is judged by a model of the others, so give two or more, or none");
    }
    let report = Report::open(&args.report)?;
    let shipped = read_model(None)?;
    let mut origin = report::origin([], Vec::new());
    origin.digests.push(("Shipped model".to_owned(), shipped.sha256().to_owned()));
    let sites = args
        .sites
        .iter()
        .map(|folder| read(folder, args.memory_max, &mut origin))
        .collect::<Result<Vec<Site>>>()?;
    let options = BenchOptions {
        seed: args.seed,
        is_quick: args.quick,
        threads: jobs(args.jobs),
        budgets: Budgets {
            limit_alpha: args.limit_budget,
            block_alpha: args.block_budget,
            ..Budgets::default()
        },
        models: vec![("shipped model".to_owned(), shipped)],
        sites,
    };
    let bars = Mutex::new(progress::stages("Benchmark"));
    let found = run_benchmark(&options, &|stage| {
        bars.lock().unwrap_or_else(PoisonError::into_inner)(stage)
    });
    drop(bars);
    let found = found?;
    if let Some(report) = &report {
        report.write(&lab::report::benchmark(&found, report.names()), &origin)?;
    }
    if args.json {
        output::print_json(&found)?;
    } else {
        output::print(&print::describe(&found))?;
    }
    Ok(CommandResult::Passed)
}

/// Reads the logs and labels of a site, and adds them to the origin of the report.
fn read(folder: &Path, memory_max: Option<u64>, origin: &mut Origin) -> Result<Site> {
    let name = folder
        .file_name()
        .map_or_else(|| "site".to_owned(), |name| name.to_string_lossy().into_owned());
    let labels = folder.join("labels.csv");
    let pattern = folder.join("access.log*").display().to_string();
    let logs = Logs::find(&[pattern])?.within_memory(memory_max);
    let (site, tallies) = logs.read_site(&name, Some(&read_labels(&labels)?))?;
    let read = LogRead::all(&logs.names(), &tallies).into_iter();
    origin.logs.extend(read.map(|read| LogRead { log: format!("{name}/{}", read.log), ..read }));
    origin.digests.push((format!("Logs of {name}"), logs.sha256()));
    origin.digests.push((format!("Labels of {name}"), report::sha256(&labels)?));
    Ok(site)
}
