//! Our own event log, writer and parser: what the gate saw and decided, so that a replay comes to
//! the same verdicts.
//!
//! There is one JSON object a line. A request and how it ended are two lines, because they are two
//! events at two times, and other verdicts may come between them. A ban that somebody imposes or
//! lifts is a line as well; a ban by the score is none, because a replay finds it by itself.
//!
//! ```text
//! {"v":1,"type":"request","at":1455944445000123,"seq":7,"client":"192.0.2.7","method":"GET","url":"/p/1?x=1","key":305419896,"class":"page","agent":4711,"id":"…","mode":"shadow","action":"allow","reason":"…","score":0.123,"user_agent":"…","referer":"…"}
//! {"v":1,"type":"outcome","at":1455944445000579,"seq":8,"client":"192.0.2.7","status":200,"agent":4711,"bytes":123,"duration_us":456,"id":"…"}
//! {"v":1,"type":"ban","at":1455944445000579,"seq":8,"client":"192.0.2.7","change":"imposed",
//!  "until":1455948045000000,"changed_at":1455944460000000}
//! {"v":1,"type":"ban","at":1455944445000579,"seq":8,"client":"192.0.2.7","change":"lifted",
//!  "changed_at":1455944470000000}
//! {"v":1,"type":"challenge","at":1455944445000579,"seq":8,"client":"192.0.2.7",
//!  "result":"passed","until":1455946260000000,"challenged_at":1455944460000000}
//! ```
//!
//! `at` is in microseconds. `key`, `class` and `agent` are what the detector saw. URLs and user
//! agents are hashed with a secret that must not be in a log, and a replay does without it. An
//! outcome repeats the `agent` of its request; if that request writes (a POST, say), the outcome
//! also has the hash of its path as `write`; if attack tools ask for that path, as `probe`; if the
//! request sends a password, `log_in` is true. They are left out if they are 0 or false.
//!
//! `at` and `seq` of a ban are those of the client's last event, after which it was changed. So a
//! sort by time and number puts the change between the same two events as at the gate, which no
//! clock could do when requests come at the same time. If the client was not tracked, `at` is the
//! time of the change and `seq` is 0. `changed_at`, for people, is the time of the change in any
//! case.
//!
//! A challenge ([`super::challenge_line`]) that was passed softens the client's limit after that
//! event, in the same way. `result` is `issued`, `passed`, `failed` or `early`; only `passed` has
//! `until`.
//!
//! Unknown keys are skipped, because a new key may be ignored. An unknown version is refused,
//! because a changed meaning may not. Versions that know no `ban` skip such a line and count it as
//! one that they could not read.

use std::borrow::Cow;

use detector::{AgentKey, Class, Target, Timestamp, UrlKey};
use serde::{Deserialize, Serialize};

use super::challenge_line::{self, ChallengeLine};
use super::fields::{Decided, Fields, keep};
use super::record::{RecordKind, RecordedBan, RequestKeys};
use super::refusal::Refusal;

/// The version of the event log (`v`) that is written and read here.
pub const VERSION: u32 = 1;

/// The line of a request: the request and what was decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestLine<'a> {
    /// When it arrived.
    pub at: Timestamp,
    /// The number of this event among the client's events. It orders those of the same microsecond.
    pub seq: u32,
    /// The client, as `ClientKey` displays it.
    #[serde(borrow)]
    pub client: Cow<'a, str>,
    /// Method as on the wire.
    #[serde(borrow)]
    pub method: Cow<'a, str>,
    /// Request target as on the wire.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// Keyed hash of `url`.
    pub key: UrlKey,
    /// Whether it is a page or an asset.
    pub class: Class,
    /// Keyed hash of the user agent; `None` in lines of versions that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentKey>,
    /// Identifier of the decision, as the client saw it.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// `shadow` or `enforce`.
    #[serde(borrow)]
    pub mode: Cow<'a, str>,
    /// `allow`, `limit` or `block`.
    #[serde(borrow)]
    pub action: Cow<'a, str>,
    /// The reason for the action.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// The model's score, from 0 to 1; `None` (`null`) where the model was not asked.
    pub score: Option<f32>,
    /// `User-Agent` header.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Cow<'a, str>>,
    /// `Referer` header.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub referer: Option<Cow<'a, str>>,
}

