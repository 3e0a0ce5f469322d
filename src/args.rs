//! Every flag.

mod share;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand, ValueEnum};
use share::{parse_confidence, parse_share, parse_warm_up};

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
    /// What a log is: format, lines read and refused and why, time span, clients
    #[command(after_help = "Example:\n  kidoban inspect /var/log/nginx/access.log*")]
    Inspect(InspectArgs),
    /// Learn a model from access logs
    #[command(
        after_help = "Example:\n  kidoban train access.log.gz --labels labels.csv -o shop.json"
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
                            --report tune.html access.log.gz\n\nExit 0: every budget is kept by a \
                            proven threshold; 1: not every one, and what is missing is said."
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

/// `kidoban demo`
#[derive(Debug, Arguments)]
pub struct DemoArgs {
    /// How long visitors come, in seconds
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(10..=3600))]
    pub seconds: u64,
    /// Everything random comes from this
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Leave shop and gate running afterwards and print their addresses
    #[arg(long)]
    pub keep: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// `kidoban run`
#[derive(Debug, Arguments)]
pub struct RunArgs {
    /// Configuration file (TOML); flags overrule it
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The shop behind the gate
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Address of /metrics and /healthz
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<String>,
    /// Where to write one line per request and outcome, for `kidoban replay`
    #[arg(long, value_name = "FILE")]
    pub event_log: Option<PathBuf>,
    /// Model; the shipped one when absent
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// shadow: judge and record only; enforce: refuse as well
    #[arg(long, value_enum)]
    pub mode: Option<ModeArg>,
    /// Enforce with a model that failed its gates
    #[arg(long)]
    pub force: bool,
}

/// `--mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Judge and record, refuse nothing.
    Shadow,
    /// Refuse.
    Enforce,
}

/// `kidoban inspect`
#[derive(Debug, Arguments)]
pub struct InspectArgs {
    /// Paths, globs or `-`; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `--algorithm`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmArg {
    /// Gradient-boosted trees.
    Boosted,
    /// Logistic regression.
    Logistic,
    /// Small trees that vote, linfa's AdaBoost.
    Adaboost,
}

/// The report that several commands write.
#[derive(Debug, Default, Arguments)]
pub struct ReportArgs {
    /// Where to write a report to read, show and print: one HTML file, without scripts
    #[arg(long, value_name = "HTML")]
    pub report: Option<PathBuf>,
    /// Show clients' addresses in the report, which hides them behind pseudonyms otherwise
    #[arg(long, requires = "report")]
    pub show_clients: bool,
    /// A secret of at least 16 bytes for pseudonyms: reports made with it call a client the same;
    /// drawn anew when absent
    #[arg(long, value_name = "FILE", requires = "report", conflicts_with = "show_clients")]
    pub pseudonym_key: Option<PathBuf>,
}

/// `kidoban train`
#[derive(Debug, Arguments)]
pub struct TrainArgs {
    /// Paths, globs or `-`, all of one site; .gz and .zst are read as they are
    #[arg(value_name = "LOG", required_unless_present = "sites")]
    pub logs: Vec<String>,
    /// Who is a person and who is a bot: CSV `client,label[,why]`; weak rules when absent
    #[arg(long, value_name = "CSV", requires = "logs")]
    pub labels: Option<PathBuf>,
    /// A folder with access.log* and labels.csv; may be repeated to learn from several sites with
    /// equal weight
    #[arg(long = "site", value_name = "DIR", conflicts_with = "logs")]
    pub sites: Vec<PathBuf>,
    /// What to fit
    #[arg(long, value_enum, default_value = "boosted")]
    pub algorithm: AlgorithmArg,
    /// A model to adapt to this site, such as the shipped one: its trees stay, new ones are added
    /// as long as they help
    #[arg(long, value_name = "MODEL", requires = "logs")]
    pub base: Option<PathBuf>,
    /// Whoever was served a path that begins so is a person: where a finished checkout or log-in
    /// leads; may be repeated
    #[arg(long = "people-path", value_name = "PATH", requires = "logs")]
    pub people_paths: Vec<String>,
    /// Leave out whose label models contradict that have not seen them, and keep that if strangers
    /// are told apart as well
    #[arg(long)]
    pub prune: bool,
    /// Do not measure the other algorithms beside the chosen one
    #[arg(long)]
    pub no_compare: bool,
    /// While too few people are known: limit who scores above this share of the site's undeclared
    /// clients, 95% to below 100%
    #[arg(long, value_name = "SHARE", default_value = "99%", value_parser = parse_warm_up)]
    pub warm_up: f64,
    /// Arm the model even when it fails a gate
    #[arg(long)]
    pub force: bool,
    /// Where to write the training rows: label, weight, client, site, fold, margin out of fold,
    /// features
    #[arg(long, value_name = "CSV")]
    pub rows: Option<PathBuf>,
    /// Share of people that may be limited
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = parse_share)]
    pub limit_budget: f64,
    /// Share of people that may be blocked
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = parse_share)]
    pub block_budget: f64,
    /// Page requests from which a client is judged
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub min_pages: u32,
    /// Where to write the model
    #[arg(short, long, value_name = "MODEL")]
    pub output: PathBuf,
    /// Where to write who was taken for what, and by which rule: a labels file to correct and train
    /// on again
    #[arg(long, value_name = "CSV")]
    pub labels_out: Option<PathBuf>,
    /// Name of the model; the file's name when absent
    #[arg(long)]
    pub name: Option<String>,
    /// Print the model's card as JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `kidoban evaluate`
