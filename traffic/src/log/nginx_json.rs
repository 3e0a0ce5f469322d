//! Parses nginx logs written with `log_format … escape=json`: one object a line, with keys named
//! after nginx's variables.
//!
//! ```text
//! {"time_iso8601":"2016-02-20T00:00:45-05:00","remote_addr":"192.0.2.7","request":"GET /p/1 HTTP/1.1","status":200,"body_bytes_sent":187}
//! ```
//!
//! Numbers may be strings. If there are several times, the finest (`msec`) is used; if a value is
//! there in several forms, the most exact one. Other keys are ignored.

use std::borrow::Cow;
use std::fmt;

use detector::Timestamp;
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::clock::{Clock, rfc3339};
use super::fields::{Fields, Span, keep};
use super::refusal::Refusal;
use super::values::{integer, request_line, seconds_us, status, without_port};

/// The keys that are read, named as nginx's variables.
#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    msec: Scalar<'a>,
    #[serde(borrow, default)]
    time_iso8601: Scalar<'a>,
    #[serde(borrow, default)]
    time_local: Scalar<'a>,
    #[serde(borrow, default)]
    remote_addr: Scalar<'a>,
    #[serde(borrow, default)]
    request_method: Scalar<'a>,
    #[serde(borrow, default)]
    request_uri: Scalar<'a>,
    #[serde(borrow, default)]
    request: Scalar<'a>,
    #[serde(borrow, default)]
    status: Scalar<'a>,
    #[serde(borrow, default)]
    body_bytes_sent: Scalar<'a>,
    #[serde(borrow, default)]
    request_time: Scalar<'a>,
    #[serde(borrow, default)]
    http_user_agent: Scalar<'a>,
    #[serde(borrow, default)]
    http_referer: Scalar<'a>,
    #[serde(borrow, default)]
    http_sec_fetch_dest: Scalar<'a>,
    #[serde(borrow, default)]
    sent_http_content_type: Scalar<'a>,
    #[serde(borrow, default)]
    upstream_http_content_type: Scalar<'a>,
    #[serde(borrow, default)]
    content_type: Scalar<'a>,
    #[serde(borrow, default)]
    host: Scalar<'a>,
    #[serde(borrow, default)]
    http_host: Scalar<'a>,
}

/// Parses one line. Its strings are decoded into `decoded`, to which the fields refer.
pub(super) fn parse<'a>(
    text: &'a str,
    decoded: &mut String,
    clock: &mut Clock,
) -> Result<Fields, Refusal<'a>> {
    let line: Line<'_> = serde_json::from_str(text).map_err(Refusal::Json)?;
    let at = time(&line, clock)?;
    let status =
        line.status.number(status).ok_or_else(|| line.status.refused("status", "three digits"))?;
    let bytes = line.body_bytes_sent.number(integer);
    if bytes.is_none() && !line.body_bytes_sent.is_nothing() {
        return Err(line.body_bytes_sent.refused("body_bytes_sent", "digits or -"));
    }
    let client = keep(decoded, line.remote_addr.text());
    let client = client.ok_or_else(|| line.remote_addr.refused("remote_addr", "an address"))?;
    let (method, target) = request(&line, decoded)?;
    let type_of_response = content_type(&line, method.of(decoded));
    let content_type = keep(decoded, type_of_response);
    let host = keep(decoded, line.host.text().or(line.http_host.text()));
    Ok(Fields {
        at,
        client,
        method,
        target,
        status,
        bytes,
        duration_us: line.request_time.number(seconds_us),
        host: host.map(|host| without_port(decoded, host)),
        referer: keep(decoded, line.http_referer.text()),
        user_agent: keep(decoded, line.http_user_agent.text()),
        fetch_dest: keep(decoded, line.http_sec_fetch_dest.text()),
        content_type,
        ..Fields::default()
    })
}

