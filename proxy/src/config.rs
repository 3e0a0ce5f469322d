//! The configuration: what a file and the flags say, checked before anything starts.
//!
//! A file is TOML. It is read into a raw form that knows no unknown keys ([`raw`]), then checked
//! into a [`Config`] ([`check`]); [`edit`] changes thresholds in a file's text and nothing else in
//! it. Everything else in this crate takes a [`Config`] and so never meets an unchecked value. A
//! mistake is reported with file, line and column, what stood there, what was expected and what to
//! write instead ([`error`]).
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `listen` | `0.0.0.0:8080` | address and port that shoppers connect to |
//! | `upstream` | none, required | the shop: `http://host:port` or `https://host:port` |
//! | `mode` | `shadow` | `shadow` judges and records, `enforce` also refuses |
//! | `model` | the built-in one | model file; relative to the configuration file |
//! | `threads` | one per core | worker threads |
//! | `h2c` | `false` | HTTP/2 without TLS on `listen` |
//! | `admin` | `127.0.0.1:9145` | address of `/healthz` and `/metrics` |
//! | `client.trusted_proxies` | none | networks whose `X-Forwarded-For` is believed |
//! | `timeouts.connect_s` | 5 | connecting to the shop, TLS included |
//! | `timeouts.read_s`, `write_s` | 60, 60 | silence between two reads or writes, on both sides; also cuts a silent WebSocket |
//! | `timeouts.idle_s` | 60 | how long an idle keep-alive connection is kept, on both sides |
//! | `timeouts.stop_grace_s` | 20 | how long a stop waits for requests in flight |
//! | `limits.body_bytes_max` | 104857600 | largest request body, 0 for no limit |
//! | `policy.*` | see the detector's `PolicyConfig` | thresholds, minimum requests, expiry |
//! | `allow.networks`, `allow.paths` | none | never judged |
//! | `outcomes.*` | none | what a visit can come to, by a name of your choice: `METHOD PATH STATUS`, or several in brackets; for `kidoban tune` and `kidoban_outcomes_total` |
//! | `tuned.model_sha256` | none | written by `kidoban tune --write`: the model that the thresholds of `[policy]` were found for; with another one `check` and `run` warn |
//! | `tuned.limit_score`, `block_score`, `cohort_score` | none | likewise: the score proven, by how many people, and at most what share of people lies above |
//! | `table.capacity` | 200000 | clients remembered |
//! | `event_log.path` | none: off | the replayable log |
//! | `event_log.bytes_max`, `files_max` | 268435456, 8 | rotation: size of a file, files kept, the current one included |
//! | `event_log.queue` | 8192 | lines that may wait for the writer before they are dropped and counted |

mod check;
pub mod edit;
mod error;
mod raw;
pub mod tuned;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use detector::PolicyConfig;
use ipnet::IpNet;
use traffic::Outcomes;

pub(crate) use check::no_upstream;
pub use error::{ConfigError, Place};

use crate::enforce::Mode;
use crate::upstream::UpstreamUrl;

