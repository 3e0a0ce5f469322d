//! Parses lines by their log's [`Layout`].

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::clock::Clock;
use super::fields::Fields;
use super::format::Format;
use super::layout::Layout;
use super::refusal::Refusal;
use super::w3c::FIELDS;
use super::{combined, elb, event_log, json, ltsv};

/// Parses lines of one log. It keeps the text of the last line, to which its fields refer.
pub(super) struct Parser {
    pub(super) layout: Arc<Layout>,
    clock: Clock,
    /// The strings of the last line, if they had to be decoded.
    decoded: String,
    /// The text of the last line, if it was not valid UTF-8.
    lossy: String,
    /// The last line without what stood around it, if that had to be decoded.
    unwrapped: String,
    source: Source,
    /// Whether a stray quote was removed from the last line.
    pub(super) is_repaired: bool,
}

/// Where the text is that the fields of the last line refer to.
enum Source {
    Line(Range<usize>),
    Lossy(Range<usize>),
    Unwrapped,
    Decoded,
}

/// Why a wrapped line is refused that is not.
const EXPECTED_WRAPPING: &str = "what stands before the other lines";
const EXPECTED_NEAR: &str = "a time within thirty years of the log's other lines";

impl Parser {
    pub(super) fn new(layout: Arc<Layout>) -> Self {
        Self {
            layout,
            clock: Clock::default(),
            decoded: String::new(),
            lossy: String::new(),
            unwrapped: String::new(),
            source: Source::Decoded,
            is_repaired: false,
        }
    }

    /// Whether the line says how others are to be read, and tells no request.
    pub(super) fn takes_directive(&mut self, line: &[u8]) -> bool {
        if self.layout.format != Format::W3c || line.first() != Some(&b'#') {
            return false;
        }
        self.layout = renamed(&self.layout, line).unwrap_or_else(|| Arc::clone(&self.layout));
        true
    }

    pub(super) fn parse<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Fields, Refusal<'a>> {
        let Self { layout, clock, decoded, lossy, unwrapped, source, is_repaired } = self;
        let (line, is_lossy) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(_) => {
                lossy.clear();
                lossy.push_str(&String::from_utf8_lossy(bytes));
                (&**lossy, true)
            }
        };
        *is_repaired = false;
        let text = if layout.wrappings.is_empty() {
            let text = without_stray_quotes(line);
            *is_repaired = text.len() != line.len();
            *source = range_source(line, text, is_lossy);
            text
        } else {
            let mut inner = Cow::Borrowed(line);
            for wrapping in &layout.wrappings {
                let stripped = match &inner {
                    Cow::Borrowed(text) => wrapping.strip(text),
                    Cow::Owned(text) => {
                        wrapping.strip(text).map(|text| Cow::Owned(text.into_owned()))
                    }
                };
                match stripped {
                    Some(text) => inner = text,
                    None => return Err(Refusal::new("line", EXPECTED_WRAPPING, line)),
                }
            }
            match inner {
                Cow::Borrowed(text) => {
                    *source = range_source(line, text, is_lossy);
                    text
                }
                Cow::Owned(text) => {
                    *unwrapped = text;
                    *source = Source::Unwrapped;
                    unwrapped
                }
            }
        };
        let rule = &layout.rule;
        decoded.clear();
        let fields = match layout.format {
            Format::Combined | Format::Common => combined::parse(text, rule, clock),
            Format::VhostCombined => combined::parse_vhost(text, rule, clock),
            Format::ElbClassic => elb::parse(text, rule),
            Format::Alb => elb::parse_application(text, rule),
            Format::Columns => layout.template.parse(text, rule, clock),
            decoding => {
                *source = Source::Decoded;
                match decoding {
                    Format::Ltsv => ltsv::parse(text, decoded, rule, clock),
                    Format::W3c => layout.columns.parse(text, decoded, rule, clock),
                    Format::EventLog => event_log::parse(text, decoded),
                    _ => json::parse(text, decoded, rule, clock),
                }
            }
        };
        if let (Ok(fields), Some((first, last))) = (&fields, layout.times)
            && (fields.at < first || fields.at > last)
        {
            return Err(Refusal::new("time", EXPECTED_NEAR, super::clock::civil(fields.at)));
        }
        fields
    }

    /// The text that the fields of the last line refer to; `bytes` is that line.
    pub(super) fn text<'a>(&'a self, bytes: &'a [u8]) -> &'a str {
        match &self.source {
            Source::Decoded => &self.decoded,
            Source::Unwrapped => &self.unwrapped,
            Source::Lossy(range) => self.lossy.get(range.clone()).unwrap_or(""),
            // UTF-8 is checked a second time, because the result of the first check cannot outlive
            // its loop. This costs 10 ns a line.
            Source::Line(range) => {
                std::str::from_utf8(bytes.get(range.clone()).unwrap_or_default()).unwrap_or("")
            }
        }
    }
}

fn range_source(line: &str, text: &str, is_lossy: bool) -> Source {
    let start = (text.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
    let range = start..start + text.len();
    if is_lossy { Source::Lossy(range) } else { Source::Line(range) }
}

/// The layout from this line on, if it names the columns.
pub(super) fn renamed(layout: &Arc<Layout>, line: &[u8]) -> Option<Arc<Layout>> {
    let line = std::str::from_utf8(line).ok().filter(|line| line.starts_with(FIELDS))?;
    let columns = layout.columns.renamed(line)?;
    if columns == layout.columns {
        return None;
    }
    Some(Arc::new(Layout { columns, ..Layout::clone(layout) }))
}

/// Removes a stray quote at the beginning of a line. If an odd number of quotes is left, it also
/// removes the one at the end.
pub(super) fn without_stray_quotes(line: &str) -> &str {
    let Some(text) = line.strip_prefix('"') else { return line };
    let mut is_odd = false;
    let mut is_escaped = false;
    for byte in text.bytes() {
        is_odd ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
    }
    if is_odd { text.strip_suffix('"').unwrap_or(text) } else { text }
}

/// Removes white space at the end of a line, mostly a `\r`, and NULs before it: what a log has
/// where it was cut while a server went on writing (`copytruncate`).
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let mut line = bytes.trim_ascii_end();
    if line.first() == Some(&0) {
        let nuls = line.iter().take_while(|byte| **byte == 0).count();
        line = &line[nuls..];
    }
    line
}
