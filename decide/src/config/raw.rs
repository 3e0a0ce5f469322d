//! Section `[decide]` as it is written.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// A file, as far as the decision service reads it. What every door shares has been checked before,
/// unknown keys included.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    pub(super) decide: Option<Spanned<Section>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Section {
    pub(super) listen: Option<Vec<Spanned<String>>>,
    pub(super) socket_mode: Option<Spanned<String>>,
    pub(super) peers: Option<Vec<Spanned<String>>>,
    pub(super) threads: Option<Spanned<u64>>,
    pub(super) client_header: Option<Spanned<String>>,
    pub(super) method_header: Option<Spanned<String>>,
    pub(super) uri_header: Option<Spanned<String>>,
    pub(super) outcomes: Outcomes,
    pub(super) export: Option<Export>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Outcomes {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) wait_s: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Export {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) api_key: Option<String>,
    pub(super) nginx_geo: Option<PathBuf>,
    pub(super) after_nginx_geo: Vec<String>,
    pub(super) nft_table: Option<Spanned<String>>,
    pub(super) bans_max: Option<Spanned<u64>>,
    pub(super) bans_per_minute_max: Option<Spanned<u64>>,
}
