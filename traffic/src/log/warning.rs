//! Warnings: what is wrong with a log, what follows from it, and how to mend it.
//!
//! A warning is given only where the log itself proves it, or where no ordinary log looks like
//! that. So "this never occurs" is a warning only among a thousand requests or more. The evidence
//! that a warning needs is a constant below, or stands in its function.

use std::borrow::Cow;

use detector::model::grouped;
use serde::Serialize;

use super::excerpt::escaped;
use super::format::Format;
use super::span::span;
use super::survey::{SharedLines, Survey};
use super::tally::Tally;
use crate::merge::HORIZON_US;
use crate::percent;

/// Requests after which it is no accident that something has never occurred.
const MANY: u64 = 1_000;
/// Requests that are enough to see which fields a log's format has.
const SOME: u64 = 20;
/// Fewest clients whose lines must be repeated before we say that lines are. A health check hits
/// two servers in the same second; several clients do not.
const CLIENTS_TWICE_MIN: usize = 5;
/// Least share of the lines, and fewest lines of the sample, that must be repeated.
const TWICE_MIN: (f64, usize) = (0.1, 20);
/// Least share of late lines: one in ten thousand is the hour that clocks are set back in a year.
/// Fewer do no harm.
const LATE_MIN: f64 = 0.0001;
/// Fewest bits, of the 64 that clients set by their hash, that show many clients. One scanner
/// alone cannot set so many.
const CLIENTS_MIN: u32 = 16;
const DAY_US: u64 = 86_400 * 1_000_000;

/// A property of a log that makes a model or a verdict worse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Identifies the warning for programs; it stays when the message is reworded.
    pub code: &'static str,
    /// What was found and what follows from it.
    pub message: String,
    /// What to do about it.
    pub fix: Cow<'static, str>,
}

impl Warning {
    /// A warning with these texts.
    pub fn new(
        code: &'static str,
        message: impl Into<String>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, message: message.into(), fix: fix.into() }
    }

    /// Whether nothing that is learnt from such a log is worth anything: its clients are not those
    /// who asked, or time runs backwards.
    pub fn is_worthless(&self) -> bool {
        matches!(self.code, "hidden_clients" | "address_lists" | "newest_first" | "cut")
    }
}

/// A log that was read to its end, with all that warnings are based on.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// The log's name.
    pub name: String,
    /// The log's format.
    pub format: Format,
    /// How many lines were read and refused, and their times.
    pub tally: Tally,
    /// Which fields and values the requests have.
    pub survey: Survey,
}

