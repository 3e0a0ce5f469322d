//! Says in words what the gate decided, from its event log.

use traffic::log::civil;

use super::moment::{ExplainedRequest, PastDecision, RequestChoice};
use super::phrases::{score, times, were};
use super::record::RecordedTotals;
use super::story::Story;

/// The request that was asked for; if none was, the first of the hardest recorded verdicts.
pub(super) fn asked(story: &Story) -> Option<&ExplainedRequest> {
    let moments = || story.moments.iter();
    match &story.which {
        RequestChoice::Number(number) => moments().find(|moment| moment.number == *number),
        RequestChoice::Decision(id) => {
            moments().find(|moment| moment.recorded.as_ref().is_some_and(|past| past.id == *id))
        }
        RequestChoice::Hardest => {
            let hardness = |past: &PastDecision| {
                ["limit", "block"].iter().position(|action| past.action == *action)
            };
            let recorded =
                moments().filter_map(|moment| Some((hardness(moment.recorded.as_ref()?), moment)));
            // Among equals the first.
            recorded.rev().max_by_key(|(hardness, _)| *hardness).map(|(_, moment)| moment)
        }
    }
}

/// What happened, from the log alone; `None` if the log does not say.
pub(super) fn sentence(story: &Story, recorded: &RecordedTotals) -> Option<String> {
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

/// A caution that this judge decides otherwise than the gate did, and what to do about it.
pub(super) fn other_judge(story: &Story, recorded: &RecordedTotals, model: &str) -> String {
    let others = recorded.requests - recorded.repeated;
    let differs = if asked(story).is_some_and(ExplainedRequest::is_as_recorded) {
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
