//! The interface of a fixed rule that a model is compared with, request by request. The rules are
//! in the `lab` crate; an evaluation takes those it is given.

use detector::{Method, Timestamp};

/// A request as a rule sees it: what a line of an access log holds.
#[derive(Clone, Copy, Debug)]
pub struct BaselineRequest<'a> {
    /// The client, as any number that is equal for all requests of one address.
    pub client: u32,
    /// When the request arrived. Never before the previous request, of any client.
    pub at: Timestamp,
    /// Its method.
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
pub enum BaselineAction {
    /// The request passes, and nothing happens to its client.
    Passed,
    /// The request is answered, and its client is banned from then on: a rule that reads a log acts
    /// after the fact.
    Caught,
    /// The request is refused; the client's next one may pass.
    Refused,
    /// The request is refused, like all of its client's until the ban ends.
    Banned,
}

/// A rule that judges one request after another. It keeps the state of every client itself.
pub trait Baseline: Send {
    /// Name in reports.
    fn name(&self) -> &'static str;
    /// Takes in a request and returns what becomes of it.
    fn observe(&mut self, request: &BaselineRequest<'_>) -> BaselineAction;
}
