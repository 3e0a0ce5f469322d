//! Cuts a stream into lines, in bounded memory.
//!
//! One buffer is filled from the reader, and lines are borrowed from it. It grows with what a read
//! brings, up to 256 KiB, so that thousands of small files can be open at once. A line is
//! copied at most once, when it moves to the front of the buffer to make room. Of a line longer
//! than [`LINE_BYTES_MAX`] only the beginning is kept; the rest is read and discarded.

use std::io::{self, BufRead, ErrorKind};
use std::ops::Range;

use memchr::memchr;

/// The longest line that is read, in bytes; longer ones are refused. It is eight times what servers
/// accept by default as a request line with its headers.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Four of the longest lines, and still small enough for a core's second-level cache.
const BUFFER_BYTES: usize = 4 * LINE_BYTES_MAX;

/// The buffer of a file of which nothing has been read: ten lines.
const BUFFER_BYTES_MIN: usize = 4 * 1024;

/// How much can be looked at before it is returned: all but what one more line may need.
const PEEK_BYTES: usize = 3 * LINE_BYTES_MAX;

/// How much of a line that is too long is kept, to show it in a message.
const HEAD_BYTES: usize = 512;

/// Where a line is in the buffer; [`Lines::bytes`] returns its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line without its newline.
    Whole(Range<usize>),
    /// The first bytes of a line that is too long.
    TooLong(Range<usize>),
}

/// The parts of a reader of lines: what it reads from, what it has read and not returned, and the
/// error that it met.
pub(super) type LinesParts<R> = (R, Vec<u8>, Option<io::Error>);

/// A stream that is cut into lines.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The part of the buffer that has been read and not yet returned.
    unread: Range<usize>,
    /// Whether NULs were skipped at the beginning of the line that comes next.
    has_hole: bool,
    is_at_end: bool,
    error: Option<io::Error>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER_BYTES_MIN],
            unread: 0..0,
            has_hole: false,
            is_at_end: false,
            error: None,
        }
    }

    /// The text that will be returned next, up to this many lines and `PEEK_BYTES` bytes. It may be
    /// more than that many lines.
    pub(super) fn peek(&mut self, lines: usize) -> &[u8] {
        while self.unread.len() < PEEK_BYTES
            && memchr::memchr_iter(b'\n', &self.buffer[self.unread.clone()])
                .nth(lines.saturating_sub(1))
                .is_none()
            && self.fill()
        {}
        let end = self.unread.end.min(self.unread.start + PEEK_BYTES);
        &self.buffer[self.unread.start..end]
    }

    /// Skips the first bytes that [`Lines::peek`] returned.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.unread.start = (self.unread.start + bytes).min(self.unread.end);
    }

    /// Skips NULs at the beginning of a log, all but one. A file that was emptied while a server
    /// went on writing (`copytruncate`) begins with as many as it had bytes.
    pub(super) fn skip_hole(&mut self) {
        while self.buffer[self.unread.clone()].first() == Some(&0) {
            self.unread.start += nuls(&self.buffer[self.unread.clone()]) - 1;
            if self.unread.len() > 1 || !self.fill() {
                return;
            }
        }
    }

    /// The next line, without NULs at its beginning; `None` at the end. The last line needs no
    /// newline. If reading stopped with an error, though, what follows the last newline is only
    /// part of a line and is not returned.
    ///
    /// # Errors
    ///
    /// The error of the underlying reader, once, after all lines before it.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut searched = 0;
        loop {
            if searched == 0 && self.buffer[self.unread.clone()].first() == Some(&0) {
                self.unread.start += nuls(&self.buffer[self.unread.clone()]);
                self.has_hole = true;
            }
            let start = self.unread.start;
            if let Some(offset) = memchr(b'\n', &self.buffer[start + searched..self.unread.end]) {
                let length = searched + offset;
                self.has_hole = false;
                self.unread.start = start + length + 1;
                return Ok(Some(if length > LINE_BYTES_MAX {
                    Line::TooLong(start..start + HEAD_BYTES)
                } else {
                    Line::Whole(start..start + length)
                }));
            }
            searched = self.unread.len();
            if searched > LINE_BYTES_MAX {
                return self.skip_line().map(Some);
            }
            if !self.fill() {
                return match self.error.take() {
                    Some(error) => {
                        self.unread = 0..0;
                        Err(error)
                    }
                    None if searched == 0 && !self.has_hole => Ok(None),
                    None => {
                        self.has_hole = false;
                        Ok(Some(Line::Whole(std::mem::replace(&mut self.unread, 0..0))))
                    }
                };
            }
        }
    }

    pub(super) fn bytes(&self, line: &Range<usize>) -> &[u8] {
        self.buffer.get(line.clone()).unwrap_or_default()
    }

    /// Takes it apart: the reader, what was read and not yet returned, and the error with which
    /// reading ended.
    pub(super) fn into_parts(mut self) -> LinesParts<R> {
        self.buffer.truncate(self.unread.end);
        (self.reader, self.buffer.split_off(self.unread.start), self.error)
    }

    /// Discards the rest of a line that is too long, and keeps its first bytes at the front of the
    /// buffer.
    fn skip_line(&mut self) -> io::Result<Line> {
        self.buffer.copy_within(self.unread.start..self.unread.start + HEAD_BYTES, 0);
        loop {
            self.unread = HEAD_BYTES..HEAD_BYTES;
            if !self.fill() {
                return match self.error.take() {
                    Some(error) => Err(error),
                    None => Ok(Line::TooLong(0..HEAD_BYTES)),
                };
            }
            if let Some(offset) = memchr(b'\n', &self.buffer[self.unread.clone()]) {
                self.unread.start += offset + 1;
                return Ok(Line::TooLong(0..HEAD_BYTES));
            }
        }
    }

    /// Reads more. `false` at the end and after an error.
    fn fill(&mut self) -> bool {
        if self.is_at_end {
            return false;
        }
        if self.unread.start > HEAD_BYTES && self.buffer.len() - self.unread.end < LINE_BYTES_MAX {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.buffer.len() {
            self.buffer.resize((2 * self.buffer.len()).min(BUFFER_BYTES), 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.unread.end..]) {
                Ok(0) => self.is_at_end = true,
                Ok(bytes) => self.unread.end += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.error = Some(error);
                    self.is_at_end = true;
                }
            }
            return !self.is_at_end;
        }
    }
}

