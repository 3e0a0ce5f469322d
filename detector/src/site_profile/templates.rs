//! The URL templates of a site, and which of them a request falls into.
//!
//! A request falls into a [`Pattern`] when its path has as many segments (empty ones do not count),
//! each segment is as the pattern says, and its query has all parameters of the pattern, in any
//! order, among any others. Of several patterns the most specific wins. Segments are compared from
//! the left: a literal goes before `:n`, and `:n` before `:x`. Then the pattern with more
//! parameters wins, then the one with more values, then the first in the file.
//!
//! There is no trie. A set of at most 64 patterns is one word. Each segment and each parameter
//! narrows the set of those still possible, and nothing backtracks. So finding a template costs
//! O(segments + parameters), whatever the patterns are.

use super::error::SiteProfileError;
use super::pattern::{Parameter, Pattern, SEGMENTS_MAX, Segment, parameters, segments};
use crate::url::{Class, normal};

/// How many template numbers there are: one each for the 15 most common templates, and one for any
/// other.
pub const NUMBERS: usize = 16;
/// The template number of a request that falls into none of the 15 most common templates.
pub const OTHER: u8 = 15;
/// Most patterns of a site: as many as a word has bits.
pub const TEMPLATES_MAX: usize = 64;
/// Most different parameters (a name, or a name with a value) in all patterns of a site.
pub const PARAMETERS_MAX: usize = 64;

/// A set of patterns, one bit each. Bits are in order of specificity, the most specific lowest.
type PatternSet = u64;

/// The patterns of a site, prepared for finding the one of a request.
#[derive(Clone, Debug)]
pub struct Templates {
    /// For each position of a path, the patterns that allow a segment there.
    positions: Vec<Position>,
    /// The patterns by their number of segments.
    lengths: [PatternSet; SEGMENTS_MAX + 1],
    /// The parameters that some pattern needs, sorted by name.
    parameters: Vec<NeededParameter>,
    /// The parameters that each pattern needs, one bit each.
    needs: Vec<u64>,
    /// The answer for each pattern.
    found: Vec<TemplateMatch>,
}

/// The template of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateMatch {
    /// The template's index in the file.
    pub index: u8,
    /// The template's number: 0..=14 for the first 15 that are not assets, else [`OTHER`].
    pub number: u8,
    /// Page or asset, if that was learnt.
    pub class: Option<Class>,
}

/// The patterns that allow a segment at one position of a path, by what they want there.
#[derive(Clone, Debug, Default)]
struct Position {
    literals: Vec<(Box<[u8]>, PatternSet)>,
    number: PatternSet,
    any: PatternSet,
}

/// A parameter that some pattern needs: one bit for its presence, and one for each value.
#[derive(Clone, Debug)]
struct NeededParameter {
    name: Box<[u8]>,
    present: u64,
    values: Vec<(Box<[u8]>, u64)>,
}

impl Templates {
    /// Prepares patterns, given in the order of the file with their learnt class.
    ///
    /// # Errors
    /// There are more than 64 patterns or more than 64 different parameters, or a pattern is
    /// outside the grammar or stands there twice.
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
            read.push((pattern, TemplateMatch { index: index as u8, number, class }));
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

    /// The most specific template that a request falls into.
    pub fn find(&self, path: &str, query: &str) -> Option<TemplateMatch> {
        let mut possible = PatternSet::MAX;
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

    fn add(&mut self, bit: PatternSet, pattern: &Pattern) {
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

    /// The bit of a parameter, a new one if it has none yet. `None` when all 64 are taken.
    fn bit_of(&mut self, parameter: &Parameter, bits: &mut u32) -> Option<u64> {
        let name = parameter.name.as_bytes();
        let at = match self.parameters.binary_search_by(|named| (*named.name).cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.parameters.insert(
                    at,
                    NeededParameter { name: name.into(), present: 0, values: Vec::new() },
                );
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

    /// The bits of all needed parameters that this parameter of a request fulfils.
    fn bits(&self, name: &str, value: &str) -> u64 {
        let Some(at) = search(&self.parameters, name, |named| &named.name) else { return 0 };
        let named = &self.parameters[at];
        named.present | look_up(&named.values, value)
    }
}

impl Position {
    fn allowing(&self, segment: &str) -> PatternSet {
        let number = if self.number != 0 && is_number(segment) { self.number } else { 0 };
        self.any | number | look_up(&self.literals, segment)
    }
}

/// Does the segment consist of digits, as `:n` wants?
fn is_number(segment: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    if is_plain(segment) { segment.bytes().all(is_digit) } else { normal(segment).all(is_digit) }
}

/// Is the text its own normal form, because it has no escape?
fn is_plain(text: &str) -> bool {
    !text.as_bytes().contains(&b'%')
}

/// The index of the normal form of a text in a sorted slice.
fn search<T>(sorted: &[T], text: &str, key: impl Fn(&T) -> &[u8]) -> Option<usize> {
    if is_plain(text) {
        sorted.binary_search_by(|known| key(known).cmp(text.as_bytes())).ok()
    } else {
        sorted.binary_search_by(|known| key(known).iter().copied().cmp(normal(text))).ok()
    }
}

/// The bits of a text, 0 if it is not among these.
fn look_up(texts: &[(Box<[u8]>, u64)], text: &str) -> u64 {
    search(texts, text, |(known, _)| known).map_or(0, |at| texts[at].1)
}

/// The bits of a text, which is added if it is missing.
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
