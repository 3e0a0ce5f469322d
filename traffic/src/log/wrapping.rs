//! What stands around a line because something carried it here: syslog, journald, Docker,
//! Kubernetes, grep. It is taken off by name; nothing that is not known is passed over.
//!
//! ```text
//! Nov 21 10:00:04 web1 nginx: LINE              syslog (RFC 3164), journalctl
//! 2026-11-21T10:00:04.290+09:00 web1 nginx: LINE    rsyslog's own files
//! <190>1 2026-11-21T01:00:04Z web1 nginx - - - LINE     syslog (RFC 5424)
//! nginx-1  | LINE                               docker compose logs
//! [pod/shop-5f/nginx] LINE                      kubectl logs --prefix
//! 2026-11-21T01:00:04.290Z stdout F LINE        containerd, CRI-O
//! 2026-11-21T01:00:04.290Z LINE                 docker logs --timestamps
//! {"log":"LINE\n","stream":"stdout", …}         Docker's json-file, Fluent Bit, journald's JSON
//! access.log:17:LINE                            grep
//! ```

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use serde::Deserialize;

use super::clock::rfc3339;

/// Something that is known to carry lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wrapping {
    Json,
    Compose,
    Kubectl,
    Cri,
    Syslog5424,
    Syslog3164,
    SyslogIso,
    /// A time alone. A log's own lines may begin with one as well.
    Timestamp,
    /// The name of a file.
    Grep,
}

impl Wrapping {
    /// Those that cannot be anything else, in the order in which they are tried.
    pub(super) const CERTAIN: [Self; 8] = [
        Self::Grep,
        Self::Json,
        Self::Compose,
        Self::Kubectl,
        Self::Cri,
        Self::Syslog5424,
        Self::Syslog3164,
        Self::SyslogIso,
    ];
    /// Those that are tried where a line is not known without.
    pub(super) const POSSIBLE: [Self; 1] = [Self::Timestamp];

    /// The line within; `None` if this does not stand around it.
    pub(super) fn strip(self, line: &str) -> Option<Cow<'_, str>> {
        let rest = match self {
            Self::Json => return json(line),
            Self::Compose => compose(line),
            Self::Kubectl => kubectl(line),
            Self::Cri => cri(line),
            Self::Syslog5424 => syslog_5424(line),
            Self::Syslog3164 => syslog_3164(line),
            Self::SyslogIso => syslog_iso(line),
            Self::Timestamp => timestamp(line),
            Self::Grep => grep(line),
        };
        rest.map(Cow::Borrowed)
    }
}

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON of a container or journal",
            Self::Compose => "docker compose",
            Self::Kubectl => "kubectl",
            Self::Cri => "CRI",
            Self::Syslog5424 | Self::Syslog3164 | Self::SyslogIso => "syslog",
            Self::Timestamp => "a time",
            Self::Grep => "a file's name",
        })
    }
}

/// The keys under which carriers keep the line.
#[derive(Deserialize)]
struct Carried<'a> {
    #[serde(borrow, alias = "message", alias = "MESSAGE", alias = "msg")]
    log: Cow<'a, str>,
}

fn json(line: &str) -> Option<Cow<'_, str>> {
    if !line.starts_with('{') {
        return None;
    }
    let Carried { log } = serde_json::from_str(line).ok()?;
    // A message of a few words is no line of an access log: all of them hold quotes or tabs.
    let is_line = log.contains(['"', '\t', '#']);
    is_line.then_some(match log {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end()),
        Cow::Owned(mut text) => {
            text.truncate(text.trim_end().len());
            Cow::Owned(text)
        }
    })
}

fn compose(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(" | ").or_else(|| {
        // The name's own bar, where the line is empty but for it.
        line.split_once("| ").filter(|(name, _)| name.ends_with(' '))
    })?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte))
        && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_name.then(|| rest.trim_start_matches(' '))
}