/// The line of an outcome: how a request ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeLine<'a> {
    /// When it ended.
    pub at: Timestamp,
    /// The number of this event among the client's events.
    pub seq: u32,
    /// The client that had sent the request.
    #[serde(borrow)]
    pub client: Cow<'a, str>,
    /// HTTP status that was sent; 0 if none was.
    pub status: u16,
    /// Keyed hash of the request's user agent; 0 if it had none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub agent: AgentKey,
    /// Hash of the path, if the request writes; otherwise 0.
    #[serde(default, skip_serializing_if = "is_none")]
    pub write: u16,
    /// Hash of the path, if attack tools ask for it; otherwise 0.
    #[serde(default, skip_serializing_if = "is_none")]
    pub probe: u16,
    /// Whether the request sends a password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_in: bool,
    /// Body bytes sent.
    pub bytes: u64,
    /// From the request's arrival to its end, in microseconds.
    pub duration_us: u64,
    /// Identifier of the decision on the request.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
}

/// The line of a ban that somebody imposed or lifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BanLine<'a> {
    /// The time of the client's last event before the change; the time of the change if the client
    /// was not tracked.
    pub at: Timestamp,
    /// The number of that event; 0 if the client was not tracked.
    pub seq: u32,
    /// Whose ban it is.
    #[serde(borrow)]
    pub client: Cow<'a, str>,
    /// What became of the ban.
    pub change: BanAction,
    /// When the ban ends; `None` if it was lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When it was changed, by the gate's clock.
    pub changed_at: Timestamp,
}

/// What became of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BanAction {
    /// Somebody imposed it.
    Imposed,
    /// Somebody lifted it.
    Lifted,
}

fn is_zero(agent: &AgentKey) -> bool {
    *agent == AgentKey::NONE
}

fn is_none(path: &u16) -> bool {
    *path == 0
}

/// The beginning of the lines that we write. One comparison with it tells how to read the rest.
const REQUEST_HEAD: &str = r#"{"v":1,"type":"request","#;
const OUTCOME_HEAD: &str = r#"{"v":1,"type":"outcome","#;
const BAN_HEAD: &str = r#"{"v":1,"type":"ban","#;
const CHALLENGE_HEAD: &str = r#"{"v":1,"type":"challenge","#;

impl RequestLine<'_> {
    /// Appends this as one line, newline included.
    pub fn write_to(&self, log: &mut Vec<u8>) {
        write(REQUEST_HEAD, self, log);
    }
}

impl OutcomeLine<'_> {
    /// Appends this as one line, newline included.
    pub fn write_to(&self, log: &mut Vec<u8>) {
        write(OUTCOME_HEAD, self, log);
    }
}

impl BanLine<'_> {
    /// Appends this as one line, newline included.
    pub fn write_to(&self, log: &mut Vec<u8>) {
        write(BAN_HEAD, self, log);
    }
}

impl ChallengeLine<'_> {
    /// Appends this as one line, newline included.
    pub fn write_to(&self, log: &mut Vec<u8>) {
        write(CHALLENGE_HEAD, self, log);
    }
}

fn write(head: &str, line: &impl Serialize, log: &mut Vec<u8>) {
    let start = log.len();
    match serde_json::to_writer(&mut *log, line) {
        Ok(()) => {
            log.splice(start..=start, head.bytes());
            log.push(b'\n');
        }
        // Writing strings and numbers to memory cannot fail. If serde reports an error all the
        // same, no half line is left behind.
        Err(_) => log.truncate(start),
    }
}

