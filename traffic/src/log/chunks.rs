//! Cuts a log into pieces of whole lines, so that several threads can parse one file.
//!
//! ```text
//! LogReader ─► Chunks ─► Chunk 0 ─► parse ─► Parsed 0 ─┐
//!   (format)           ─► Chunk 1 ─► parse ─► Parsed 1 ─┼─ in order: Tally::append
//!                      ─► Chunk 2 ─► parse ─► Parsed 2 ─┘
//! ```
//!
//! Cutting costs one copy and a search for the last newline; parsing needs the chunk alone. The
//! chunks in order give the records that [`LogReader::next`] gives, and their tallies, appended,
//! give its tally. A property test compares both.

use std::io::{self, BufRead, ErrorKind};
use std::sync::Arc;

use detector::Timestamp;
use memchr::{memchr, memchr_iter, memrchr};

use super::format::Format;
use super::layout::Layout;
use super::lines::LINE_BYTES_MAX;
use super::parser::{Parser, renamed};
use super::reader::{LogReader, fields_of, text_of};
use super::record::Record;
use super::tally::Tally;

/// Bytes of a chunk: about 1,300 lines. Handing that many over costs little beside parsing them,
/// and a core's second-level cache holds them.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// The rest of a log, cut into chunks.
pub struct Chunks<R> {
    name: String,
    layout: Arc<Layout>,
    reader: R,
    /// The beginning of a line whose end has not been read yet.
    carry: Vec<u8>,
    chunk_bytes: usize,
    number: u64,
    is_at_end: bool,
    error: Option<io::Error>,
}

/// Whole lines of a log.
#[derive(Debug)]
pub struct Chunk {
    /// Counted from 0.
    pub number: u64,
    layout: Arc<Layout>,
    text: Vec<u8>,
}

/// The parsed lines of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// For each record: its time, its tie (its [`seq`](Record::seq), which orders events of the
    /// same microsecond), and what it was mapped to.
    pub items: Vec<(Timestamp, u32, T)>,
    /// The tally of this chunk alone; line numbers count from its first line.
    pub tally: Tally,
}

impl<R: BufRead> Chunks<R> {
    pub(super) fn new(
        name: String,
        layout: Arc<Layout>,
        reader: R,
        unread: Vec<u8>,
        error: Option<io::Error>,
    ) -> Self {
        let is_at_end = error.is_some();
        Self {
            name,
            layout,
            reader,
            carry: unread,
            chunk_bytes: CHUNK_BYTES,
            number: 0,
            is_at_end,
            error,
        }
    }

    /// Sets the size of the chunks in bytes. It is at least the length of the longest line that is
    /// read.
    #[must_use]
    pub fn of_size(self, chunk_bytes: usize) -> Self {
        Self { chunk_bytes: chunk_bytes.max(LINE_BYTES_MAX + 1), ..self }
    }

    /// The log's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// The error of the underlying reader, once, after all lines before it. Then `None`.
    pub fn next_chunk(&mut self) -> io::Result<Option<Chunk>> {
        let mut text = std::mem::take(&mut self.carry);
        self.fill_past_holes(&mut text);
        if self.is_at_end {
            if self.error.is_some() {
                // What follows the last newline is only part of a line, so it is dropped.
                text.truncate(memrchr(b'\n', &text).map_or(0, |at| at + 1));
            }
        } else if let Some(at) = memrchr(b'\n', &text) {
            self.carry = text.split_off(at + 1);
        } else {
            self.skip_line(&mut text);
        }
        if text.is_empty() {
            return self.error.take().map_or(Ok(None), Err);
        }
        self.number += 1;
        let layout = Arc::clone(&self.layout);
        self.follow_directives(&text);
        Ok(Some(Chunk { number: self.number - 1, layout, text }))
    }

    /// Reads a chunk's bytes, without NULs at the beginning of its first line (see
    /// [`Lines::next`](super::lines::Lines::next)); one is left if nothing follows them.
    fn fill_past_holes(&mut self, text: &mut Vec<u8>) {
        loop {
            self.fill(text, self.chunk_bytes);
            let nuls = text.iter().take_while(|byte| **byte == 0).count();
            let has_more = nuls < text.len();
            text.drain(..if has_more { nuls } else { nuls.saturating_sub(1) });
            if nuls < 2 || has_more || self.is_at_end {
                return;
            }
        }
    }

    /// A W3C log may name its columns anew: the chunks after this one are read by the new names.
    fn follow_directives(&mut self, text: &[u8]) {
        if self.layout.format != Format::W3c {
            return;
        }
        let starts = std::iter::once(0).chain(memchr_iter(b'\n', text).map(|at| at + 1));
        for line in starts.map(|at| &text[at..]).filter(|line| line.first() == Some(&b'#')) {
            let line = &line[..memchr(b'\n', line).unwrap_or(line.len())];
            if let Some(layout) = renamed(&self.layout, line.trim_ascii_end()) {
                self.layout = layout;
            }
        }
    }

