//! Prints what became of one client, request by request.

use std::fmt::Write as _;

use detector::{Action, Event, Reason, Verdict};
use serde::Serialize;

use super::words::{because, first_words};
use crate::output;

/// One request of the client that is shown, with its verdict.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineEntry {
    at: String,
    at_us: i64,
    client: String,
    /// Which of the client's requests it is, counted from 1, as `first_stopped_request` counts.
    seq: u64,
    /// Its number among the client's events, requests and ends of requests, as an event log has it;
    /// 0 if it was let pass unasked.
    event_seq: u32,
    request: String,
    action: Action,
    reason: Reason,
    score: Option<f32>,
    retry_after_s: u32,
    because: Vec<String>,
}

/// All requests of one client and a summary of them.
#[derive(Serialize)]
pub struct ClientTimeline<'a> {
    pub client: &'a str,
    pub model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<&'a str>,
    /// The summary in one sentence.
    pub words: String,
    pub requests: u64,
    pub limited: u64,
    pub blocked: u64,
    /// Each request in order.
    pub timeline: &'a [TimelineEntry],
}

impl TimelineEntry {
    /// The entry for the client's `seq`th request; `request` is its method and target.
    pub fn of(event: &Event, verdict: &Verdict, request: &str, seq: u64) -> Self {
        Self {
            at: output::time(verdict.at),
            at_us: verdict.at.as_micros(),
            client: event.client.to_string(),
            seq,
            event_seq: verdict.seq,
            request: request.to_owned(),
            action: verdict.action,
            reason: verdict.reason,
            score: verdict.score.map(detector::Score::value),
            retry_after_s: verdict.retry_after_s,
            because: because(verdict),
        }
    }
}

impl<'a> ClientTimeline<'a> {
    /// The timeline of a client that has at least one request.
    pub fn of(
        client: &'a str,
        model: &'a str,
        since: Option<&'a str>,
        timeline: &'a [TimelineEntry],
    ) -> Self {
        let number =
            |action: Action| timeline.iter().filter(|told| told.action == action).count() as u64;
        let (requests, limited, blocked) =
            (timeline.len() as u64, number(Action::Limit), number(Action::Block));
        let first = timeline.iter().find(|told| told.action != Action::Allow);
        let of = format!(
            "of its {}{}",
            analysis::format::counted(requests, "request"),
            since.map_or_else(String::new, |since| format!(" since {since} UTC"))
        );
        let stopped = match (blocked, limited) {
            (0, 0) => "all would have been allowed".to_owned(),
            (0, limited) => format!("{} would have been limited", output::count(limited)),
            (blocked, 0) => format!("{} would have been blocked", output::count(blocked)),
            _ => format!(
                "{} would have been blocked and {} limited",
                output::count(blocked),
                output::count(limited)
            ),
        };
        let first = first.map_or_else(String::new, |first| {
            format!(", the first at {} UTC ({})", first.at, first_words(first.action, first.reason))
        });
        let words = format!("{client}: {of} {stopped}{first}, judged by {model}.");
        Self { client, model, since, words, requests, limited, blocked, timeline }
    }

    /// The sentence, then a line for each request. Reasons follow where the verdict changes.
    pub fn describe(&self) -> String {
        let mut text = format!("{}\n\n", output::safe(&self.words, 400));
        let mut before = None;
        for told in self.timeline {
            let score =
                told.score.map_or_else(|| "    –".to_owned(), |score| format!("{score:.3}"));
            let _ = writeln!(
                text,
                "{}  {score}  {:<5} {:<13} {}",
                told.at,
                told.action.as_str(),
                told.reason.as_str(),
                output::safe(&told.request, 90),
            );
            let verdict = Some((told.action, told.reason));
            if before != verdict && !told.because.is_empty() {
                let _ = writeln!(text, "{:>19}  because: {}", "", told.because.join(", "));
            }
            before = verdict;
        }
        text
    }
}

/// The requests as JSON, one object a line.
pub fn json_lines(timeline: &[TimelineEntry]) -> String {
    let mut text = String::new();
    for told in timeline {
        // An entry has only texts and numbers, so serializing cannot fail.
        if let Ok(line) = serde_json::to_string(told) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}