/// What the command line says on top of a file. A flag beats the file; what neither says has a
/// default.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--upstream`
    pub upstream: Option<String>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--admin`
    pub admin: Option<String>,
    /// `--model`; relative to the working directory.
    pub model: Option<PathBuf>,
    /// `--mode`
    pub mode: Option<Mode>,
    /// `--event-log`; relative to the working directory.
    pub event_log: Option<PathBuf>,
    /// `--force`: enforce with a model that failed its gates.
    pub force: bool,
    /// The model to use when neither flag nor file names one: the binary passes the one it ships.
    pub model_built_in: Option<&'static [u8]>,
    /// Whoever reads a log under a configuration serves nobody: it need not name an upstream. No
    /// gate starts from it then.
    pub needs_no_upstream: bool,
}

/// A checked configuration: the only form the rest of the crate accepts.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) listen: SocketAddr,
    /// `None` only where none was asked for.
    pub(crate) upstream: Option<UpstreamUrl>,
    pub(crate) mode: Mode,
    pub(crate) model: ModelSource,
    pub(crate) force: bool,
    pub(crate) threads: usize,
    pub(crate) h2c: bool,
    pub(crate) admin: SocketAddr,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) timeouts: Timeouts,
    /// Largest request body in bytes; `None` is no limit.
    pub(crate) body_bytes_max: Option<u64>,
    pub(crate) policy: PolicyConfig,
    /// Where the keys stand that a model may contradict.
    policy_places: [(&'static str, Place); 4],
    tuned: Option<tuned::Tuned>,
    pub(crate) allow_networks: Vec<IpNet>,
    pub(crate) allow_paths: Vec<String>,
    outcomes: Outcomes,
    pub(crate) capacity: usize,
    pub(crate) event_log: Option<EventLogConfig>,
    origin: Origin,
    warnings: Vec<String>,
}

/// Where the model's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelSource {
    None,
    File(PathBuf),
    BuiltIn(&'static [u8]),
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) write: Duration,
    pub(crate) idle: Duration,
    pub(crate) stop_grace: Duration,
}

/// Where and how the event log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventLogConfig {
    pub(crate) path: PathBuf,
    pub(crate) bytes_max: u64,
    pub(crate) files_max: u32,
    pub(crate) queue: usize,
}

/// What to read again on a reload.
#[derive(Clone, Debug)]
struct Origin {
    path: Option<PathBuf>,
    overrides: Overrides,
}

impl Config {
    /// Reads and checks a file, with flags on top. Without a file the flags must name the upstream.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::from_flags(overrides);
        };
        let text = std::fs::read_to_string(path)
            .map_err(|problem| ConfigError::Unreadable { path: path.to_path_buf(), problem })?;
        let mut config = Self::parse(&text, path, overrides)?;
        config.origin.path = Some(path.to_path_buf());
        Ok(config)
    }

    /// From flags alone.
    pub fn from_flags(overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::parse("", Path::new(""), overrides)
    }

    /// Checks a text; `path` is what errors call it, and what relative paths in it are relative to.
    pub fn parse(text: &str, path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        check::check(text, path, overrides)
    }

    /// Reads the same file and flags again. A configuration that did not come from a file is
    /// returned as it is.
    pub fn reread(&self) -> Result<Self, ConfigError> {
        match &self.origin.path {
            Some(path) => Self::load(Some(path), &self.origin.overrides),
            None => Ok(self.clone()),
        }
    }

    /// What is allowed but probably not meant. To be shown at start.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The address shoppers connect to.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The address of `/healthz` and `/metrics`.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The shop's URL; `None` only with [`Overrides::needs_no_upstream`].
    pub fn upstream(&self) -> Option<String> {
        self.upstream.as_ref().map(ToString::to_string)
    }

    /// Shadow or enforce.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Where a policy key that does not fit the model is written.
    pub(crate) fn policy_place(&self, key: &str) -> Place {
        let known = self.policy_places.iter().find(|(known, _)| *known == key);
        known.map_or(Place::Flag("--model"), |(_, place)| place.clone())
    }

    /// Clients remembered.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The policy's section.
    pub fn policy(&self) -> &PolicyConfig {
        &self.policy
    }

    /// What the policy's thresholds were tuned for, where that is written.
    pub fn tuned(&self) -> Option<&tuned::Tuned> {
        self.tuned.as_ref()
    }

    /// What a visit can come to. The gate itself does not look at it.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// The model's file, if one is named.
    pub fn model_path(&self) -> Option<&Path> {
        match &self.model {
            ModelSource::File(path) => Some(path),
            ModelSource::None | ModelSource::BuiltIn(_) => None,
        }
    }

    /// Where the event log is written, if it is.
    pub fn event_log_path(&self) -> Option<&Path> {
        self.event_log.as_ref().map(|log| log.path.as_path())
    }

    /// Takes over what a reload has put in force, and keeps the rest as it is running.
    pub(crate) fn adopt(&mut self, next: Self) {
        self.mode = next.mode;
        self.model = next.model;
        self.trusted_proxies = next.trusted_proxies;
        self.policy = next.policy;
        self.tuned = next.tuned;
        self.allow_networks = next.allow_networks;
        self.allow_paths = next.allow_paths;
        self.outcomes = next.outcomes;
    }

    /// The keys in which `self` and `next` differ and that a running gate cannot change.
    pub(crate) fn needs_restart(&self, next: &Self) -> Vec<&'static str> {
        let differs = [
            ("listen", self.listen != next.listen),
            ("upstream", self.upstream != next.upstream),
            ("admin", self.admin != next.admin),
            ("threads", self.threads != next.threads),
            ("h2c", self.h2c != next.h2c),
            ("timeouts", self.timeouts != next.timeouts),
            ("limits", self.body_bytes_max != next.body_bytes_max),
            ("table", self.capacity != next.capacity),
            ("event_log", self.event_log != next.event_log),
        ];
        differs.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }
}
