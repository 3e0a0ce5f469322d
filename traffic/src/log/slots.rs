//! What the parsers of named or numbered columns share: which column holds what, and how a line's
//! columns become [`Fields`].

use detector::Timestamp;

use super::address::{ClientRule, EXPECTED};
use super::clock::Clock;
use super::fields::{Fields, Span};
use super::refusal::Refusal;
use super::values::{duration_us, integer, request_line, status, without_port};

/// What a column of a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// The address of the other end of the connection, or what the server took for the client.
    Client,
    /// `X-Forwarded-For` and the like.
    Forwarded,
    /// A time: common log format, RFC 3339, or the seconds, milli-, micro- or nanoseconds since
    /// 1970.
    Time,
    /// A day in UTC, `2016-02-20`; with [`Role::TimeOfDay`].
    Date,
    /// `05:00:45`
    TimeOfDay,
    Method,
    /// Path and query.
    Target,
    /// The query, where [`Role::Target`] is without it.
    Query,
    /// `GET /p/1 HTTP/1.1`
    Request,
    Status,
    Bytes,
    /// How long the request took, by the unit.
    Seconds,
    Millis,
    Micros,
    Nanos,
    Host,
    Referer,
    Agent,
    FetchDest,
    ContentType,
    /// The user's name, which may hold anything.
    User,
}

/// How many roles there are.
pub(super) const ROLES: usize = Role::User as usize + 1;

impl Role {
    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Forwarded => "forwarded for",
            Self::Time | Self::Date | Self::TimeOfDay => "time",
            Self::Method => "method",
            Self::Target => "target",
            Self::Query => "query",
            Self::Request => "request",
            Self::Status => "status",
            Self::Bytes => "bytes",
            Self::Seconds | Self::Millis | Self::Micros | Self::Nanos => "duration",
            Self::Host => "host",
            Self::Referer => "referer",
            Self::Agent => "user agent",
            Self::FetchDest => "sec-fetch-dest",
            Self::ContentType => "content type",
            Self::User => "user",
        }
    }
}

/// Where each role's column is in a line.
#[derive(Clone, Debug)]
pub(super) struct Slots([Option<(u8, Span)>; ROLES]);

impl Default for Slots {
    fn default() -> Self {
        Self([None; ROLES])
    }
}

impl Slots {
    /// Sets a column. Of several columns with one role, the one with the lowest rank counts.
    pub(super) fn set(&mut self, role: Role, rank: u8, span: Span) {
        let slot = &mut self.0[role as usize];
        if slot.is_none_or(|(known, _)| rank < known) {
            *slot = Some((rank, span));
        }
    }

    /// Sets a column, whatever was there.
    pub(super) fn replace(&mut self, role: Role, span: Span) {
        self.0[role as usize] = Some((0, span));
    }

    pub(super) fn get(&self, role: Role) -> Option<Span> {
        self.0[role as usize].map(|(_, span)| span)
    }

    /// The column, unless the log says that it has no value.
    pub(super) fn value(&self, role: Role, text: &str) -> Option<Span> {
        self.get(role).filter(|span| !matches!(span.of(text), "" | "-"))
    }

    /// The fields of the line.
    pub(super) fn fields<'a>(
        &self,
        text: &'a str,
        rule: &ClientRule,
        clock: &mut Clock,
    ) -> Result<Fields, Refusal<'a>> {
        let at = self.time(text, clock)?;
        let status = match self.get(Role::Status).map(|span| span.of(text)) {
            Some("-" | "0" | "000") => 0,
            Some(code) => {
                status(code).ok_or_else(|| Refusal::new("status", "three digits", code))?
            }
            None => return Err(Refusal::new("status", "three digits", "")),
        };
        let bytes = match self.value(Role::Bytes, text).map(|span| span.of(text)) {
            None => None,
            Some(sent) => {
                Some(integer(sent).ok_or_else(|| Refusal::new("bytes", "digits or -", sent))?)
            }
        };
        let found = rule.find(text, self.get(Role::Client), self.get(Role::Forwarded));
        let found = found.map_err(|(expected, span)| {
            let shown = if expected == EXPECTED { self.get(Role::Client) } else { Some(span) };
            Refusal::new("client", expected, shown.map_or("", |span| span.of(text)))
        })?;
        let (method, target) = self.request(text)?;
        let host = self.value(Role::Host, text).or_else(|| authority(text, target));
        Ok(Fields {
            at,
            client: found.client,
            other: found.other,
            method,
            target,
            status,
            bytes,
            duration_us: self.duration_us(text),
            host: host.map(|host| without_port(text, host)),
            referer: self.value(Role::Referer, text),
            user_agent: self.value(Role::Agent, text),
            fetch_dest: self.value(Role::FetchDest, text),
            content_type: self.value(Role::ContentType, text),
            ..Fields::default()
        })
    }

    fn time<'a>(&self, text: &'a str, clock: &mut Clock) -> Result<Timestamp, Refusal<'a>> {
        if let (Some(date), Some(time)) = (self.get(Role::Date), self.get(Role::TimeOfDay)) {
            let (date, time) = (date.of(text), time.of(text));
            return clock.utc(date, time).map_err(|expected| Refusal::new("time", expected, date));
        }
        let Some(time) = self.value(Role::Time, text).map(|span| span.of(text)) else {
            return Err(Refusal::new(
                "time",
                "one of msec, time_iso8601, time_local and the like",
                "",
            ));
        };
        clock.any(time).map_err(|expected| Refusal::new("time", expected, time))
    }

    /// Method and target. Both are empty where the columns are there and have no value, as for a
    /// connection that sent no request.
    fn request(&self, text: &str) -> Result<(Span, Span), Refusal<'static>> {
        let target = self.value(Role::Target, text);
        match (self.get(Role::Method), target, self.get(Role::Request)) {
            (Some(method), Some(target), _) => Ok((method, target)),
            (_, _, Some(request)) => Ok(request_line(text, request)),
            (Some(_), None, None) => Ok(<(Span, Span)>::default()),
            (None, Some(target), None) => Ok((Span::default(), target)),
            (None, None, None) => {
                let expected = "a request, or method and request_uri";
                Err(Refusal::new("request", expected, ""))
            }
        }
    }

    fn duration_us(&self, text: &str) -> Option<u64> {
        const UNITS: [(Role, f64); 4] = [
            (Role::Micros, 1.0),
            (Role::Nanos, 0.001),
            (Role::Millis, 1_000.0),
            (Role::Seconds, 1_000_000.0),
        ];
        let column = |&(role, unit)| Some((self.value(role, text)?, unit));
        let (span, unit) = UNITS.iter().find_map(column)?;
        duration_us(span.of(text), unit)
    }
}

/// The host and port of a target in absolute form, which some load balancers always write.
pub(super) fn authority(text: &str, target: Span) -> Option<Span> {
    let url = target.of(text);
    let start = url.find("://").filter(|scheme| *scheme <= "https".len())? + 3;
    let length = url[start..].find(['/', '?', '#']).unwrap_or(url.len() - start);
    (length > 0).then(|| target.part(start, start + length))
}
