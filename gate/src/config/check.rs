//! From what is written to what is meant: the checks that types cannot make.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use toml::Spanned;
use traffic::Conversions;
use traffic::log::LineFormat;

use super::error::{ConfigError, Place, from_toml};
use super::raw::{self, Raw};
use super::tuned::TunedSection;
use super::{Config, EventLogConfig, ModelSource, Overrides};

/// Loopback: metrics are nobody else's business. The port is free in the Prometheus exporters'
/// list.
const ADMIN: &str = "127.0.0.1:9145";
/// At the detector's budget of 640 bytes a client this is 128 MB.
const CAPACITY: u64 = 200_000;
/// A table of 50 million clients needs 32 GB; more is a slip. Below 1,000 clients evict each other
/// long before it is full, because it is filled in 64 parts.
const CAPACITY_RANGE: RangeInclusive<u64> = 1_000..=50_000_000;
/// A few minutes of a busy shop in each file, 2 GiB in all.
const LOG_BYTES_MAX: u64 = 256 << 20;
/// Below two buffers of the writer a file would hold one write only; above 1 TiB nothing rotates.
const LOG_BYTES_RANGE: RangeInclusive<u64> = 128 << 10..=1 << 40;
const LOG_FILES_MAX: u64 = 8;
const LOG_FILES_RANGE: RangeInclusive<u64> = 1..=1000;
/// Half a second of 8,000 requests a second. Each may hold 9 KB of text, so 75 MB at the very
/// worst.
const LOG_QUEUE: u64 = 8192;
const LOG_QUEUE_RANGE: RangeInclusive<u64> = 1..=1 << 20;

pub(super) fn check(text: &str, path: &Path, overrides: &Overrides) -> Result<Config, ConfigError> {
    let raw: Raw = toml::from_str(text).map_err(|error| from_toml(path, text, &error))?;
    Checker::new(text, path).config(raw, overrides)
}

/// Checks values of one file's text, and says where a wrong one stands. Doors read their own
/// sections with it.
#[derive(Clone, Copy, Debug)]
pub struct Checker<'a> {
    text: &'a str,
    path: &'a Path,
}

impl<'a> Checker<'a> {
    /// Of a text; `path` is what errors call it.
    pub fn new(text: &'a str, path: &'a Path) -> Self {
        Self { text, path }
    }
}

