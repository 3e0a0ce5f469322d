//! The configuration that every door shares: what a file and the flags say, checked before anything
//! starts.
//!
//! A file is TOML. It is read into a raw form that knows no unknown keys ([`raw`]), then checked
//! into a [`Config`] ([`check`]); [`edit`] changes thresholds in a file's text and nothing else in
//! it. Everything else in this crate takes a [`Config`] and so never meets an unchecked value. A
//! mistake is reported with file, line and column, what stood there, what was expected and what to
//! write instead ([`error`]).
//!
//! The keys of `[challenge]` are in [`challenge`].
//!
//! A door has a section of its own, `[proxy]` for instance, and reads it from the same text with a
//! [`Checker`]. The table of its keys is in the door's `config`.
//!
//! | key | default | reload | meaning |
//! |---|---|---|---|
//! | `mode` | `shadow` | yes | `shadow` judges and records, `enforce` also refuses |
//! | `model` | the built-in one | yes | model file; relative to the configuration file |
//! | `admin` | `127.0.0.1:9145` | no | address of `/healthz` and `/metrics` |
//! | `client.trusted_proxies` | none | yes | networks whose `X-Forwarded-For` is believed |
//! | `policy.*` | `PolicyConfig` | yes | thresholds, minimum requests, expiry |
//! | `allow.networks`, `allow.paths` | none | yes | never judged |
//! | `outcomes.*` | none | yes | a conversion by a name of your choice: `METHOD PATH STATUS`, or several in brackets; for `kidoban tune` and `kidoban_outcomes_total` |
//! | `tuned.model_sha256` | none | yes | written by `kidoban tune --write`: the model that the thresholds of `[policy]` were found for; with another one `check` and `run` warn |
//! | `tuned.limit_score`, `block_score`, `cohort_score` | none | yes | likewise: the score proven, by how many people, and at most what share of people lies above |
//! | `table.capacity` | 200000 | no | clients remembered |
//! | `event_log.path` | none: off | no | the replayable log |
//! | `event_log.bytes_max`, `files_max` | 268435456, 8 | no | rotation: size of a file, files kept, the current one included |
//! | `log.format` | found out | yes | how the server writes its access log, for commands |
//! | `event_log.queue` | 8192 | no | lines that may wait for the writer before they are dropped and counted |

pub mod challenge;
pub mod check;
pub mod edit;
pub mod error;
mod raw;
pub mod tuned;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use detector::{Mode, Model, PolicyConfig};
use ipnet::IpNet;
use traffic::Conversions;
use traffic::log::LineFormat;

pub use check::Checker;
pub use error::{ConfigError, Place};

/// What the command line says on top of a file. A flag beats the file; what neither says has a
/// default.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
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
}

/// A checked configuration: the only form the rest of the crate accepts.
#[derive(Clone, Debug)]
pub struct Config {
    mode: Mode,
    model: ModelSource,
    force: bool,
    admin: SocketAddr,
    trusted_proxies: Vec<IpNet>,
    policy: PolicyConfig,
    /// Where the keys stand that a model may contradict.
    policy_places: [(&'static str, Place); 4],
    tuned: Option<tuned::TunedSection>,
    allow_networks: Vec<IpNet>,
    allow_paths: Vec<String>,
    outcomes: Conversions,
    capacity: usize,
    event_log: Option<EventLogConfig>,
    challenge: Option<challenge::ChallengeConfig>,
    log_format: Option<LineFormat>,
    warnings: Vec<String>,
}

/// Where the model's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelSource {
    None,
    File(PathBuf),
    BuiltIn(&'static [u8]),
}

/// Where and how the event log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventLogConfig {
    pub(crate) path: PathBuf,
    pub(crate) bytes_max: u64,
    pub(crate) files_max: u32,
    pub(crate) queue: usize,
}

impl Config {
    /// Reads and checks a file, with flags on top; of no file, flags and defaults. Whoever reads a
    /// log under a gate's configuration needs no more of it than this.
    ///
    /// # Errors
    /// The first mistake, with its place and what to write instead.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        match path {
            None => Self::parse("", Path::new(""), overrides),
            Some(path) => Self::parse(&read(path)?, path, overrides),
        }
    }

    /// Checks a text; `path` is what errors call it, and what relative paths in it are relative to.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        check::check(text, path, overrides)
    }

    /// What is allowed but probably not meant, by itself and with this model. To be shown at start,
    /// and by `check`.
    pub fn warnings_with(&self, model: Option<&Model>) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        warnings.extend(tuned::warnings(self, model));
        warnings
    }

    /// What is allowed but probably not meant, whatever the model.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The address of `/healthz` and `/metrics`.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Shadow or enforce.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Enforce also with a model that failed its gates?
    pub(crate) fn is_forced(&self) -> bool {
        self.force
    }

    pub(crate) fn model_source(&self) -> &ModelSource {
        &self.model
    }

    /// Networks whose `X-Forwarded-For` is believed.
    pub fn trusted_proxies(&self) -> &[IpNet] {
        &self.trusted_proxies
    }

    /// Networks and paths that pass unjudged.
    pub(crate) fn allowed(&self) -> (&[IpNet], &[String]) {
        (&self.allow_networks, &self.allow_paths)
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
    pub fn tuned(&self) -> Option<&tuned::TunedSection> {
        self.tuned.as_ref()
    }

    /// Conversions by name, as `[outcomes]` has them.
    pub fn outcomes(&self) -> &Conversions {
        &self.outcomes
    }

    /// The model's file, if one is named.
    pub fn model_path(&self) -> Option<&Path> {
        match &self.model {
            ModelSource::File(path) => Some(path),
            ModelSource::None | ModelSource::BuiltIn(_) => None,
        }
    }

    /// How limited visitors are challenged, if they are.
    pub fn challenge(&self) -> Option<&challenge::ChallengeConfig> {
        self.challenge.as_ref()
    }

    pub(crate) fn event_log(&self) -> Option<&EventLogConfig> {
        self.event_log.as_ref()
    }

    /// How the server writes its access log, for the commands that read it.
    pub fn log_format(&self) -> Option<&LineFormat> {
        self.log_format.as_ref()
    }

    /// Where the event log is written, if it is.
    pub fn event_log_path(&self) -> Option<&Path> {
        self.event_log.as_ref().map(|log| log.path.as_path())
    }

    /// Takes over what a reload can put in force, and keeps the rest as it is running. Returns the
    /// keys in which the two differ and that only a restart changes.
    pub(crate) fn adopt(&mut self, next: Self) -> Vec<&'static str> {
        // Every key by name and no `..`: a new one does not compile until it stands on one side.
        let Self {
            mode,
            model,
            force,
            trusted_proxies,
            policy,
            policy_places,
            tuned,
            allow_networks,
            allow_paths,
            outcomes,
            log_format,
            warnings,
            admin,
            capacity,
            event_log,
            challenge,
        } = next;
        let kept = [
            ("admin", self.admin != admin),
            ("table", self.capacity != capacity),
            ("event_log", self.event_log != event_log),
            ("challenge", self.challenge != challenge),
        ];
        *self = Self {
            mode,
            model,
            force,
            trusted_proxies,
            policy,
            policy_places,
            tuned,
            allow_networks,
            allow_paths,
            outcomes,
            log_format,
            warnings,
            admin: self.admin,
            capacity: self.capacity,
            event_log: self.event_log.take(),
            challenge: self.challenge.take(),
        };
        kept.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }
}

/// Reads a configuration file.
///
/// # Errors
/// [`ConfigError::Unreadable`].
pub fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|problem| ConfigError::Unreadable { path: path.to_path_buf(), problem })
}
