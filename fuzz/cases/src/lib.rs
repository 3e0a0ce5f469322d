//! One function a parser: it takes any bytes, parses them and asserts what must hold.
//!
//! The same functions run in two places:
//!
//! - `fuzz/fuzz_targets/` calls each from libFuzzer, which looks for inputs that reach new code:
//!   `make fuzz`
//! - `tests/fuzz.rs` calls each with its corpus and with a few thousand seeded mutations of it
//!   ([`mutate`]), in every run of the tests and without a fuzzer
//!
//! "It does not panic" is the least of what is asserted. What is parsed and written again must be
//! parsed to an equal value, two ways to parse must agree, and what is shown must be safe to show.
//! A function reports a failed property by panicking, because that is what a fuzzer notices.
//!
//! The corpus is `fuzz/corpus/<name>/`: small files, written by hand after the tests' own inputs.
//!
//! | file | what it feeds |
//! |---|---|
//! | `logs.rs`, `rewrite.rs` | `traffic::log`: the format detector and each format |
//! | `decompression.rs` | `traffic::decompress`: gzip, zstd and plain text |
//! | `times.rs` | times in logs and in `--since` |
//! | `conversions.rs` | `traffic::Conversions`: patterns of what a visit can come to |
//! | `labels.rs` | `trainer::Labels`: the CSV of labels |
//! | `model.rs` | `detector::Model`: the model file |
//! | `config.rs` | `gate::Config`, `proxy::Config`: the configuration, and the edit that `tune --write` makes |
//! | `headers.rs` | `gate::RequestHeaders`: what is read of a request's headers |
//! | `identity.rs` | `gate::identity`: the walk through `X-Forwarded-For` |
//! | `decision_id.rs` | `gate::decision`: the number that a refused client quotes |
//! | `outcome.rs` | `decide::outcome`: nginx's log line of how a request ended |
//! | `client.rs` | `detector::ClientKey`: what a log's client field holds |
//! | `url.rs` | `detector::url`: splitting, normal form, depth, class and shape |

mod client;
mod config;
mod conversions;
mod decision_id;
mod decompression;
mod headers;
mod identity;
mod labels;
mod logs;
mod model;
pub mod mutate;
mod outcome;
mod rewrite;
mod times;
mod url;

pub use client::client_key;
pub use config::config;
pub use conversions::conversions;
pub use decision_id::decision_id;
pub use decompression::decompression;
pub use headers::headers;
pub use identity::identity;
pub use labels::labels;
pub use logs::{
    line_format, log_alb, log_combined, log_detected, log_elb, log_event, log_ltsv, log_nginx_json,
    log_vhost, log_w3c,
};
pub use model::model;
pub use outcome::outcome;
pub use times::times;
pub use url::url;

/// A parser's function and its name, which is also the name of its corpus folder and of its fuzz
/// target.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Name of the function, of the target and of the corpus folder.
    pub name: &'static str,
    /// Panics where a property does not hold.
    pub run: fn(&[u8]),
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// All functions, by name.
        pub const ALL: &[Case] = &[$(Case { name: stringify!($name), run: $name }),*];
    };
}

cases![
    client_key,
    config,
    conversions,
    decision_id,
    decompression,
    headers,
    identity,
    labels,
    line_format,
    log_alb,
    log_combined,
    log_detected,
    log_elb,
    log_event,
    log_ltsv,
    log_nginx_json,
    log_vhost,
    log_w3c,
    model,
    outcome,
    times,
    url,
];
