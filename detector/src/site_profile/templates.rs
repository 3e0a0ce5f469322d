//! What the URLs of a site look like: patterns written as people write them.
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
//! values stand in normal form: percent-escapes of unreserved characters decoded, others in upper
//! case. Whatever is not in normal form, holds white space, a control character or `#`, or names a
//! parameter twice, is refused: it could never match.
//!
//! A request falls into a pattern when its path has as many segments (empty ones do not count),
//! each as the pattern says, and its query has all the pattern's parameters, in any order, among
//! any others. Of several the most specific wins: segment by segment from the left a literal before
//! `:n` before `:x`, then the one with more parameters, then with more values, then the first in
//! the file.
//!
//! No trie: with at most 64 patterns a set of them is one word. Each segment and parameter narrows
//! the set of those still possible; nothing backtracks, so a target costs O(segments + parameters)
//! whatever the patterns are.

use std::cmp::Reverse;
use std::fmt;

use super::{NUMBERS, OTHER, SiteProfileError};
use crate::url::{Class, normal};

/// Patterns of a site: as many as a word has bits.
pub const TEMPLATES_MAX: usize = 64;
/// Different parameters (a name, or a name with a value) in all patterns of a site.
pub const PARAMETERS_MAX: usize = 64;
/// Segments of a pattern; real sites have half as many.
pub const SEGMENTS_MAX: usize = 16;
/// Length of a pattern in bytes.
pub const PATTERN_BYTES_MAX: usize = 256;

/// A pattern, read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// Of the path, in order.
    pub segments: Vec<Segment>,
    /// Of the query, sorted by name.
    pub parameters: Vec<Parameter>,
}

/// What one segment of a path must be. In order of specificity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// This text.
    Literal(String),
    /// `:n`: ASCII digits.
    Number,
    /// `:x`: anything.
    Any,
}

/// What the query must have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value, where only this one will do.
    pub value: Option<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
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

    fn specificity(&self) -> impl Ord + use<> {
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

/// The parameters of a query, as (name, value), as they stand there; without `=` the value is
/// empty.
pub fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|text| !text.is_empty())
        .map(|text| text.split_once('=').unwrap_or((text, "")))
}

/// Patterns by a part of a request: a set of them, one bit each.
type Set = u64;

/// The patterns of a site, ready to be asked.
#[derive(Clone, Debug)]
pub struct Templates {
    /// Bits are in order of specificity, the most specific lowest.
    positions: Vec<Position>,
    /// By how many segments they have.
    lengths: [Set; SEGMENTS_MAX + 1],
    parameters: Vec<Named>,
    /// Of each pattern, which parameters it needs; a bit a parameter.
    needs: Vec<u64>,
    found: Vec<Found>,
}

/// The template of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place in the file.
    pub index: u8,
    /// 0..=14 for the first 15 that are not assets, else 15.
    pub number: u8,
    /// What it was learnt to be.
    pub class: Option<Class>,
}

/// The patterns that allow what stands at one position of a path.
#[derive(Clone, Debug, Default)]
struct Position {
    literals: Vec<(Box<[u8]>, Set)>,
    number: Set,
    any: Set,
}

/// A parameter that some pattern needs: the bit for its presence, and those for its values.
#[derive(Clone, Debug)]
struct Named {
    name: Box<[u8]>,
    present: u64,
    values: Vec<(Box<[u8]>, u64)>,
}

impl Templates {
    /// Of patterns in the order of the file, with what they were learnt to be.
    ///
    /// # Errors
    /// More than 64 patterns, one outside the grammar or there twice, or more than 64 different
    /// parameters.
    pub fn new<'a>(
        patterns: impl Iterator<Item = (&'a str, Option<Class>)>,
    ) -> Result<Self, SiteProfileError> {
        let mut read = Vec::new();
        let mut next = 0;
        for (index, (text, class)) in patterns.enumerate() {
            if index >= TEMPLATES_MAX {
                return Err(SiteProfileError::Content("templates are more than 64"));
            }
            let pattern = Pattern::parse(text)
                .map_err(|why| SiteProfileError::Pattern { pattern: text.to_owned(), why })?;
            let numbered = class != Some(Class::Asset) && next < NUMBERS - 1;
            let number = if numbered { next as u8 } else { OTHER };
            next += usize::from(numbered);
            read.push((pattern, Found { index: index as u8, number, class }));
        }
        read.sort_by_cached_key(|(pattern, found)| (pattern.specificity(), found.index));
        let mut templates = Self {
            positions: Vec::new(),
            lengths: [0; SEGMENTS_MAX + 1],
            parameters: Vec::new(),
            needs: Vec::new(),
            found: Vec::new(),
        };
        let mut bits = 0;
        for (rank, (pattern, found)) in read.iter().enumerate() {
            if read[..rank].iter().any(|(other, _)| other == pattern) {
                return Err(SiteProfileError::Pattern {
                    pattern: pattern.to_string(),
                    why: "stands there twice",
                });
            }
            templates.add(1 << rank, pattern);
            let needs =
                pattern.parameters.iter().map(|parameter| templates.bit_of(parameter, &mut bits));
            let needs = needs.collect::<Option<Vec<_>>>();
            let needs = needs.ok_or(SiteProfileError::Content(
                "templates have more than 64 different parameters",
            ))?;
            templates.needs.push(needs.into_iter().fold(0, |all, bit| all | bit));
            templates.found.push(*found);
        }
        Ok(templates)
    }

