//! What the values of a column look like: a status, a user agent, a URL, a host. A survey of a log
//! (`columns.rs`) asks it of every column.

use super::address::{bare, is_list};
use super::slots::Role;

/// The share of values that are so.
pub(super) fn share<T>(values: impl Iterator<Item = T>, is: impl Fn(T) -> bool) -> f64 {
    let (mut so, mut all) = (0_u32, 0_u32);
    for value in values {
        all += 1;
        so += u32::from(is(value));
    }
    f64::from(so) / f64::from(all.max(1))
}

/// How many different values there are.
pub(super) fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> usize {
    values.collect::<std::collections::BTreeSet<_>>().len()
}

/// The number of columns that most lines have at least. A few lines are torn.
pub(super) fn usual_width(widths: impl Iterator<Item = usize>) -> usize {
    let mut widths: Vec<usize> = widths.collect();
    widths.sort_unstable();
    widths.get(widths.len() / 4).copied().unwrap_or(0)
}

pub(super) fn is_set(value: &&str) -> bool {
    !matches!(*value, "" | "-")
}

/// Whether it is a status that is registered, or that nginx or a balancer writes besides.
pub(super) fn is_registered_status(value: &str) -> bool {
    value.parse::<u16>().is_ok_and(|code| {
        value.len() == 3
            && matches!(
                code,
                // 0 is written where there was no answer.
                0 | 100..=103
                    | 200..=208
                    | 226
                    | 300..=308
                    | 400..=418
                    | 421..=429
                    | 431
                    | 444
                    | 451
                    | 460..=463
                    | 494..=499
                    | 500..=511
                    | 520..=530
                    | 561
            )
    })
}

/// Whether it is a number of bytes.
pub(super) fn is_count(value: &str) -> bool {
    value == "-" || (!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn is_request(value: &str) -> bool {
    value.rsplit_once(' ').is_some_and(|(_, version)| version.starts_with("HTTP/"))
}

/// Whether it looks like a product and its version, as user agents do.
pub(super) fn is_agent(value: &str) -> bool {
    let is_product = value.split_once('/').is_some_and(|(name, version)| {
        !name.is_empty() && version.starts_with(|char: char| char.is_ascii_alphanumeric())
    });
    let lower = value.to_ascii_lowercase();
    !is_url(value)
        && !is_list(value)
        && content_type(value).is_none()
        && (is_product && !value.starts_with('/')
            || ["bot", "spider", "crawl", "curl", "wget", "http"].iter().any(|w| lower.contains(w))
            || lower.contains("mozilla"))
}

pub(super) fn is_url(value: &str) -> bool {
    value.contains("://") && !value.contains(' ') || value.starts_with("//")
}

/// Whether it is the name of a host, with or without a port.
pub(super) fn is_host(value: &str) -> bool {
    let name = value.rsplit_once(':').map_or(value, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { value }
    });
    bare(value).is_none()
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// Whether it is an address with the port of a web server: the server's own.
pub(super) fn has_server_port(value: &str) -> bool {
    ["80", "443", "8080", "8443"]
        .iter()
        .any(|port| value.strip_suffix(port).is_some_and(|rest| rest.ends_with(':')))
        && bare(value).is_some_and(|(_, bare)| bare.len() < value.len())
}

/// Whether it is part of a time or of a carrier's prefix, and no client.
pub(super) fn is_no_client(value: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.contains(&value)
        || value.ends_with([':', ',', '|'])
        || value.contains([',', '/'])
        || super::clock::rfc3339(value).is_ok()
        || value.starts_with(['[', '{', '"', '<'])
}

fn content_type(value: &str) -> Option<Role> {
    const KINDS: [&str; 7] =
        ["text/", "image/", "application/", "font/", "video/", "audio/", "multipart/"];
    let is_kind = KINDS.iter().any(|kind| value.starts_with(kind));
    let is_short = !value.split(';').next().unwrap_or(value).contains(' ');
    (is_kind && is_short).then_some(Role::ContentType)
}

/// What a column holds that `combined` does not have.
pub(super) fn extra<'a>(
    values: impl Iterator<Item = &'a str> + Clone,
    is_quoted: bool,
) -> Option<Role> {
    let told = values.filter(is_set);
    told.clone().next()?;
    let most = |is: &dyn Fn(&str) -> bool| share(told.clone(), is) > 0.8;
    if most(&is_list) {
        Some(Role::Forwarded)
    } else if most(&|value| content_type(value).is_some()) {
        Some(Role::ContentType)
    } else if is_quoted && most(&|value| is_host(value) && value.contains('.')) {
        let is_number = |value: &str| value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        (!most(&is_number)).then_some(Role::Host)
    } else if most(&is_seconds) {
        Some(Role::Seconds)
    } else {
        None
    }
}

/// Whether it is a number of seconds with milli- or microseconds, as servers write durations.
fn is_seconds(value: &str) -> bool {
    value.split_once('.').is_some_and(|(whole, fraction)| {
        whole.len() <= 4
            && matches!(fraction.len(), 3 | 6)
            && [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    })
}
