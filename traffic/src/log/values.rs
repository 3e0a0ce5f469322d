//! Reads the values of single fields: request lines, statuses, numbers, hosts.

use memchr::{memchr, memrchr};

use super::fields::Span;

/// Splits a request line into method and target; `line` is its position in `text`.
///
/// The usual form is `GET /p/1 HTTP/1.1`. A target may contain spaces, and the version may be
/// missing (HTTP/0.9). A line that does not begin with a method, such as a TLS handshake, becomes a
/// target without a method, so that different garbage stays different. Nothing is refused, because
/// the server answered these requests too, mostly with 400.
pub(super) fn request_line(text: &str, line: Span) -> (Span, Span) {
    let request = line.of(text);
    let bytes = request.as_bytes();
    if request.is_empty() || request == "-" {
        return (Span::default(), Span::default());
    }
    let method_length = memchr(b' ', bytes).unwrap_or(bytes.len());
    if !is_method(&bytes[..method_length]) {
        return (Span::default(), line);
    }
    let target_start = (method_length + 1).min(bytes.len());
    let target_end = match memrchr(b' ', bytes) {
        Some(space) if bytes[space + 1..].starts_with(b"HTTP/") => space,
        _ => bytes.len(),
    };
    (line.part(0, method_length), line.part(target_start, target_end.max(target_start)))
}

fn is_method(word: &[u8]) -> bool {
    /// Longer than the longest registered method (`UPDATEREDIRECTREF`).
    const METHOD_BYTES_MAX: usize = 24;
    word.len() <= METHOD_BYTES_MAX
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
}

/// An HTTP status of exactly three digits.
pub(super) fn status(text: &str) -> Option<u16> {
    let [a, b, c] = *text.as_bytes() else { return None };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    Some(digit(a)? * 100 + digit(b)? * 10 + digit(c)?)
}

/// A number of digits alone that fits 64 bits.
pub(super) fn integer(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Reads seconds with an optional fraction (`0.015`) as microseconds, rounded down.
pub(super) fn seconds_us(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut fraction_us = 0;
    let mut unit_us = 100_000;
    for byte in fraction.bytes() {
        fraction_us += byte.is_ascii_digit().then(|| u64::from(byte - b'0'))? * unit_us;
        unit_us /= 10;
    }
    integer(whole)?.checked_mul(1_000_000)?.checked_add(fraction_us)
}

/// Reads a duration in microseconds. `unit_us` is the length of its unit; a unit that stands behind
/// the number (`0.1s`, `12ms`) counts instead. `None` for what is negative or no number.
pub(super) fn duration_us(text: &str, unit_us: f64) -> Option<u64> {
    let number = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let unit_us = match text.get(number.len()..)? {
        "" => unit_us,
        "s" => 1_000_000.0,
        "ms" => 1_000.0,
        "us" | "µs" => 1.0,
        "ns" => 0.001,
        _ => return None,
    };
    if unit_us == 1_000_000.0
        && let Some(exact) = seconds_us(number)
    {
        return Some(exact);
    }
    let us = number.parse::<f64>().ok()? * unit_us;
    // More than a year is no request.
    (0.0..=3.2e13).contains(&us).then_some(us as u64)
}

/// Removes the port from a host, and the brackets from an IPv6 address.
pub(super) fn without_port(text: &str, host: Span) -> Span {
    let name = host.of(text);
    let length = match (name.strip_prefix('['), name.rsplit_once(':')) {
        (Some(rest), _) if rest.contains(']') => {
            let address = rest.split(']').next().unwrap_or(rest);
            return host.part(1, 1 + address.len());
        }
        (_, Some((name, port)))
            if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name.len()
        }
        _ => name.len(),
    };
    host.part(0, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_is_read_as_far_as_it_is_one() {
        let check = |request: &str, method, target| {
            let (found_method, found_target) = request_line(request, Span::new(0, request.len()));
            assert_eq!(
                (found_method.of(request), found_target.of(request)),
                (method, target),
                "{request:?}"
            );
        };
        check("GET /p/1?x=1 HTTP/1.1", "GET", "/p/1?x=1");
        check("GET /a b c HTTP/1.1", "GET", "/a b c");
        check(r"GET /manager/html HTTP/1.1\n", "GET", "/manager/html");
        check("GET /old", "GET", "/old");
        check("GET  HTTP/1.1", "GET", "");
        check("GET HTTP/1.1", "GET", "");
        check("GET", "GET", "");
        check("GET ", "GET", "");
        check("M-SEARCH * HTTP/1.1", "M-SEARCH", "*");
        check("-", "", "");
        check("", "", "");
        check(r"\x16\x03\x01", "", r"\x16\x03\x01");
        check(r"MGLNDD_45.77.131.155_8080\n", "", r"MGLNDD_45.77.131.155_8080\n");
        check("\u{fffd} \u{fffd}", "", "\u{fffd} \u{fffd}");
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(status("404"), Some(404));
        for bad in ["", "20", "2000", "+20", "2 0", "abc"] {
            assert_eq!(status(bad), None, "{bad:?}");
        }
        assert_eq!(integer("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "18446744073709551616", "-1", "1.0"] {
            assert_eq!(integer(bad), None, "{bad:?}");
        }
        assert_eq!(seconds_us("1.5"), Some(1_500_000));
        assert_eq!(seconds_us("0.0000229"), Some(22));
        assert_eq!(seconds_us("2"), Some(2_000_000));
        for bad in ["", "-1", "1e3", ".5", "1.x"] {
            assert_eq!(seconds_us(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_host_loses_its_port() {
        let check = |host: &str, expect| {
            assert_eq!(without_port(host, Span::new(0, host.len())).of(host), expect, "{host}")
        };
        check("shop.example:443", "shop.example");
        check("shop.example", "shop.example");
        check("[2001:db8::1]:80", "2001:db8::1");
        check("192.0.2.7:1234", "192.0.2.7");
        check(":80", ":80");
    }
}
