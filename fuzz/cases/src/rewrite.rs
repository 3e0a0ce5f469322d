//! Writes a record again as a line of its log's format, to see that it is read to the same record.
//!
//! A text is written as it stands in the record: what was between two quotes without ending there
//! does not end there the second time.

use std::fmt::Write as _;

use detector::Timestamp;
use serde_json::{Map, Value};
use traffic::log::{
    BanAction, BanLine, ChallengeLine, ChallengeResult, Format, Record, RecordedBan,
    RecordedChallenge,
};
use traffic::{OutcomeLine, RecordKind, RequestLine};

/// Appends the line and says true. Says false, and appends nothing, where the format has no way to
/// write the record: a year that does not have four digits, a host with a bracket within.
pub(crate) fn rewrite(record: &Record<'_>, format: Format, log: &mut Vec<u8>) -> bool {
    if format == Format::EventLog {
        return event(record, log);
    }
    let line = match format {
        // They are only read.
        Format::Ltsv | Format::W3c | Format::Alb | Format::Columns => None,
        Format::NginxJson => nginx_json(record),
        Format::ElbClassic => elb(record),
        Format::VhostCombined => combined(record)
            .zip(bracketed(record.host))
            .map(|(line, host)| format!("{host} {line}")),
        _ => combined(record),
    };
    let Some(line) = line else { return false };
    log.extend_from_slice(line.as_bytes());
    log.push(b'\n');
    true
}

fn combined(record: &Record<'_>) -> Option<String> {
    // A quote before the whole line is taken for a stray one.
    if record.host.is_none() && record.client.starts_with('"') {
        return None;
    }
    let time = Moment::of(record.at)?;
    let bytes = record.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
    Some(format!(
        r#"{} - - [{}] "{}" {:03} {bytes} "{}" "{}""#,
        record.client,
        time.clf(),
        request(record),
        record.status,
        record.referer.unwrap_or("-"),
        record.user_agent.unwrap_or("-"),
    ))
}

fn elb(record: &Record<'_>) -> Option<String> {
    let duration = record.duration_us.map_or("-1".to_owned(), seconds);
    let bytes = record.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
    Some(format!(
        r#"{} shop {} - {duration} 0 0 {:03} - 0 {bytes} "{}" "{}" - -"#,
        Moment::of(record.at)?.rfc3339(),
        bracketed(Some(record.client))?,
        record.status,
        request(record),
        record.user_agent.unwrap_or("-"),
    ))
}

fn nginx_json(record: &Record<'_>) -> Option<String> {
    let mut line = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        line.extend(value.map(|value| (key.to_owned(), Value::from(value))));
    };
    match u64::try_from(record.at.as_micros()) {
        Ok(at_us) => put("msec", Some(seconds(at_us))),
        Err(_) => put("time_iso8601", Some(Moment::of(record.at)?.rfc3339())),
    }
    put("remote_addr", Some(record.client.to_owned()));
    // A dash and nothing say that nothing was sent, so they can only come from a request line.
    if matches!(record.method, "-") || matches!(record.target, "" | "-") {
        put("request", Some(request(record)));
    } else {
        put("request_method", Some(record.method.to_owned()));
        put("request_uri", Some(record.target.to_owned()));
    }
    put("status", Some(format!("{:03}", record.status)));
    put("body_bytes_sent", record.bytes.map(|bytes| bytes.to_string()));
    put("request_time", record.duration_us.map(seconds));
    put("http_referer", record.referer.map(str::to_owned));
    put("http_user_agent", record.user_agent.map(str::to_owned));
    put("http_sec_fetch_dest", record.fetch_dest.map(str::to_owned));
    put("sent_http_content_type", record.content_type.map(str::to_owned));
    if record.host.is_some() {
        put("host", Some(bracketed(record.host)?));
    }
    Some(Value::Object(line).to_string())
}

