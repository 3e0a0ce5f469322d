//! How a request ended, as nginx's log line says.
//!
//! nginx sends a datagram for each request (`access_log syslog:server=…`), with this format:
//!
//! ```text
//! log_format kidoban escape=json
//!     '$status $body_bytes_sent "$kidoban_token" "$upstream_addr" '
//!     '"$upstream_header_time" "$sent_http_content_type"';
//! ```
//!
//! which arrives as
//!
//! ```text
//! <190>Nov 30 22:59:33 kidoban: 200 612 "3K7Q0W2M5X8AB" "127.0.0.1:3000" "0.003" "text/html"
//! ```
//!
//! **Whose answer is it?** The shop's, where it sent headers (`$upstream_header_time`), or where
//! nginx asked nobody (`$upstream_addr`), as for a file of its own. A 502 or 504 of nginx's own
//! and a visitor who left (499) are no answer: their status is 0. Further fields are passed over.

use gate::End;
use gate::decision::DecisionId;

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The decision that let it pass.
    pub id: DecisionId,
    /// Status and bytes.
    pub end: End,
}

/// A line that tells of no request that was let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOutcome {
    /// Another format.
    #[error("not a line of the format in docs/deploy/nginx-auth-request.md")]
    Unreadable,
    /// The request was refused, or passed while the service was down.
    #[error("the request has no token")]
    NoToken,
}

/// The visitor closed the connection (499), or nginx did without an answer (444).
const NO_ANSWER: [u16; 2] = [499, 444];

/// Reads a datagram of syslog.
///
/// # Errors
/// A line of another format, and one without a token.
pub fn parse(datagram: &[u8]) -> Result<Outcome, NoOutcome> {
    let line = str::from_utf8(datagram).map_err(|_| NoOutcome::Unreadable)?;
    let (_, message) = line.split_once(": ").ok_or(NoOutcome::Unreadable)?;
    let mut parts = message.split('"');
    let mut numbers = parts.next().unwrap_or_default().split_ascii_whitespace();
    let status: Option<u16> = numbers.next().and_then(|text| text.parse().ok());
    let bytes: Option<u64> = numbers.next().and_then(|text| text.parse().ok());
    let mut quoted = parts.step_by(2);
    let (Some(status @ 100..=999), Some(bytes), None) = (status, bytes, numbers.next()) else {
        return Err(NoOutcome::Unreadable);
    };
    let (Some(token), Some(upstream), Some(times)) = (quoted.next(), quoted.next(), quoted.next())
    else {
        return Err(NoOutcome::Unreadable);
    };
    if is_empty(token) {
        return Err(NoOutcome::NoToken);
    }
    let id = token.parse().map_err(|_| NoOutcome::Unreadable)?;
    // Several tries are separated by commas, several groups of servers by colons; the last counts.
    let last = times.rsplit([',', ':']).next().unwrap_or_default().trim();
    let is_answered = is_empty(upstream) || !is_empty(last);
    let status = if is_answered && !NO_ANSWER.contains(&status) { status } else { 0 };
    Ok(Outcome { id, end: End { status, bytes } })
}

/// As nginx writes a variable without a value, with `escape=json` and without.
fn is_empty(value: &str) -> bool {
    value.is_empty() || value == "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "3K7Q0W2M5X8AB";

    fn read(rest: &str) -> Result<(u16, u64), NoOutcome> {
        let line = format!("<190>Nov 30 22:59:33 kidoban: {rest}");
        parse(line.as_bytes()).map(|outcome| {
            assert_eq!(outcome.id.to_string(), TOKEN);
            (outcome.end.status, outcome.end.bytes)
        })
    }

    #[test]
    fn the_shops_answer_is_told_from_nginxs_own() {
        let check = |line: &str, expect| {
            assert_eq!(read(&line.replace("TOKEN", TOKEN)), Ok(expect), "{line}");
        };
        check(r#"200 612 "TOKEN" "127.0.0.1:3000" "0.003" "text/html""#, (200, 612));
        check(r#"404 9 "TOKEN" "unix:/run/shop.sock" "0.000" """#, (404, 9));
        check(r#"200 5 "TOKEN" "" "" "image/png""#, (200, 5));
        check(r#"200 5 "TOKEN" "-" "-" "-""#, (200, 5));
        check(r#"502 157 "TOKEN" "127.0.0.1:3000" "" "text/html""#, (0, 157));
        check(r#"504 157 "TOKEN" "127.0.0.1:3000" "-" "text/html""#, (0, 157));
        check(r#"502 9 "TOKEN" "127.0.0.1:3000" "0.001" """#, (502, 9));
        check(r#"200 9 "TOKEN" "10.0.0.1:80, 10.0.0.2:80" "-, 0.002" """#, (200, 9));
        check(r#"504 9 "TOKEN" "10.0.0.1:80, 10.0.0.2:80" "0.002, -" """#, (0, 9));
        check(r#"499 0 "TOKEN" "127.0.0.1:3000" "" """#, (0, 0));
        check(r#"200 9 "TOKEN" "" "" "text/html; x=\"y\"" more"#, (200, 9));
    }

    #[test]
    fn a_line_without_a_token_and_one_of_another_format_are_told_apart() {
        assert_eq!(read(r#"403 90 "" "" "" "text/plain""#), Err(NoOutcome::NoToken));
        assert_eq!(read(r#"403 90 "-" "" "" "text/plain""#), Err(NoOutcome::NoToken));
        for line in [
            "",
            "200",
            "200 612",
            "200 612 x",
            r#"200 612 "3K7Q0W2M5X8AB""#,
            r#"200 612 7 "3K7Q0W2M5X8AB" "" """#,
            r#"99 612 "3K7Q0W2M5X8AB" "" """#,
            r#"200 -1 "3K7Q0W2M5X8AB" "" """#,
            r#"200 612 "someone else's" "" """#,
        ] {
            assert_eq!(read(line), Err(NoOutcome::Unreadable), "{line}");
        }
        assert_eq!(parse(b"\xff: 200").unwrap_err(), NoOutcome::Unreadable);
    }
}
