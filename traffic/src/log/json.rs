//! Parses logs of one JSON object a line, whatever the server calls its keys (`keys.rs`): nginx
//! with `escape=json`, Caddy, Traefik, Cloudflare, Envoy, and what pipelines make of them.
//!
//! ```text
//! {"time_iso8601":"2016-02-20T00:00:45-05:00","remote_addr":"192.0.2.7",
//!  "request":"GET /p/1 HTTP/1.1","status":200,"body_bytes_sent":187}       (on one line)
//! ```
//!
//! Numbers may be strings. If there are several times, the finest (`msec`) is used; if a value is
//! there in several forms, the most exact one. Objects within the object are looked into; of a list
//! all texts count, joined by commas. Other keys are ignored.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::address::ClientRule;
use super::clock::Clock;
use super::fields::{Fields, Span};
use super::keys::{ASK_METHOD, role_of};
use super::refusal::Refusal;
use super::slots::{Role, Slots};

/// Objects within objects that are looked into.
const DEPTH_MAX: u8 = 4;
/// A request of more seconds than this is told in nanoseconds, as Traefik does.
const SECONDS_MAX: f64 = 100_000.0;

/// Parses one line. Its strings are decoded into `decoded`, to which the fields refer.
pub(super) fn parse<'a>(
    line: &str,
    decoded: &'a mut String,
    rule: &ClientRule,
    clock: &mut Clock,
) -> Result<Fields, Refusal<'a>> {
    let slots = slots(line, decoded)?;
    slots.fields(decoded, rule, clock)
}

/// The columns of one line.
pub(super) fn slots(line: &str, decoded: &mut String) -> Result<Slots, Refusal<'static>> {
    let mut slots = Slots::default();
    let mut request_type = None;
    let mut json = serde_json::Deserializer::from_str(line);
    let value = Value { key: "", depth: 0, role: None };
    let sink = Sink { decoded: &mut *decoded, slots: &mut slots, request_type: &mut request_type };
    Seed { value, sink }.deserialize(&mut json).map_err(Refusal::Json)?;
    json.end().map_err(Refusal::Json)?;
    let method = slots.get(Role::Method).map_or("", |method| method.of(decoded));
    let request = slots.get(Role::Request).map_or("", |request| request.of(decoded));
    let is_get = |text: &str| text == "GET" || text == "HEAD" || text.starts_with("GET ");
    if let Some(kind) = request_type
        && (is_get(method) || is_get(request) || request.starts_with("HEAD "))
    {
        slots.set(Role::ContentType, ASK_METHOD, kind);
    }
    join_query(&mut slots, decoded);
    Ok(slots)
}

/// Puts path and query together, where the log has them apart.
pub(super) fn join_query(slots: &mut Slots, decoded: &mut String) {
    let (Some(path), Some(query)) =
        (slots.value(Role::Target, decoded), slots.value(Role::Query, decoded))
    else {
        return;
    };
    if path.of(decoded).contains('?') {
        return;
    }
    let target = format!("{}?{}", path.of(decoded), query.of(decoded).trim_start_matches('?'));
    let span = push(decoded, &target);
    slots.replace(Role::Target, span);
}

/// Appends a text to those that spans refer to.
pub(super) fn push(decoded: &mut String, text: &str) -> Span {
    let start = decoded.len();
    decoded.push_str(text);
    Span::new(start, decoded.len())
}

/// Where the values of a line go.
struct Sink<'d> {
    decoded: &'d mut String,
    slots: &'d mut Slots,
    /// A content type that may be the request's.
    request_type: &'d mut Option<Span>,
}

/// The value that comes next.
#[derive(Clone, Copy)]
struct Value<'k> {
    key: &'k str,
    depth: u8,
    role: Option<(Role, u8)>,
}

struct Seed<'k, 'd> {
    value: Value<'k>,
    sink: Sink<'d>,
}

