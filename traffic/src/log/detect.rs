//! Finds out how a log is to be read, from a sample of its first lines: what stands around each
//! line, its format, where the client is, and which times are plausible.
//!
//! A line that cannot be told is refused with what was read. A log whose clients are a proxy's is
//! read, and its [`Layout`] says so.

use std::borrow::Cow;
use std::sync::Arc;

use detector::Timestamp;

use super::columns::{self, Found};
use super::error::LogError;
use super::excerpt::excerpt;
use super::foreign;
use super::format::Format;
use super::layout::{Layout, LineFormat, ReadOptions};
use super::parser::{Parser, trim, without_stray_quotes};
use super::sample::Sample;
use super::w3c::{Columns, FIELDS};
use super::wrapping::Wrapping;

/// Lines from which the layout is found: enough to outvote torn ones and to see what each column
/// holds.
const SAMPLE_LINES: usize = 300;
/// Lines that are looked at where none of the first ones is known: a container may have said a lot
/// before the first request.
pub(super) const PEEK_LINES: usize = 2_000;
/// A line further away in time than this from the middle of the sample has a wrong clock. Public
/// logs of small sites span more than ten years; 1970 and 2099 are further away.
const YEARS_US: i64 = 30 * 366 * 86_400 * 1_000_000;
/// Carriers around carriers: grep over the files that syslog wrote from Docker.
const DEPTH_MAX: usize = 3;

/// The layout found from a log's first lines.
pub(super) struct Detected {
    pub(super) layout: Layout,
    /// The error to report if the times have no zone.
    pub(super) unzoned: Option<LogError>,
}

/// A line of the sample; what stood around it has been taken off.
type Lines<'a> = Vec<Cow<'a, str>>;

/// A layout and the share of the lines that it reads.
struct Candidate {
    layout: Layout,
    share: f64,
}

/// Finds the layout of a log from its first bytes.
pub(super) fn detect(name: &str, head: &[u8], options: &ReadOptions) -> Result<Detected, LogError> {
    let numbered = head.split(|byte| *byte == b'\n').map(trim).zip(1_u64..);
    let numbered: Vec<(&[u8], u64)> =
        numbered.filter(|(line, _)| !line.is_empty()).take(PEEK_LINES).collect();
    let Some(&(first, line_number)) = numbered.first() else {
        return Ok(known(Layout::of(Format::Combined)));
    };
    let lines: Lines<'_> = numbered.iter().map(|(line, _)| String::from_utf8_lossy(line)).collect();
    let few = lines[..lines.len().min(SAMPLE_LINES)].to_vec();
    let name = name.to_owned();
    if let Some(reason) = foreign::file(head) {
        return Err(LogError::Foreign { name, reason });
    }
    let found = match &options.format {
        Some(format) => given(format, &few, options).or_else(|| given(format, &lines, options)),
        None => {
            let found = look(&few, options, 0);
            if matches!(found, Ok(None)) { look(&lines, options, 0) } else { found }.map_err(
                |reason| LogError::Unclear {
                    name: name.clone(),
                    line_number,
                    reason,
                    excerpt: excerpt(first),
                },
            )?
        }
    };
    if let Some(Candidate { layout, .. }) = found {
        return Ok(known(finished(layout, &lines)));
    }
    let excerpt = excerpt(first);
    if options.format.is_some() {
        let reason = "no line is in the format that was given".to_owned();
        return Err(LogError::Unclear { name, line_number, reason, excerpt });
    }
    let first = stripped(&lines[0]);
    let unknown = foreign::line(&first);
    match unknown.unzoned {
        None => Err(LogError::UnknownFormat { name, line_number, reason: unknown.reason, excerpt }),
        Some(format) => Ok(Detected {
            layout: Layout::of(format),
            unzoned: Some(LogError::NoZone { name, line_number, excerpt }),
        }),
    }
}

fn known(layout: Layout) -> Detected {
    Detected { layout, unzoned: None }
}

