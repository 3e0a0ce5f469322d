//! What `observe` hands out: a verdict, and the right to say how the request ended.
//!
//! Only a request that reached the shop has an end to learn from. Counting the gate's own 429s as a
//! client's errors would keep a limited client limited for ever, and a path on the allow list is
//! not the client's behaviour. So the end of a request can be told by its [`Token`] alone, and a
//! request that was refused or exempt has none. Whoever drives a detector cannot get this wrong.

use crate::client::ClientKey;
use crate::event::{AgentKey, Event, Outcome};
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

/// A request under way whose end the detector wants to know. Used up by
/// [`crate::Tracker::conclude`].
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    client: ClientKey,
    agent: AgentKey,
    write: u16,
}

impl Observed {
    /// The verdict on this event as this mode carries it out.
    pub(crate) fn new(event: &Event, verdict: Verdict, mode: Mode) -> Self {
        let is_refused = mode == Mode::Enforce && verdict.action != Action::Allow;
        let token = (event.exempt.is_none() && !is_refused).then(|| Token::of(event));
        Self { verdict, token }
    }
}

impl Token {
    const fn of(event: &Event) -> Self {
        Self { client: event.client, agent: event.agent, write: event.write() }
    }

    /// The token of a request whose end an event log tells: a gate writes such a line only for a
    /// token of its own. `agent` and `write` as in that line ([`Event::write`]).
    pub const fn recorded(client: ClientKey, agent: AgentKey, write: u16) -> Self {
        Self { client, agent, write }
    }

    /// The token of a request that nobody judges, for who keeps windows and takes no verdicts, as
    /// training does. `None` for a request that passes unjudged: nothing is learnt from that.
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

    /// Where it writes ([`Event::write`]).
    pub const fn write(&self) -> u16 {
        self.write
    }

    /// The end of the request, as windows take it in: at this time, with this HTTP status (0 when
    /// there was none).
    pub const fn ended(self, at: Timestamp, status: u16) -> Outcome {
        Outcome { client: self.client, at, status, agent: self.agent, write: self.write }
    }
}
