//! Flags of the commands for shell and manual: `completions`, `man`.

use std::path::PathBuf;

use clap::Args as Arguments;

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