    /// Keeps just enough of a line that it still counts as too long, and discards the rest as it is
    /// read.
    fn skip_line(&mut self, text: &mut Vec<u8>) {
        text.truncate(LINE_BYTES_MAX + 1);
        let mut more = Vec::new();
        loop {
            more.clear();
            self.fill(&mut more, self.chunk_bytes);
            if let Some(at) = memchr(b'\n', &more) {
                text.push(b'\n');
                self.carry = more.split_off(at + 1);
                return;
            }
            if self.is_at_end {
                if self.error.is_some() {
                    text.clear();
                }
                return;
            }
        }
    }

    /// Reads until `text` has this many bytes, or the log ends.
    fn fill(&mut self, text: &mut Vec<u8>, bytes: usize) {
        let mut filled = text.len();
        text.resize(bytes.max(filled), 0);
        while filled < bytes && !self.is_at_end {
            match self.reader.read(&mut text[filled..]) {
                Ok(0) => self.is_at_end = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.is_at_end = true;
                }
            }
        }
        text.truncate(filled);
    }
}

impl Chunk {
    /// Parses the lines and maps each record. Lines that cannot be read are counted.
    pub fn parse<T>(&self, mut map: impl FnMut(&Record<'_>) -> T) -> Parsed<T> {
        let mut parser = Parser::new(Arc::clone(&self.layout));
        let mut tally = Tally::default();
        let mut items = Vec::with_capacity(self.text.len() / 128);
        let mut rest = &self.text[..];
        while !rest.is_empty() {
            let (line, after) = match memchr(b'\n', rest) {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest, &rest[rest.len()..]),
            };
            rest = after;
            let line = &line[line.iter().take_while(|byte| **byte == 0).count()..];
            if let Some(fields) =
                fields_of(line, line.len() > LINE_BYTES_MAX, &mut parser, &mut tally)
            {
                let record = fields.record(text_of(line, &parser));
                tally.count(&record);
                items.push((record.at, record.tie(), map(&record)));
            }
        }
        Parsed { items, tally }
    }
}

impl<R: BufRead> LogReader<R> {
    /// The part of the log that has not been read yet, in chunks.
    pub fn into_chunks(self) -> Chunks<R> {
        let (name, layout, (reader, unread, error)) = self.into_parts();
        Chunks::new(name, layout, reader, unread, error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;
    use crate::log::LogError;

    const LINE: &str =
        r#"192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187 "-" "agent""#;

    /// The records of a log, its tally, and the error with which it ended.
    type WholeLog = (Vec<(Timestamp, String)>, Tally, Option<String>);

    fn by_line(reader: impl BufRead) -> WholeLog {
        let mut log = LogReader::new("a.log", reader).unwrap();
        let mut seen = Vec::new();
        let error = loop {
            match log.next() {
                Ok(Some(record)) => seen.push((record.at, record.target.to_owned())),
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        (seen, log.tally().clone(), error)
    }

    fn by_chunk(reader: impl BufRead) -> WholeLog {
        let mut chunks = LogReader::new("a.log", reader).unwrap().into_chunks().of_size(0);
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let mut number = 0;
        let error = loop {
            match chunks.next_chunk() {
                Ok(Some(chunk)) => {
                    assert_eq!(chunk.number, number);
                    number += 1;
                    let parsed = chunk.parse(|record| record.target.to_owned());
                    tally.append(&parsed.tally, parsed.items.iter().map(|item| item.0));
                    seen.extend(parsed.items.into_iter().map(|(at, _, target)| (at, target)));
                }
                Ok(None) => break None,
                Err(error) => {
                    let line_number = tally.lines + 1;
                    break Some(
                        LogError::Read { name: "a.log".into(), line_number, error }.to_string(),
                    );
                }
            }
        };
        (seen, tally, error)
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }

    /// A line; `kind` says what is wrong with it: empty, torn, long, or between stray quotes.
    fn line(kind: u8, second: u32, length: usize) -> String {
        let good =
            LINE.replace("00:00:45", &format!("00:{:02}:{:02}", second / 60 % 60, second % 60));
        match kind {
            0 => String::new(),
            1 => format!("torn {}", "x".repeat(length)),
            2 => good.replace("/p/1", &format!("/{}", "y".repeat(length))),
            3 => format!("\"{good}\"\r"),
            _ => good.replace("/p/1", &format!("/p/{second}")),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn chunks_in_order_are_the_log(
            lines in prop::collection::vec((0_u8..12, 0_u32..3_600, 0_usize..140_000), 0..60),
            ends_with_newline: bool,
            is_broken: bool,
            has_mark: bool,
        ) {
            let mut text = if has_mark { "\u{feff}" } else { "" }.to_owned() + LINE + "\n";
            let line = |(kind, second, length): &(u8, u32, usize)| line(*kind, *second, *length);
            let lines: Vec<String> = lines.iter().map(line).collect();
            text += &lines.join("\n");
            if ends_with_newline {
                text.push('\n');
            }
            let reader = || {
                let end: Box<dyn Read> =
                    if is_broken { Box::new(Broken) } else { Box::new(io::empty()) };
                BufReader::with_capacity(4_000, text.as_bytes().chain(end))
            };
            prop_assert_eq!(by_line(reader()), by_chunk(reader()));
        }
    }
}
