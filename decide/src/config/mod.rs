//! The decision service's part of the configuration: section `[decide]`.
//!
//! What every door shares is read by [`gate::config`], from the same text.
//!
//! | key of `[decide]` | default | reload | meaning |
//! |---|---|---|---|
//! | `listen` | `["unix:/run/kidoban/decide.sock"]` | no | where edges ask: `unix:PATH`, address |
//! | `socket_mode` | `"0660"` | no | permissions of the unix sockets: a writer is believed |
//! | `peers` | loopback | no | networks of edges that may ask over TCP; nobody else is answered |
//! | `threads` | 1 | no | threads that answer |
//! | `client_header` | `X-Forwarded-For` | no | header with the visitor's address |
//! | `method_header`, `uri_header` | `X-Forwarded-Method`, `X-Forwarded-Uri` | no | method, URL |
//! | `outcomes.listen` | none | no | where log lines arrive: `unix:PATH`, address (UDP) |
//! | `outcomes.wait_s` | 60 | no | after so long without a line, an outcome counts as lost |
//! | `export.listen` | none | no | address of the block list and stream, over HTTP |
//! | `export.api_key` | none | no | what readers must send; required beyond loopback |
//! | `export.nginx_geo` | none | no | file of bans for nginx's `geo` |
//! | `export.after_nginx_geo` | none | no | has nginx read it, every ten seconds at most |
//! | `export.nft_table` | none | no | name of a table that holds bans in the kernel's firewall |
//! | `export.bans_max` | 65536 | no | bans exported at once |
//! | `export.bans_per_minute_max` | 600 | no | beyond, none is added until a reload |

mod check;
mod raw;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::ConfigError;
use gate::config::read;
use gate::identity::TrustedProxies;
use hyper::header::HeaderName;
use ipnet::IpNet;

use crate::export::ExportConfig;

/// What the command line says on top of a file. A flag beats the file; what neither says has a
/// default.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Flags of what every door shares.
    pub gate: gate::Overrides,
    /// `--listen`, once or several times.
    pub listen: Vec<String>,
}

/// A checked configuration of a decision service and the engine behind it.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) gate: gate::Config,
    pub(crate) door: Door,
    origin: Option<(PathBuf, Overrides)>,
}

/// The service's own part. No reload changes any of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) listen: Vec<Address>,
    pub(crate) socket_mode: u32,
    pub(crate) peers: Vec<IpNet>,
    pub(crate) threads: usize,
    pub(crate) names: Names,
    /// Where outcomes arrive, if they do.
    pub(crate) outcomes: Option<Address>,
    pub(crate) wait: Duration,
    /// Whom bans are exported to, if to anybody.
    pub(crate) export: Option<ExportConfig>,
}

/// The headers of a question that say who asked the edge for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Whose value is the visitor's address, or the list of proxies that ends with it.
    pub client: HeaderName,
    /// Whose value is the visitor's method.
    pub method: HeaderName,
    /// Whose value is the visitor's target, path and query.
    pub uri: HeaderName,
}

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// An address with a port.
    Ip(SocketAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}

impl Config {
    /// Reads and checks a file, with flags on top; of no file, flags and defaults.
    ///
    /// # Errors
    /// The first mistake, with its place and what to write instead.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse("", Path::new(""), overrides) };
        let mut config = Self::parse(&read(path)?, path, overrides)?;
        config.origin = Some((path.to_path_buf(), overrides.clone()));
        Ok(config)
    }

    /// Checks a text; `path` is what errors call it, and what relative paths in it are relative to.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let gate = gate::Config::parse(text, path, &overrides.gate)?;
        let door = check::check(text, path, overrides)?;
        Ok(Self { gate, door, origin: None })
    }

    /// Whether a text is meant for the decision service: it has a section `[decide]`.
    pub fn is_meant_by(text: &str) -> bool {
        toml::from_str::<raw::Raw>(text).map_or_else(
            |_| text.lines().any(|line| line.trim_start().starts_with("[decide")),
            |raw| raw.decide.is_some(),
        )
    }

    /// Reads the same file and flags again. A configuration that did not come from a file is
    /// returned as it is.
    pub(crate) fn reread(&self) -> Result<Self, ConfigError> {
        match &self.origin {
            Some((path, overrides)) => Self::load(Some(path), overrides),
            None => Ok(self.clone()),
        }
    }

    /// What every door shares.
    pub fn gate(&self) -> &gate::Config {
        &self.gate
    }

    /// Where edges ask.
    pub fn listen(&self) -> &[Address] {
        &self.door.listen
    }
}

impl Door {
    /// Edges that may ask over TCP.
    pub(crate) fn peers(&self) -> TrustedProxies {
        TrustedProxies::new(self.peers.clone())
    }

    /// The keys in which `self` and `next` differ: a running service cannot change them.
    pub(crate) fn needs_restart(&self, next: &Self) -> Vec<&'static str> {
        // Every key by name and no `..`: a new one does not compile until it stands here.
        let Self { listen, socket_mode, peers, threads, names, outcomes, wait, export } = next;
        let differs = [
            ("listen", self.listen != *listen),
            ("socket_mode", self.socket_mode != *socket_mode),
            ("peers", self.peers != *peers),
            ("threads", self.threads != *threads),
            ("headers", self.names != *names),
            ("export", self.export != *export),
            ("outcomes", self.outcomes != *outcomes || self.wait != *wait),
        ];
        differs.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }
}
