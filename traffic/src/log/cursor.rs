//! Steps through one line, field by field.

use memchr::{memchr, memchr2};

use super::fields::Span;
use super::refusal::Refusal;

/// A position in a line. Each method reads the next field and moves past it.
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

    /// Refuses the line, because of what is at this position.
    pub(super) fn refuse<T>(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<T, Refusal<'a>> {
        Err(Refusal::new(field, expected, self.rest()))
    }

    /// Reads up to the next space, and moves past it. The word must not be empty.
    pub(super) fn word(&mut self, field: &'static str) -> Result<Span, Refusal<'a>> {
        let length = memchr(b' ', self.rest_bytes()).unwrap_or(self.text.len() - self.at);
        if length == 0 {
            return self.refuse(field, "a word");
        }
        let span = Span::new(self.at, self.at + length);
        self.at = (self.at + length + 1).min(self.text.len());
        Ok(span)
    }

    /// Reads the user name and the time in brackets after it, and moves past a space after that.
    ///
    /// A visitor chooses his own name, and it may hold brackets and what looks like a time. The
    /// time is the first in brackets that a quote follows, because servers escape quotes in names.
    /// Where no quote follows, the first that begins with a digit counts, to say what is wrong.
    pub(super) fn user_and_time(&mut self) -> Result<(Span, Span), Refusal<'a>> {
        /// Bytes of a time in common log format, with its brackets.
        const CLF_BYTES: usize = 28;
        let bytes = self.text.as_bytes();
        // Nobody is logged in, as in nearly every line: there is nothing to search for.
        let (bracket, after) = (self.at + 2, self.at + 2 + CLF_BYTES);
        if bytes[self.at..].starts_with(b"- [")
            && bytes.get(after - 1..after + 2) == Some(b"] \"")
            && bytes.get(bracket + 3) == Some(&b'/')
        {
            let user = Span::new(self.at, self.at + 1);
            self.at = after + 1;
            return Ok((user, Span::new(bracket + 1, after - 1)));
        }
        let mut from = self.at;
        let mut first = None;
        while let Some(offset) = memchr(b'[', &bytes[from..]) {
            let bracket = from + offset;
            from = bracket + 1;
            let begins = bracket > self.at + 1
                && bytes[bracket - 1] == b' '
                && bytes.get(bracket + 1).is_some_and(u8::is_ascii_digit);
            if !begins {
                continue;
            }
            let close = memchr(b']', &bytes[bracket..]).map(|length| bracket + length);
            if let Some(close) = close
                && bytes.get(close + 1..close + 3) == Some(b" \"")
                && memchr(b'[', &bytes[bracket + 1..close]).is_none()
            {
                let user = Span::new(self.at, bracket - 1);
                self.at = close + 2;
                return Ok((user, Span::new(bracket + 1, close)));
            }
            first = first.or(Some((bracket, close)));
        }
        match first {
            Some((bracket, Some(close))) => {
                let user = Span::new(self.at, bracket - 1);
                self.at = bracket;
                self.step_over(close + 1 - bracket, "time")?;
                Ok((user, Span::new(bracket + 1, close)))
            }
            Some((bracket, None)) => {
                self.at = bracket;
                self.refuse("time", "[ and ]")
            }
            None => self.refuse("time", "a user and then [day/month/year:hour:minute:second zone]"),
        }
    }

    /// Reads what is between two quotes, and moves past a space after it. A backslash escapes the
    /// byte after it.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
