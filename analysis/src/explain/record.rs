//! What the gate itself decided, as its event log says: that is what happened, whatever another
//! model makes of it.

use serde::Serialize;
use traffic::log::civil;

use super::story::{Moment, Past, Story, Which};
use super::words::{score, times, were};

/// The gate's own verdicts on the client.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recorded {
    /// Requests whose verdict the log knows.
    pub requests: u64,
    /// Of these, limited.
    pub limited: u64,
    /// Blocked.
    pub blocked: u64,
    /// Of the limited and blocked, how many in shadow mode, which refuses nobody.
    pub in_shadow: u64,
    /// Decided so again by the judge that explains: same action, same reason, same score to the
    /// last bit.
    pub repeated: u64,
    /// The request that the words begin with, by its number among the client's.
    pub number: Option<u64>,
    /// What was decided about it.
    pub decision: Option<Past>,
}

impl Recorded {
    /// Does the judge that explains decide all as the gate did?
    pub fn is_repeated(&self) -> bool {
        self.repeated == self.requests
    }

    /// Takes a request in.
    pub(super) fn take(&mut self, moment: &Moment) {
        let Some(past) = &moment.recorded else { return };
        let is_stopped = past.action != "allow";
        self.requests += 1;
        self.limited += u64::from(past.action == "limit");
        self.blocked += u64::from(past.action == "block");
        self.in_shadow += u64::from(is_stopped && past.mode != "enforce");
        self.repeated += u64::from(moment.is_as_recorded());
    }
}

impl Moment {
    /// Is what the log says of it what is decided now? Not where it says nothing.
    pub fn is_as_recorded(&self) -> bool {
        let now = (self.action.as_str(), self.reason.as_str(), self.score);
        self.recorded
            .as_ref()
            .is_some_and(|past| (past.action.as_str(), past.reason.as_str(), past.score) == now)
    }
}

/// The request that was asked about; where none was, the first of the hardest recorded verdicts.
pub(super) fn asked(story: &Story) -> Option<&Moment> {
    let moments = || story.moments.iter();
    match &story.which {
        Which::Number(number) => moments().find(|moment| moment.number == *number),
        Which::Decision(id) => {
            moments().find(|moment| moment.recorded.as_ref().is_some_and(|past| past.id == *id))
        }
        Which::Hardest => {
            let hardness =
                |past: &Past| ["limit", "block"].iter().position(|action| past.action == *action);
            let recorded =
                moments().filter_map(|moment| Some((hardness(moment.recorded.as_ref()?), moment)));
            // Of equals the first.
            recorded.rev().max_by_key(|(hardness, _)| *hardness).map(|(_, moment)| moment)
        }
    }
}

/// What happened, from the log alone. `None` where the log does not say.
pub(super) fn sentence(story: &Story, recorded: &Recorded) -> Option<String> {
    let moment = asked(story)?;
    let past = moment.recorded.as_ref()?;
    let is_real = past.mode == "enforce" || past.action == "allow";
    let done = match past.action.as_str() {
        "limit" => "limited",
        "block" => "blocked",
        _ => "allowed",
    };
    let (was, quiet) = if is_real { ("was", "") } else { ("would have been", ", in shadow mode") };
    let mut text = format!(
        "{} {was} {done} with request {} at {} UTC, {} {}: so says the event log ({}/{}, score \
            {}{quiet}).",
        story.client,
        moment.number,
        civil(moment.at),
        moment.method,
        moment.target,
        past.action,
        past.reason,
        score(past.score),
    );
    let stopped = recorded.limited + recorded.blocked;
    let whose =
        if recorded.requests < story.requests { " that the log knows the verdict of" } else { "" };
    let of = format!("{}{whose}", times(recorded.requests, "request"));
    let were = |number| if recorded.in_shadow < stopped { were(number) } else { "would have been" };
    let counts = match (recorded.limited, recorded.blocked) {
        (0, 0) => "none was stopped".to_owned(),
        (limited, 0) => format!("{limited} {} limited", were(limited)),
        (0, blocked) => format!("{blocked} {} blocked", were(blocked)),
        (limited, blocked) => format!("{limited} {} limited and {blocked} blocked", were(limited)),
    };
    text.push_str(&format!(" Of its {of} {counts}"));
    if (1..stopped).contains(&recorded.in_shadow) {
        text.push_str(&format!(
            ", {} of them in shadow mode, which refuses nobody",
            recorded.in_shadow
        ));
    }
    text.push('.');
    Some(text)
}

/// That another judge explains than decided, and what to do about it.
pub(super) fn other_judge(story: &Story, recorded: &Recorded, model: &str) -> String {
    let others = recorded.requests - recorded.repeated;
    let differs = if asked(story).is_some_and(Moment::is_as_recorded) {
        format!("decides this request alike, but {others} others not")
    } else {
        format!("decides {others} of these {} otherwise", recorded.requests)
    };
    format!(
        "CAUTION: what follows is said by the model {model} and the policy given here, and is not \
            why the gate did so: that judge \
         {differs}. Pass the gate's own (-c kidoban.toml, and --model where it was given one); or \
         it was reloaded since, or \
         knew of requests that are not in this log."
    )
}