fn nuls(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == 0).count()
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    fn cut(reader: impl Read) -> Vec<(bool, Vec<u8>)> {
        let mut lines = Lines::new(BufReader::with_capacity(7, reader));
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let (is_whole, Line::Whole(range) | Line::TooLong(range)) =
                (matches!(line, Line::Whole(_)), line);
            found.push((is_whole, lines.bytes(&range).to_vec()));
        }
        found
    }

    #[test]
    fn a_line_may_be_as_long_as_allowed_and_no_longer() {
        let line = |length: usize| vec![b'x'; length];
        let head = (false, line(HEAD_BYTES));
        for end in [&b""[..], b"\n"] {
            let text = [&line(LINE_BYTES_MAX), end].concat();
            assert_eq!(cut(&text[..]), [(true, line(LINE_BYTES_MAX))]);
            let text = [&line(LINE_BYTES_MAX + 1), end].concat();
            assert_eq!(cut(&text[..]), std::slice::from_ref(&head));
        }
        let text =
            [&b"a\n"[..], &line(10 * LINE_BYTES_MAX), b"\nb\n", &line(BUFFER_BYTES), b"\n\nc"]
                .concat();
        let expect = [
            (true, b"a".to_vec()),
            head.clone(),
            (true, b"b".to_vec()),
            head,
            (true, vec![]),
            (true, b"c".to_vec()),
        ];
        assert_eq!(cut(&text[..]), expect);
    }

    #[test]
    fn a_hole_of_nuls_is_stepped_over_however_long_it_is() {
        let hole = vec![0; 3 * BUFFER_BYTES];
        let found = cut(&[&hole[..], b"a\n", &hole, b"b\nc\0\n", &hole].concat()[..]);
        let texts: Vec<&[u8]> = found.iter().map(|(_, text)| &text[..]).collect();
        assert_eq!(texts, [&b"a"[..], b"b", b"c\0", b""]);
        let mut lines = Lines::new(BufReader::new(std::io::repeat(0).take(1 << 28)));
        lines.skip_hole();
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(lines.unread.clone())));
    }

    #[test]
    fn an_endless_line_takes_no_memory() {
        let mut lines = Lines::new(BufReader::new(std::io::repeat(b'x').take(1 << 28)));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong(0..HEAD_BYTES)));
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.buffer.len() <= BUFFER_BYTES);
    }

    proptest! {
        #[test]
        fn lines_are_what_lies_between_newlines(
            parts in prop::collection::vec(("[ab]{0,3}", 0..70_000_usize), 0..12),
        ) {
            let repeated = |(text, length): &(String, usize)| text.repeat(*length / 2);
            let text: Vec<String> = parts.iter().map(repeated).collect();
            let joined = text.join("\n");
            let mut expect: Vec<&str> = joined.split('\n').collect();
            if expect.last() == Some(&"") {
                expect.pop();
            }
            let found = cut(joined.as_bytes());
            prop_assert_eq!(found.len(), expect.len());
            for ((is_whole, found), expect) in found.iter().zip(expect) {
                prop_assert_eq!(*is_whole, expect.len() <= LINE_BYTES_MAX);
                let kept = if *is_whole { expect.len() } else { HEAD_BYTES };
                prop_assert_eq!(&found[..], &expect.as_bytes()[..kept]);
            }
        }
    }
}
