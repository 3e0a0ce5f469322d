//! Section `[decide]` as it is written.

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
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Outcomes {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) wait_s: Option<Spanned<u64>>,
}