impl Sink<'_> {
    fn again(&mut self) -> Sink<'_> {
        Sink { decoded: self.decoded, slots: self.slots, request_type: self.request_type }
    }

    fn take(&mut self, value: Value<'_>, text: fmt::Arguments<'_>) {
        let Some((role, rank)) = value.role else { return };
        let start = self.decoded.len();
        // Writing to a text cannot fail.
        let _ = self.decoded.write_fmt(text);
        let span = Span::new(start, self.decoded.len());
        if (role, rank) == (Role::ContentType, ASK_METHOD) {
            *self.request_type = Some(span);
            return;
        }
        // A key without a value counts only where no other has one.
        let is_unset = matches!(span.of(self.decoded), "" | "-");
        self.slots.set(role, if is_unset { rank + 100 } else { rank }, span);
    }

    fn take_real(&mut self, mut value: Value<'_>, real: f64) {
        if let Some((Role::Seconds, rank)) = value.role
            && real > SECONDS_MAX
        {
            value.role = Some((Role::Nanos, rank));
        }
        if real.fract() == 0.0 && real.abs() < 1e15 {
            self.take(value, format_args!("{real:.0}"));
        } else {
            // Six places keep the microseconds. An f64 holds them exactly (2^53) until 2255.
            self.take(value, format_args!("{real:.6}"));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.value.depth == 0 {
            deserializer.deserialize_map(self)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object in braces")
    }

    fn visit_unit<E: de::Error>(mut self) -> Result<(), E> {
        self.sink.take(self.value, format_args!(""));
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<(), E> {
        self.sink.take(self.value, format_args!("{text}"));
        Ok(())
    }

    fn visit_u64<E: de::Error>(mut self, integer: u64) -> Result<(), E> {
        if integer as f64 > SECONDS_MAX && matches!(self.value.role, Some((Role::Seconds, _))) {
            self.value.role = self.value.role.map(|(_, rank)| (Role::Nanos, rank));
        }
        self.sink.take(self.value, format_args!("{integer}"));
        Ok(())
    }

    fn visit_i64<E: de::Error>(mut self, integer: i64) -> Result<(), E> {
        self.sink.take(self.value, format_args!("{integer}"));
        Ok(())
    }

    fn visit_f64<E: de::Error>(mut self, real: f64) -> Result<(), E> {
        self.sink.take_real(self.value, real);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let start = self.sink.decoded.len();
        while let Some(text) = list.next_element::<ListItem<'_>>()? {
            if let (Some(_), ListItem::Text(text)) = (self.value.role, text) {
                if self.sink.decoded.len() > start {
                    self.sink.decoded.push_str(", ");
                }
                self.sink.decoded.push_str(&text);
            }
        }
        let span = Span::new(start, self.sink.decoded.len());
        if let Some((role, rank)) = self.value.role
            && !span.of(self.sink.decoded).is_empty()
        {
            self.sink.slots.set(role, rank, span);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let Value { key: parent, depth, .. } = self.value;
        while let Some(Key(key)) = map.next_key::<Key<'_>>()? {
            if depth >= DEPTH_MAX {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let role = role_of(parent, &key);
            let value = Value { key: &key, depth: depth + 1, role };
            map.next_value_seed(Seed { value, sink: self.sink.again() })?;
        }
        Ok(())
    }
}

/// A key; borrowed where it needs no decoding.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// An element of a list.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum ListItem<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;
    use detector::Timestamp;

    use crate::log::Record;
    use crate::log::tests::{PLAIN, with_parsed};

    const TIME: &str = r#""time_iso8601":"2016-02-20T00:00:45-05:00""#;
    const CLIENT: &str = r#""remote_addr":"192.0.2.7""#;
    const SENT: &str = r#""status":200,"body_bytes_sent":187"#;

    fn check(text: &str, expect: Result<Record<'_>, &str>) {
        with_parsed(parse, text, |found| match (&found, expect) {
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{text}: {reason}"),
            (found, expect) => assert_eq!(*found, expect.map_err(str::to_owned), "{text}"),
        });
    }

    #[test]
    fn objects_with_nginx_names_are_read() {
        let rest = format!(r#"{CLIENT},"request":"GET /p/1 HTTP/1.1",{SENT}"#);
        check(&format!("{{{TIME},{rest}}}"), Ok(PLAIN));
        check(&format!(r#"{{"time_local":"20/Feb/2016:00:00:45 -0500",{rest}}}"#), Ok(PLAIN));
        let at = Timestamp::from_micros(1_455_944_445_123_000);
        check(
            &format!(r#"{{"msec":1455944445.123,{TIME},{rest},"x":[{{}}]}}"#),
            Ok(Record { at, ..PLAIN }),
        );
        check(&format!(r#"{{"msec":"1455944445.123",{rest}}}"#), Ok(Record { at, ..PLAIN }));
        let more = r#""host":"shop:80","http_referer":"a\"\u00fc","http_user_agent":"-""#;
        check(
            &format!(r#"{{{TIME},{rest},{more},"request_time":"0.015"}}"#),
            Ok(Record {
                host: Some("shop"),
                referer: Some("a\"ü"),
                duration_us: Some(15_000),
                ..PLAIN
            }),
        );
        let split = r#""request_method":"GET","request_uri":"/p/1""#;
        let sent = r#""status":"200","body_bytes_sent":"187""#;
        check(&format!("{{{CLIENT},{split},{sent},{TIME}}}"), Ok(PLAIN));
        check(
            &format!(r#"{{{TIME},{CLIENT},"request":"","status":"400","request_time":null}}"#),
            Ok(Record { method: "-", target: "", status: 400, bytes: None, ..PLAIN }),
        );
        check(
            &format!(r#"{{{TIME},{CLIENT},"request_method":"","request_uri":"","status":400}}"#),
            Ok(Record { method: "-", target: "", status: 400, bytes: None, ..PLAIN }),
        );
    }

    #[test]
    fn the_content_type_is_that_of_the_response() {
        let check_type = |method: &str, keys: &str, expect| {
            let asked = format!(r#""request":"{method} /p/1 HTTP/1.1""#);
            let text = format!("{{{TIME},{CLIENT},{asked},{SENT},{keys}}}");
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
            "client: expected an address",
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
            "time: expected a zone (+0200, -05:00 or Z) after the time, found \
                \"2016-02-20T00:00:45\"",
        );
        refuse(r#"{"msec":-1,"status":200}"#, "time: expected");
        refuse(r#"{"status":{}}"#, "time: expected one of");
        refuse("{", "json: it ends in the middle");
    }
}
