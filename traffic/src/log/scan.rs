//! Walks through one line.
//!
//! Parsers note where a field stands ([`Span`], [`Fields`]) and not the text itself, so that a
//! reader may try line after line in one buffer and lend out only the one it returns. All
//! delimiters are ASCII, so a span never cuts a character.

use std::borrow::Cow;
use std::fmt;

use detector::{AgentKey, Class, Timestamp, UrlKey};
use memchr::{memchr, memchr2, memrchr};

use super::clock::EXPECTED_ZONE;
use super::tally::escaped;
use super::{Asked, Decision, Kind, Record};

/// Where a field stands in its line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        // Lines are at most 64 KiB (thrice that, decoded lossily), so this always fits; if not, the
        // field reads empty.
        Self { start: u32::try_from(start).unwrap_or(0), end: u32::try_from(end).unwrap_or(0) }
    }

    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }

    /// `None` where the log says "nothing" with a dash.
    pub(super) fn unless_dash(self, text: &str) -> Option<Self> {
        (self.of(text) != "-").then_some(self)
    }

    /// From `start` to `end` of this span.
    pub(super) fn part(self, start: usize, end: usize) -> Self {
        let offset = self.start as usize;
        Self::new(offset + start, offset + end)
    }
}

/// A [`Record`] whose text has not been looked up yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields {
    pub(super) kind: Kind,
    pub(super) at: Timestamp,
    pub(super) client: Span,
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) status: u16,
    pub(super) bytes: Option<u64>,
    pub(super) duration_us: Option<u64>,
    pub(super) host: Option<Span>,
    pub(super) referer: Option<Span>,
    pub(super) user_agent: Option<Span>,
    pub(super) fetch_dest: Option<Span>,
    pub(super) seq: u32,
    pub(super) id: Option<Span>,
    pub(super) decided: Option<Decided>,
    pub(super) asked: Asked,
}

/// A [`Decision`] whose text has not been looked up yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided {
    pub(super) key: UrlKey,
    pub(super) class: Class,
    pub(super) agent: Option<AgentKey>,
    pub(super) mode: Span,
    pub(super) action: Span,
    pub(super) reason: Span,
    pub(super) score: Option<f32>,
}

impl Fields {
    /// The record, its text looked up in what was parsed.
    pub(super) fn record<'a>(&self, text: &'a str) -> Record<'a> {
        let method = self.method.of(text);
        Record {
            kind: self.kind,
            at: self.at,
            client: self.client.of(text),
            method: if method.is_empty() && self.kind != Kind::Outcome { "-" } else { method },
            target: self.target.of(text),
            status: self.status,
            bytes: self.bytes,
            duration_us: self.duration_us,
            host: self.host.map(|span| span.of(text)),
            referer: self.referer.map(|span| span.of(text)),
            user_agent: self.user_agent.map(|span| span.of(text)),
            fetch_dest: self.fetch_dest.map(|span| span.of(text)),
            seq: self.seq,
            id: self.id.map(|span| span.of(text)),
            decision: self.decided.map(|decided| Decision {
                seq: self.seq,
                key: decided.key,
                class: decided.class,
                agent: decided.agent,
                id: self.id.map_or("", |span| span.of(text)),
                mode: decided.mode.of(text),
                action: decided.action.of(text),
                reason: decided.reason.of(text),
                score: decided.score,
            }),
            asked: self.asked,
        }
    }
}

/// Why a line cannot be read. Costs nothing until it is written out, which happens for a file's
/// first three.
#[derive(Debug)]
pub(super) enum Refusal<'a> {
    /// A field holds something else than it must.
    Field { field: &'static str, expected: &'static str, found: Cow<'a, str> },
    /// The line is no such JSON; what serde says about it.
    Json(serde_json::Error),
}

