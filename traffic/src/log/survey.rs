//! Counts which fields and values a log's requests have, in bounded memory. The warnings in
//! `warning.rs` are based on these counts.
//!
//! Repeated lines are found with a sample: the lines with the smallest hashes are kept (bottom-k;
//! Broder 1997). Two logs with the same lines therefore draw the same sample. The share of the
//! sample that both have estimates the share of the lines that both have.
//!
//! Cost: about 0.15 µs a line, at most 200 KB a log.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use detector::{Class, Timestamp};

use super::record::{Record, RecordKind};
use crate::merge::HORIZON_US;

/// Lines in the sample: if a tenth of the lines are repeated, 200 of the sample are.
const DRAWN_MAX: usize = 2_048;
/// Hosts that are counted one by one. A shop has fewer; any more are made up by clients.
const HOSTS_MAX: usize = 64;
/// Time after which a repeated line is no longer a double click, in microseconds.
const AGAIN_US: u64 = 5_000_000;

/// Counts of one log's records.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Requests, also those that say how they ended.
    pub requests: u64,
    /// Requests for a page.
    pub pages: u64,
    /// Requests for an asset.
    pub assets: u64,
    /// Records of an event log that only say how a request ended.
    pub outcomes: u64,
    /// Requests with a status.
    pub with_status: u64,
    /// Requests with a user agent.
    pub with_agent: u64,
    /// Requests with a referer.
    pub with_referer: u64,
    /// Requests with a query string.
    pub with_query: u64,
    /// Requests whose client field is not an IP address.
    pub by_name: u64,
    /// Requests whose client is an IPv4 address.
    pub(super) by_v4: u64,
    /// Requests whose client is an IPv4 address that ends in .0.
    pub(super) by_v4_zero: u64,
    /// The /24 networks of those that end in .0: each sets one of 64 bits, by its hash.
    pub(super) networks: u64,
    /// How often each host was requested; `www.` is left out.
    pub(super) hosts: HostCounts,
    /// How often pages of each host were the referer of an asset.
    pub(super) asset_referers: HostCounts,
    /// The clients: each sets one of 64 bits, by its hash.
    pub(super) clients: u64,
    /// Records that come too late to be put in order (see [`HORIZON_US`]).
    pub(super) late: u64,
    /// The sample, by the lines' hashes.
    drawn: BTreeMap<u64, Drawn>,
    newest: Option<Timestamp>,
}

/// A line in the sample.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    /// Hash of its client.
    client: u64,
    /// Whether it was repeated later than [`AGAIN_US`].
    came_again: bool,
}

/// Lines of the sample that occur twice, in one log or in two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SharedLines {
    /// How many lines of the sample.
    pub lines: usize,
    /// Their share of the sample, from 0 to 1; for two logs, of the smaller log's sample.
    pub share: f64,
    /// How many clients they are from.
    pub clients: usize,
}

impl Survey {
    /// Counts a record. `class` says what is requested, if the record is a request.
    pub fn note(&mut self, record: &Record<'_>, class: Class) {
        if matches!(record.kind, RecordKind::Ban | RecordKind::Challenge) {
            // An operator's or the gate's doing, at the time of the client's last event: no
            // traffic, nor late.
            return;
        }
        self.draw(record);
        self.late += u64::from(
            self.newest.is_some_and(|newest| newest.micros_since(record.at) > HORIZON_US),
        );
        self.newest = self.newest.max(Some(record.at));
        self.clients |= 1 << (hash(&record.client) % 64);
        if record.kind == RecordKind::Outcome {
            self.outcomes += 1;
            return;
        }
        self.requests += 1;
        let is_page = class == Class::Page;
        *(if is_page { &mut self.pages } else { &mut self.assets }) += 1;
        self.with_status += u64::from(record.status != 0);
        self.with_agent += u64::from(record.user_agent.is_some_and(|agent| !agent.is_empty()));
        self.with_query += u64::from(record.target.contains('?'));
        let referer = record.referer.filter(|referer| !referer.is_empty());
        self.with_referer += u64::from(referer.is_some());
        match record.client_key().ip() {
            None => self.by_name += 1,
            Some(IpAddr::V4(ip)) => {
                self.by_v4 += 1;
                if let [a, b, c, 0] = ip.octets() {
                    self.by_v4_zero += 1;
                    self.networks |= 1 << (hash(&[a, b, c]) % 64);
                }
            }
            Some(IpAddr::V6(_)) => {}
        }
        if let Some(host) = record.host {
            self.hosts.note(host);
            if let (false, Some(from)) = (is_page, referer.and_then(host_of)) {
                self.asset_referers.note(from);
            }
        }
    }

    /// Lines that this log repeats, unchanged, more than [`AGAIN_US`] later.
    pub(super) fn repeated(&self) -> SharedLines {
        let again = self.drawn.values().filter(|drawn| drawn.came_again);
        SharedLines::new(again.map(|drawn| drawn.client).collect(), self.drawn.len())
    }

    /// Lines that this log and the other one both have.
    pub(super) fn shared(&self, other: &Self) -> SharedLines {
        let limit = self.drawn_below().min(other.drawn_below());
        let mine = self.drawn.range(..=limit);
        let theirs = other.drawn.range(..=limit).count();
        let (mut count, mut clients) = (0, Vec::new());
        for (hash, drawn) in mine {
            count += 1;
            if other.drawn.contains_key(hash) {
                clients.push(drawn.client);
            }
        }
        SharedLines::new(clients, theirs.min(count))
    }