/// The keys that decide how to read a line that does not begin as ours do.
#[derive(Deserialize)]
struct Head<'a> {
    v: u32,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// Parses one line. Its strings are decoded into `decoded`, to which the fields refer.
pub(super) fn parse<'a>(text: &'a str, decoded: &mut String) -> Result<Fields, Refusal<'a>> {
    if text.starts_with(REQUEST_HEAD) {
        return Ok(request(&serde_json::from_str(text).map_err(Refusal::Json)?, decoded));
    }
    if text.starts_with(OUTCOME_HEAD) {
        return Ok(outcome(&serde_json::from_str(text).map_err(Refusal::Json)?, decoded));
    }
    let head: Head<'_> = serde_json::from_str(text).map_err(Refusal::Json)?;
    if head.v != VERSION {
        return Err(Refusal::new("v", "1, the only version known here", head.v.to_string()));
    }
    match &*head.r#type {
        "request" => Ok(request(&serde_json::from_str(text).map_err(Refusal::Json)?, decoded)),
        "outcome" => Ok(outcome(&serde_json::from_str(text).map_err(Refusal::Json)?, decoded)),
        "ban" => ban(&serde_json::from_str(text).map_err(Refusal::Json)?, decoded),
        "challenge" => {
            let line = serde_json::from_str(text).map_err(Refusal::Json)?;
            challenge_line::fields(&line, decoded)
        }
        other => Err(Refusal::new("type", "request, outcome, ban or challenge", other.to_owned())),
    }
}

fn request(line: &RequestLine<'_>, decoded: &mut String) -> Fields {
    let mut keep = |text: &str| keep(decoded, Some(text)).unwrap_or_default();
    Fields {
        kind: RecordKind::Request,
        at: line.at,
        client: keep(&line.client),
        method: keep(&line.method),
        target: keep(&line.url),
        referer: line.referer.as_deref().map(&mut keep),
        user_agent: line.user_agent.as_deref().map(&mut keep),
        seq: line.seq,
        id: Some(keep(&line.id)),
        decided: Some(Decided {
            key: line.key,
            class: line.class,
            agent: line.agent,
            mode: keep(&line.mode),
            action: keep(&line.action),
            reason: keep(&line.reason),
            score: line.score,
        }),
        ..Fields::default()
    }
}

fn outcome(line: &OutcomeLine<'_>, decoded: &mut String) -> Fields {
    let mut keep = |text: &str| keep(decoded, Some(text)).unwrap_or_default();
    Fields {
        kind: RecordKind::Outcome,
        at: line.at,
        client: keep(&line.client),
        status: line.status,
        request_keys: RequestKeys {
            agent: line.agent,
            target: Target::recorded(line.write, line.probe, line.log_in),
        },
        bytes: Some(line.bytes),
        duration_us: Some(line.duration_us),
        seq: line.seq,
        id: Some(keep(&line.id)),
        ..Fields::default()
    }
}

fn ban<'a>(line: &BanLine<'_>, decoded: &mut String) -> Result<Fields, Refusal<'a>> {
    let ban = match (line.change, line.until) {
        (BanAction::Imposed, Some(until)) => RecordedBan::Imposed(until),
        (BanAction::Lifted, None) => RecordedBan::Lifted,
        (BanAction::Imposed, None) => {
            return Err(Refusal::new("until", "the end of an imposed ban", String::new()));
        }
        (BanAction::Lifted, Some(until)) => {
            let found = until.as_micros().to_string();
            return Err(Refusal::new("until", "nothing for a ban that was lifted", found));
        }
    };
    Ok(Fields {
        kind: RecordKind::Ban,
        at: line.at,
        client: keep(decoded, Some(&*line.client)).unwrap_or_default(),
        seq: line.seq,
        ban: Some(ban),
        ..Fields::default()
    })
}

#[cfg(test)]
#[path = "event_log_tests.rs"]
mod tests;
