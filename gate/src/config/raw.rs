//! The configuration file as it is written: every value optional, every unknown key an error.
//!
//! Values that are checked later carry their span, so that the complaint can point at them. A
//! door's section is known by its name here and read by the door.

use std::collections::BTreeMap;
use std::path::PathBuf;

use detector::{Mode, PolicyConfig};
use serde::Deserialize;
use toml::Spanned;

use super::tuned::TunedSection;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) mode: Option<Mode>,
    pub(super) model: Option<Spanned<PathBuf>>,
    pub(super) admin: Option<Spanned<String>>,
    pub(super) client: Client,
    pub(super) policy: Option<Spanned<PolicyConfig>>,
    pub(super) tuned: Option<Spanned<TunedSection>>,
    pub(super) allow: Allow,
    pub(super) outcomes: BTreeMap<String, Spanned<Patterns>>,
    pub(super) table: Table,
    pub(super) event_log: Option<Spanned<EventLog>>,
    pub(super) log: Log,
    pub(super) challenge: ChallengeSection,
    /// The decision service reads its own section. This and what follows is read as values and
    /// dropped, so that what is no TOML value is an error for every door (a number of 128 bits
    /// would pass unread).
    decide: Option<toml::Value>,
    /// The proxy reads its own section, and these keys, which stood outside it before it had one.
    proxy: Option<toml::Value>,
    listen: Option<toml::Value>,
    upstream: Option<toml::Value>,
    threads: Option<toml::Value>,
    h2c: Option<toml::Value>,
    timeouts: Option<toml::Value>,
    limits: Option<toml::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Client {
    pub(super) trusted_proxies: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Allow {
    pub(super) networks: Vec<Spanned<String>>,
    pub(super) paths: Vec<Spanned<String>>,
}

/// One pattern or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string, or several in brackets")]
pub(super) enum Patterns {
    One(String),
    Several(Vec<String>),
}

/// The server's access log, for the commands that read it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) format: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    pub(super) capacity: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EventLog {
    pub(super) path: Option<Spanned<PathBuf>>,
    pub(super) bytes_max: Option<Spanned<u64>>,
    pub(super) files_max: Option<Spanned<u64>>,
    pub(super) queue: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChallengeSection {
    pub(super) enabled: bool,
    pub(super) lifetime_s: Option<Spanned<u64>>,
    pub(super) wait_s: Option<Spanned<u64>>,
    pub(super) proof_bits: Option<Spanned<u64>>,
    pub(super) path: Option<Spanned<String>>,
    pub(super) secret_file: Option<Spanned<PathBuf>>,
}
