//! What a parser returns: the fields of a line, as positions in its text.
//!
//! Parsers return positions ([`Span`], [`Fields`]) and not the text itself. So a reader can try
//! line after line in one buffer, and lend out only the line that it returns. All delimiters are
//! ASCII, so a span never cuts a character in two.

use detector::{AgentKey, Class, Timestamp, UrlKey};

use super::record::{
    Record, RecordKind, RecordedBan, RecordedChallenge, RecordedDecision, RequestKeys,
};

/// Where a field is in its line, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        // A line has at most 64 KiB, or three times that if it is not UTF-8, so this always fits.
        // If it did not, the field would be empty.
        Self { start: u32::try_from(start).unwrap_or(0), end: u32::try_from(end).unwrap_or(0) }
    }

    /// The text of this field in its line.
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }

    /// `None` if the field is `-`, which is how logs write that there is no value.
    pub(super) fn unless_dash(self, text: &str) -> Option<Self> {
        (self.of(text) != "-").then_some(self)
    }

    /// The position of a part of this field's text.
    pub(super) fn sub(self, text: &str, part: &str) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(self.of(text).as_ptr() as usize);
        self.part(start, start + part.len())
    }

    /// A part of this field; `start` and `end` are counted from its beginning.
    pub(super) fn part(self, start: usize, end: usize) -> Self {
        let offset = self.start as usize;
        Self::new(offset + start, offset + end)
    }
}

/// A [`Record`] with positions in place of text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields {
    pub(super) kind: RecordKind,
    pub(super) at: Timestamp,
    pub(super) client: Span,
    /// Other addresses of the line that are not believed.
    pub(super) other: Option<Span>,
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) status: u16,
    pub(super) bytes: Option<u64>,
    pub(super) duration_us: Option<u64>,
    pub(super) host: Option<Span>,
    pub(super) referer: Option<Span>,
    pub(super) user_agent: Option<Span>,
    pub(super) fetch_dest: Option<Span>,
    pub(super) content_type: Option<Span>,
    pub(super) seq: u32,
    pub(super) id: Option<Span>,
    pub(super) decided: Option<Decided>,
    pub(super) request_keys: RequestKeys,
    pub(super) ban: Option<RecordedBan>,
    pub(super) challenge: Option<RecordedChallenge>,
}

/// A [`RecordedDecision`] with positions in place of text.
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
    /// The record that these fields describe; `text` is what was parsed.
    pub(super) fn record<'a>(&self, text: &'a str) -> Record<'a> {
        let method = self.method.of(text);
        Record {
            kind: self.kind,
            at: self.at,
            client: self.client.of(text),
            other_addresses: self.other.map(|span| span.of(text)),
            method: if method.is_empty() && self.kind.is_request() { "-" } else { method },
            target: self.target.of(text),
            status: self.status,
            bytes: self.bytes,
            duration_us: self.duration_us,
            host: self.host.map(|span| span.of(text)),
            referer: self.referer.map(|span| span.of(text)),
            user_agent: self.user_agent.map(|span| span.of(text)),
            fetch_dest: self.fetch_dest.map(|span| span.of(text)),
            content_type: self.content_type.map(|span| span.of(text)),
            seq: self.seq,
            id: self.id.map(|span| span.of(text)),
            decision: self.decided.map(|decided| RecordedDecision {
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
            request_keys: self.request_keys,
            ban: self.ban,
            challenge: self.challenge,
        }
    }
}

/// Appends a decoded string to the text that spans refer to, and returns its position.
pub(super) fn keep(decoded: &mut String, text: Option<&str>) -> Option<Span> {
    let start = decoded.len();
    decoded.push_str(text?);
    Some(Span::new(start, decoded.len()))
}
