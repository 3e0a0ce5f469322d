//! Why a line cannot be read.

use std::borrow::Cow;
use std::fmt;

use super::clock::EXPECTED_ZONE;
use super::excerpt::escaped;

/// Why a line cannot be read. Its text is made only when it is displayed, which happens for the
/// first three refused lines of a log.
#[derive(Debug)]
pub(super) enum Refusal<'a> {
    /// A field does not hold what is expected.
    Field { field: &'static str, expected: &'static str, found: Cow<'a, str> },
    /// The line is not JSON, or lacks something; with serde's error.
    Json(serde_json::Error),
}

impl<'a> Refusal<'a> {
    /// Whether the line was refused because its time has no zone. What follows the time has not
    /// been looked at.
    pub(super) fn is_for_zone(&self) -> bool {
        matches!(self, Self::Field { expected, .. } if *expected == EXPECTED_ZONE)
    }

    /// Whether the line names no client.
    pub(super) fn is_for_client(&self) -> bool {
        matches!(self, Self::Field { field: "client", found, .. } if matches!(&**found, "" | "-"))
    }

    /// What was found where this was expected.
    pub(super) fn found_where(&self, wanted: &'static str) -> Option<String> {
        match self {
            Self::Field { expected, found, .. } if *expected == wanted => {
                Some(found.clone().into_owned())
            }
            _ => None,
        }
    }

    pub(super) fn new(
        field: &'static str,
        expected: &'static str,
        found: impl Into<Cow<'a, str>>,
    ) -> Self {
        Self::Field { field, expected, found: found.into() }
    }
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Enough characters of a field to recognise it.
        const FOUND_CHARS_MAX: usize = 40;
        match self {
            Self::Field { field, expected, found } if found.is_empty() => {
                write!(f, "{field}: expected {expected}, found nothing")
            }
            Self::Field { field, expected, found } => {
                write!(
                    f,
                    "{field}: expected {expected}, found \"{}\"",
                    escaped(found.as_bytes(), FOUND_CHARS_MAX)
                )
            }
            Self::Json(error) => f.write_str(&json_problem(error)),
        }
    }
}

/// Room for serde's longest sentence about our lines, which lists all keys of a request.
const PROBLEM_CHARS_MAX: usize = 200;

/// serde's message about a line, reworded for people: without the names of Rust types, and without
/// the line number, which is always 1.
fn json_problem(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let mismatch =
        said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "));
    let problem = match mismatch.and_then(|rest| rest.split_once(", expected ")) {
        Some((found, expected)) => {
            let expected = match expected {
                _ if expected.starts_with("struct ") => "an object in braces",
                "u8" | "u16" | "u32" | "u64" | "u128" | "i64" => "a whole number",
                "f32" | "f64" => "a number",
                other => other,
            };
            let found = found
                .strip_prefix("floating point ")
                .or(found.strip_prefix("integer "))
                .unwrap_or(found);
            let found = match found {
                "map" => "an object",
                "sequence" => "a list",
                other => other,
            };
            format!("expected {expected}, found {found}")
        }
        None if error.is_eof() => "it ends in the middle".to_owned(),
        None => said.to_owned(),
    };
    // It may quote the log, as long as that is and with control characters decoded.
    let problem = escaped(problem.as_bytes(), PROBLEM_CHARS_MAX);
    match error.column() {
        0 => format!("json: {problem}"),
        column => format!("json: {problem}, at column {column}"),
    }
}

#[cfg(test)]
mod tests {
    use super::json_problem;

    #[derive(serde::Deserialize)]
    struct Line {
        #[allow(dead_code)] // only the errors of reading it are looked at
        status: u16,
    }

    #[test]
    fn what_is_wrong_with_json_is_said_without_a_word_of_rust() {
        let check = |text: &str, expect: &str| {
            let Err(error) = serde_json::from_str::<Line>(text) else { panic!("{text} was read") };
            let said = json_problem(&error);
            assert_eq!(
                said.split_once(", at column ").map(|(said, _)| said),
                Some(expect),
                "{text}: {said}"
            );
        };
        check("20.171 - -", "json: expected an object in braces, found `20.171`");
        check("\"GET\"", "json: expected an object in braces, found string \"GET\"");
        check("{\"status\":{}}", "json: expected a whole number, found an object");
        check("{\"status\":2", "json: it ends in the middle");
        check("{status", "json: key must be a string");
        check("{}", "json: missing field `status`");
    }
}