fn kubectl(line: &str) -> Option<&str> {
    let (pod, rest) = line.strip_prefix("[pod/")?.split_once("] ")?;
    (!pod.contains(' ')).then_some(rest)
}

fn cri(line: &str) -> Option<&str> {
    let rest = timestamp(line)?;
    let rest = rest.strip_prefix("stdout ").or_else(|| rest.strip_prefix("stderr "))?;
    rest.strip_prefix("F ").or_else(|| rest.strip_prefix("P "))
}

fn timestamp(line: &str) -> Option<&str> {
    let (time, rest) = line.split_once(' ')?;
    rfc3339(time).ok().map(|_| rest)
}

fn priority(line: &str) -> Option<&str> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(rest)
}

fn syslog_5424(line: &str) -> Option<&str> {
    let mut rest = priority(line)?.strip_prefix("1 ")?;
    let (time, after) = rest.split_once(' ')?;
    if time != "-" && rfc3339(time).is_err() {
        return None;
    }
    // Host, application, process, message.
    rest = after;
    for _ in 0..4 {
        rest = rest.split_once(' ')?.1;
    }
    let rest = match rest.strip_prefix("- ") {
        Some(rest) => rest,
        None => after_structured_data(rest)?,
    };
    Some(rest.strip_prefix('\u{feff}').unwrap_or(rest))
}