impl Checker<'_> {
    fn config(&self, raw: Raw, overrides: &Overrides) -> Result<Config, ConfigError> {
        let admin = self.address(&raw.admin, overrides.admin.as_deref(), "--admin", ADMIN)?;
        let trusted_proxies = self.networks(&raw.client.trusted_proxies)?;
        let mut warnings = Vec::new();
        if !admin.ip().is_loopback() {
            warnings
                .push(format!("admin listens on {admin}: whoever reaches it can read the metrics"));
        }
        if let Some(everyone) = trusted_proxies.iter().find(|network| network.prefix_len() == 0) {
            warnings.push(format!(
                "trusted_proxies holds {everyone}: every client can choose its own address"
            ));
        }
        Ok(Config {
            mode: overrides.mode.or(raw.mode).unwrap_or_default(),
            model: self.model(&raw, overrides),
            force: overrides.force,
            admin,
            trusted_proxies,
            allow_networks: self.allowed_networks(&raw.allow.networks)?,
            allow_paths: self.paths(&raw.allow.paths)?,
            outcomes: self.outcomes(&raw.outcomes)?,
            capacity: self.within(&raw.table.capacity, CAPACITY, CAPACITY_RANGE, "clients")?
                as usize,
            challenge: self.challenge(&raw.challenge)?,
            event_log: self.event_log(raw.event_log.as_ref(), overrides)?,
            policy_places: self.policy_places(raw.policy.as_ref().map(Spanned::span)),
            policy: self.policy(raw.policy)?,
            tuned: self.tuned(raw.tuned)?,
            log_format: self.log_format(raw.log.format.as_ref())?,
            warnings,
        })
    }

    /// An address with a port: the flag's, else the file's, else the default.
    ///
    /// # Errors
    /// A text that is none, with its place.
    pub fn address(
        &self,
        written: &Option<Spanned<String>>,
        flag_value: Option<&str>,
        flag: &'static str,
        default: &str,
    ) -> Result<SocketAddr, ConfigError> {
        let (value, place) = self.pick(written, flag_value, flag, default);
        value.parse().map_err(|_| ConfigError::Wrong {
            place,
            problem: format!("{value:?} is not an address with a port"),
            remedy: format!(
                "Write an IP address and a port, for example {default:?} or \"[::]:8080\"."
            ),
        })
    }

    fn model(&self, raw: &Raw, overrides: &Overrides) -> ModelSource {
        if let Some(path) = &overrides.model {
            return ModelSource::File(path.clone());
        }
        if let Some(path) = &raw.model {
            return ModelSource::File(self.beside(path.get_ref()));
        }
        overrides.model_built_in.map_or(ModelSource::None, ModelSource::BuiltIn)
    }

    fn log_format(
        &self,
        written: Option<&Spanned<String>>,
    ) -> Result<Option<LineFormat>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        let format = LineFormat::compile(written.get_ref()).map_err(|problem| {
            let remedy = "Copy the log_format of nginx or the LogFormat of Apache.";
            self.wrong(self.place(written.span()), &problem, remedy)
        })?;
        Ok(Some(format))
    }

    /// Networks: addresses with or without a prefix length.
    ///
    /// # Errors
    /// A text that is none, with its place.
    pub fn networks(&self, written: &[Spanned<String>]) -> Result<Vec<IpNet>, ConfigError> {
        written.iter().map(|network| self.network(network)).collect()
    }

    /// IPv6 clients are counted by /64, so no smaller part of one can be let through.
    fn allowed_networks(&self, written: &[Spanned<String>]) -> Result<Vec<IpNet>, ConfigError> {
        let networks = self.networks(written)?;
        for (network, written) in networks.iter().zip(written) {
            if let IpNet::V6(v6) = network
                && v6.prefix_len() > 64
            {
                let problem = format!(
                    "{:?} is less than a /64, and IPv6 clients are counted by /64",
                    written.get_ref()
                );
                let whole = ipnet::Ipv6Net::new(v6.addr(), 64).map_or(*v6, |net| net.trunc());
                let remedy = format!("Write {:?} to let the whole of it pass.", whole.to_string());
                return Err(self.wrong(self.place(written.span()), &problem, &remedy));
            }
        }
        Ok(networks)
    }

    fn network(&self, written: &Spanned<String>) -> Result<IpNet, ConfigError> {
        let value = written.get_ref();
        let network = value.parse::<IpNet>().or_else(|_| value.parse::<IpAddr>().map(IpNet::from));
        let network = network.map_err(|_| {
            let problem = format!("{value:?} is not a network");
            let remedy = "Write an address with a prefix length, for example \"10.0.0.0/8\" or \
                \"2001:db8::/32\".";
            self.wrong(self.place(written.span()), &problem, remedy)
        })?;
        if network.addr() != network.network() {
            let problem = format!("{value:?} has bits set beyond its prefix");
            let remedy = format!(
                "Write {:?}, or the single address {:?}.",
                network.trunc().to_string(),
                network.addr().to_string()
            );
            return Err(self.wrong(self.place(written.span()), &problem, &remedy));
        }
        Ok(network)
    }

    fn paths(&self, written: &[Spanned<String>]) -> Result<Vec<String>, ConfigError> {
        let check = |path: &Spanned<String>| {
            if path.get_ref().starts_with('/') && !path.get_ref().contains(['?', '#']) {
                return Ok(path.get_ref().clone());
            }
            let problem = format!("{:?} is not a path", path.get_ref());
            let remedy =
                "Write a path that starts with a slash and has no query, for example \"/healthz\".";
            Err(self.wrong(self.place(path.span()), &problem, remedy))
        };
        written.iter().map(check).collect()
    }

    fn outcomes(
        &self,
        written: &BTreeMap<String, Spanned<raw::Patterns>>,
    ) -> Result<Conversions, ConfigError> {
        let mut outcomes = Conversions::default();
        for (name, patterns) in written {
            let several = match patterns.get_ref() {
                raw::Patterns::One(pattern) => std::slice::from_ref(pattern),
                raw::Patterns::Several(several) => several,
            };
            for pattern in several {
                outcomes.add(name, pattern).map_err(|error| {
                    let problem =
                        format!("outcome `{}`: {}, {}", error.name, error.problem, error.expected);
                    let remedy =
                        "In [outcomes] a name stands for one pattern, or for several in brackets.";
                    self.wrong(self.place(patterns.span()), &problem, remedy)
                })?;
            }
        }
        Ok(outcomes)
    }

    fn policy(
        &self,
        written: Option<Spanned<detector::PolicyConfig>>,
    ) -> Result<detector::PolicyConfig, ConfigError> {
        let Some(written) = written else {
            return Ok(detector::PolicyConfig::default());
        };
        let span = written.span();
        let policy = written.into_inner();
        detector::Policy::new(policy.clone(), None).map_err(|error| {
            let remedy = "Change it in [policy]; what is left out there keeps its default.";
            self.wrong(
                self.key_place(span, error.key),
                &format!("`{}` {}", error.key, error.problem),
                remedy,
            )
        })?;
        Ok(policy)
    }

    fn tuned(
        &self,
        written: Option<Spanned<TunedSection>>,
    ) -> Result<Option<TunedSection>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        if let Some(problem) = written.get_ref().problem() {
            let remedy = "Leave [tuned] as `kidoban tune --write` wrote it, or remove the section.";
            return Err(self.wrong(
                self.place(written.span()),
                &format!("[tuned]: {problem}"),
                remedy,
            ));
        }
        Ok(Some(written.into_inner()))
    }

    /// Where the keys stand that a model may contradict; without a section the model alone is at
    /// fault.
    fn policy_places(&self, section: Option<Range<usize>>) -> [(&'static str, Place); 4] {
        let place = |key| {
            section.clone().map_or(Place::Flag("--model"), |section| self.key_place(section, key))
        };
        ["limit_score", "block_score", "cohort_score", "min_pages"].map(|key| (key, place(key)))
    }

    /// Where a key stands in a section: the section's own place if it is not written there.
    fn key_place(&self, section: Range<usize>, key: &str) -> Place {
        let mut start = section.start;
        for line in self.text.get(section.start..).unwrap_or_default().split_inclusive('\n') {
            let written = line.trim_start();
            if written.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
                start += line.len() - written.len();
                return self.place(start..start + key.len());
            }
            start += line.len();
        }
        self.place(section)
    }

    fn event_log(
        &self,
        written: Option<&Spanned<raw::EventLog>>,
        overrides: &Overrides,
    ) -> Result<Option<EventLogConfig>, ConfigError> {
        let empty = raw::EventLog::default();
        let section = written.map_or(&empty, Spanned::get_ref);
        let path = match (&overrides.event_log, &section.path, written) {
            (Some(path), _, _) => path.clone(),
            (None, Some(path), _) => self.beside(path.get_ref()),
            (None, None, None) => return Ok(None),
            (None, None, Some(written)) => {
                let remedy =
                    "Write path = \"/var/log/kidoban/events.jsonl\" in it, or remove the section.";
                return Err(self.wrong(
                    self.place(written.span()),
                    "the event log has no path",
                    remedy,
                ));
            }
        };
        Ok(Some(EventLogConfig {
            path,
            bytes_max: self.within(&section.bytes_max, LOG_BYTES_MAX, LOG_BYTES_RANGE, "bytes")?,
            files_max: self.within(&section.files_max, LOG_FILES_MAX, LOG_FILES_RANGE, "files")?
                as u32,
            queue: self.within(&section.queue, LOG_QUEUE, LOG_QUEUE_RANGE, "lines")? as usize,
        }))
    }

    /// A number: the file's, else the default.
    ///
    /// # Errors
    /// One that is outside its range, with its place.
    pub fn within(
        &self,
        written: &Option<Spanned<u64>>,
        default: u64,
        range: RangeInclusive<u64>,
        unit: &str,
    ) -> Result<u64, ConfigError> {
        let Some(written) = written else {
            return Ok(default);
        };
        let value = *written.get_ref();
        if range.contains(&value) {
            return Ok(value);
        }
        let problem = format!("{value} {unit} is outside {} to {}", range.start(), range.end());
        Err(self.wrong(
            self.place(written.span()),
            &problem,
            &format!("Leave it out for {default}."),
        ))
    }

    /// The flag's value and place if there is one, else the file's, else the default's.
    pub fn pick<'v>(
        &self,
        written: &'v Option<Spanned<String>>,
        flag_value: Option<&'v str>,
        flag: &'static str,
        default: &'v str,
    ) -> (&'v str, Place) {
        match (flag_value, written) {
            (Some(value), _) => (value, Place::Flag(flag)),
            (None, Some(written)) => (written.get_ref(), self.place(written.span())),
            (None, None) => (default, self.place(0..0)),
        }
    }

    /// A path in the file is relative to the file, wherever the process was started.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().map_or_else(|| path.to_path_buf(), |folder| folder.join(path))
    }

    /// Where a part of the text stands, by its bytes.
    pub fn place(&self, span: Range<usize>) -> Place {
        Place::in_file(self.path, self.text, span)
    }

    /// A mistake: where, what is wrong, and what to write instead.
    pub fn wrong(&self, place: Place, problem: &str, remedy: &str) -> ConfigError {
        ConfigError::Wrong { place, problem: problem.to_owned(), remedy: remedy.to_owned() }
    }
}
