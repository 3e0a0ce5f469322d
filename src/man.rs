//! `kidoban man`: writes manual pages from the definitions that also make `--help`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use serde::Serialize;

use crate::args::{Args, ManArgs};
use crate::command_result::CommandResult;
use crate::output;

#[derive(Serialize)]
struct Written {
    pages: Vec<PathBuf>,
}

/// Writes `kidoban.1` and `kidoban-COMMAND.1` of each command.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn run(args: &ManArgs) -> Result<CommandResult> {
    let folder = &args.output;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: cannot be made", folder.display()))?;
    // `kidoban help COMMAND` needs no page of its own.
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![write(&command, folder)?];
    for subcommand in command.get_subcommands() {
        pages.push(write(subcommand, folder)?);
    }
    if args.json {
        output::print_json(&Written { pages })?;
    } else {
        let (number, folder) = (pages.len(), folder.display());
        output::print(&format!(
            "Wrote {number} pages to {folder}. Read one with: man -l {folder}/kidoban.1\n"
        ))?;
    }
    Ok(CommandResult::Passed)
}

fn write(command: &Command, folder: &Path) -> Result<PathBuf> {
    let source = concat!("kidoban ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).source(source).manual("Kidoban");
    let path = folder.join(page.get_filename());
    let mut roff = Vec::new();
    page.render(&mut roff)?;
    let roff =
        with_synopsis(&String::from_utf8_lossy(&roff), &command.clone().render_usage().to_string());
    // The text after the flags in `--help` is an example; manual pages have a section for those.
    let roff = roff
        .replace(".SH EXTRA\nExample:\n", ".SH EXAMPLES\n")
        .replace("\nExample:\n", "\n.SH EXAMPLES\n")
        .replace(".SH EXTRA\n", ".SH NOTES\n");
    std::fs::write(&path, roff)
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    Ok(path)
}

/// Replaces the synopsis by the usage line of `--help`: clap_mangen's own shows neither values nor
/// that an argument may be repeated.
fn with_synopsis(roff: &str, usage: &str) -> String {
    const HEADING: &str = ".SH SYNOPSIS\n";
    let Some((before, rest)) = roff.split_once(HEADING) else { return roff.to_owned() };
    let after = rest.find(".SH ").map_or("", |next| &rest[next..]);
    let escaped = |line: &str| line.trim().replace('\\', "\\e").replace('-', "\\-");
    let lines: Vec<String> = usage.trim_start_matches("Usage:").lines().map(escaped).collect();
    format!("{before}{HEADING}{}\n{after}", lines.join("\n.br\n"))
}
