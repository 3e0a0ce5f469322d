//! Parses W3C extended logs, whose line `#Fields:` names the columns: Amazon CloudFront (with tabs)
//! and Microsoft IIS (with spaces).
//!
//! ```text
//! #Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(User-Agent)
//! 2016-02-20 05:00:45 192.0.2.7 GET /p/1 - 200 187 Mozilla/5.0+(X11)
//! ```
//!
//! Times are in UTC, as the standard demands. Source: W3C working draft WD-logfile-960323; AWS,
//! "Standard logging reference"; Microsoft, "W3C logging".

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::address::ClientRule;
use super::clock::Clock;
use super::fields::Fields;
use super::json::{join_query, push};
use super::refusal::Refusal;
use super::slots::{Role, Slots};

/// How a line that names the columns begins.
pub(super) const FIELDS: &str = "#Fields:";

/// The columns, in order; `None` for one that is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    roles: Vec<Option<Role>>,
    has_tabs: bool,
}

impl Columns {
    /// Reads the line that names the columns. `next` is a line of the log, which shows what stands
    /// between them.
    pub(super) fn of(line: &str, next: &str) -> Option<Self> {
        let names = line.strip_prefix(FIELDS)?;
        let roles: Vec<_> = names.split_ascii_whitespace().map(role_of).collect();
        roles.iter().any(Option::is_some).then(|| Self { roles, has_tabs: next.contains('\t') })
    }

    /// Takes over the names of a later line; servers write one at every start.
    pub(super) fn renamed(&self, line: &str) -> Option<Self> {
        Self::of(line, if self.has_tabs { "\t" } else { "" })
    }

    /// Parses one line. Its values are decoded into `decoded`, to which the fields refer.
    pub(super) fn parse<'a>(
        &self,
        line: &str,
        decoded: &'a mut String,
        rule: &ClientRule,
        clock: &mut Clock,
    ) -> Result<Fields, Refusal<'a>> {
        self.slots(line, decoded)?.fields(decoded, rule, clock)
    }

    /// The columns of one line.
    pub(super) fn slots(
        &self,
        line: &str,
        decoded: &mut String,
    ) -> Result<Slots, Refusal<'static>> {
        let mut slots = Slots::default();
        let mut values = line.split(if self.has_tabs { '\t' } else { ' ' });
        for role in &self.roles {
            let Some(value) = values.next() else {
                let expected = "as many columns as #Fields names";
                return Err(Refusal::new("line", expected, line.to_owned()));
            };
            let Some(mut role) = *role else { continue };
            let value = match role {
                // IIS writes a plus for a space, CloudFront %20, or %2520 where it is older.
                Role::Agent | Role::Referer => spaces(value, !self.has_tabs),
                _ => Cow::Borrowed(value),
            };
            if role == Role::Millis && value.contains('.') {
                role = Role::Seconds; // CloudFront's; IIS writes milliseconds.
            }
            let rank = if matches!(&*value, "" | "-") { 100 } else { 0 };
            let span = push(decoded, &value);
            slots.set(role, rank, span);
        }
        join_query(&mut slots, decoded);
        Ok(slots)
    }
}

fn spaces(value: &str, has_plus: bool) -> Cow<'_, str> {
    if has_plus {
        return Cow::Owned(value.replace('+', " "));
    }
    let once = percent_decode_str(value).decode_utf8_lossy();
    if !once.contains('%') {
        return once;
    }
    Cow::Owned(percent_decode_str(&once).decode_utf8_lossy().into_owned())
}

fn role_of(name: &str) -> Option<Role> {
    Some(match name.to_ascii_lowercase().as_str() {
        "date" => Role::Date,
        "time" => Role::TimeOfDay,
        "timestamp" | "timestamp(ms)" => Role::Time,
        "c-ip" => Role::Client,
        "x-forwarded-for" | "cs(x-forwarded-for)" | "x_forwarded_for" => Role::Forwarded,
        "cs-method" => Role::Method,
        "cs-uri" | "cs-uri-stem" => Role::Target,
        "cs-uri-query" => Role::Query,
        "sc-status" => Role::Status,
        "sc-bytes" => Role::Bytes,
        "time-taken" => Role::Millis,
        "x-host-header" | "cs-host" => Role::Host,
        "cs(referer)" => Role::Referer,
        "cs(user-agent)" => Role::Agent,
        "sc-content-type" | "sc(content-type)" => Role::ContentType,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Record;
    use crate::log::tests::PLAIN;

    fn check(names: &str, line: &str, expect: Record<'_>) {
        let (mut decoded, rule) = (String::new(), ClientRule::default());
        let columns = Columns::of(names, line).unwrap();
        let fields = columns.parse(line, &mut decoded, &rule, &mut Clock::default()).unwrap();
        assert_eq!(fields.record(&decoded), expect, "{line}");
    }

    #[test]
    fn cloudfront_and_iis_are_read() {
        let expect = Record {
            user_agent: Some("Mozilla/5.0 (X11)"),
            target: "/p/1?a=b",
            duration_us: Some(15_000),
            ..PLAIN
        };
        check(
            "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs-uri-stem sc-status \
                cs(User-Agent) cs-uri-query time-taken sc-content-type",
            "2016-02-20\t05:00:45\tNRT\t187\t192.0.2.7\tGET\t/p/1\t200\tMozilla/5.0%20(X11)\ta=b\t\
                0.015\ttext/html",
            Record { content_type: Some("text/html"), ..expect },
        );
        check(
            "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
                cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes \
                time-taken",
            "2016-02-20 05:00:45 10.0.0.1 GET /p/1 a=b 443 - 192.0.2.7 Mozilla/5.0+(X11) - 200 0 0 \
                187 15",
            expect,
        );
    }
}