    /// The most specific template of a request.
    pub fn find(&self, path: &str, query: &str) -> Option<Found> {
        let mut possible = Set::MAX;
        let mut length = 0;
        for segment in segments(path) {
            possible &= self.positions.get(length)?.allowing(segment);
            if possible == 0 {
                return None;
            }
            length += 1;
        }
        possible &= self.lengths.get(length)?;
        if possible == 0 {
            return None;
        }
        let has = match self.parameters.is_empty() {
            true => 0,
            false => parameters(query).fold(0, |has, (name, value)| has | self.bits(name, value)),
        };
        while possible != 0 {
            let rank = possible.trailing_zeros() as usize;
            if self.needs.get(rank)? & !has == 0 {
                return self.found.get(rank).copied();
            }
            possible &= possible - 1;
        }
        None
    }

    fn add(&mut self, bit: Set, pattern: &Pattern) {
        let length = pattern.segments.len();
        self.lengths[length] |= bit;
        if self.positions.len() < length {
            self.positions.resize_with(length, Position::default);
        }
        for (position, segment) in self.positions.iter_mut().zip(&pattern.segments) {
            match segment {
                Segment::Number => position.number |= bit,
                Segment::Any => position.any |= bit,
                Segment::Literal(text) => *entry(&mut position.literals, text) |= bit,
            }
        }
    }

    /// The bit of a parameter; a new one where it has none yet, `None` where there are no more.
    fn bit_of(&mut self, parameter: &Parameter, bits: &mut u32) -> Option<u64> {
        let name = parameter.name.as_bytes();
        let at = match self.parameters.binary_search_by(|named| (*named.name).cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.parameters
                    .insert(at, Named { name: name.into(), present: 0, values: Vec::new() });
                at
            }
        };
        let named = &mut self.parameters[at];
        let bit = match &parameter.value {
            None => &mut named.present,
            Some(value) => entry(&mut named.values, value),
        };
        if *bit == 0 {
            *bit = 1_u64.checked_shl(*bits)?;
            *bits += 1;
        }
        Some(*bit)
    }

    fn bits(&self, name: &str, value: &str) -> u64 {
        let Some(at) = search(&self.parameters, name, |named| &named.name) else { return 0 };
        let named = &self.parameters[at];
        named.present | look_up(&named.values, value)
    }
}

impl Position {
    fn allowing(&self, segment: &str) -> Set {
        let number = if self.number != 0 && is_number(segment) { self.number } else { 0 };
        self.any | number | look_up(&self.literals, segment)
    }
}

/// Is it what `:n` stands for?
fn is_number(segment: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    if is_plain(segment) { segment.bytes().all(is_digit) } else { normal(segment).all(is_digit) }
}

/// Is it its own normal form?
fn is_plain(text: &str) -> bool {
    !text.as_bytes().contains(&b'%')
}

/// Where the normal form of a text stands among sorted ones.
fn search<T>(sorted: &[T], text: &str, key: impl Fn(&T) -> &[u8]) -> Option<usize> {
    if is_plain(text) {
        sorted.binary_search_by(|known| key(known).cmp(text.as_bytes())).ok()
    } else {
        sorted.binary_search_by(|known| key(known).iter().copied().cmp(normal(text))).ok()
    }
}

fn look_up(texts: &[(Box<[u8]>, u64)], text: &str) -> u64 {
    search(texts, text, |(known, _)| known).map_or(0, |at| texts[at].1)
}

fn entry<'a>(texts: &'a mut Vec<(Box<[u8]>, u64)>, text: &str) -> &'a mut u64 {
    let at = match texts.binary_search_by(|(known, _)| (**known).cmp(text.as_bytes())) {
        Ok(at) => at,
        Err(at) => {
            texts.insert(at, (text.as_bytes().into(), 0));
            at
        }
    };
    &mut texts[at].1
}