fn event(record: &Record<'_>, log: &mut Vec<u8>) -> bool {
    if let Some(ban) = record.ban {
        let (change, until) = match ban {
            RecordedBan::Imposed(until) => (BanAction::Imposed, Some(until)),
            RecordedBan::Lifted => (BanAction::Lifted, None),
        };
        let (at, seq, client) = (record.at, record.seq, record.client.into());
        BanLine { at, seq, client, change, until, changed_at: at }.write_to(log);
        return true;
    }
    if let Some(challenge) = record.challenge {
        let (result, until) = match challenge {
            RecordedChallenge::Issued => (ChallengeResult::Issued, None),
            RecordedChallenge::Passed(until) => (ChallengeResult::Passed, Some(until)),
            RecordedChallenge::Failed => (ChallengeResult::Failed, None),
            RecordedChallenge::Early => (ChallengeResult::Early, None),
        };
        let (at, seq, client) = (record.at, record.seq, record.client.into());
        ChallengeLine { at, seq, client, result, until, challenged_at: at }.write_to(log);
        return true;
    }
    let id = record.id.unwrap_or_default().into();
    let Some(decision) = record.decision else {
        assert_eq!(record.kind, RecordKind::Outcome);
        let line = OutcomeLine {
            at: record.at,
            seq: record.seq,
            client: record.client.into(),
            status: record.status,
            agent: record.request_keys.agent,
            write: record.request_keys.target.write(),
            probe: record.request_keys.target.probe(),
            log_in: record.request_keys.target.is_log_in(),
            bytes: record.bytes.unwrap_or_default(),
            duration_us: record.duration_us.unwrap_or_default(),
            id,
        };
        line.write_to(log);
        return true;
    };
    // JSON has no way to write them; such a score is written as `null`.
    if decision.score.is_some_and(|score| !score.is_finite()) {
        return false;
    }
    let line = RequestLine {
        at: record.at,
        seq: record.seq,
        client: record.client.into(),
        method: record.method.into(),
        url: record.target.into(),
        key: decision.key,
        class: decision.class,
        agent: decision.agent,
        id,
        mode: decision.mode.into(),
        action: decision.action.into(),
        reason: decision.reason.into(),
        score: decision.score,
        user_agent: record.user_agent.map(Into::into),
        referer: record.referer.map(Into::into),
    };
    line.write_to(log);
    true
}

/// The request line that gives this method and target.
fn request(record: &Record<'_>) -> String {
    match (record.method, record.target) {
        ("-", "") => "-".to_owned(),
        ("-", garbage) => garbage.to_owned(),
        (method, target) => format!("{method} {target} HTTP/1.1"),
    }
}

/// A host or an address with a port, in brackets so that its own colons are not taken for one.
fn bracketed(host: Option<&str>) -> Option<String> {
    host.filter(|host| !host.contains(['[', ']'])).map(|host| format!("[{host}]:80"))
}

/// Microseconds as seconds with six places.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A time that can be written with four digits of year.
struct Moment {
    /// `2016-02-20 05:00:45`, UTC.
    civil: String,
    micros: i64,
}

impl Moment {
    fn of(at: Timestamp) -> Option<Self> {
        let civil = traffic::log::civil(at);
        let micros = at.as_micros().rem_euclid(1_000_000);
        (civil.len() == "2016-02-20 05:00:45".len() && !civil.starts_with('-'))
            .then_some(Self { civil, micros })
    }

    fn clf(&self) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month: usize = self.civil[5..7].parse().expect("a month has two digits");
        let (day, year) = (&self.civil[8..10], &self.civil[..4]);
        let mut text = format!("{day}/{}/{year}:{}", MONTHS[month - 1], &self.civil[11..]);
        let _ = write!(text, ".{:06} +0000", self.micros);
        text
    }

    fn rfc3339(&self) -> String {
        format!("{}T{}.{:06}Z", &self.civil[..10], &self.civil[11..], self.micros)
    }
}
