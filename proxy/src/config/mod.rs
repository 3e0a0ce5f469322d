//! The proxy's part of the configuration: section `[proxy]`, and the flags that go with it.
//!
//! What every door shares is read by [`gate::config`], from the same text. Keys of this section
//! that stand outside it, where they stood before the section existed, are still read, and a
//! warning says where they belong.
//!
//! | key of `[proxy]` | default | reload | meaning |
//! |---|---|---|---|
//! | `listen` | `0.0.0.0:8080` | no | address and port that shoppers connect to |
//! | `upstream` | none, required | no | the shop: `http://host:port` or `https://host:port` |
//! | `threads` | one per core | no | worker threads |
//! | `h2c` | `false` | no | HTTP/2 without TLS on `listen` |
//! | `timeouts.connect_s` | 5 | no | connecting to the shop, TLS included |
//! | `timeouts.read_s`, `write_s` | 60, 60 | no | silence between two reads or writes, on both sides; also cuts a silent WebSocket |
//! | `timeouts.idle_s` | 60 | no | how long an idle keep-alive connection is kept, on both sides |
//! | `timeouts.stop_grace_s` | 20 | no | how long a stop waits for requests in flight |
//! | `limits.body_bytes_max` | 104857600 | no | largest request body, 0 for no limit |

mod check;
mod raw;
pub(crate) mod timeouts;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use gate::ConfigError;
use gate::config::read;

use self::timeouts::Timeouts;
use crate::upstream::UpstreamUrl;

/// What the command line says on top of a file. A flag beats the file; what neither says has a
/// default.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Flags of what every door shares.
    pub gate: gate::Overrides,
    /// `--upstream`
    pub upstream: Option<String>,
    /// `--listen`
    pub listen: Option<String>,
}

/// A checked configuration of a proxy and the engine behind it.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) gate: gate::Config,
    pub(crate) door: Door,
    warnings: Vec<String>,
    origin: Origin,
}

/// The proxy's own part. No reload changes any of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) listen: SocketAddr,
    pub(crate) upstream: UpstreamUrl,
    pub(crate) threads: usize,
    pub(crate) h2c: bool,
    pub(crate) timeouts: Timeouts,
    /// Largest request body in bytes; `None` is no limit.
    pub(crate) body_bytes_max: Option<u64>,
}

/// What to read again on a reload.
#[derive(Clone, Debug)]
struct Origin {
    path: Option<PathBuf>,
    overrides: Overrides,
}

impl Config {
    /// Reads and checks a file, with flags on top. Without a file the flags must name the upstream.
    ///
    /// # Errors
    /// The first mistake, with its place and what to write instead.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::from_flags(overrides);
        };
        let mut config = Self::parse(&read(path)?, path, overrides)?;
        config.origin.path = Some(path.to_path_buf());
        Ok(config)
    }

    /// From flags alone.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_flags(overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::parse("", Path::new(""), overrides)
    }

    /// Checks a text; `path` is what errors call it, and what relative paths in it are relative to.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let gate = gate::Config::parse(text, path, &overrides.gate)?;
        let (door, warnings) = check::check(text, path, overrides, &gate)?;
        let origin = Origin { path: None, overrides: overrides.clone() };
        Ok(Self { gate, door, warnings, origin })
    }

    /// Reads the same file and flags again. A configuration that did not come from a file is
    /// returned as it is.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn reread(&self) -> Result<Self, ConfigError> {
        match &self.origin.path {
            Some(path) => Self::load(Some(path), &self.origin.overrides),
            None => Ok(self.clone()),
        }
    }

    /// What every door shares.
    pub fn gate(&self) -> &gate::Config {
        &self.gate
    }

    /// What is allowed in the proxy's part but probably not meant. To be shown at start.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The address shoppers connect to.
    pub fn listen(&self) -> SocketAddr {
        self.door.listen
    }

    /// The shop's URL.
    pub fn upstream(&self) -> String {
        self.door.upstream.to_string()
    }
}

impl Door {
    /// The keys in which `self` and `next` differ: a running proxy cannot change them.
    pub(crate) fn needs_restart(&self, next: &Self) -> Vec<&'static str> {
        // Every key by name and no `..`: a new one does not compile until it stands here.
        let Self { listen, upstream, threads, h2c, timeouts, body_bytes_max } = next;
        let differs = [
            ("listen", self.listen != *listen),
            ("upstream", self.upstream != *upstream),
            ("threads", self.threads != *threads),
            ("h2c", self.h2c != *h2c),
            ("timeouts", self.timeouts != *timeouts),
            ("limits", self.body_bytes_max != *body_bytes_max),
        ];
        differs.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }
}
