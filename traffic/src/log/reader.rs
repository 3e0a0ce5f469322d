//! Reads one log, whatever its format, and returns its records one by one.

use std::io::BufRead;
use std::sync::Arc;

use super::detect::{Detected, PEEK_LINES, detect};
use super::error::LogError;
use super::fields::Fields;
use super::format::Format;
use super::layout::{Layout, ReadOptions};
use super::lines::{Line, Lines, LinesParts};
use super::parser::{Parser, trim};
use super::record::Record;
use super::refusal::Refusal;
use super::shown::Shown;
use super::tally::Tally;
use super::warning::Warning;

/// Reads one log line by line.
///
/// Memory does not grow with the log: it is bounded by the length of the longest allowed line,
/// [`LINE_BYTES_MAX`](super::LINE_BYTES_MAX).
pub struct LogReader<R: BufRead> {
    name: String,
    lines: Lines<R>,
    parser: Parser,
    tally: Tally,
}

impl<R: BufRead> LogReader<R> {
    /// Opens a log. `name` appears in error messages. How it is read is found out from its first
    /// 2,000 lines, or 192 KiB.
    ///
    /// # Errors
    ///
    /// [`LogError::UnknownFormat`] and the like if none of these lines can be read.
    /// [`LogError::NoZone`] if they can, except that their times have no zone.
    pub fn new(name: &str, reader: R) -> Result<Self, LogError> {
        Self::with_options(name, reader, &ReadOptions::default())
    }

    /// Opens a log of which the caller knows something.
    ///
    /// # Errors
    ///
    /// As [`LogReader::new`].
    pub fn with_options(name: &str, reader: R, options: &ReadOptions) -> Result<Self, LogError> {
        let (reader, unzoned) = Self::leniently(name, reader, options)?;
        unzoned.map_or(Ok(reader), Err)
    }

    /// Opens a log for inspection, also one whose times have no zone. For such a log it returns the
    /// [`LogError::NoZone`] as well, and each line will be refused.
    ///
    /// # Errors
    ///
    /// As [`LogReader::new`], but for [`LogError::NoZone`].
    pub fn leniently(
        name: &str,
        reader: R,
        options: &ReadOptions,
    ) -> Result<(Self, Option<LogError>), LogError> {
        let mut lines = Lines::new(reader);
        skip_byte_order_mark(&mut lines);
        let Detected { layout, unzoned } = detect(name, lines.peek(PEEK_LINES), options)?;
        Ok((Self::of(name, lines, layout), unzoned))
    }

    /// Opens a log that is known to be in `format`.
    pub fn with_format(name: &str, reader: R, format: Format) -> Self {
        let mut lines = Lines::new(reader);
        skip_byte_order_mark(&mut lines);
        Self::of(name, lines, Layout::of(format))
    }

    fn of(name: &str, lines: Lines<R>, layout: Layout) -> Self {
        let parser = Parser::new(Arc::new(layout));
        Self { name: name.to_owned(), lines, parser, tally: Tally::default() }
    }

    /// The next record; `None` at the end. Lines that cannot be read are skipped, and counted in
    /// [`LogReader::tally`].
    ///
    /// # Errors
    ///
    /// [`LogError::Read`] once, after all records before it. Then `None`.
    // This cannot be an `Iterator`, because the record borrows from the reader.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, LogError> {
        let (line, fields) = loop {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(None),
                Err(error) => {
                    return Err(LogError::Read {
                        name: self.name.clone(),
                        line_number: self.tally.lines + 1,
                        error,
                    });
                }
            };
            let is_too_long = matches!(line, Line::TooLong(_));
            let (Line::Whole(range) | Line::TooLong(range)) = line;
            if let Some(fields) =
                fields_of(self.lines.bytes(&range), is_too_long, &mut self.parser, &mut self.tally)
            {
                break (range, fields);
            }
        };
        let record = fields.record(text_of(self.lines.bytes(&line), &self.parser));
        self.tally.count(&record);
        Ok(Some(record))
    }

    /// The format of the log.
    pub fn format(&self) -> Format {
        self.parser.layout.format
    }

    /// The format of the log in words, with what stands around its lines.
    pub fn described(&self) -> String {
        self.parser.layout.describe()
    }

    /// What the columns of the log were taken for.
    pub fn shown(&self) -> &Shown {
        &self.parser.layout.shown
    }

    /// What the log's first lines show to be wrong with it.
    pub fn warnings(&self) -> &[Warning] {
        &self.parser.layout.warnings
    }

    /// The counts of the lines read so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The log's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes the reader apart: name and layout of the log, and the parts of its [`Lines`].
    pub(super) fn into_parts(self) -> (String, Arc<Layout>, LinesParts<R>) {
        (self.name, self.parser.layout, self.lines.into_parts())
    }
}