/// The response's content type. nginx's own `content_type` is the request's, but a request without
/// a body has none, so there it is a name that somebody chose for the response's.
fn content_type<'a>(line: &'a Line<'_>, method: &str) -> Option<&'a str> {
    let chosen = || line.content_type.text().filter(|_| matches!(method, "GET" | "HEAD"));
    line.sent_http_content_type
        .text()
        .or_else(|| line.upstream_http_content_type.text())
        .or_else(chosen)
}

/// Method and target. Both are empty if the keys are there without a value, as for a connection
/// that sent no request.
fn request(line: &Line<'_>, decoded: &mut String) -> Result<(Span, Span), Refusal<'static>> {
    if let (Some(method), Some(target)) = (line.request_method.text(), line.request_uri.text()) {
        let method = keep(decoded, Some(method)).unwrap_or_default();
        return Ok((method, keep(decoded, Some(target)).unwrap_or_default()));
    }
    match (&line.request, &line.request_method) {
        (Scalar::Text(request), _) => {
            let request = keep(decoded, Some(request)).unwrap_or_default();
            Ok(request_line(decoded, request))
        }
        (_, Scalar::Text(_)) => Ok(<(Span, Span)>::default()),
        (other, _) => Err(other.refused("request", "a text, or request_method and request_uri")),
    }
}

fn time(line: &Line<'_>, clock: &mut Clock) -> Result<Timestamp, Refusal<'static>> {
    if !line.msec.is_nothing() {
        let micros = line.msec.number(seconds_us).and_then(|micros| i64::try_from(micros).ok());
        return micros
            .map(Timestamp::from_micros)
            .ok_or_else(|| line.msec.refused("msec", "seconds since 1970"));
    }
    match (line.time_iso8601.text(), line.time_local.text()) {
        (Some(time), _) => {
            rfc3339(time).map_err(|expected| line.time_iso8601.refused("time_iso8601", expected))
        }
        (_, Some(time)) => {
            clock.clf(time).map_err(|expected| line.time_local.refused("time_local", expected))
        }
        _ => Err(Refusal::new("time", "one of msec, time_iso8601 and time_local", "")),
    }
}

/// A JSON value, be it a string, a number or null.
#[derive(Debug, Default)]
enum Scalar<'a> {
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Integer(u64),
    Real(f64),
}

impl Scalar<'_> {
    /// The text; `None` for other types, and for `""` and `-`, by which nginx says that a variable
    /// is not set.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !matches!(&**text, "" | "-") => Some(text),
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(text) => matches!(&**text, "" | "-"),
            _ => false,
        }
    }

    fn refused(&self, field: &'static str, expected: &'static str) -> Refusal<'static> {
        let found = match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone().into_owned(),
            Self::Integer(integer) => integer.to_string(),
            Self::Real(real) => real.to_string(),
        };
        Refusal::new(field, expected, found)
    }

    /// The number that `parse` reads from this value, be it a JSON number or a string.
    fn number<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        match self {
            Self::Nothing => None,
            Self::Text(text) => parse(text),
            Self::Integer(integer) => parse(&integer.to_string()),
            // Six places keep the microseconds. An f64 holds them exactly (2^53) until 2255.
            Self::Real(real) => parse(&format!("{real:.6}")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(integer))
    }

    fn visit_f64<E: de::Error>(self, real: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Real(real))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Record;
    use crate::log::tests::PLAIN;

    const TIME: &str = r#""time_iso8601":"2016-02-20T00:00:45-05:00""#;

    fn check(text: &str, expect: Result<Record<'_>, &str>) {
        let mut decoded = String::new();
        let found =
            parse(text, &mut decoded, &mut Clock::default()).map_err(|refusal| refusal.to_string());
        let found = match found {
            Ok(fields) => Ok(fields.record(&decoded)),
            Err(reason) => Err(reason),
        };
        match (&found, expect) {
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
            (found, expect) => assert_eq!(*found, expect.map_err(str::to_owned), "{text}"),
        }
    }

    #[test]
    fn objects_with_nginx_names_are_read() {
        let rest = r#""remote_addr":"192.0.2.7","request":"GET /p/1 HTTP/1.1","status":200,"body_bytes_sent":187"#;
        check(&format!("{{{TIME},{rest}}}"), Ok(PLAIN));
        check(&format!(r#"{{"time_local":"20/Feb/2016:00:00:45 -0500",{rest}}}"#), Ok(PLAIN));
        let at = Timestamp::from_micros(1_455_944_445_123_000);
        check(
            &format!(r#"{{"msec":1455944445.123,{TIME},{rest},"x":[{{}}]}}"#),
            Ok(Record { at, ..PLAIN }),
        );
        check(&format!(r#"{{"msec":"1455944445.123",{rest}}}"#), Ok(Record { at, ..PLAIN }));
        check(
            &format!(
                r#"{{{TIME},{rest},"host":"shop:80","http_referer":"a\"\u00fc","http_user_agent":"-","request_time":"0.015"}}"#
            ),
            Ok(Record {
                host: Some("shop"),
                referer: Some("a\"ü"),
                duration_us: Some(15_000),
                ..PLAIN
            }),
        );
        let split = r#""remote_addr":"192.0.2.7","request_method":"GET","request_uri":"/p/1","status":"200","body_bytes_sent":"187""#;
        check(&format!("{{{split},{TIME}}}"), Ok(PLAIN));
        check(
            &format!(
                r#"{{{TIME},"remote_addr":"192.0.2.7","request":"","status":"400","request_time":null}}"#
            ),
            Ok(Record { method: "-", target: "", status: 400, bytes: None, ..PLAIN }),
        );
        check(
            &format!(
                r#"{{{TIME},"remote_addr":"192.0.2.7","request_method":"","request_uri":"","status":400}}"#
            ),
            Ok(Record { method: "-", target: "", status: 400, bytes: None, ..PLAIN }),
        );
    }

    #[test]
    fn the_content_type_is_that_of_the_response() {
        let check_type = |method: &str, keys: &str, expect| {
            let text = format!(
                r#"{{{TIME},"remote_addr":"192.0.2.7","request":"{method} /p/1 HTTP/1.1","status":200,"body_bytes_sent":187,{keys}}}"#
            );
            check(&text, Ok(Record { method, content_type: expect, ..PLAIN }));
        };
        check_type("GET", r#""sent_http_content_type":"image/webp""#, Some("image/webp"));
        check_type("GET", r#""upstream_http_content_type":"text/html""#, Some("text/html"));
        check_type("GET", r#""content_type":"image/png""#, Some("image/png"));
        check_type("GET", r#""sent_http_content_type":"-","content_type":null"#, None);
        let both = r#""content_type":"application/json","sent_http_content_type":"text/html""#;
        check_type("POST", both, Some("text/html"));
        check_type("POST", r#""content_type":"application/json""#, None);
    }

    #[test]
    fn objects_that_lack_something_are_refused_with_its_name() {
        let refuse = |text: &str, expect| check(text, Err(expect));
        refuse(
            &format!(r#"{{{TIME},"remote_addr":"192.0.2.7","request":"GET / HTTP/1.1"}}"#),
            "status: expected three digits, found nothing",
        );
        refuse(
            &format!(r#"{{{TIME},"request":"GET / HTTP/1.1","status":200}}"#),
            "remote_addr: expected",
        );
        refuse(
            &format!(r#"{{{TIME},"remote_addr":"192.0.2.7","status":200}}"#),
            "request: expected",
        );
        refuse(
            r#"{"remote_addr":"192.0.2.7","request":"-","status":200}"#,
            "time: expected one of msec",
        );
        refuse(
            r#"{"time_iso8601":"2016-02-20T00:00:45","status":200}"#,
            "time_iso8601: expected a zone (+0200, -05:00 or Z) after the time, found \
                \"2016-02-20T00:00:45\"",
        );
        refuse(r#"{"msec":-1,"status":200}"#, "json: expected a text or a number, found `-1`");
        refuse(r#"{"status":{}}"#, "json: expected a text or a number, found an object");
        refuse("{", "json: it ends in the middle");
    }
}
