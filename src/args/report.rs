//! `--report` and its flags, which several commands share.

use std::path::PathBuf;

use clap::Args as Arguments;

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
