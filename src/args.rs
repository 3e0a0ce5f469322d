//! The commands and their flags, one group of commands a file.
//!
//! Doc comments on commands and flags are what `--help` and the manual pages print.

mod bytes;
mod learn;
mod look;
mod measure;
mod read;
mod report;
mod serve;
mod share;
mod shell;
mod span;

use clap::{Parser, Subcommand};

pub use learn::{AlgorithmArg, ForgiveArgs, LabelArgs, RollingArgs, SimulateArgs, TrainArgs};
pub use look::{ExplainArgs, InspectArgs, ReplayArgs};
pub use measure::{BenchArgs, DiffArgs, DriftArgs, EvaluateArgs, TuneArgs};
pub use read::ReadArgs;
pub use report::ReportArgs;
pub use serve::{CheckArgs, DecideArgs, DemoArgs, GateArgs, ModeArg, RunArgs};
pub use shell::{CompletionsArgs, ManArgs};
pub use span::span_us;

/// Access-control gate for online shops: looks at how a client behaves, lets people through, slows
/// the doubtful, shuts out the abusive, and says why.
#[derive(Debug, Parser)]
#[command(name = "kidoban", version, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Toy shop, shoppers, bots and the gate, all on loopback; ends with who was stopped and why
    #[command(after_help = "Example:\n  kidoban demo\n  kidoban demo --seconds 60 --keep")]
    Demo(DemoArgs),
    /// The reverse proxy; shadow mode unless told otherwise
    #[command(after_help = "Example:\n  kidoban run --upstream http://127.0.0.1:3000 --listen \
            0.0.0.0:8080\n  \
                            kidoban run -c kidoban.toml --model shop.json --mode enforce")]
    Run(RunArgs),
    /// The decision service: answers nginx, Caddy or Traefik whether a request may pass
    #[command(after_help = "Example:\n  kidoban decide -c kidoban.toml\n  \
                            kidoban decide --listen unix:/run/kidoban/decide.sock --mode \
                            enforce")]
    Decide(DecideArgs),
    /// What a log is: format, lines read and refused and why, time span, clients
    #[command(after_help = "Example:\n  kidoban inspect /var/log/nginx/access.log*")]
    Inspect(InspectArgs),
    /// Learn a model from access logs
    #[command(
        override_usage = "kidoban train [OPTIONS] --output <MODEL> [LOG]...\n       \
                          kidoban train [OPTIONS] --promote-to <MODEL> <LOG>...",
        after_help = "Example:\n  kidoban train access.log.gz --labels labels.csv -o shop.json\n  \
            kidoban train '/var/log/nginx/access.log*' --promote-to models/current.json --every 24h"
    )]
    Train(TrainArgs),
    /// How good a model is on a labelled log: by client and class, with intervals, beside fixed
    /// rules
    #[command(after_help = "Example:\n  kidoban evaluate --model shop.json --labels labels.csv \
            access.log.gz\n  \
                            kidoban evaluate --model shop.json --labels labels.csv access.log.gz \
                            --report quality.html")]
    Evaluate(EvaluateArgs),
    /// Thresholds that keep a budget of people hurt, proven on your log; what they stop, and whose
    /// orders they cost
    #[command(
        after_help = "Example:\n  kidoban tune --model shop.json --fp-budget 0.1% --outcome \
            'buyer=POST /checkout/complete 2xx' \
                            access.log.gz\n  kidoban tune --model shop.json --labels labels.csv \
                            --block-budget 0.01% --write kidoban.toml \
                            --report tune.html access.log.gz\n  kidoban tune --model shop.json \
                            --proof shop.proof.json access.log-20261202.gz\n\nExit 0: every \
                            budget is kept by a proven threshold; 1: not every one, and what is \
                            missing is said."
    )]
    Tune(TuneArgs),
    /// Who would have been stopped, when and why, in virtual time; changes nothing
    #[command(after_help = "Example:\n  kidoban replay access.log --model shop.json\n  \
                            kidoban replay -c kidoban.toml events.log --client 192.0.2.7\n  \
                            kidoban replay access.log --since 2h --json-lines")]
    Replay(ReplayArgs),
    /// What became of one client and why: timeline, features beside what is normal, and what would
    /// have been allowed
    #[command(
        override_usage = "kidoban explain [OPTIONS] <CLIENT> <LOG>...\n       kidoban explain \
            [OPTIONS] --id <ID> <EVENTLOG>...",
        after_help = "Exit status: 0 explained, 1 not in these logs, 2 an error.\n\n\
                      Example:\n  kidoban explain 192.0.2.7 access.log --model shop.json --labels \
                      labels.csv\n  \
                      kidoban explain --id 3K7Q0W2M5X8AB events.log -c kidoban.toml"
    )]
    Explain(ExplainArgs),
    /// Whose verdict changes between two configurations (.toml) or models (.json), on one log
    #[command(
        after_help = "Exit status, as diff(1): 0 nothing changes, 1 something does, 2 an error.\n\n\
                            Example:\n  kidoban diff kidoban.toml stricter.toml access.log\n  \
                            kidoban diff old.json new.json access.log --outcome 'buyer=POST \
                            /checkout/complete 2xx' \
                            --report diff.html"
    )]
    Diff(DiffArgs),
    /// Write who a client is into the labels file that `train` reads; or list whom to look at first
    #[command(
        override_usage = "kidoban label [OPTIONS] <CLIENT> <human|bad|good_bot|unknown>\n       \
                          kidoban label --propose [OPTIONS] <LOG>...",
        after_help = "Example:\n  kidoban label 192.0.2.7 human --why 'wrote to support'\n  \
                      kidoban label --propose access.log --model shop.json"
    )]
    Label(LabelArgs),
    /// A decision was wrong: write its client into the labels file as a person
    #[command(after_help = "Example:\n  kidoban forgive 3K7Q0W2M5X8AB events.log")]
    Forgive(ForgiveArgs),
    /// A simulated shop's access log and who in it is what, to train on and to try things out
    #[command(after_help = "Example:\n  kidoban simulate --shop spa --seed 1 -o sim/spa\n  \
                            kidoban simulate --shop all --seed 1 -o sim --hours 72\n  \
                            kidoban simulate --shop benchmark --seed 1 -o sim/benchmark")]
    Simulate(SimulateArgs),
    /// Has traffic changed since the model was trained, and does its budget still hold?
    #[command(after_help = "Example:\n  kidoban drift --model shop.json access.log.1.gz\n  \
                            kidoban drift --model shop.json --labels labels.csv access.log \
                            --report drift.html")]
    Drift(DriftArgs),
    /// The bot benchmark: every simulated population, and real logs, against the detector and the
    /// peers' rules
    #[command(after_help = "Example:\n  kidoban bench --quick --report bench.html\n  \
                            kidoban bench --site logs/shop-a --site logs/shop-b --json")]
    Bench(BenchArgs),
    /// Are configuration and model sound? Changes nothing
    #[command(after_help = "Example:\n  kidoban check -c kidoban.toml --model shop.json")]
    Check(CheckArgs),
    /// Completions of commands and flags for a shell, to standard output
    #[command(after_help = "Example:\n  kidoban completions bash > \
            ~/.local/share/bash-completion/completions/kidoban\n  \
                            kidoban completions zsh > \"${fpath[1]}/_kidoban\"\n  \
                            kidoban completions fish > ~/.config/fish/completions/kidoban.fish")]
    Completions(CompletionsArgs),
    /// Manual pages, one of each command, into a folder
    #[command(
        after_help = "Example:\n  kidoban man -o ~/.local/share/man/man1 && man kidoban-train"
    )]
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
