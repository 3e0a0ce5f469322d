//! The known formats: detects which one a log has, and parses a line in any of them.

use std::fmt;

use super::clock::Clock;
use super::error::LogError;
use super::excerpt::excerpt;
use super::fields::Fields;
use super::refusal::Refusal;
use super::{combined, elb, event_log, nginx_json};

/// Lines from which the format is detected: enough to outvote a torn first line, and few enough
/// that a pipe delivers them at once.
pub(super) const PEEK_LINES: usize = 20;

/// The format of a log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// nginx and Apache `combined`. An empty log counts as this.
    Combined,
    /// nginx and Apache `common`: `combined` without referer and user agent.
    Common,
    /// `combined` or `common` after the virtual host: `host[:port] `.
    VhostCombined,
    /// nginx with `escape=json`, and keys named after nginx's variables.
    NginxJson,
    /// AWS classic load balancer.
    ElbClassic,
    /// Our own event log.
    EventLog,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Combined => "combined",
            Self::Common => "common",
            Self::VhostCombined => "vhost combined",
            Self::NginxJson => "nginx JSON",
            Self::ElbClassic => "AWS classic ELB",
            Self::EventLog => "kidoban event log",
        })
    }
}

/// Parses lines of one format. It keeps the text of the last line, to which its fields refer.
pub(super) struct Parser {
    pub(super) format: Format,
    clock: Clock,
    /// The strings of the last line, if they had to be decoded.
    decoded: String,
    /// The text of the last line, if it was not valid UTF-8.
    lossy: String,
    is_lossy: bool,
    /// Whether a stray quote was removed from the last line.
    pub(super) is_repaired: bool,
}

impl Parser {
    pub(super) fn new(format: Format) -> Self {
        let (decoded, lossy) = (String::new(), String::new());
        Self {
            format,
            clock: Clock::default(),
            decoded,
            lossy,
            is_lossy: false,
            is_repaired: false,
        }
    }

    pub(super) fn parse<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Fields, Refusal<'a>> {
        let line = match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.is_lossy = false;
                text
            }
            Err(_) => {
                self.is_lossy = true;
                self.lossy.clear();
                self.lossy.push_str(&String::from_utf8_lossy(bytes));
                &self.lossy
            }
        };
        let text = unwrap(line);
        self.is_repaired = text.len() != line.len();
        let clock = &mut self.clock;
        match self.format {
            Format::Combined | Format::Common => combined::parse(text, clock),
            Format::VhostCombined => combined::parse_vhost(text, clock),
            Format::ElbClassic => elb::parse(text),
            Format::NginxJson => nginx_json::parse(text, cleared(&mut self.decoded), clock),
            Format::EventLog => event_log::parse(text, cleared(&mut self.decoded)),
        }
    }

    /// The text that the fields of the last line refer to; `bytes` is that line.
    pub(super) fn text<'a>(&'a self, bytes: &'a [u8]) -> &'a str {
        match self.format {
            Format::NginxJson | Format::EventLog => &self.decoded,
            _ if self.is_lossy => unwrap(&self.lossy),
            // UTF-8 is checked a second time, because the result of the first check cannot outlive
            // its loop. This costs 10 ns a line.
            _ => unwrap(std::str::from_utf8(bytes).unwrap_or("")),
        }
    }
}

fn cleared(decoded: &mut String) -> &mut String {
    decoded.clear();
    decoded
}

/// Removes a stray quote at the beginning of a line. If an odd number of quotes is left, it also
/// removes the one at the end.
fn unwrap(line: &str) -> &str {
    let Some(text) = line.strip_prefix('"') else { return line };
    let mut is_odd = false;
    let mut is_escaped = false;
    for byte in text.bytes() {
        is_odd ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
    }
    if is_odd { text.strip_suffix('"').unwrap_or(text) } else { text }
}

/// Removes white space at the end of a line, mostly a `\r`.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

/// The format detected from a log's first lines.
pub(super) struct Detected {
    pub(super) format: Format,
    /// The error to report if the times have no zone.
    pub(super) unzoned: Option<LogError>,
}

/// The format that most of these lines have. If two formats have equally many, the one seen first.
pub(super) fn detect(name: &str, head: &[u8]) -> Result<Detected, LogError> {
    let known = |format| Ok(Detected { format, unzoned: None });
    let mut votes: Vec<(Format, u32)> = Vec::new();
    let mut first_unknown = None;
    let lines = head.split(|byte| *byte == b'\n').map(trim).zip(1_u64..);
    for (line, line_number) in lines.filter(|(line, _)| !line.is_empty()).take(PEEK_LINES) {
        match format_of(line) {
            Ok(format) => match votes.iter_mut().find(|(voted, _)| *voted == format) {
                Some((_, count)) => *count += 1,
                None => votes.push((format, 1)),
            },
            Err(unknown) => {
                first_unknown.get_or_insert((line_number, unknown, line));
            }
        }
    }
    let most = votes.iter().map(|(_, count)| *count).max().unwrap_or(0);
    match (votes.iter().find(|(_, count)| *count == most), first_unknown) {
        (Some((format, _)), _) => known(*format),
        (None, None) => known(Format::Combined),
        (None, Some((line_number, Unknown { combined, unzoned }, line))) => {
            let (name, excerpt) = (name.to_owned(), excerpt(line));
            match unzoned {
                None => Err(LogError::UnknownFormat { name, line_number, combined, excerpt }),
                Some(format) => Ok(Detected {
                    format,
                    unzoned: Some(LogError::NoZone { name, line_number, excerpt }),
                }),
            }
        }
    }
}

/// A line in no known format.
struct Unknown {
    /// Why it is not in the most common format, `combined`.
    combined: String,
    /// The format that it would be in if its time had a zone.
    unzoned: Option<Format>,
}

/// The format of one line.
fn format_of(line: &[u8]) -> Result<Format, Unknown> {
    let mut unzoned = None;
    let mut reads = |format| {
        let mut parser = Parser::new(format);
        parser.parse(line).map_err(|refusal| {
            if refusal.is_for_zone() {
                unzoned.get_or_insert(format);
            }
            refusal.to_string()
        })
    };
    let combined = match reads(Format::Combined) {
        Ok(fields) if has_user_agent(line, &fields) => return Ok(Format::Combined),
        Ok(_) => return Ok(Format::Common),
        Err(reason) => reason,
    };
    let others = [Format::VhostCombined, Format::ElbClassic, Format::EventLog, Format::NginxJson];
    let found = others.into_iter().find(|format| reads(*format).is_ok());
    found.ok_or(Unknown { combined, unzoned })
}

/// Whether a line has a field for the user agent, and so is `combined` and not `common`. Both
/// fields may be empty (`"-" "-"`), so the end of the line is looked at as well.
fn has_user_agent(line: &[u8], fields: &Fields) -> bool {
    fields.referer.is_some() || fields.user_agent.is_some() || line.ends_with(b"\"-\"")
}
