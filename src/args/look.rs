//! Flags of the commands that look into logs: `inspect`, `replay`, `explain`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args as Arguments;

use super::read::ReadArgs;
use crate::since::Since;

/// `kidoban inspect`
#[derive(Debug, Arguments)]
pub struct InspectArgs {
    /// Paths, globs or `-`; .gz and .zst are read as they are
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<String>,
    /// Show one line of each log, and what each of its fields was taken for
    #[arg(long, conflicts_with = "json")]
    pub explain_format: bool,
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    pub since: Option<Since>,
    /// Threads for each stage; all cores when absent. The result is the same
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
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
    #[arg(long, value_name = "N", conflicts_with = "id", value_parser =
        clap::value_parser!(u64).range(1..))]
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
    /// How the logs are read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