impl<'a> Refusal<'a> {
    /// Is nothing wrong but that the time has no zone, as far as was looked?
    pub(super) fn is_for_zone(&self) -> bool {
        matches!(self, Self::Field { expected, .. } if *expected == EXPECTED_ZONE)
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
        /// Enough of a field to recognise it.
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

/// What serde says of a line, in words: its names of our types are nobody's, and every line is its
/// first.
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

/// A place in a line.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn rest_bytes(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Refuses the line for what stands here.
    pub(super) fn refuse<T>(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<T, Refusal<'a>> {
        Err(Refusal::new(field, expected, self.rest()))
    }

    /// Everything up to the next space, which is stepped over; must not be empty.
    pub(super) fn word(&mut self, field: &'static str) -> Result<Span, Refusal<'a>> {
        let length = memchr(b' ', self.rest_bytes()).unwrap_or(self.text.len() - self.at);
        if length == 0 {
            return self.refuse(field, "a word");
        }
        let span = Span::new(self.at, self.at + length);
        self.at = (self.at + length + 1).min(self.text.len());
        Ok(span)
    }

    /// Everything up to a space and `[` and a digit, which is where a time begins: a user name may
    /// hold spaces.
    pub(super) fn user(&mut self) -> Result<Span, Refusal<'a>> {
        let bytes = self.text.as_bytes();
        let mut from = self.at;
        while let Some(offset) = memchr(b'[', &bytes[from..]) {
            let bracket = from + offset;
            if bracket > self.at + 1
                && bytes[bracket - 1] == b' '
                && bytes.get(bracket + 1).is_some_and(u8::is_ascii_digit)
            {
                let span = Span::new(self.at, bracket - 1);
                self.at = bracket;
                return Ok(span);
            }
            from = bracket + 1;
        }
        self.refuse("time", "a user and then [day/month/year:hour:minute:second zone]")
    }

    /// What stands between `[` and `]`; a space after it is stepped over.
    pub(super) fn bracketed(&mut self, field: &'static str) -> Result<Span, Refusal<'a>> {
        let bytes = self.rest_bytes();
        match (bytes.first(), memchr(b']', bytes)) {
            (Some(b'['), Some(close)) => {
                let span = Span::new(self.at + 1, self.at + close);
                self.step_over(close + 1, field)?;
                Ok(span)
            }
            _ => self.refuse(field, "[ and ]"),
        }
    }

    /// What stands between two quotes; a backslash hides the byte after it. A space after it is
    /// stepped over.
    pub(super) fn quoted(&mut self, field: &'static str) -> Result<Span, Refusal<'a>> {
        let bytes = self.rest_bytes();
        if bytes.first() != Some(&b'"') {
            return self.refuse(field, "a quoted text");
        }
        let mut from = 1;
        while let Some(offset) = memchr2(b'"', b'\\', bytes.get(from..).unwrap_or_default()) {
            let found = from + offset;
            if bytes[found] == b'"' {
                let span = Span::new(self.at + 1, self.at + found);
                self.step_over(found + 1, field)?;
                return Ok(span);
            }
            from = found + 2;
        }
        self.refuse(field, "a closing quote before the line ends")
    }

    pub(super) fn is_at_quote(&self) -> bool {
        self.rest_bytes().first() == Some(&b'"')
    }

    fn step_over(&mut self, length: usize, field: &'static str) -> Result<(), Refusal<'a>> {
        match self.rest_bytes().get(length) {
            None => self.at += length,
            Some(b' ') => self.at += length + 1,
            Some(_) => {
                let found = self.text.get(self.at + length..).unwrap_or("");
                return Err(Refusal::new(field, "a space or the line's end after it", found));
            }
        }
        Ok(())
    }
}

/// Method and target of a request line, which is a part of `text`.
///
/// `GET /p/1 HTTP/1.1` is the rule. A target may hold spaces, the version may be missing
/// (HTTP/0.9). What does not begin with a method, a TLS handshake for instance, is a target without
/// method, so that different garbage stays different. Nothing is refused: the server answered these
/// too, mostly with 400.
pub(super) fn request_line(text: &str, line: Span) -> (Span, Span) {
    let request = line.of(text);
    let bytes = request.as_bytes();
    if request.is_empty() || request == "-" {
        return (Span::default(), Span::default());
    }
    let method_length = memchr(b' ', bytes).unwrap_or(bytes.len());
    if !is_method(&bytes[..method_length]) {
        return (Span::default(), line);
    }
    let target_start = (method_length + 1).min(bytes.len());
    let target_end = match memrchr(b' ', bytes) {
        Some(space) if bytes[space + 1..].starts_with(b"HTTP/") => space,
        _ => bytes.len(),
    };
    (line.part(0, method_length), line.part(target_start, target_end.max(target_start)))
}

fn is_method(word: &[u8]) -> bool {
    /// Longer than any registered method (`UPDATEREDIRECTREF`).
    const METHOD_BYTES_MAX: usize = 24;
    word.len() <= METHOD_BYTES_MAX
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
}

/// Exactly three digits.
pub(super) fn status(text: &str) -> Option<u16> {
    let [a, b, c] = *text.as_bytes() else { return None };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    Some(digit(a)? * 100 + digit(b)? * 10 + digit(c)?)
}

/// Digits that fit 64 bits.
pub(super) fn integer(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Seconds with an optional fraction (`0.015`) in microseconds, rounded down.
pub(super) fn seconds_us(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut fraction_us = 0;
    let mut unit_us = 100_000;
    for byte in fraction.bytes() {
        fraction_us += byte.is_ascii_digit().then(|| u64::from(byte - b'0'))? * unit_us;
        unit_us /= 10;
    }
    integer(whole)?.checked_mul(1_000_000)?.checked_add(fraction_us)
}

/// A host without its port; an IPv6 address without its brackets too.
pub(super) fn without_port(text: &str, host: Span) -> Span {
    let name = host.of(text);
    let length = match (name.strip_prefix('['), name.rsplit_once(':')) {
        (Some(rest), _) if rest.contains(']') => {
            let address = rest.split(']').next().unwrap_or(rest);
            return host.part(1, 1 + address.len());
        }
        (_, Some((name, port)))
            if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name.len()
        }
        _ => name.len(),
    };
    host.part(0, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_is_read_as_far_as_it_is_one() {
        let check = |request: &str, method, target| {
            let (found_method, found_target) = request_line(request, Span::new(0, request.len()));
            assert_eq!(
                (found_method.of(request), found_target.of(request)),
                (method, target),
                "{request:?}"
            );
        };
        check("GET /p/1?x=1 HTTP/1.1", "GET", "/p/1?x=1");
        check("GET /a b c HTTP/1.1", "GET", "/a b c");
        check(r"GET /manager/html HTTP/1.1\n", "GET", "/manager/html");
        check("GET /old", "GET", "/old");
        check("GET  HTTP/1.1", "GET", "");
        check("GET HTTP/1.1", "GET", "");
        check("GET", "GET", "");
        check("GET ", "GET", "");
        check("M-SEARCH * HTTP/1.1", "M-SEARCH", "*");
        check("-", "", "");
        check("", "", "");
        check(r"\x16\x03\x01", "", r"\x16\x03\x01");
        check(r"MGLNDD_45.77.131.155_8080\n", "", r"MGLNDD_45.77.131.155_8080\n");
        check("\u{fffd} \u{fffd}", "", "\u{fffd} \u{fffd}");
    }

    #[test]
    fn an_escaped_quote_does_not_end_a_field() {
        let check = |text: &str, expect: Result<&str, &str>| {
            let found = Cursor::new(text).quoted("field").map(|span| span.of(text).to_owned());
            assert_eq!(
                found.as_deref().map_err(ToString::to_string),
                expect.map_err(str::to_owned),
                "{text}"
            );
        };
        check(r#""a" b"#, Ok("a"));
        check(r#""a\"b\\" c"#, Ok(r#"a\"b\\"#));
        check(r#""\x22" c"#, Ok(r"\x22"));
        check(r#""""#, Ok(""));
        check(
            r#""a\""#,
            Err(r#"field: expected a closing quote before the line ends, found ""a\"""#),
        );
        check(r#""a"b"#, Err(r#"field: expected a space or the line's end after it, found "b""#));
        check("", Err("field: expected a quoted text, found nothing"));
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(status("404"), Some(404));
        for bad in ["", "20", "2000", "+20", "2 0", "abc"] {
            assert_eq!(status(bad), None, "{bad:?}");
        }
        assert_eq!(integer("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "18446744073709551616", "-1", "1.0"] {
            assert_eq!(integer(bad), None, "{bad:?}");
        }
        assert_eq!(seconds_us("1.5"), Some(1_500_000));
        assert_eq!(seconds_us("0.0000229"), Some(22));
        assert_eq!(seconds_us("2"), Some(2_000_000));
        for bad in ["", "-1", "1e3", ".5", "1.x"] {
            assert_eq!(seconds_us(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_host_loses_its_port() {
        let check = |host: &str, expect| {
            assert_eq!(without_port(host, Span::new(0, host.len())).of(host), expect, "{host}")
        };
        check("shop.example:443", "shop.example");
        check("shop.example", "shop.example");
        check("[2001:db8::1]:80", "2001:db8::1");
        check("192.0.2.7:1234", "192.0.2.7");
        check(":80", ":80");
    }
}

#[cfg(test)]
mod json_tests {
    use super::json_problem;

    #[derive(serde::Deserialize)]
    struct Line {
        #[allow(dead_code)] // only what is wrong with it matters
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