/// `[id key="value"][…] `; a backslash escapes within the values.
fn after_structured_data(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let (mut at, mut is_quoted) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if is_quoted => at += 1,
            b'"' => is_quoted = !is_quoted,
            b']' if !is_quoted && bytes.get(at + 1) == Some(&b' ') => return text.get(at + 2..),
            b'[' if at == 0 => {}
            _ if at == 0 => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn syslog_3164(line: &str) -> Option<&str> {
    let line = priority(line).unwrap_or(line);
    let bytes = line.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_time = matches!(bytes.get(..4)?, [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' '])
        && (bytes.get(4) == Some(&b' ') || is_digit(4))
        && is_digit(5)
        && bytes.get(6) == Some(&b' ')
        && [7, 8, 10, 11, 13, 14].into_iter().all(is_digit)
        && bytes.get(9) == Some(&b':')
        && bytes.get(12) == Some(&b':');
    if !is_time {
        return None;
    }
    // journalctl can write microseconds.
    let rest = line.get(15..)?;
    let rest = rest.trim_start_matches(|char: char| char == '.' || char.is_ascii_digit());
    after_tag(rest.strip_prefix(' ')?)
}

fn syslog_iso(line: &str) -> Option<&str> {
    after_tag(timestamp(priority(line).unwrap_or(line))?)
}

/// What follows `host program[process]: `; the host may be missing, as nginx can be told.
fn after_tag(text: &str) -> Option<&str> {
    let (first, rest) = text.split_once(' ')?;
    if let Some(tag) = first.strip_suffix(':') {
        return is_tag(tag).then(|| rest.trim_start_matches(' '));
    }
    let (second, rest) = rest.split_once(' ')?;
    let tag = second.strip_suffix(':')?;
    is_tag(tag).then(|| rest.trim_start_matches(' '))
}

fn is_tag(tag: &str) -> bool {
    let name = tag.split_once('[').map_or(tag, |(name, _)| name);
    name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/()@".contains(&byte))
}

fn grep(line: &str) -> Option<&str> {
    let (file, rest) = line.split_once(':')?;
    let is_file = !file.contains([' ', '"', '[', '{', '\t'])
        && file.bytes().any(|byte| byte.is_ascii_alphabetic())
        // A virtual host with its port looks much like it.
        && (file.contains('/') || file.contains(".log") || file.ends_with("_log"));
    if !is_file {
        return None;
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let Some(numbered) = rest[digits..].strip_prefix(':').filter(|_| digits > 0) else {
        return Some(rest);
    };
    // The first group of an IPv6 address may look like the number of a line.
    match (begins_with_ipv6(rest), begins_with_ipv6(numbered)) {
        (true, true) => None,
        (true, false) => Some(rest),
        (false, _) => Some(numbered),
    }
}

/// Whether a line begins with an IPv6 address that a client can have: global or local.
fn begins_with_ipv6(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or("");
    word.parse::<Ipv6Addr>().is_ok_and(
        |ip| matches!(ip.segments()[0], 0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A line in everything that is known to carry one.
    pub(in crate::log) fn wrapped(line: &str) -> Vec<(Wrapping, String)> {
        let json = serde_json::to_string(&format!("{line}\n")).unwrap();
        [
            (Wrapping::Syslog3164, format!("Feb 20 00:00:45 web1 nginx: {line}")),
            (Wrapping::Syslog3164, format!("<190>Feb  2 00:00:45 web1 nginx[812]: {line}")),
            (Wrapping::Syslog3164, format!("Feb 20 00:00:45.123456 web1 shop/nginx[7]: {line}")),
            (Wrapping::SyslogIso, format!("2016-02-20T00:00:45.123+09:00 web1 nginx: {line}")),
            (Wrapping::SyslogIso, format!("2016-02-20T00:00:45+0900 web1 nginx[8]: {line}")),
            (Wrapping::Syslog5424, format!("<190>1 2016-02-20T00:00:45Z web1 nginx 8 - - {line}")),
            (Wrapping::Syslog5424, format!(r#"<190>1 - web1 nginx - - [a b="\"]"][c] {line}"#)),
            (Wrapping::Compose, format!("nginx-1  | {line}")),
            (Wrapping::Kubectl, format!("[pod/shop-5f/nginx] {line}")),
            (Wrapping::Cri, format!("2016-02-20T00:00:45.123456789+09:00 stdout F {line}")),
            (Wrapping::Timestamp, format!("2016-02-20T00:00:45.123456789Z {line}")),
            (Wrapping::Json, format!(r#"{{"log":{json},"stream":"stdout","time":"x"}}"#)),
            (Wrapping::Json, format!(r#"{{"PRIORITY":"6","MESSAGE":{json}}}"#)),
            (Wrapping::Grep, format!("/var/log/nginx/access.log:{line}")),
            (Wrapping::Grep, format!("access.log.1:17:{line}")),
        ]
        .into()
    }

    const LINE: &str = r#"192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET /p/1 HTTP/1.1" 200 187"#;

    #[test]
    fn what_carried_a_line_is_taken_off() {
        for (wrapping, text) in wrapped(LINE) {
            assert_eq!(wrapping.strip(&text).as_deref(), Some(LINE), "{wrapping:?}: {text}");
        }
    }

    #[test]
    fn the_number_of_a_line_is_told_from_an_ipv6_address() {
        let check = |line: &str, expect: Option<&str>| {
            assert_eq!(Wrapping::Grep.strip(line).as_deref(), expect, "{line}");
        };
        check("a.log:2001:db8::1 -", Some("2001:db8::1 -"));
        check("a.log:17:2001:db8::1 -", Some("2001:db8::1 -"));
        check("a.log:2001:192.0.2.7 -", Some("192.0.2.7 -"));
        // It may be line 2500, and it may be an address: nobody can tell.
        check("a.log:2500:2001:db8::1 -", None);
    }

    #[test]
    fn a_line_that_nothing_carried_stays_whole() {
        let other = "shop.example:443 192.0.2.7 - - [20/Feb/2016:00:00:45 -0500]";
        for wrapping in [&Wrapping::CERTAIN[..], &Wrapping::POSSIBLE].concat() {
            for line in [LINE, other, "", "{}", "a", "2001:db8::1 - - ["] {
                assert_eq!(wrapping.strip(line), None, "{wrapping:?}: {line}");
            }
        }
    }
}
