//! Flags of the commands that measure a model or a policy: `evaluate`, `tune`, `diff`, `drift`,
//! `bench`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args as Arguments;

use super::bytes::parse_bytes;
use super::read::ReadArgs;
use super::report::ReportArgs;
use super::share::{parse_confidence, parse_share};

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
    /// Memory that one site's traffic may take, such as 512MiB or 8GiB; a log that needs more is
    /// refused. When absent, half of what is available when reading starts
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub memory_max: Option<u64>,
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
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
    #[allow(rustdoc::broken_intra_doc_links, reason = "a section, and printed as it stands")]
    #[arg(long = "outcome", value_name = "NAME=METHOD PATH STATUS")]
    pub outcomes: Vec<String>,
    /// None of these clients trained the model: say so when it was trained on other sites. Else
    /// only who came after its training ended proves anything
    #[arg(long)]
    pub unseen: bool,
    /// Whom tuning of this model has counted: earlier people prove the thresholds too, each once,
    /// and these are added; made where there is none
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// Set the proven thresholds in this configuration file; all else in it stays as it is,
    /// comments too
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Memory that one site's traffic may take, such as 512MiB or 8GiB; a log that needs more is
    /// refused. When absent, half of what is available when reading starts
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub memory_max: Option<u64>,
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `kidoban diff`
#[derive(Debug, Arguments)]
pub struct DiffArgs {
    /// Configuration (.toml), or model (.json) with the policy's defaults, before
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// Configuration (.toml), or model (.json) with the policy's defaults, after
    #[arg(value_name = "B")]
    pub after: PathBuf,
    /// Paths, globs or `-`; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// What a visit can come to, beside the configurations' [outcomes]; may be repeated
    #[allow(rustdoc::broken_intra_doc_links, reason = "a section, and printed as it stands")]
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
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
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
    /// Memory that one site's traffic may take, such as 512MiB or 8GiB; a log that needs more is
    /// refused. When absent, half of what is available when reading starts
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub memory_max: Option<u64>,
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
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
    /// Memory that one site's traffic may take, such as 512MiB or 8GiB; a log that needs more is
    /// refused. When absent, half of what is available when reading starts
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    pub memory_max: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}
