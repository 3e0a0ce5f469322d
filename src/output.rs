//! Printing to standard output, and writing result files. How numbers are written is in
//! [`analysis::format`].

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use analysis::sources::LogRead;
use anyhow::{Context, Result, bail};
use comfy_table::{CellAlignment, presets};
use serde::Serialize;

pub use analysis::format::{count, figure, percent, percent_at_most, safe, score, time};

/// A plain-text table. Columns of numbers are aligned to the right, others and the first to the
/// left.
#[derive(Debug, Default)]
pub struct TextTable {
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table with this heading.
    pub fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, each line indented by two and ended by a newline.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        for row in &self.rows {
            let missing = std::iter::repeat_n("", columns - row.len());
            table.add_row(row.iter().map(String::as_str).chain(missing));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            if index == 0 {
                column.set_padding((2, 1));
            } else if self.is_number(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Whether nothing but numbers, dashes and empty cells are below this column's heading.
    fn is_number(&self, column: usize) -> bool {
        let cells = self.rows.iter().skip(1).filter_map(|row| row.get(column));
        cells.filter(|cell| !cell.is_empty() && *cell != "–").all(|cell| {
            cell.starts_with(|first: char| first.is_ascii_digit() || first == '−' || first == '#')
        })
    }
}

/// A result together with what was read of each log.
#[derive(Debug, Serialize)]
pub struct WithLogs<'a, T: Serialize> {
    /// The result, whose fields stay at the top level of the JSON.
    #[serde(flatten)]
    pub result: &'a T,
    /// Lines read and refused, of each log.
    pub logs: &'a [LogRead],
}

/// A sentence that says that no request was read, so that an empty log does not look like a good
/// result. `None` if there were requests.
pub fn nothing_read(requests: u64, logs: &[String]) -> Option<String> {
    (requests == 0).then(|| {
        format!(
            "No request was read from {}: nothing can be said. Was the log rotated just now, or is \
                it another file?",
            logs.join(" ")
        )
    })
}

/// Prints a value as indented JSON.
///
/// # Errors
/// Standard output cannot be written to.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints each value as JSON on a line of its own.
///
/// # Errors
/// Standard output cannot be written to.
pub fn print_json_lines(values: &[impl Serialize]) -> Result<()> {
    let mut text = String::new();
    for value in values {
        text.push_str(&serde_json::to_string(value)?);
        text.push('\n');
    }
    print(&text)
}

/// Prints text and flushes.
///
/// # Errors
/// Standard output cannot be written to.
pub fn print(text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Whether the reader of our output went away, as in `kidoban … | head`. That is not an error.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Writes to a temporary file beside the target, then renames it. A reader sees the old content or
/// the new, never a part.
///
/// # Errors
/// A target that cannot be written to.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, bytes, 0o666)
}

/// As [`write()`], for what only its owner may read. A file that is there keeps its permissions.
///
/// # Errors
/// As [`write()`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, bytes, 0o600)
}

/// The content is on the disk before it has the name: after a power failure the file is the old one
/// or the new one.
fn write_with(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let beside = beside(path);
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        if let Some(known) = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file) {
            file.set_permissions(known.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if let Err(error) = written {
        drop(std::fs::remove_file(&beside));
        bail!("{}: cannot be written: {error}", path.display());
    }
    // The name is on the disk once its folder is. Not every file system can be asked for that.
    if let Ok(folder) = std::fs::File::open(folder_of(path)) {
        drop(folder.sync_all());
    }
    Ok(())
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Checks before long work begins that a file can be written. Leaves nothing behind.
///
/// # Errors
/// The path is a folder, or its folder is missing or not writable.
pub fn check_writable(path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("{}: is a folder; give a file's name", path.display());
    }
    let beside = beside(path);
    std::fs::File::create(&beside)
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    std::fs::remove_file(&beside)
        .with_context(|| format!("{}: cannot be removed", beside.display()))
}

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    PathBuf::from(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(heading: &[&str], rows: &[&[&str]], expect: &[&str]) {
        let mut table = TextTable::new(heading);
        for row in rows {
            table.row(row.iter().map(|&cell| cell.to_owned()));
        }
        assert_eq!(table.render(), expect.join("\n") + "\n");
    }

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        check(
            &["path", "requests", "change", "why"],
            &[
                &["/p/1", "1,234", "−3 %", "score"],
                &["/search", "7", "–", "2nd, and text"],
                &["total"],
            ],
            &[
                "  path     requests  change  why",
                "  /p/1        1,234    −3 %  score",
                "  /search         7       –  2nd, and text",
                "  total",
            ],
        );
    }

    #[test]
    fn columns_stay_straight_below_wide_and_combined_characters() {
        check(
            &["path", "requests"],
            &[&["/検索?q=茶碗", "12"], &["/cafe\u{301}", "7"]],
            &[
                "  path          requests",
                "  /検索?q=茶碗        12",
                "  /cafe\u{301}                7",
            ],
        );
    }
}
