//! The configuration file as it is written: every value optional, every unknown key an error.
//!
//! Values that are checked later carry their span, so that the complaint can point at them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use detector::PolicyConfig;
use serde::Deserialize;
use toml::Spanned;

use super::tuned::Tuned;
use crate::enforce::Mode;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) upstream: Option<Spanned<String>>,
    pub(super) mode: Option<Mode>,
    pub(super) model: Option<Spanned<PathBuf>>,
    pub(super) threads: Option<Spanned<u64>>,
    pub(super) h2c: bool,
    pub(super) admin: Option<Spanned<String>>,
    pub(super) client: Client,
    pub(super) timeouts: Timeouts,
    pub(super) limits: Limits,
    pub(super) policy: Option<Spanned<PolicyConfig>>,
    pub(super) tuned: Option<Spanned<Tuned>>,
    pub(super) allow: Allow,
    pub(super) outcomes: BTreeMap<String, Spanned<Patterns>>,
    pub(super) table: Table,
    pub(super) event_log: Option<Spanned<EventLog>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Client {
    pub(super) trusted_proxies: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Timeouts {
    pub(super) connect_s: Option<Spanned<u64>>,
    pub(super) read_s: Option<Spanned<u64>>,
    pub(super) write_s: Option<Spanned<u64>>,
    pub(super) idle_s: Option<Spanned<u64>>,
    pub(super) stop_grace_s: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) body_bytes_max: Option<u64>,
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