/// A line without all that certainly stands around it.
fn stripped(line: &str) -> String {
    let mut line = Cow::Borrowed(line);
    for _ in 0..DEPTH_MAX {
        let Some(inner) = Wrapping::CERTAIN.iter().find_map(|wrapping| wrapping.strip(&line))
        else {
            break;
        };
        line = Cow::Owned(inner.into_owned());
    }
    line.into_owned()
}

/// The lines within, if this stands around most of them.
fn unwrapped<'a>(lines: &Lines<'a>, wrapping: Wrapping) -> Option<Lines<'a>> {
    let inner: Lines<'a> = lines
        .iter()
        .filter_map(|line| match line {
            Cow::Borrowed(line) => wrapping.strip(line),
            Cow::Owned(line) => wrapping.strip(line).map(|line| Cow::Owned(line.into_owned())),
        })
        .collect();
    (inner.len() * 2 > lines.len()).then_some(inner)
}

/// Finds the layout of these lines. `Ok(None)` if nothing known is among them.
///
/// # Errors
/// Why a line that looks like a known one cannot be told.
fn look(
    lines: &Lines<'_>,
    options: &ReadOptions,
    depth: usize,
) -> Result<Option<Candidate>, String> {
    if depth < DEPTH_MAX {
        for wrapping in Wrapping::CERTAIN {
            let Some(inner) = unwrapped(lines, wrapping) else { continue };
            if let Some(found) = look(&inner, options, depth + 1)? {
                return Ok(Some(around(wrapping, found, inner.len(), lines.len())));
            }
        }
    }
    let plain = format(lines, options);
    // Columns that nobody knows by name may be what a carrier wrote.
    let is_known = |found: &Candidate| found.share > 0.5 && found.layout.format != Format::Columns;
    if depth == DEPTH_MAX || matches!(&plain, Ok(Some(found)) if is_known(found)) {
        return plain;
    }
    for wrapping in Wrapping::POSSIBLE {
        let Some(inner) = unwrapped(lines, wrapping) else { continue };
        if let Ok(Some(found)) = look(&inner, options, depth + 1) {
            return Ok(Some(around(wrapping, found, inner.len(), lines.len())));
        }
    }
    plain
}

fn around(wrapping: Wrapping, mut found: Candidate, inner: usize, lines: usize) -> Candidate {
    found.layout.wrappings.insert(0, wrapping);
    found.share *= inner as f64 / lines.max(1) as f64;
    found
}

/// Tries the format that was given, within whatever stands around it.
fn given(format: &LineFormat, lines: &Lines<'_>, options: &ReadOptions) -> Option<Candidate> {
    let layout = Layout { template: format.0.clone(), ..layout(Format::Columns, options) };
    let mut inner = lines.clone();
    let mut wrappings = Vec::new();
    loop {
        let layout = Layout { wrappings: wrappings.clone(), ..layout.clone() };
        let share = share_read(&layout, lines);
        if share > 0.0 {
            return Some(Candidate { layout, share });
        }
        let next = [&Wrapping::CERTAIN[..], &Wrapping::POSSIBLE].concat().into_iter();
        let (wrapping, lines) = next
            .filter(|_| wrappings.len() < DEPTH_MAX)
            .find_map(|wrapping| Some((wrapping, unwrapped(&inner, wrapping)?)))?;
        wrappings.push(wrapping);
        inner = lines;
    }
}

fn layout(format: Format, options: &ReadOptions) -> Layout {
    let mut layout = Layout::of(format);
    layout.rule.trusted = options.trusted.clone();
    layout
}

