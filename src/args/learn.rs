//! Flags of the commands that make a model and what it learns from: `train`, `label`, `forgive`,
//! `simulate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Arguments, ValueEnum};

use super::bytes::parse_bytes;
use super::read::ReadArgs;
use super::report::ReportArgs;
use super::share::{parse_share, parse_warm_up};
use super::span::parse_span;

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
    /// Do not attack the log: without it, simulated bots walk the site's own URLs where labels are
    /// weak or one-sided, and undeclared clients are taken for people where nobody is known
    #[arg(long)]
    pub no_attack: bool,
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
    #[arg(short, long, value_name = "MODEL", required_unless_present = "promote_to")]
    pub output: Option<PathBuf>,
    /// Retraining in production.
    #[command(flatten)]
    pub rolling: RollingArgs,
    /// Where to write who was taken for what, and by which rule: a labels file to correct and train
    /// on again
    #[arg(long, value_name = "CSV")]
    pub labels_out: Option<PathBuf>,
    /// Name of the model; the file's name when absent
    #[arg(long)]
    pub name: Option<String>,
    /// Memory that one site's traffic may take, such as 512MiB or 8GiB; a log that needs more is
    /// refused. When absent, half of what is available when reading starts
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub memory_max: Option<u64>,
    /// Print the model's card as JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// The flags of `kidoban train --promote-to`.
#[derive(Debug, Arguments)]
pub struct RollingArgs {
    /// Retrain on the newest logs and put the model there, if it passes every gate beside the one
    /// that is there; exit 0 promoted, 1 the last good one stays, 2 the run failed
    #[arg(
        long,
        value_name = "MODEL",
        requires = "logs",
        conflicts_with_all = ["output", "sites", "base", "rows", "labels_out", "force", "report"]
    )]
    pub promote_to: Option<PathBuf>,
    /// Do so again after each such span (30m, 24h, 7d), until SIGTERM or SIGINT; once when absent
    #[arg(long, value_name = "SPAN", value_parser = parse_span, requires = "promote_to")]
    pub every: Option<Duration>,
    /// How much of the logs to learn from: the last such span before those to judge on
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = parse_span)]
    pub window: Duration,
    /// How much of the newest logs to judge on, and not to learn from
    #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = parse_span)]
    pub judge_on: Duration,
    /// How many of the last good models to keep, beside the one in force
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub keep: usize,
    /// The gate's configuration (TOML): the policy that it enforces, its proxies and log format
    #[arg(short, long, value_name = "FILE", requires = "promote_to")]
    pub config: Option<PathBuf>,
    /// What to run, by sh, after a promotion, such as 'systemctl reload kidoban'
    #[arg(long, value_name = "COMMAND", requires = "promote_to")]
    pub on_promotion: Option<String>,
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
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
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
