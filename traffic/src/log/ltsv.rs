//! Parses LTSV (labelled tab-separated values, <http://ltsv.org>), as nginx and Apache are often
//! told to write it.
//!
//! ```text
//! time:20/Feb/2016:00:00:45 -0500 ⇥ host:192.0.2.7 ⇥ req:GET /p/1 HTTP/1.1 ⇥ status:200 ⇥ size:187
//! ```
//!
//! The labels are read like the keys of JSON (`keys.rs`). `host` is the client there, as ltsv.org
//! has it, unless it holds a name and another label holds an address.

use memchr::memchr;

use super::address::{ClientRule, bare};
use super::clock::Clock;
use super::fields::Fields;
use super::json::{join_query, push};
use super::keys::{ASK_METHOD, role_of};
use super::refusal::Refusal;
use super::slots::{Role, Slots};

/// Parses one line. Its values are copied into `decoded`, to which the fields refer.
pub(super) fn parse<'a>(
    line: &str,
    decoded: &'a mut String,
    rule: &ClientRule,
    clock: &mut Clock,
) -> Result<Fields, Refusal<'a>> {
    slots(line, decoded)?.fields(decoded, rule, clock)
}

/// The columns of one line.
pub(super) fn slots(line: &str, decoded: &mut String) -> Result<Slots, Refusal<'static>> {
    if !is_ltsv(line) {
        return Err(Refusal::new("line", "label:value with tabs between", line.to_owned()));
    }
    let mut slots = Slots::default();
    let mut rest = line;
    while !rest.is_empty() {
        let end = memchr(b'\t', rest.as_bytes()).unwrap_or(rest.len());
        let (column, after) = rest.split_at(end);
        rest = after.strip_prefix('\t').unwrap_or(after);
        let Some((label, value)) = column.split_once(':') else { continue };
        let Some((role, rank)) = role_of("", label) else { continue };
        if rank == ASK_METHOD {
            continue;
        }
        let role = match label {
            "host" if bare(value).is_some() => Role::Client,
            _ => role,
        };
        let rank = if label == "host" && role == Role::Client { 5 } else { rank };
        let is_unset = matches!(value, "" | "-");
        let span = push(decoded, value);
        slots.set(role, if is_unset { rank + 100 } else { rank }, span);
    }
    join_query(&mut slots, decoded);
    Ok(slots)
}

/// Whether a line looks like LTSV: it begins with a label, and has two columns or more.
pub(super) fn is_ltsv(line: &str) -> bool {
    let is_label = |column: &str| {
        column.split_once(':').is_some_and(|(label, _)| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-@".contains(&b))
        })
    };
    let mut columns = line.split('\t');
    columns.next().is_some_and(is_label) && columns.next().is_some_and(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Record;
    use crate::log::tests::{PLAIN, with_parsed};

    fn check(line: &str, expect: Result<Record<'_>, &str>) {
        with_parsed(parse, line, |found| {
            assert_eq!(found, expect.map_err(str::to_owned), "{line}")
        });
    }

    #[test]
    fn the_labels_of_ltsv_org_and_those_of_nginx_are_read() {
        let rest = "status:200\tsize:187\treferer:-\tua:-";
        let time = "time:20/Feb/2016:00:00:45 -0500";
        check(&format!("{time}\thost:192.0.2.7\treq:GET /p/1 HTTP/1.1\t{rest}"), Ok(PLAIN));
        check(&format!("{time}\thost:192.0.2.7\tmethod:GET\turi:/p/1\t{rest}"), Ok(PLAIN));
        check(
            &format!(
                "{time}\thost:shop.example\tremote_addr:192.0.2.7\tmethod:GET\turi:/p/1\t\
                    query:a=b\treqtime:0.5\t{rest}"
            ),
            Ok(Record {
                host: Some("shop.example"),
                target: "/p/1?a=b",
                duration_us: Some(500_000),
                ..PLAIN
            }),
        );
        check("hello", Err("line: expected label:value with tabs between, found \"hello\""));
    }
}
