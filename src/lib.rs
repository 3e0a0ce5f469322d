//! The command line as a library, so that the binary, the tests and the benches can share it. Each
//! subcommand has its own file, which parses its flags, calls a library and prints.

#![allow(clippy::print_stdout, clippy::print_stderr)] // printing is what this crate is for

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

pub mod args;
pub mod bench;
pub mod check;
mod command_result;
pub mod completions;
pub mod decide;
mod decision;
pub mod demo;
pub mod diff;
pub mod drift;
pub mod evaluate;
pub mod explain;
pub mod forgive;
pub mod input;
pub mod inspect;
mod jobs;
mod judge;
pub mod label;
pub mod man;
mod not_found;
pub mod output;
pub mod progress;
pub mod replay;
pub mod report;
pub mod run;
mod signals;
pub mod simulate;
pub mod since;
pub mod train;
pub mod tune;

use args::{Args, Command};
pub use command_result::CommandResult;

/// Whether the subcommand prints JSON: it has a `--json` or `--json-lines`, and the flag is given.
fn is_for_machines(matches: &ArgMatches) -> bool {
    let given = |matches: &ArgMatches, flag| {
        matches.try_get_one::<bool>(flag).ok().flatten().copied().unwrap_or(false)
    };
    matches
        .subcommand()
        .is_some_and(|(_, matches)| given(matches, "json") || given(matches, "json_lines"))
}

/// Parses the arguments, runs the command, and returns the exit code: 0 passed, 1 failed, 2 for an
/// error of usage, configuration or input.
pub fn main() -> ExitCode {
    let matches = Args::command().get_matches();
    // JSON on the screen would be torn by a progress bar. JSON in a file or a pipe is not.
    if is_for_machines(&matches) && io::stdout().is_terminal() {
        progress::hush();
    }
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = match &args.command {
        Command::Demo(options) => demo::run(options),
        Command::Run(options) => run::run(options),
        Command::Decide(options) => decide::run(options),
        Command::Inspect(options) => inspect::run(options),
        Command::Train(options) => train::run(options),
        Command::Evaluate(options) => evaluate::run(options),
        Command::Tune(options) => tune::run(options),
        Command::Replay(options) => replay::run(options),
        Command::Explain(options) => explain::run(options),
        Command::Diff(options) => diff::run(options),
        Command::Label(options) => label::run(options),
        Command::Forgive(options) => forgive::run(options),
        Command::Simulate(options) => simulate::run(options),
        Command::Drift(options) => drift::run(options),
        Command::Bench(options) => bench::run(options),
        Command::Check(options) => check::run(options),
        Command::Completions(options) => completions::run(options),
        Command::Man(options) => man::run(options),
    };
    match result {
        Ok(result) => result.into(),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kidoban: {error:#}");
            ExitCode::from(2)
        }
    }
}