    /// The largest hash for which the sample is complete: no line with a hash up to this is
    /// missing.
    fn drawn_below(&self) -> u64 {
        let is_full = self.drawn.len() == DRAWN_MAX;
        self.drawn.last_key_value().filter(|_| is_full).map_or(u64::MAX, |(&hash, _)| hash)
    }

    /// Adds a line to the sample if its hash is small enough.
    fn draw(&mut self, record: &Record<'_>) {
        let Record { at, client, method, target, status, bytes, duration_us, .. } = *record;
        let told = (record.referer, record.user_agent, record.host, record.seq, record.id);
        let line =
            hash(&(at.as_micros(), client, method, target, status, bytes, duration_us, told));
        if line > self.drawn_below() {
            return;
        }
        let is_old = self.newest.is_some_and(|newest| newest.micros_since(at) >= AGAIN_US);
        let drawn = Drawn { client: hash(&client), came_again: false };
        self.drawn.entry(line).and_modify(|drawn| drawn.came_again |= is_old).or_insert(drawn);
        if self.drawn.len() > DRAWN_MAX {
            self.drawn.pop_last();
        }
    }
}

impl SharedLines {
    /// From the client of each line, and the size of the sample.
    fn new(mut clients: Vec<u64>, sample: usize) -> Self {
        let lines = clients.len();
        clients.sort_unstable();
        clients.dedup();
        Self { lines, share: lines as f64 / sample.max(1) as f64, clients: clients.len() }
    }
}

/// A hash that is equal in every run: `DefaultHasher::new` has fixed keys.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The host of an absolute URL such as `https://host:port/path`.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    (!host.is_empty()).then_some(host)
}

/// How often each host occurs. The first [`HOSTS_MAX`] hosts are counted one by one, all others
/// together.
#[derive(Clone, Debug, Default)]
pub(super) struct HostCounts {
    counts: Vec<(Box<str>, u64)>,
    others: u64,
}

impl HostCounts {
    fn note(&mut self, host: &str) {
        let host = host.strip_prefix("www.").unwrap_or(host);
        match self.counts.iter().position(|(known, _)| known.eq_ignore_ascii_case(host)) {
            Some(index) => self.counts[index].1 += 1,
            None if self.counts.len() < HOSTS_MAX => self.counts.push((host.into(), 1)),
            None => self.others += 1,
        }
    }

    /// All occurrences of any host.
    pub(super) fn sum(&self) -> u64 {
        self.others + self.counts.iter().map(|(_, count)| count).sum::<u64>()
    }

    /// The hosts with their counts, the most frequent first.
    pub(super) fn most(&self) -> Vec<(&str, u64)> {
        let mut most: Vec<_> = self.counts.iter().map(|(host, count)| (&**host, *count)).collect();
        most.sort_by_key(|&(host, count)| (std::cmp::Reverse(count), host));
        most
    }

    /// Whether this host is among those counted one by one.
    pub(super) fn knows(&self, host: &str) -> bool {
        self.counts.iter().any(|(known, _)| known.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: i64, client: &str) -> Record<'_> {
        Record { at: Timestamp::from_secs(number), client, target: "/", ..Record::default() }
    }

    fn survey(numbers: impl Iterator<Item = i64>) -> Survey {
        let mut survey = Survey::default();
        for number in numbers {
            survey.note(&line(number, &format!("192.0.2.{}", number % 50)), Class::Page);
        }
        survey
    }

    #[test]
    fn the_share_of_lines_that_two_logs_share_is_found_whatever_their_size() {
        let check = |a: std::ops::Range<i64>, b: std::ops::Range<i64>, expect: f64, within: f64| {
            let (a, b) = (survey(a), survey(b));
            for found in [a.shared(&b), b.shared(&a)] {
                assert!((found.share - expect).abs() <= within, "{found:?}, expected {expect}");
            }
        };
        check(0..500, 0..500, 1.0, 0.0);
        check(0..500, 500..900, 0.0, 0.0);
        check(0..20_000, 0..20_000, 1.0, 0.0);
        check(0..20_000, 10_000..30_000, 0.5, 0.06);
        // The second log is so much smaller that only about forty lines are compared. Half of them
        // are shared, within four standard errors.
        check(0..100_000, 99_000..101_000, 0.5, 0.32);
        assert_eq!(survey(0..20_000).drawn.len(), DRAWN_MAX);
        assert_eq!(survey(0..10).shared(&Survey::default()).share, 0.0);
    }

    #[test]
    fn a_line_repeats_where_the_log_had_gone_on() {
        assert_eq!(survey(0..1_000).repeated().lines, 0);
        let twice = survey((0..1_000).chain(0..1_000)).repeated();
        assert!(twice.share > 0.99 && twice.clients == 50, "{twice:?}");
        // Twice in the same second is a double click.
        assert_eq!(survey((0..1_000).flat_map(|number| [number, number])).repeated().lines, 0);
    }

    #[test]
    fn a_referer_names_its_host() {
        for (url, expect) in [
            ("https://shop.example/p/1", Some("shop.example")),
            ("http://shop.example:8080?x", Some("shop.example")),
            ("android-app://x", None),
            ("https://", None),
        ] {
            assert_eq!(host_of(url), expect, "{url}");
        }
    }

    #[test]
    fn hosts_that_clients_make_up_take_no_memory() {
        let mut hosts = HostCounts::default();
        for number in 0..1_000 {
            hosts.note(&format!("host{number}"));
        }
        hosts.note("www.host1");
        assert_eq!((hosts.counts.len(), hosts.sum()), (HOSTS_MAX, 1_001));
        assert_eq!(hosts.most()[0], ("host1", 2));
    }
}
