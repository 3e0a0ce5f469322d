//! Compiles a server's own line format: nginx's `log_format` (`$remote_addr …`) or Apache's
//! `LogFormat` (`%h %l …`), which users copy from their configuration.
//!
//! Sources: nginx.org, "ngx_http_log_module" and "Alphabetical index of variables"; Apache,
//! "mod_log_config".

use super::slots::Role;
use super::template::{Column, Template};

/// Formats that have a name in the servers' manuals.
const NAMED: [(&str, &str); 6] = [
    ("combined", r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#),
    ("common", r#"%h %l %u %t "%r" %>s %b"#),
    ("vhost_combined", r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#),
    (
        "main",
        concat!(
            r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "#,
            r#""$http_referer" "$http_user_agent" "$http_x_forwarded_for""#
        ),
    ),
    (
        "envoy",
        concat!(
            r#"[$time_iso8601] "$request" $status $flags $bytes_received $body_bytes_sent "#,
            r#"$duration_ms $upstream_ms "$http_x_forwarded_for" "$http_user_agent" "#,
            r#""$request_id" "$host""#
        ),
    ),
    (
        "s3",
        concat!(
            "$owner $bucket [$time_local] $remote_addr $requester $request_id $operation $key ",
            r#""$request" $status $error $bytes_sent $size $duration_ms $turnaround_ms "#,
            r#""$http_referer" "$http_user_agent""#
        ),
    ),
];

/// Compiles a format.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn compile(format: &str) -> Result<Template, String> {
    let format = format.trim();
    let named = NAMED.iter().find(|(name, _)| *name == format).map(|(_, format)| *format);
    let format = named.unwrap_or(format);
    let parts = if format.contains('%') && !format.contains('$') {
        apache(format)?
    } else {
        nginx(format)?
    };
    let template = joined(parts)?;
    for (needed, what) in [
        (&[Role::Client, Role::Forwarded][..], "client ($remote_addr, %h)"),
        (&[Role::Time], "time ($time_local, $time_iso8601, $msec; %t)"),
        (&[Role::Request, Role::Target], "request ($request, $request_uri; %r)"),
        (&[Role::Status], "status ($status, %>s)"),
    ] {
        if !template.columns.iter().any(|column| column.role.is_some_and(|r| needed.contains(&r))) {
            return Err(format!("the format has no {what}"));
        }
    }
    Ok(template)
}

/// A part of a format: text as it stands in the line, or a column.
enum Part {
    Text(String),
    Column(Option<Role>, String),
}

/// Joins each column with the text after it.
fn joined(parts: Vec<Part>) -> Result<Template, String> {
    let mut template = Template::default();
    let mut is_open = false;
    for part in parts {
        match part {
            Part::Text(text) => match template.columns.last_mut() {
                Some(column) => {
                    column.until.push_str(&text);
                    is_open = false;
                }
                None => template.start.push_str(&text),
            },
            Part::Column(role, name) => {
                if is_open {
                    let Some(before) = template.columns.last_mut() else { continue };
                    let is_target = role == Some(Role::Target);
                    let is_whole = before.role == Some(Role::Target);
                    if is_whole && matches!(role, Some(Role::Query) | None) {
                        continue; // $uri$is_args$args and %U%q are one text.
                    }
                    if !is_target {
                        let before = &before.name;
                        return Err(format!(
                            "nothing stands between {before} and {name}, so nobody can tell where \
                                the one ends"
                        ));
                    }
                    before.until = "/".to_owned();
                    before.is_shared = true;
                }
                template.columns.push(Column::new(role, &name, ""));
                is_open = true;
            }
        }
    }
    // What ends the last column is looked for like the rest; a line may have more after it.
    Ok(template)
}

fn nginx(format: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some(start) = rest.find('$') {
        if start > 0 {
            parts.push(Part::Text(rest[..start].replace("\\\"", "\"")));
        }
        rest = &rest[start + 1..];
        let (name, after) = match rest.strip_prefix('{') {
            Some(braced) => {
                braced.split_once('}').ok_or("a { of the format is not closed".to_owned())?
            }
            None => {
                let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                rest.split_at(rest.bytes().take_while(|byte| is_name(byte)).count())
            }
        };
        if name.is_empty() {
            return Err("a $ of the format has no name after it".to_owned());
        }
        parts.push(Part::Column(of_nginx(name), format!("${name}")));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.replace("\\\"", "\"")));
    }
    Ok(parts)
}

fn of_nginx(name: &str) -> Option<Role> {
    Some(match name {
        "remote_user" => Role::User,
        "is_args" => return None,
        "args" | "query_string" => Role::Query,
        "scheme" | "request_id" | "pipe" | "connection" | "http_cookie" => return None,
        // Another machine's, or another request's.
        "upstream_addr" | "upstream_status" | "upstream_response_time" => return None,
        "realip_remote_addr" | "server_addr" | "hostname" | "request_length" => return None,
        _ => return super::keys::role_of("", name).map(|(role, _)| role),
    })
}

