//! Flags of the commands that serve traffic: `run`, `decide` and `demo`; and `check`, which looks
//! whether `run` or `decide` would start.

use std::path::PathBuf;

use clap::{Args as Arguments, ValueEnum};

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
    /// What every way to run the gate shares.
    #[command(flatten)]
    pub gate: GateArgs,
}

/// Flags that `run` and `decide` share.
#[derive(Debug, Arguments)]
pub struct GateArgs {
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

/// `kidoban decide`
#[derive(Debug, Arguments)]
pub struct DecideArgs {
    /// Configuration file (TOML); flags overrule it
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where edges ask: unix:PATH, or an address with a port; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// What every way to run the gate shares.
    #[command(flatten)]
    pub gate: GateArgs,
}

/// `--mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Judge and record, refuse nothing.
    Shadow,
    /// Refuse.
    Enforce,
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