/// Parses one line, given without its newline, and counts it in the tally if it is blank or
/// refused. `None` means that there is no record. Of a line that is too long, its beginning is
/// enough.
pub(super) fn fields_of(
    line: &[u8],
    is_too_long: bool,
    parser: &mut Parser,
    tally: &mut Tally,
) -> Option<Fields> {
    tally.lines += 1;
    if is_too_long {
        tally.refuse(
            &Refusal::new("line", "at most 65536 bytes before the line ends", "more"),
            line,
        );
        return None;
    }
    let bytes = trim(line);
    if bytes.is_empty() || parser.takes_directive(bytes) {
        tally.blank += 1;
        return None;
    }
    match parser.parse(bytes) {
        Ok(fields) => {
            tally.repaired += u64::from(parser.is_repaired);
            Some(fields)
        }
        Err(refusal) => {
            tally.refuse(&refusal, bytes);
            None
        }
    }
}

/// The text that the fields just parsed from this line refer to.
pub(super) fn text_of<'a>(line: &'a [u8], parser: &'a Parser) -> &'a str {
    parser.text(trim(line))
}

fn skip_byte_order_mark<R: BufRead>(lines: &mut Lines<R>) {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if lines.peek(1).starts_with(MARK) {
        lines.skip(MARK.len());
    }
    lines.skip_hole();
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::*;

    const COMBINED: &str =
        r#"192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187 "-" "agent""#;
    const COMMON: &str =
        r#"192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187"#;
    const VHOST: &str = r#"shop:80 192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187 "-" "agent""#;
    const ELB: &str = r#"2015-07-22T09:00:28.019143Z shop 192.0.2.7:5 10.0.6.158:80 0.1 0.1 0.1 200 200 0 699 "GET http://shop:80/p/1 HTTP/1.1" "agent" - -"#;
    const JSON: &str =
        r#"{"msec":"1.5","remote_addr":"192.0.2.7","request":"GET /p/1 HTTP/1.1","status":"200"}"#;
    const OUTCOME: &str = r#"{"v":1,"type":"outcome","at":5,"seq":8,"client":"192.0.2.7","status":200,"bytes":123,"duration_us":456,"id":"d1"}"#;

    fn clients(reader: &mut LogReader<&[u8]>) -> Vec<String> {
        let mut clients = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            clients.push(record.client.to_owned());
        }
        clients
    }

    #[test]
    fn the_format_is_that_of_most_lines() {
        let check = |lines: &[&str], expect| {
            let log = lines.join("\n");
            let mut reader = LogReader::new("a.log", log.as_bytes()).unwrap();
            assert_eq!(reader.format(), expect, "{log}");
            assert!(clients(&mut reader).iter().all(|client| client == "192.0.2.7"), "{log}");
        };
        check(&[COMBINED], Format::Combined);
        check(&[&COMBINED.replace("agent", "-")], Format::Combined);
        check(&[COMMON], Format::Common);
        check(&[VHOST], Format::VhostCombined);
        check(&[ELB], Format::ElbClassic);
        check(&[JSON], Format::NginxJson);
        check(&[OUTCOME], Format::EventLog);
        check(&["torn", "", COMMON, "{", COMBINED, COMBINED], Format::Combined);
        check(&[VHOST, COMBINED], Format::VhostCombined);
        check(&[&format!("\u{feff}{JSON}")], Format::NginxJson);
        check(&[], Format::Combined);
        check(&["", " ", "\r"], Format::Combined);
    }

    #[test]
    fn a_log_of_no_known_format_is_refused_with_its_first_line() {
        let error = LogReader::new("a.log", &b"\nhello\x1b world\n"[..]).err().unwrap().to_string();
        assert!(error.starts_with("a.log:2: no known log format."), "{error}");
        assert!(
            error.contains("time: expected") && error.ends_with(r"hello\u{1b} world"),
            "{error}"
        );
    }

    #[test]
    fn every_line_is_counted_and_the_first_refused_are_kept() {
        let bad = COMMON.replace("200", "abc");
        let long = format!("{COMMON}{}", "x".repeat(super::super::LINE_BYTES_MAX));
        let log = [COMMON, &bad, "", &long, COMMON, "x\r", "y", COMMON].join("\n");
        let mut reader = LogReader::new("a.log", log.as_bytes()).unwrap();
        assert_eq!(clients(&mut reader).len(), 3);
        let tally = reader.tally();
        assert_eq!(
            (tally.lines, tally.parsed, tally.refused, tally.blank, tally.repaired),
            (8, 3, 4, 1, 0)
        );
        let reasons: Vec<_> = tally
            .first_refused
            .iter()
            .map(|refused| (refused.line_number, refused.reason.as_str()))
            .collect();
        let expect = [
            (2, r#"status: expected three digits, found "abc""#),
            (4, r#"line: expected at most 65536 bytes before the line ends, found "more""#),
            (6, "identity: expected a word, found nothing"),
        ];
        assert_eq!(reasons, expect);
        assert_eq!(tally.first_refused[2].excerpt, "x");
    }

    #[test]
    fn a_stray_quote_around_a_line_is_taken_off_and_counted() {
        let check = |line: &str, agent| {
            let mut reader = LogReader::new("a.log", line.as_bytes()).unwrap();
            let record = reader.next().unwrap().unwrap();
            assert_eq!(
                (record.client, record.bytes, record.user_agent),
                ("192.0.2.7", Some(187), agent),
                "{line}"
            );
            assert_eq!(reader.tally().repaired, 1);
        };
        check(&format!("\"{COMBINED}\"\r"), Some("agent"));
        check(&format!("\"{COMBINED}"), Some("agent"));
        check(&format!("\"{COMMON}\""), None);
        check(&format!("\"{}\"", COMBINED.replace("agent", r#"a\""#)), Some(r#"a\""#));
        check(&format!("\"{}", COMBINED.replace("agent", "")), Some(""));
    }

    #[test]
    fn text_that_is_no_utf8_is_read_as_far_as_it_is() {
        let mut log = COMBINED.replace("agent", "a_b").into_bytes();
        let place = log.iter().position(|byte| *byte == b'_').unwrap();
        log[place] = 0xff;
        let mut reader = LogReader::new("a.log", &log[..]).unwrap();
        let record = reader.next().unwrap().unwrap();
        assert_eq!((record.user_agent, record.target), (Some("a\u{fffd}b"), "/p/1"));
    }

    #[test]
    fn the_tally_knows_how_finely_time_is_told_and_where_it_went_back() {
        let check = |seconds: &[&str], expect: (u32, u64, u64)| {
            let log: Vec<_> = seconds.iter().map(|second| JSON.replace("1.5", second)).collect();
            let mut reader = LogReader::new("a.log", std::io::Cursor::new(log.join("\n"))).unwrap();
            while reader.next().unwrap().is_some() {}
            let tally = reader.tally();
            assert_eq!((tally.resolution_us(), tally.out_of_order, tally.step_back_us_max), expect);
            assert!(tally.first_at <= tally.last_at);
        };
        check(&["5", "7", "4", "6", "8"], (1_000_000, 2, 3_000_000));
        check(&["1", "1.5"], (1_000, 0, 0));
        check(&["1", "1.000001"], (1, 0, 0));
    }

    #[test]
    fn an_error_comes_after_every_line_before_it_and_names_the_next() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let log = format!("{COMMON}\n{COMMON}\n{COMMON}");
        let mut reader =
            LogReader::new("a.log", io::BufReader::new(log.as_bytes().chain(Broken))).unwrap();
        assert!(reader.next().unwrap().is_some());
        assert!(reader.next().unwrap().is_some());
        let error = reader.next().unwrap_err().to_string();
        assert_eq!(error, "a.log:3: cannot be read on from here: broken");
        assert!(reader.next().unwrap().is_none());
    }
}