fn apache(format: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = format;
    let mut text = String::new();
    while let Some(start) = rest.find('%') {
        text.push_str(&rest[..start].replace("\\\"", "\"").replace("\\t", "\t"));
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        // Statuses for which the column has a value, and which of several requests is meant.
        rest = rest.trim_start_matches(|char: char| "0123456789,!<>".contains(char));
        let (argument, after) = match rest.strip_prefix('{') {
            Some(braced) => {
                braced.split_once('}').ok_or("a { of the format is not closed".to_owned())?
            }
            None => ("", rest),
        };
        let after = after.strip_prefix('^').unwrap_or(after);
        let letters = after.trim_start_matches(|char: char| "<>".contains(char));
        let letter = letters.chars().next().ok_or("the format ends with a %".to_owned())?;
        rest = &letters[letter.len_utf8()..];
        let name = if argument.is_empty() {
            format!("%{letter}")
        } else {
            format!("%{{{argument}}}{letter}")
        };
        let role = of_apache(argument, letter);
        let is_bracketed = letter == 't' && argument.is_empty();
        text.push_str(if is_bracketed { "[" } else { "" });
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Column(role, name));
        text.push_str(if is_bracketed { "]" } else { "" });
    }
    text.push_str(&rest.replace("\\\"", "\""));
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

fn of_apache(argument: &str, letter: char) -> Option<Role> {
    let header = argument.to_ascii_lowercase();
    Some(match (letter, header.as_str()) {
        ('h' | 'a', _) => Role::Client,
        ('u', _) => Role::User,
        ('t', "" | "msec" | "usec" | "sec" | "%s") => Role::Time,
        ('r', _) => Role::Request,
        ('m', _) => Role::Method,
        ('U', _) => Role::Target,
        ('q', _) => Role::Query,
        ('s', _) => Role::Status,
        ('b' | 'B' | 'O', _) => Role::Bytes,
        ('D', _) | ('T', "us") => Role::Micros,
        ('T', "ms") => Role::Millis,
        ('T', _) => Role::Seconds,
        ('v' | 'V', _) | ('i', "host") => Role::Host,
        ('i', "referer") => Role::Referer,
        ('i', "user-agent") => Role::Agent,
        ('i', "sec-fetch-dest") => Role::FetchDest,
        ('i', "x-forwarded-for" | "x-real-ip" | "cf-connecting-ip" | "true-client-ip") => {
            Role::Forwarded
        }
        ('o', "content-type") => Role::ContentType,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(format: &str) -> Vec<Role> {
        compile(format).unwrap().columns.iter().filter_map(|column| column.role).collect()
    }

    #[test]
    fn the_formats_of_nginx_and_apache_are_compiled() {
        use Role::*;
        let combined = [Client, User, Time, Request, Status, Bytes, Referer, Agent];
        assert_eq!(roles("combined"), combined);
        assert_eq!(roles("main"), [&combined[..], &[Forwarded]].concat());
        assert_eq!(
            roles(r#"%{X-Forwarded-For}i %l %u %t \"%r\" %>s %{ms}T %200,302{Content-Type}o"#),
            [Forwarded, User, Time, Request, Status, Millis, ContentType]
        );
        assert_eq!(
            roles("$remote_addr ${msec} $request_method $host$uri$is_args$args $status"),
            [Client, Time, Method, Host, Target, Status]
        );
        for (name, _) in NAMED {
            assert!(compile(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_format_that_cannot_be_read_is_refused_with_the_reason() {
        let check = |format: &str, expect: &str| {
            let error = compile(format).unwrap_err();
            assert!(error.contains(expect), "{format}: {error}");
        };
        check("$remote_addr $status $request", "no time");
        check("$time_local $status $request", "no client");
        check("$remote_addr$time_local $status $request", "nothing stands between $remote_addr");
        check("$remote_addr $ $status", "has no name");
        check("%h %", "ends with a %");
        check("hello", "no client");
    }

    fn columns(format: &str, line: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let template = joined(nginx(format).unwrap()).unwrap();
        template.split(line, |_, span| found.push(span.of(line).to_owned())).ok()?;
        Some(found)
    }

    #[test]
    fn a_line_is_cut_where_its_format_says() {
        let check = |format: &str, line: &str, expect: &[&str]| {
            assert_eq!(columns(format, line).unwrap(), expect, "{format}: {line}");
        };
        check("$remote_addr|$msec|$status", "192.0.2.7|1.5|200", &["192.0.2.7", "1.5", "200"]);
        check(
            r#"$remote_addr "$http_referer" $status"#,
            r#"192.0.2.7 "a \" b" 200"#,
            &["192.0.2.7", r#"a \" b"#, "200"],
        );
        check(
            "$http_x_forwarded_for $status",
            "192.0.2.7, 10.0.0.1 200",
            &["192.0.2.7, 10.0.0.1", "200"],
        );
        check("$host$request_uri $status", "shop/p/1 200", &["shop", "/p/1", "200"]);
        let combined = r#"$remote_addr - $remote_user [$time_local] "$request" $status"#;
        check(
            combined,
            r#"192.0.2.7 - a [1 [20/Feb/2016:00:00:45 -0500] "GET / HTTP/1.1" 200"#,
            &["192.0.2.7", "a [1", "20/Feb/2016:00:00:45 -0500", "GET / HTTP/1.1", "200"],
        );
        let earlier = "x [21/Nov/2026:10:00:04 +0900]";
        check(
            combined,
            &format!(r#"192.0.2.7 - {earlier} [20/Feb/2016:00:00:45 -0500] "-" 400"#),
            &["192.0.2.7", earlier, "20/Feb/2016:00:00:45 -0500", "-", "400"],
        );
    }
}