impl Surveyed {
    /// The warnings that this log gives by itself.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut found: Vec<Warning> =
            [self.refused(), self.clock(), self.clients()].into_iter().flatten().collect();
        if self.format != Format::EventLog {
            found.extend([self.fields(), self.hosts()].into_iter().flatten());
        }
        found.extend(self.content());
        found
            .extend((self.tally.parsed > 0 && self.tally.resolution_us() == 1_000_000).then(|| {
            Warning::new(
                "whole_seconds",
                "times are whole seconds: gaps below a second cannot be told apart",
                "Log $msec for a sharper model; what it was trained on decides what a model can \
                    use",
            )
        }));
        found
    }

    /// Lines that cannot be read.
    fn refused(&self) -> Vec<Warning> {
        let Tally { lines, without_zone, without_client, .. } = self.tally;
        let mut found = Vec::new();
        if without_zone > 0 {
            found.push(Warning::new(
                "no_zone",
                format!(
                    "the time has no zone in {} of {} lines, which are \
                    refused",
                    grouped(without_zone),
                    grouped(lines)
                ),
                "Log $time_iso8601, $time_local or $msec, which have one; a zone is never guessed, \
                    because an hour's error moves every window",
            ));
        }
        if exceeds(without_client, lines, 0.01) {
            found.push(Warning::new(
                "no_client",
                format!(
                    "{} of {} lines name no client, and nothing is learnt from them",
                    grouped(without_client),
                    grouped(lines)
                ),
                "Log $remote_addr beside $http_x_forwarded_for, which not every request has",
            ));
        }
        if self.tally.is_unreadable() {
            found.push(Warning::new(
                "unreadable",
                "more than 5 % of the lines cannot be read: `kidoban train` will refuse this log",
                "Leave out what is no access log, or correct the server's log_format: the first \
                    refused lines say what is wrong",
            ));
        }
        found
    }

    /// Repeated lines, and times that go back.
    fn clock(&self) -> Vec<Warning> {
        let Tally { step_back_us_max, parsed, .. } = self.tally;
        let mut found = Vec::new();
        let repeated = self.survey.repeated();
        if is_twice(&repeated) {
            found.push(Warning::new(
                "duplicates",
                format!(
                    "about {} of the lines are there twice: the same log, joined to itself?",
                    percent(repeated.share, 0)
                ),
                "Leave one copy out: every request that counts twice makes its client look twice \
                    as fast",
            ));
        } else if exceeds(self.survey.late, parsed, LATE_MIN) {
            found.push(Warning::new(
                "clock_back",
                format!(
                    "time goes back by up to {}: {} of {} lines are more than {} older than one \
                        before them, and cannot be put in order",
                    span(step_back_us_max),
                    grouped(self.survey.late),
                    grouped(parsed),
                    span(HORIZON_US)
                ),
                "Give rotated files one by one and not joined: they are merged by time. If a clock \
                    was set, leave that hour out",
            ));
        }
        found
    }

    /// Client fields that do not hold the client's address.
    fn clients(&self) -> Vec<Warning> {
        let Survey { requests, by_name, by_v4, by_v4_zero, networks, .. } = self.survey;
        let mut found = Vec::new();
        if self.hides_clients() {
            found.push(Warning::new(
                "private_addresses",
                "nearly all addresses are private: this log holds a proxy's address and not the \
                    client's",
                "Log $http_x_forwarded_for or set real_ip in the server, and trusted_proxies in \
                    kidoban.toml",
            ));
        }
        if self.format != Format::EventLog && requests > 0 && exceeds(by_name, requests, 0.5) {
            found.push(Warning::new(
                "client_names",
                format!(
                    "the client is a name or a hash and no address in {} of the requests: networks \
                        cannot be seen, and the gate knows clients by address",
                    percent(share(by_name, requests), 0)
                ),
                "Log the address ($remote_addr, HostnameLookups Off); a hash that changes every \
                    day makes a new client of everybody",
            ));
        }
        // Where clients come from eight networks or more, not all their addresses end in .0.
        if by_v4 >= 100 && exceeds(by_v4_zero, by_v4, 0.99) && networks.count_ones() >= 8 {
            found.push(Warning::new(
                "cut_addresses",
                "all addresses end in .0: somebody cut them, and up to 256 clients look like one",
                "Log the whole address, or replace it by a keyed hash, which keeps clients apart",
            ));
        }
        found
    }

    /// Fields that the log does not have.
    fn fields(&self) -> Vec<Warning> {
        let Survey { requests, assets, with_agent, with_referer, with_status, .. } = self.survey;
        if requests < SOME {
            return Vec::new();
        }
        let mut found = Vec::new();
        if !exceeds(with_agent, requests, 0.01) {
            found.push(Warning::new(
                "no_user_agents",
                "there are no user agents: without --labels, `kidoban train` takes whoever names \
                    none for a robot",
                "Log the combined format ($http_user_agent), or give `kidoban train` a labels file",
            ));
        }
        // With assets in the log, people's images have a referer.
        let has_no_field = matches!(self.format, Format::Common | Format::ElbClassic);
        if with_referer == 0 && (has_no_field || assets >= MANY) {
            found.push(Warning::new(
                "no_referers",
                "there are no referers: without --labels, `kidoban train` knows people by images \
                    that their pages asked for, and finds none",
                "Log $http_referer, or give `kidoban train` --labels, or --people-path with what \
                    only a buyer reaches",
            ));
        }
        if with_status == 0 {
            found.push(Warning::new(
                "no_statuses",
                "there are no statuses: errors, which give guessers and scanners away, cannot be \
                    seen",
                "Log $status",
            ));
        }
        found
    }

    /// Kinds of requests that are missing.
    fn content(&self) -> Vec<Warning> {
        let Survey { requests, pages, assets, with_query, outcomes, clients, .. } = self.survey;
        let is_crowd = clients.count_ones() >= CLIENTS_MIN;
        let mut found = Vec::new();
        let is_ours = self.format == Format::EventLog;
        if is_ours && requests >= MANY && outcomes == 0 {
            found.push(Warning::new(
                "no_statuses",
                "no outcome is in this event log: errors, which give guessers and scanners away, \
                    cannot be seen",
                "Keep the lines with \"type\":\"outcome\"",
            ));
        }
        if !is_ours && is_crowd && pages >= 2 * MANY && with_query == 0 {
            found.push(Warning::new(
                "no_queries",
                format!(
                    "not one of {} requests has a query string: where the shop uses them, all \
                        searches and pages of a list look like one",
                    grouped(requests)
                ),
                "Log $request or $request_uri and not $uri, which is without it",
            ));
        }
        if is_crowd && pages >= MANY && !exceeds(assets, pages, 0.01) {
            found.push(Warning::new(
                "no_assets",
                format!(
                    "{} pages and {} images, scripts or styles: are they on a CDN, or not logged?",
                    grouped(pages),
                    grouped(assets)
                ),
                "If they are logged elsewhere, add that log; if not, give `kidoban train` a labels \
                    file, as its own rules know people by them",
            ));
        }
        found
    }

    /// Several hosts in one log, or pages of a host that is not in it.
    fn hosts(&self) -> Vec<Warning> {
        let Survey { hosts, asset_referers, .. } = &self.survey;
        let mut found = Vec::new();
        let large: Vec<&str> = hosts
            .most()
            .into_iter()
            .filter(|&(_, number)| number >= SOME && exceeds(number, hosts.sum(), 0.1))
            .map(|(host, _)| host)
            .collect();
        if large.len() > 1 {
            found.push(Warning::new(
                "several_hosts",
                format!(
                    "requests go to several hosts ({}): the same path on two of them counts as one \
                        page",
                    large
                        .iter()
                        .map(|host| escaped(host.as_bytes(), 60))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                "If they are different sites, give each its own log and train each its own model",
            ));
        }
        // Pages of a host that is not in this log ask for most of its images.
        if let Some(&(from, number)) = asset_referers.most().first()
            && number >= 100
            && exceeds(number, asset_referers.sum(), 0.5)
            && !hosts.knows(from)
        {
            found.push(Warning::new(
                "other_host",
                format!(
                    "most images and scripts were asked for from pages of {}, which are not in \
                        this log",
                    escaped(from.as_bytes(), 60)
                ),
                "Give the logs of all hosts of the shop together: a client is judged by its pages",
            ));
        }
        found
    }

    /// Whether the log holds a proxy's address instead of the client's: nearly all addresses are
    /// private.
    pub fn hides_clients(&self) -> bool {
        self.tally.parsed > 0 && exceeds(self.tally.private_addresses, self.tally.parsed, 0.9)
    }
}

