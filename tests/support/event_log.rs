//! The lines that a gate would write of what a test asked a detector.

use detector::{AgentKey, ClientKey, Concluded, Event, Score, Target, Verdict};
use traffic::log::{OutcomeLine, RequestLine};

/// The line of a request (method and target) that was decided in this mode. It names no browser.
pub fn request_line<'a>(
    event: &Event,
    verdict: &Verdict,
    mode: &'a str,
    (method, target): (&'a str, &'a str),
    id: &'a str,
) -> RequestLine<'a> {
    RequestLine {
        at: verdict.at,
        seq: verdict.seq,
        client: event.client.to_string().into(),
        method: method.into(),
        url: target.into(),
        key: event.url,
        class: event.prior(),
        agent: Some(event.agent),
        id: id.into(),
        mode: mode.into(),
        action: verdict.action.as_str().into(),
        reason: verdict.reason.as_str().into(),
        score: verdict.score.map(Score::value),
        user_agent: None,
        referer: None,
    }
}

/// The line of how a client's request ended. It tells neither size nor duration.
pub fn outcome_line<'a>(
    client: ClientKey,
    mark: Concluded,
    status: u16,
    (agent, target): (AgentKey, Target),
    id: &'a str,
) -> OutcomeLine<'a> {
    OutcomeLine {
        at: mark.at,
        seq: mark.seq,
        client: client.to_string().into(),
        status,
        agent,
        write: target.write(),
        probe: target.probe(),
        log_in: target.is_log_in(),
        bytes: 0,
        duration_us: 0,
        id: id.into(),
    }
}
