//! The pattern of a URL template, as people write it.
//!
//! ```text
//! pattern    = "/" [ segment *( "/" segment ) ] [ "?" parameter *( "&" parameter ) ]
//! segment    = ":n"             digits
//!            / ":x"             anything
//!            / "::" rest        the literal ":" rest
//!            / literal          itself: at least one character, not beginning with ":"
//! parameter  = name             present, whatever its value
//!            / name "=" value   present with this value
//! ```
//!
//! `/item/:n`, `/c/:x?page`, `/index.php?option=com_content&view=article&id`. Literals, names and
//! values stand in normal form: percent-escapes of unreserved characters are decoded, others are in
//! upper case. A pattern that could never match is refused: one that is not in normal form, holds
//! white space, a control character or `#`, or names a parameter twice.

use std::cmp::Reverse;
use std::fmt;

use crate::url::normal;

/// Most segments of a pattern. Real sites have half as many.
pub const SEGMENTS_MAX: usize = 16;
/// Greatest length of a pattern in bytes.
pub const PATTERN_BYTES_MAX: usize = 256;

/// The pattern of a URL template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// What the segments of the path must be, in order.
    pub segments: Vec<Segment>,
    /// What the query must have, sorted by name.
    pub parameters: Vec<Parameter>,
}

/// What one segment of a path must be. The most specific kind comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Exactly this text.
    Literal(String),
    /// `:n`: ASCII digits.
    Number,
    /// `:x`: anything.
    Any,
}

/// A parameter that the query must have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The value that it must have; `None` for any value.
    pub value: Option<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err("longer than 256 bytes");
        }
        if text.chars().any(|char| char.is_whitespace() || char.is_control() || char == '#') {
            return Err("white space, a control character or '#'");
        }
        let (path, query) =
            text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        let path = path.strip_prefix('/').ok_or("does not begin with '/'")?;
        let segments = match path {
            "" => Vec::new(),
            path => path.split('/').map(Segment::parse).collect::<Result<_, _>>()?,
        };
        if segments.len() > SEGMENTS_MAX {
            return Err("more than 16 segments");
        }
        let mut parameters = match query {
            None => Vec::new(),
            Some(query) => query.split('&').map(Parameter::parse).collect::<Result<Vec<_>, _>>()?,
        };
        parameters.sort();
        if parameters.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err("a parameter stands there twice");
        }
        Ok(Self { segments, parameters })
    }

    /// Sorts patterns so that the most specific comes first.
    pub(super) fn specificity(&self) -> impl Ord + use<> {
        let kind = |segment: &Segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Number => 1,
            Segment::Any => 2,
        };
        let kinds: Vec<u8> = self.segments.iter().map(kind).collect();
        let values = self.parameters.iter().filter(|parameter| parameter.value.is_some()).count();
        (kinds, Reverse(self.parameters.len()), Reverse(values))
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let literal = match text {
            "" => return Err("an empty segment"),
            ":n" => return Ok(Self::Number),
            ":x" => return Ok(Self::Any),
            _ if text.starts_with("::") => &text[1..],
            _ if text.starts_with(':') => {
                return Err("a segment beginning with ':' that is neither :n, :x nor '::'");
            }
            _ => text,
        };
        in_normal_form(literal).map(Self::Literal)
    }
}

impl Parameter {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, value) =
            text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        if name.is_empty() {
            return Err("a parameter without a name");
        }
        Ok(Self { name: in_normal_form(name)?, value: value.map(in_normal_form).transpose()? })
    }
}

fn in_normal_form(text: &str) -> Result<String, &'static str> {
    if normal(text).eq(text.bytes()) {
        Ok(text.to_owned())
    } else {
        Err("a percent-escape that is not in normal form")
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            f.write_str("/")?;
        }
        for segment in &self.segments {
            match segment {
                Segment::Number => f.write_str("/:n")?,
                Segment::Any => f.write_str("/:x")?,
                Segment::Literal(text) if text.starts_with(':') => write!(f, "/:{text}")?,
                Segment::Literal(text) => write!(f, "/{text}")?,
            }
        }
        for (index, parameter) in self.parameters.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { '?' } else { '&' }, parameter.name)?;
            if let Some(value) = &parameter.value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// The segments of a path; empty ones do not count.
pub fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// The parameters of a query as (name, value), not decoded. Without `=` the value is empty.
pub fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|text| !text.is_empty())
        .map(|text| text.split_once('=').unwrap_or((text, "")))
}