/// The warnings that several logs of one site give together.
pub fn together(logs: &[Surveyed]) -> Vec<Warning> {
    let mut found = Vec::new();
    let first = logs.iter().filter_map(|log| log.tally.first_at).min();
    let last = logs.iter().filter_map(|log| log.tally.last_at).max();
    let Some((first, last)) = first.zip(last) else {
        if logs.iter().all(|log| log.tally.lines == log.tally.blank) {
            found.push(Warning::new(
                "empty",
                "there is no line to read",
                "Was the log rotated just now? Give the one before it as well",
            ));
        }
        return found;
    };
    let span_us = last.micros_since(first);
    if span_us < 2 * DAY_US {
        found.push(Warning::new(
            "short_span",
            format!(
                "the log spans {}: what happens at night, on Sundays or in a sale is not in it",
                span(span_us)
            ),
            "Give a week or more: rotated files can be named together",
        ));
    }
    for (index, log) in logs.iter().enumerate() {
        for other in &logs[index + 1..] {
            let overlaps =
                |a: &Tally, b: &Tally| a.first_at <= b.last_at && b.first_at <= a.last_at;
            let shared = log.survey.shared(&other.survey);
            if overlaps(&log.tally, &other.tally) && is_twice(&shared) {
                found.push(Warning::new(
                    "duplicates",
                    format!(
                        "{} and {} hold the same lines (about {} of the smaller one's)",
                        log.name,
                        other.name,
                        percent(shared.share, 0)
                    ),
                    "Leave one of them out: every request that counts twice makes its client look \
                        twice as fast",
                ));
            }
        }
    }
    found
}

fn is_twice(repeated: &SharedLines) -> bool {
    let SharedLines { share, lines, clients } = *repeated;
    share >= TWICE_MIN.0 && lines >= TWICE_MIN.1 && clients >= CLIENTS_TWICE_MIN
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn exceeds(part: u64, whole: u64, least: f64) -> bool {
    share(part, whole) > least
}
