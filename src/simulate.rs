//! `kidoban simulate`: writes a simulated shop's access log and the true labels of its clients.

use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use traffic::sim::{
    BENCHMARK_PEOPLE, DEFAULT_START, LogResolution, SHOPS, Shop, SimRequest, Truth, labels,
    simulate_benchmark_day, simulate_shop, write_combined, write_json, write_labels,
};

use crate::args::SimulateArgs;
use crate::command_result::CommandResult;
use crate::{output, progress};

/// The benchmark's site. It is not one of [`SHOPS`], because models are trained on those and tested
/// on this one.
const BENCHMARK: &str = "benchmark";
const HOUR_US: u64 = 3_600 * 1_000_000;

/// What was written of one shop.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Name of the shop.
    pub shop: &'static str,
    /// Requests, which are the lines of its log.
    pub requests: u64,
    /// Clients that are people. An address that many people share counts once.
    pub people: u64,
    /// Clients that are bad bots.
    pub bots: u64,
}

/// Writes some hours of a shop into a folder: `access.log` and `labels.csv`, overwriting existing
/// files. The log format follows the shop's clock: combined for seconds, nginx JSON for
/// milliseconds. `people` is a number a day; `None` takes the shop's own.
///
/// # Errors
/// A file that cannot be written.
pub fn write_shop(
    shop: &Shop,
    seed: u64,
    hours: u64,
    people: Option<usize>,
    folder: &Path,
) -> Result<Written> {
    write(
        shop.name,
        shop.clock,
        &simulate_shop(shop, seed, DEFAULT_START, hours * HOUR_US, people),
        folder,
    )
}

/// Writes some hours of the benchmark's site into a folder, in nginx JSON.
///
/// # Errors
/// A file that cannot be written.
pub fn write_benchmark(
    seed: u64,
    hours: u64,
    people: Option<usize>,
    folder: &Path,
) -> Result<Written> {
    let people = people.unwrap_or(BENCHMARK_PEOPLE);
    let requests = simulate_benchmark_day(seed, DEFAULT_START, hours * HOUR_US, people);
    write(BENCHMARK, LogResolution::Millis, &requests, folder)
}

fn write(
    shop: &'static str,
    clock: LogResolution,
    requests: &[SimRequest],
    folder: &Path,
) -> Result<Written> {
    let rows = labels(requests);
    let write = |name: &str, content: &dyn Fn(&mut BufWriter<File>) -> std::io::Result<()>| {
        let path = folder.join(name);
        let written = create_dir_all(folder).and_then(|()| File::create(&path)).and_then(|file| {
            let mut file = BufWriter::new(file);
            content(&mut file)?;
            file.flush()
        });
        written.with_context(|| format!("{}: cannot be written", path.display()))
    };
    write("access.log", &|file| match clock {
        LogResolution::Seconds => write_combined(requests, file),
        LogResolution::Millis => write_json(requests, file),
    })?;
    write("labels.csv", &|file| write_labels(&rows, file))?;
    let number = |truth| rows.iter().filter(|row| row.label == truth).count() as u64;
    Ok(Written {
        shop,
        requests: requests.len() as u64,
        people: number(Truth::Human),
        bots: number(Truth::Bad),
    })
}

/// Writes one shop into the folder, or every shop into a subfolder of its own.
///
/// # Errors
/// An unknown shop; a file that cannot be written.
pub fn run(args: &SimulateArgs) -> Result<CommandResult> {
    let bar = match args.shop.as_str() {
        "all" => progress::counted("Simulating", "shops", SHOPS.len() as u64),
        _ => progress::uncounted("Simulating"),
    };
    let one = |shop: &Shop, folder: &Path| {
        bar.set_message(format!("Simulating {}", shop.name));
        let written = write_shop(shop, args.seed, args.hours, args.people, folder);
        bar.inc(1);
        written
    };
    let written = match (args.shop.as_str(), Shop::find(&args.shop)) {
        ("all", _) => SHOPS
            .iter()
            .map(|shop| one(shop, &args.output.join(shop.name)))
            .collect::<Result<Vec<_>>>()?,
        (BENCHMARK, _) => vec![write_benchmark(args.seed, args.hours, args.people, &args.output)?],
        (_, Some(shop)) => vec![one(shop, &args.output)?],
        (name, None) => {
            let names: Vec<&str> = SHOPS.iter().map(|shop| shop.name).collect();
            bail!(
                "there is no shop {name:?}; there are all, {}, and {BENCHMARK}",
                names.join(", ")
            );
        }
    };
    bar.finish_and_clear();
    if args.json {
        output::print_json(&written)?;
        return Ok(CommandResult::Passed);
    }
    let mut table = output::TextTable::new(&["shop", "requests", "people", "bots"]);
    for Written { shop, requests, people, bots } in &written {
        table.row([
            (*shop).to_owned(),
            output::count(*requests),
            output::count(*people),
            output::count(*bots),
        ]);
    }
    let folder = |shop: &str| match written.len() {
        1 => args.output.display().to_string(),
        _ => args.output.join(shop).display().to_string(),
    };
    let sites: Vec<String> =
        written.iter().map(|written| format!("--site {}", folder(written.shop))).collect();
    let next = match args.shop.as_str() {
        BENCHMARK => {
            let folder = args.output.display();
            format!("evaluate --model shop.json --labels {folder}/labels.csv {folder}/access.log")
        }
        _ => format!("train {} -o shop.json", sites.join(" ")),
    };
    output::print(&format!("{}\nNext: kidoban {next}\n", table.render()))?;
    Ok(CommandResult::Passed)
}
