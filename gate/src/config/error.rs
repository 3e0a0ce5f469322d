//! What is wrong with a configuration, where, and how to put it right.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why a configuration was not accepted. Always the writer's to fix, and the text says how.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot read the configuration: {problem}. Check the path and who may read \
        it.", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        problem: io::Error,
    },
    /// Something in it is wrong.
    #[error("{place}: {problem}. {remedy}")]
    Wrong {
        /// Where.
        place: Place,
        /// What stood there and what was expected.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `file:line:column`, both counted from 1.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Line.
        line: usize,
        /// Column in characters.
        column: usize,
    },
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

impl Place {
    /// The place of a byte range in a file's text.
    pub(super) fn in_file(path: &Path, text: &str, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::File {
            path: path.to_path_buf(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Turns what the TOML reader says into a place, a problem and a remedy.
pub fn from_toml(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let place = Place::in_file(path, text, error.span().unwrap_or(0..0));
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let (problem, remedy) = explain(&message);
    ConfigError::Wrong { place, problem, remedy }
}

fn explain(message: &str) -> (String, String) {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") {
        let key = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        let remedy = match nearest(key, &known) {
            Some(known) => format!("Did you mean `{known}`?"),
            None if known.is_empty() => "Remove it.".to_owned(),
            None => format!("Keys known here: {}.", known.join(", ")),
        };
        return (format!("unknown key `{key}`"), remedy);
    }
    if message.starts_with("unknown variant") {
        let value = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        let remedy = format!("Write one of: {}.", known.join(", "));
        return (format!("{value:?} is not known here"), remedy);
    }
    let remedy = if message.starts_with("invalid type: string") {
        "Write the value without quotes."
    } else if message.contains("expected a string") {
        "Write the value in double quotes."
    } else if message.contains("duplicate key") {
        "Keep one of the two."
    } else if message.starts_with("invalid type") || message.starts_with("invalid value") {
        "Write a value of the expected kind."
    } else {
        "This is not valid TOML: a line is `key = value` or `[section]`, text stands in double \
            quotes."
    };
    (message.trim_end_matches('.').to_owned(), remedy.to_owned())
}

/// The known key that differs from `key` in few enough letters to have been meant.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    // A third of the letters, at least two: catches a slip and a swap, and does not turn `port`
    // into `model`.
    let distance_max = (key.chars().count() / 3).max(2);
    known
        .iter()
        .map(|known| (distance(key, known), *known))
        .filter(|(distance, known)| *distance <= distance_max && *distance < known.len())
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_the_one_that_was_meant() {
        let known = ["listen", "upstream", "mode", "model"];
        let check = |key, expect| assert_eq!(nearest(key, &known), expect, "{key}");
        check("lisen", Some("listen"));
        check("upstraem", Some("upstream"));
        check("modle", Some("mode"));
        check("port", None);
        check("listen_address", None);
    }

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "a = 1\n# café\nüb = 2\n";
        let at = text.find("= 2").unwrap();
        let place = Place::in_file(Path::new("x.toml"), text, at..at + 1);
        assert_eq!(place.to_string(), "x.toml:3:4");
    }
}
