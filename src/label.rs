//! `kidoban label`: writes a client's label for the next training, or lists whom to label first.

mod propose;

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use analysis::relabel::{Relabelled, relabel};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use trainer::Label;

use crate::args::LabelArgs;
use crate::command_result::CommandResult;
use crate::{input, output};

#[derive(Serialize)]
struct Written<'a> {
    labels: String,
    #[serde(flatten)]
    relabelled: &'a Relabelled,
}

/// Writes a label, or proposes clients for labelling.
///
/// # Errors
/// Arguments that are no client and label, with what to write instead; a labels file that cannot be
/// read or written.
pub fn run(args: &LabelArgs) -> Result<CommandResult> {
    if args.propose {
        return propose::run(args);
    }
    let [client, label] = args.words.as_slice() else {
        bail!(
            "expected a client and its label, such as `kidoban label 192.0.2.7 human`; found {}",
            analysis::format::counted(args.words.len() as u64, "word")
        );
    };
    let is_label = |text: &str| Label::ALL.iter().any(|known| known.as_str() == text);
    if is_label(client) && !is_label(label) {
        bail!(
            "the client comes first, then its label: kidoban label {} {client}",
            output::safe(label, 60)
        );
    }
    let Some(label) = Label::ALL.into_iter().find(|known| known.as_str() == label) else {
        bail!(
            "expected human, bad, good_bot or unknown as the label of {}, found {:?}",
            output::safe(client, 60),
            output::safe(label, 60)
        );
    };
    let relabelled = write(&args.labels, client, label, args.why.as_deref().unwrap_or(""))?;
    input::warn_of_name(client);
    if args.json {
        output::print_json(&Written {
            labels: args.labels.display().to_string(),
            relabelled: &relabelled,
        })?;
    } else {
        output::print(&describe(&relabelled, &args.labels))?;
    }
    Ok(CommandResult::Passed)
}

/// What was written to the labels file, in words.
pub fn describe(relabelled: &Relabelled, labels: &Path) -> String {
    let Relabelled { client, label, before, clients, .. } = relabelled;
    let mut text = format!("{client} is labelled {label} in {}", labels.display());
    for (number, row) in before.iter().enumerate() {
        let why = if row.why.is_empty() {
            String::new()
        } else {
            format!(": {}", output::safe(&row.why, 60))
        };
        let _ =
            write!(text, "{} {}{why}", if number == 0 { "; it was" } else { " and" }, row.label);
    }
    let are = if *clients == 1 { "client is" } else { "clients are" };
    let _ = writeln!(
        text,
        ".\n{} {are} labelled there. Next: kidoban train LOG --labels {} -o MODEL",
        output::count(*clients as u64),
        labels.display()
    );
    text
}

/// Writes a label into a labels file. The file is created where it is missing, and replaced in one
/// step.
///
/// # Errors
/// As [`run`].
pub fn write(path: &Path, client: &str, label: Label, why: &str) -> Result<Relabelled> {
    let name = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("{name}: cannot be read")),
    };
    let relabelled = relabel(&name, &text, client, label, why)?;
    if relabelled.text != text {
        replace(path, &relabelled.text).with_context(|| format!("{name}: cannot be written"))?;
    }
    Ok(relabelled)
}

/// Replaces a file in one step: a reader sees the old content or the new, never a part.
fn replace(path: &Path, text: &str) -> Result<()> {
    // Replaces the file behind a symbolic link, not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = path
        .file_name()
        .map_or_else(|| "labels".to_owned(), |name| name.to_string_lossy().into_owned());
    let new = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = write_new(&new, &path, text);
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_new(new: &PathBuf, path: &Path, text: &str) -> Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(new)?;
    if let Ok(before) = fs::metadata(path) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)?;
    Ok(())
}
