//! One line of a log, whatever its format: the result of every parser.

use detector::{
    AgentKey, Class, ClientKey, Outcome, Reason, Recorded, Request, Target, Timestamp, UrlKey,
};

/// What a line tells: a request, how it ended, both, or that somebody changed a ban.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A request and how it ended in one line, as in every log but our event log.
    #[default]
    Whole,
    /// A request and what was decided about it: a line of our event log.
    Request,
    /// How a request ended: a line of our event log.
    Outcome,
    /// Somebody imposed or lifted a ban: a line of our event log.
    Ban,
    /// What came of a challenge: a line of our event log.
    Challenge,
}

impl RecordKind {
    /// Whether the line tells a request.
    pub const fn is_request(self) -> bool {
        matches!(self, Self::Whole | Self::Request)
    }

    /// Whether the line tells how a request ended.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Whole | Self::Outcome)
    }
}

/// What a line of our event log says of a ban that somebody changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedBan {
    /// It was imposed until this time.
    Imposed(Timestamp),
    /// It was lifted, and with it all that was held against the client.
    Lifted,
}

/// What a line of our event log says of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedChallenge {
    /// The client was shown the page.
    Issued,
    /// It passed, which counts until this time.
    Passed(Timestamp),
    /// It sent a forged or expired token, or a wrong solution.
    Failed,
    /// It sent the form too early.
    Early,
}

/// One line of a log. It borrows its text from the reader.
///
/// JSON strings are decoded. Other text stays as the log has it: in `combined`, a quote within a
/// field stays `\"` or `\x22`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record<'a> {
    /// What the line tells, and so which of the fields below have a value.
    pub kind: RecordKind,
    /// The line's time. Some servers log the start of the request, others its end.
    pub at: Timestamp,
    /// The text of the log's client field, which labels refer to. Where the format adds a port, it
    /// is left out.
    pub client: &'a str,
    /// A list of other addresses that the line holds, such as `X-Forwarded-For`. It is not
    /// believed, because no trusted proxy wrote it, and the client is not in it.
    pub other_addresses: Option<&'a str>,
    /// Method as on the wire. `-` if the client sent none or sent garbage; empty for a line that
    /// tells no request.
    pub method: &'a str,
    /// Request target as on the wire: path and query, or absolute form. If the request line is
    /// garbage, all of it. Empty for a line that tells no request.
    pub target: &'a str,
    /// HTTP status; 0 for a line that tells no end of a request, and where the log has none.
    pub status: u16,
    /// Bytes sent. It depends on the log whether headers are counted.
    pub bytes: Option<u64>,
    /// How long the request took, in microseconds.
    pub duration_us: Option<u64>,
    /// Virtual host, without the port.
    pub host: Option<&'a str>,
    /// `Referer` header; `None` where the log says `-`.
    pub referer: Option<&'a str>,
    /// `User-Agent` header; `None` where the log says `-`.
    pub user_agent: Option<&'a str>,
    /// `Sec-Fetch-Dest` header, where the log has it.
    pub fetch_dest: Option<&'a str>,
    /// `Content-Type` header of the response, where the log has it.
    pub content_type: Option<&'a str>,
    /// The number of this event among the client's events, from our event log; 0 in other logs. It
    /// orders events of the same microsecond. For a [`RecordKind::Ban`] the number of the event
    /// before it.
    pub seq: u32,
    /// Identifier of the decision, from our event log. It joins an outcome to its request.
    pub id: Option<&'a str>,
    /// What was decided, for a [`RecordKind::Request`].
    pub decision: Option<RecordedDecision<'a>>,
    /// What is repeated from the request, for a [`RecordKind::Outcome`].
    pub request_keys: RequestKeys,
    /// What became of the client's ban, for a [`RecordKind::Ban`].
    pub ban: Option<RecordedBan>,
    /// What came of a challenge, for a [`RecordKind::Challenge`].
    pub challenge: Option<RecordedChallenge>,
}

/// What an outcome line of our event log repeats from its request: the keys by which cohorts and
/// the guard count the outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestKeys {
    /// See [`Outcome::agent`].
    pub agent: AgentKey,
    /// See [`Outcome::target`].
    pub target: Target,
}

/// What our event log says was decided about a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordedDecision<'a> {
    /// The number of this event among the client's events.
    pub seq: u32,
    /// Hash of the URL, made with a secret key that is not in the log.
    pub key: UrlKey,
    /// Whether the gate took the request for a page or an asset.
    pub class: Class,
    /// Hash of the user agent, made with the same secret key. `None` in lines written by versions
    /// that did not log it.
    pub agent: Option<AgentKey>,
    /// Identifier of the decision, as the client saw it.
    pub id: &'a str,
    /// `shadow` or `enforce`.
    pub mode: &'a str,
    /// `allow`, `limit` or `block`.
    pub action: &'a str,
    /// The reason for the action, a name of [`Reason`].
    pub reason: &'a str,
    /// The model's score, from 0 to 1; `None` where the model was not asked.
    pub score: Option<f32>,
}

impl<'a> Record<'a> {
    /// The client that this line is about.
    pub fn client_key(&self) -> ClientKey {
        ClientKey::from_text(self.client)
    }

    /// Orders the lines of one microsecond: by number, and a ban after the event of its number.
    pub(crate) fn tie(&self) -> u32 {
        self.seq.saturating_mul(2).saturating_add(u32::from(self.kind == RecordKind::Ban))
    }

    /// The request to observe; `None` for a line that tells none.
    pub fn request(&self) -> Option<Request<'a>> {
        self.kind.is_request().then(|| Request {
            client: self.client_key(),
            at: self.at,
            method: self.method,
            target: self.target,
            fetch_dest: self.fetch_dest,
            agent: self.user_agent.map(str::as_bytes),
            is_proxys: self
                .decision
                .is_some_and(|decision| decision.reason == Reason::Proxy.as_str()),
            recorded: self.decision.map(|RecordedDecision { key: url, class, agent, .. }| {
                Recorded { url, class, agent }
            }),
        })
    }

    /// How the request ended; `None` for a line that does not tell it. For a [`RecordKind::Whole`]
    /// the user agent is left out here: use [`Outcome::of`] with its event.
    pub fn outcome(&self) -> Option<Outcome> {
        let RequestKeys { agent, target } = self.request_keys;
        let outcome =
            || Outcome { agent, target, ..Outcome::new(self.client_key(), self.at, self.status) };
        self.kind.is_end().then(outcome)
    }
}