#[derive(Debug, Arguments)]
pub struct EvaluateArgs {
    /// Paths, globs or `-`, all of one site; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// The model
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Who is a person and who is a bot: CSV `client,label[,why]`
    #[arg(long, value_name = "CSV")]
    pub labels: PathBuf,
    /// Page requests from which a client is judged; the model's own number when absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub min_pages: Option<u32>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `kidoban tune`
#[derive(Debug, Arguments)]
pub struct TuneArgs {
    /// Paths, globs or `-`, all of one site; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// The model; the configuration's, or the shipped one, when absent
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Configuration file (TOML): policy in force, allow list, outcomes; the one to write when
    /// absent
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who is a person and who is a bot: CSV `client,label[,why]`; weak rules and outcomes when
    /// absent
    #[arg(long, value_name = "CSV")]
    pub labels: Option<PathBuf>,
    /// Share of people that may be limited
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = parse_share)]
    pub fp_budget: f64,
    /// Share of people that may be blocked; 0.1%, or the other budget where that is less, when
    /// absent
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub block_budget: Option<f64>,
    /// How sure to be that neither share is more
    #[arg(long, value_name = "SHARE", default_value = "95%", value_parser = parse_confidence)]
    pub confidence: f64,
    /// What a visit can come to, as in [outcomes] of the configuration; may be repeated
    #[arg(long = "outcome", value_name = "NAME=METHOD PATH STATUS")]
    pub outcomes: Vec<String>,
    /// None of these clients trained the model: say so when it was trained on other sites. Else
    /// only who came after its training ended proves anything
    #[arg(long)]
    pub unseen: bool,
    /// Set the proven thresholds in this configuration file; all else in it stays as it is,
    /// comments too
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `kidoban replay`
#[derive(Debug, Arguments)]
pub struct ReplayArgs {
    /// Paths, globs or `-`; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// The model; the configuration's, or the shipped one, when absent
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Configuration file (TOML) with the policy to replay
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show this client only, request by request
    #[arg(long)]
    pub client: Option<String>,
    /// How many stopped clients to show; 20 when absent, and all with --json-lines
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Tell of what happened from then on; what came before is watched all the same. A time
    /// (2026-11-22T08:00:00Z), a day (2026-11-22, UTC), or a span before the log's end (30m, 2h,
    /// 7d)
    #[arg(long, value_name = "TIME", value_parser = crate::since::Since::parse)]
    pub since: Option<crate::since::Since>,
    /// Threads for each stage; all cores when absent. The result is the same
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Print JSON: one object
    #[arg(long)]
    pub json: bool,
    /// Print JSON lines: one object a stopped client, the hardest hit first; with --client one a
    /// request
    #[arg(long, conflicts_with = "json")]
    pub json_lines: bool,
}

