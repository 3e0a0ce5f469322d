//! Section `[proxy]` as it is written, and the same keys outside it.

use serde::Deserialize;
use toml::Spanned;

/// A file, as far as the proxy reads it. What every door shares has been checked before, unknown
/// keys included.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    pub(super) proxy: Option<Spanned<Section>>,
    pub(super) listen: Option<Spanned<String>>,
    pub(super) upstream: Option<Spanned<String>>,
    pub(super) threads: Option<Spanned<u64>>,
    pub(super) h2c: Option<Spanned<bool>>,
    pub(super) timeouts: Option<Spanned<Timeouts>>,
    pub(super) limits: Option<Spanned<Limits>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Section {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) upstream: Option<Spanned<String>>,
    pub(super) threads: Option<Spanned<u64>>,
    pub(super) h2c: Option<Spanned<bool>>,
    pub(super) timeouts: Option<Spanned<Timeouts>>,
    pub(super) limits: Option<Spanned<Limits>>,
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
