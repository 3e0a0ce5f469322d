//! Access logs, one format a file.
//!
//! A [`LogReader`] finds out which format it was given and turns each line into a [`Record`]: what
//! an edge knew of a request, how it ended, or both. Lines that cannot be read are counted and the
//! first few kept with the reason ([`Tally`]); reading goes on, because one torn line must not cost
//! a month of traffic.
//!
//! | file | format |
//! |---|---|
//! | `combined.rs` | nginx and Apache `combined`, `common`, and either behind a virtual host's name |
//! | `nginx_json.rs` | one JSON object a line, with nginx's variable names |
//! | `elb.rs` | AWS classic load balancer |
//! | `event_log.rs` | our own, writer and parser |
//!
//! `lines.rs` cuts lines in bounded memory, `format.rs` tells formats apart, `scan.rs` walks
//! through a line, `clock.rs` reads its time, `reader.rs` ties them together, `chunks.rs` does so
//! for several threads, `decompress.rs` undoes gzip and zstd.
//!
//! `survey.rs` counts what a log's lines have in common, and `warning.rs` says what will go wrong
//! with it.
//!
//! Times are what the log says. nginx and Apache differ in what they stamp (nginx the end of a
//! request, Apache and the load balancer its start); nothing is corrected here, because the
//! difference is not always in the log.
//!
//! Cost: a combined line takes about 0.3 µs and no allocation.

use detector::{AgentKey, Class, ClientKey, Outcome, Reason, Recorded, Request, Timestamp, UrlKey};

mod chunks;
mod clock;
mod combined;
mod decompress;
mod elb;
mod event_log;
mod format;
mod lines;
mod nginx_json;
mod reader;
mod scan;
mod survey;
mod tally;
#[cfg(test)]
mod tests;
mod warning;
#[cfg(test)]
mod warning_tests;

pub use chunks::{CHUNK_BYTES, Chunk, Chunks, Parsed};
pub use clock::{civil, time};
pub use decompress::decompress;
pub use event_log::{OutcomeLine, RequestLine, VERSION as EVENT_LOG_VERSION};
pub use format::Format;
pub use lines::LINE_BYTES_MAX;
pub use reader::{LogError, LogReader};
pub use survey::Survey;
pub use tally::{Refused, Tally};
pub use warning::{REFUSED_MAX, Surveyed, Warning, is_unreadable, together};

/// What one line tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A request and how it ended, in one line: every log but ours.
    #[default]
    Whole,
    /// A request and what was decided about it, from our event log.
    Request,
    /// How a request ended, from our event log.
    Outcome,
}

/// One line of a log, borrowed from its reader.
///
/// Text is as the log has it: in `combined` a quote within a field stays `\"` or `\x22`; JSON
/// strings are decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record<'a> {
    /// Which of the fields below mean something.
    pub kind: Kind,
    /// The line's time; what it is the time of is up to the log.
    pub at: Timestamp,
    /// Exactly what the log's client field holds (without the port, where the format adds one):
    /// labels refer to it.
    pub client: &'a str,
    /// As on the wire; `-` where the client sent none or sent garbage, empty for an
    /// [`Kind::Outcome`].
    pub method: &'a str,
    /// Path and query or absolute form, as on the wire; all of a request line that is garbage;
    /// empty for an [`Kind::Outcome`].
    pub target: &'a str,
    /// HTTP status; 0 for a [`Kind::Request`] and where the log has none.
    pub status: u16,
    /// Bytes sent, as this log counts them (with or without headers).
    pub bytes: Option<u64>,
    /// How long the request took, in microseconds.
    pub duration_us: Option<u64>,
    /// Virtual host, without its port.
    pub host: Option<&'a str>,
    /// `Referer` header; `None` where the log says `-`.
    pub referer: Option<&'a str>,
    /// `User-Agent` header; `None` where the log says `-`.
    pub user_agent: Option<&'a str>,
    /// `Sec-Fetch-Dest` header, where the log has it.
    pub fetch_dest: Option<&'a str>,
    /// The client's own count of events in our event log, which orders those of the same
    /// microsecond; 0 elsewhere.
    pub seq: u32,
    /// Identifier of the decision in our event log, which joins an outcome to its request.
    pub id: Option<&'a str>,
    /// What was decided, for a [`Kind::Request`].
    pub decision: Option<Decision<'a>>,
    /// What was asked for, for a [`Kind::Outcome`].
    pub asked: Asked,
}

/// What our event log says of the request that an outcome ends, as far as cohorts want to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// See [`Outcome::agent`].
    pub agent: AgentKey,
    /// See [`Outcome::write`].
    pub write: u16,
}

/// What our event log says was decided about a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision<'a> {
    /// The client's own count of events.
    pub seq: u32,
    /// URL hash at the time, made with a key that is not in the log.
    pub key: UrlKey,
    /// Page or asset, as judged at the time.
    pub class: Class,
    /// Hash of the user agent, made with the same key; `None` in lines that are older than it.
    pub agent: Option<AgentKey>,
    /// Identifier of the decision, as the client was told.
    pub id: &'a str,
    /// `shadow` or `enforce`.
    pub mode: &'a str,
    /// `allow`, `limit` or `block`.
    pub action: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The model's score; `None` where it was not asked.
    pub score: Option<f32>,
}

impl<'a> Record<'a> {
    /// Who this line is about.
    pub fn client_key(&self) -> ClientKey {
        ClientKey::from_text(self.client)
    }

    /// The request to observe; `None` for an [`Kind::Outcome`].
    pub fn request(&self) -> Option<Request<'a>> {
        (self.kind != Kind::Outcome).then(|| Request {
            client: self.client_key(),
            at: self.at,
            method: self.method,
            target: self.target,
            fetch_dest: self.fetch_dest,
            agent: self.user_agent.map(str::as_bytes),
            is_proxys: self
                .decision
                .is_some_and(|decision| decision.reason == Reason::Proxy.as_str()),
            recorded: self.decision.map(|Decision { key: url, class, agent, .. }| Recorded {
                url,
                class,
                agent,
            }),
        })
    }

    /// How it ended; `None` for a [`Kind::Request`]. A line that is both does not say here whose
    /// browser asked: [`Outcome::of`] its event does.
    pub fn outcome(&self) -> Option<Outcome> {
        let Asked { agent, write } = self.asked;
        let outcome =
            || Outcome { agent, write, ..Outcome::new(self.client_key(), self.at, self.status) };
        (self.kind != Kind::Request).then(outcome)
    }
}