/// The format that most of these lines have. If two have equally many, the one seen first.
fn format(lines: &Lines<'_>, options: &ReadOptions) -> Result<Option<Candidate>, String> {
    let count = lines.len().max(1) as f64;
    if let Some(index) = lines.iter().position(|line| line.starts_with(FIELDS)) {
        let next = lines[index..].iter().find(|line| !line.starts_with('#'));
        if let Some(columns) = Columns::of(&lines[index], next.map_or("", |line| line)) {
            let layout = Layout { columns, ..layout(Format::W3c, options) };
            return Ok(Some(Candidate { layout, share: 1.0 }));
        }
    }
    let mut votes: Vec<(Format, u32)> = Vec::new();
    for line in lines {
        let Some(format) = format_of(line, options) else { continue };
        match votes.iter_mut().find(|(voted, _)| *voted == format) {
            Some((_, count)) => *count += 1,
            None => votes.push((format, 1)),
        }
    }
    let most = votes.iter().map(|(_, count)| *count).max();
    let voted = votes.iter().find(|(_, count)| Some(*count) == most).copied();
    let is_like_combined =
        |format| matches!(format, Format::Combined | Format::Common | Format::VhostCombined);
    if let Some((format, votes)) = voted
        && !is_like_combined(format)
    {
        let mut layout = layout(format, options);
        layout.rule.is_address = Sample::read(&layout, lines).has_addresses();
        return Ok(Some(Candidate { layout, share: f64::from(votes) / count }));
    }
    for name in ["envoy", "s3"] {
        let Ok(format) = LineFormat::compile(name) else { continue };
        let mut layout = Layout { template: format.0, ..layout(Format::Columns, options) };
        layout.rule.is_address = true;
        let share = share_read(&layout, lines);
        if share > 0.5 {
            return Ok(Some(Candidate { layout, share }));
        }
    }
    let texts: Vec<&str> = lines.iter().map(|line| without_stray_quotes(line)).collect();
    let layout = match columns::survey(&texts) {
        None => return Ok(None),
        Some(Found::Unclear(reason)) => return Err(reason),
        Some(Found::Usual { has_host, is_address }) => {
            let plain = voted.map_or(Format::Combined, |(format, _)| format);
            let mut layout = layout(if has_host { Format::VhostCombined } else { plain }, options);
            layout.rule.is_address = is_address;
            layout
        }
        Some(Found::Unusual { template, is_address }) => {
            let mut layout = Layout { template, ..layout(Format::Columns, options) };
            layout.rule.is_address = is_address;
            layout
        }
    };
    let share = share_read(&layout, lines);
    // A list of addresses is refused line by line as long as nobody is trusted.
    Ok(Some(Candidate { layout, share }))
}

/// The first format that reads a line.
fn format_of(line: &str, options: &ReadOptions) -> Option<Format> {
    let formats: &[Format] = if line.starts_with('{') {
        &[Format::EventLog, Format::NginxJson]
    } else {
        &[Format::Combined, Format::VhostCombined, Format::ElbClassic, Format::Alb, Format::Ltsv]
    };
    let reads = |format: &&Format| {
        let mut parser = Parser::new(Arc::new(layout(**format, options)));
        parser.parse(line.as_bytes()).is_ok()
    };
    let found = *formats.iter().find(reads)?;
    if found != Format::Combined {
        return Some(found);
    }
    let mut parser = Parser::new(Arc::new(layout(found, options)));
    let fields = parser.parse(line.as_bytes()).ok()?;
    // Both may be empty (`"-" "-"`), so the end of the line is looked at as well.
    let has_agent =
        fields.referer.is_some() || fields.user_agent.is_some() || line.ends_with("\"-\"");
    Some(if has_agent { Format::Combined } else { Format::Common })
}

fn share_read(layout: &Layout, lines: &Lines<'_>) -> f64 {
    Sample::read(layout, lines).requests() as f64 / lines.len().max(1) as f64
}

/// Adds what the lines that are read say about times and clients.
fn finished(mut layout: Layout, lines: &Lines<'_>) -> Layout {
    if layout.format == Format::EventLog {
        return layout;
    }
    let sample = Sample::read(&layout, lines);
    if let Some(middle) = sample.middle() {
        let near = |us: i64| Timestamp::from_micros(middle.as_micros().saturating_add(us));
        layout.times = Some((near(-YEARS_US), near(YEARS_US)));
    }
    layout.warnings = sample.warnings();
    layout.shown = sample.shown;
    layout
}