/// `kidoban explain`
#[derive(Debug, Arguments)]
pub struct ExplainArgs {
    /// Who, as the log's client field has it, and the logs (paths, globs or `-`); with --id the
    /// event logs only
    #[arg(required = true, value_name = "CLIENT LOG")]
    pub words: Vec<String>,
    /// The decision to explain, by the id that the client was told
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// The client's request to explain, by its number; the first of the hardest verdicts when
    /// absent
    #[arg(long, value_name = "N", conflicts_with = "id", value_parser = clap::value_parser!(u64).range(1..))]
    pub request: Option<u64>,
    /// The model; the configuration's, or the shipped one, when absent
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Configuration file (TOML) with the policy in force
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who is a person: CSV `client,label[,why]`, to say what is normal; weak rules when absent
    #[arg(long, value_name = "CSV")]
    pub labels: Option<PathBuf>,
    /// Show every request, also where nothing changes
    #[arg(long)]
    pub all: bool,
    /// Threads for each stage; all cores when absent. The result is the same
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kidoban diff`
#[derive(Debug, Arguments)]
pub struct DiffArgs {
    /// Configuration (.toml), or model (.json) with the policy's defaults, before
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// The same after
    #[arg(value_name = "B")]
    pub after: PathBuf,
    /// Paths, globs or `-`; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// What a visit can come to, beside the configurations' [outcomes]; may be repeated
    #[arg(long = "outcome", value_name = "NAME=METHOD PATH STATUS")]
    pub outcomes: Vec<String>,
    /// Who is a person and who is a bot: CSV `client,label[,why]`
    #[arg(long, value_name = "CSV")]
    pub labels: Option<PathBuf>,
    /// How many clients and paths to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Threads for each stage; all cores when absent. The result is the same
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `kidoban label`
#[derive(Debug, Arguments)]
pub struct LabelArgs {
    /// A client and its label; with --propose, the logs
    #[arg(required = true, value_name = "CLIENT LABEL")]
    pub words: Vec<String>,
    /// The labels file: CSV `client,label,why`, made where there is none
    #[arg(long, value_name = "FILE", default_value = "labels.csv")]
    pub labels: PathBuf,
    /// Why, for whoever reads the file
    #[arg(long, value_name = "TEXT", conflicts_with = "propose")]
    pub why: Option<String>,
    /// List the clients nearest to a threshold whom the labels file leaves open
    #[arg(long)]
    pub propose: bool,
    /// The model; the configuration's, or the shipped one, when absent
    #[arg(long, value_name = "FILE", requires = "propose")]
    pub model: Option<PathBuf>,
    /// Configuration file (TOML) with the policy in force
    #[arg(short, long, value_name = "FILE", requires = "propose")]
    pub config: Option<PathBuf>,
    /// How many to propose
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kidoban forgive`
#[derive(Debug, Arguments)]
pub struct ForgiveArgs {
    /// The decision, by the id that the client was told
    #[arg(value_name = "ID")]
    pub id: String,
    /// The gate's event logs
    #[arg(required = true, value_name = "EVENTLOG")]
    pub logs: Vec<String>,
    /// The labels file: CSV `client,label,why`, made where there is none
    #[arg(long, value_name = "FILE", default_value = "labels.csv")]
    pub labels: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kidoban simulate`
#[derive(Debug, Arguments)]
pub struct SimulateArgs {
    /// The shop, or all, or benchmark: the bot benchmark's site with all its populations; a wrong
    /// name lists them
    #[arg(long, value_name = "NAME", default_value = "all")]
    pub shop: String,
    /// Everything random comes from this
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder for access.log and labels.csv; of all shops, each gets a folder in it
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// How long, from a Monday midnight on
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=744))]
    pub hours: u64,
    /// People a day; the shop's own number when absent
    #[arg(long, value_name = "N")]
    pub people: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kidoban drift`
#[derive(Debug, Arguments)]
pub struct DriftArgs {
    /// Paths, globs or `-`, all of the model's site; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// The gate's configuration: its model, and the budgets that its thresholds were tuned for
    #[arg(short, long, value_name = "FILE", required_unless_present = "model")]
    pub config: Option<PathBuf>,
    /// The model; the configuration's when absent. Alone, its own thresholds are looked at
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Who is a person: CSV `client,label[,why]`; weak rules when absent
    #[arg(long, value_name = "CSV")]
    pub labels: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `kidoban bench`
#[derive(Debug, Arguments)]
pub struct BenchArgs {
    /// Everything random comes from this; the tested model is trained on other traffic than it is
    /// tested on
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Fewer clients: half a minute instead of minutes, wider intervals, too few people to prove a
    /// block threshold
    #[arg(long)]
    pub quick: bool,
    /// A folder with access.log* and labels.csv; give two or more, each is judged by a model of the
    /// others
    #[arg(long = "site", value_name = "DIR")]
    pub sites: Vec<PathBuf>,
    /// Share of people that the tested model may limit
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = parse_share)]
    pub limit_budget: f64,
    /// Share of people that it may block
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = parse_share)]
    pub block_budget: f64,
    /// Threads; all cores when absent. The result is the same
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `kidoban check`
#[derive(Debug, Arguments)]
pub struct CheckArgs {
    /// Configuration file (TOML)
    #[arg(short, long, value_name = "FILE", required_unless_present = "model")]
    pub config: Option<PathBuf>,
    /// Model
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Logs to check against: does a proxy in front hide who the visitors are?
    #[arg(value_name = "LOG")]
    pub logs: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kidoban completions`
#[derive(Debug, Arguments)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `kidoban man`
#[derive(Debug, Arguments)]
pub struct ManArgs {
    /// Folder to write the pages into; made when it is not there
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
