//! `--report`: the file a report is written to, how clients are named in it, and the command that
//! made it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use analysis::report::{ModelFacts, Names, Origin, Page};
use analysis::sources::LogRead;
use anyhow::{Context, Result, anyhow, bail};
use data_encoding::HEXLOWER;
use detector::Model;
use sha2::{Digest, Sha256};

use crate::args::ReportArgs;
use crate::output;

/// A shorter secret could be guessed.
const KEY_BYTES_MIN: usize = 16;

/// Where a report is to be written, and how clients are named in it.
pub struct Report {
    path: PathBuf,
    names: Names,
}

impl Report {
    /// Checks before long work begins that the report can be written. `None` where none is asked
    /// for.
    ///
    /// # Errors
    /// A file that cannot be written to; a key that cannot be read or is too short.
    pub fn open(args: &ReportArgs) -> Result<Option<Self>> {
        let Some(path) = &args.report else { return Ok(None) };
        output::check_writable(path)?;
        let names = match &args.pseudonym_key {
            _ if args.show_clients => Names::shown(),
            None => {
                let mut key = [0; 32];
                getrandom::fill(&mut key)
                    .map_err(|error| anyhow!("no key for pseudonyms can be drawn: {error}"))?;
                Names::hidden(&key)
            }
            Some(file) => {
                let key = std::fs::read(file)
                    .with_context(|| format!("{}: cannot be read", file.display()))?;
                if key.len() < KEY_BYTES_MIN {
                    bail!(
                        "{}: a key has at least {KEY_BYTES_MIN} bytes; draw one with `openssl rand \
                            32`",
                        file.display()
                    );
                }
                Names::hidden(&key)
            }
        };
        Ok(Some(Self { path: path.clone(), names }))
    }

    /// How clients are named in the report.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Writes the report in one step: whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written to after all.
    pub fn write(&self, page: &Page, origin: &Origin) -> Result<()> {
        output::write(&self.path, page.clone().render(origin, &self.names).as_bytes())
    }
}

/// Where a report's figures come from: this command line, these models and these logs.
pub fn origin<'a>(models: impl IntoIterator<Item = &'a Model>, logs: Vec<LogRead>) -> Origin {
    Origin {
        command: command(std::env::args_os()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        models: models.into_iter().map(ModelFacts::from).collect(),
        logs,
        digests: Vec::new(),
    }
}

/// SHA-256 of a file in hex. The file is streamed, so its size does not matter.
///
/// # Errors
/// A file that cannot be read.
pub fn sha256(path: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut digest));
    copied.with_context(|| format!("{}: cannot be read", path.display()))?;
    Ok(HEXLOWER.encode(&digest.finalize()))
}

/// The command line, quoted for a shell. It begins with `kidoban`, by whatever path the program was
/// started.
fn command(args: impl Iterator<Item = impl AsRef<OsStr>>) -> String {
    let args: Vec<_> =
        args.skip(1).map(|arg| arg.as_ref().to_string_lossy().into_owned()).collect();
    let words = std::iter::once("kidoban").chain(args.iter().map(String::as_str));
    // The one error is a NUL byte, which no argument of a process can hold.
    shlex::try_join(words).unwrap_or_else(|_| "kidoban".to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_command_can_be_given_to_a_shell_again() {
        let words =
            ["target/release/kidoban", "tune", "--fp-budget", "0.1%", "my log's.gz", "*.log", ""];
        assert_eq!(
            command(words.iter()),
            r#"kidoban tune --fp-budget '0.1%' "my log's.gz" '*.log' ''"#
        );
    }

    #[test]
    fn bash_reads_the_very_arguments_back() {
        let arguments = [
            "{a,b}.log",
            "wow!",
            "~/x",
            "$HOME",
            "`id`",
            "a b",
            "it's",
            "\"\\\"",
            "x^y",
            "[ab]",
            "",
            "line\nline",
            "a=b",
            "#x",
            "木",
            "'\"'!",
            "-n",
        ];
        let line = command(std::iter::once("target/release/kidoban").chain(arguments));
        let script = format!("kidoban() {{ printf '%s\\037' \"$@\"; }}\n{line}");
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let read = String::from_utf8(output.stdout).unwrap();
        let read: Vec<&str> = read.split_terminator('\u{1f}').collect();
        assert_eq!(read, arguments);
    }
}
