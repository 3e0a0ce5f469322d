//! A fixed rule that a model is compared with, request by request. The rules themselves are in the
//! `lab` crate; an evaluation takes whichever it is given.

use detector::{Method, Timestamp};

/// What a rule sees of a request: as much as a line of an access log.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose: any number, the same for all requests of one address.
    pub client: u32,
    /// When it arrived. Never before the request shown last, whoever's that was.
    pub at: Timestamp,
    /// How it asks.
    pub method: Method,
    /// Path and query.
    pub target: &'a str,
    /// HTTP status of the answer; 0 where it is not known.
    pub status: u16,
    /// Bytes of the answer; 0 where they are not known.
    pub bytes: u64,
}

/// What a rule does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing.
    Passed,
    /// It is answered, and with it the client is caught: what reads a log acts after the fact.
    Caught,
    /// It is refused, and the next may not be.
    Refused,
    /// It is refused, as all of its client's are until the ban ends.
    Banned,
}

/// A rule. It keeps what it needs of every client for as long as it lives.
pub trait Baseline: Send {
    /// Name in reports.
    fn name(&self) -> &'static str;
    /// Takes a request in and says what becomes of it.
    fn observe(&mut self, asked: &Asked<'_>) -> Ruling;
}
