//! What `observe` returns: a verdict, and a token with which the request can be concluded.
//!
//! Only a request that reached the shop has an end to learn from. Counting the gate's own 429s as a
//! client's errors would keep a limited client limited for ever, and a request on the allow list
//! says nothing about the client. So only a [`Token`] can be concluded, and a request that was
//! refused or exempt has none. Whoever drives a detector cannot get this wrong.

use crate::client::ClientKey;
use crate::event::{AgentKey, Event, Outcome, Target};
use crate::mode::Mode;
use crate::time::Timestamp;
use crate::verdict::{Action, Verdict};

/// A verdict, and the token of the request if its end is to be learnt from.
#[derive(Debug)]
pub struct Observed {
    /// What to do with the request.
    pub verdict: Verdict,
    /// `None` for a request that is refused in this mode, and for one that passes unjudged.
    pub token: Option<Token>,
}

/// A request under way that can be concluded, once, by [`crate::Tracker::conclude`].
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    client: ClientKey,
    agent: AgentKey,
    target: Target,
}

/// When the end of a request was counted, and as which of the client's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concluded {
    /// The time it counted for: a client's clock never goes back.
    pub at: Timestamp,
    /// The client's event number.
    pub seq: u32,
}

impl Observed {
    /// The verdict on this event, with a token unless the request is exempt or refused in this
    /// mode.
    pub(crate) fn new(event: &Event, verdict: Verdict, mode: Mode) -> Self {
        let is_refused = mode == Mode::Enforce && verdict.action != Action::Allow;
        let token = (event.exempt.is_none() && !is_refused).then(|| Token::of(event));
        Self { verdict, token }
    }
}

impl Token {
    const fn of(event: &Event) -> Self {
        Self { client: event.client, agent: event.agent, target: event.target() }
    }

    /// The token of a request whose end stands in an event log: a gate writes such a line only for
    /// a request that had a token. `agent` and `target` are those of the line.
    pub const fn recorded(client: ClientKey, agent: AgentKey, target: Target) -> Self {
        Self { client, agent, target }
    }

    /// The token of a request that was never observed, for code that keeps windows without taking
    /// verdicts, as training does. `None` for an exempt request: nothing is learnt from it.
    pub fn unjudged(event: &Event) -> Option<Self> {
        event.exempt.is_none().then(|| Self::of(event))
    }

    /// Whose request it is.
    pub const fn client(&self) -> ClientKey {
        self.client
    }

    /// The hash of its user agent.
    pub const fn agent(&self) -> AgentKey {
        self.agent
    }

    /// What its end is counted by.
    pub const fn target(&self) -> Target {
        self.target
    }

    /// The outcome of the request, as windows take it in: it ended at this time, with this HTTP
    /// status (0 when there was none).
    pub const fn ended(self, at: Timestamp, status: u16) -> Outcome {
        Outcome { client: self.client, at, status, agent: self.agent, target: self.target }
    }
}
