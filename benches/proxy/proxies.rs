//! The proxies that are measured, each a child process: the gate, and pass-throughs to compare
//! with.

use std::path::Path;

use proxy::{Config, Overrides, RunningGate};

use super::child::{UPSTREAM, serve_until_told};
use super::support::{SHIPPED_MODEL, count};

/// The configuration of every proxy: enforce mode with thresholds that nobody reaches. Every client
/// is scored and none refused, so gate and pass-through do the same work after the verdict. `force`
/// is needed because the shipped model is not armed. One thread, because work stealing between
/// threads would blur the figures.
fn config(rest: &str) -> Config {
    let upstream = std::env::var(UPSTREAM).unwrap_or_default();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nupstream = \"{upstream}\"\nthreads = \
            1\nmode = \"enforce\"\n\
         [client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
         [policy]\nlimit_score = 0.9999998\ncohort_score = 0.9999998\nblock_score = \
         0.9999999\n{rest}"
    );
    let gate =
        gate::Overrides { model_built_in: Some(SHIPPED_MODEL), force: true, ..Default::default() };
    let overrides = Overrides { gate, ..Overrides::default() };
    Config::parse(&text, Path::new("bench.toml"), &overrides).expect("the configuration is sound")
}

/// A pass-through; `tells_who`: one that also sets X-Forwarded-For.
pub fn be_bare(tells_who: bool) {
    let start = if tells_who { RunningGate::start_forwarding } else { RunningGate::start_bare };
    let bare = start(&config("")).expect("it starts");
    serve_until_told(bare.addr());
    bare.stop();
}

/// The gate; `rest` is appended to its configuration.
pub fn be_gate(rest: &str) {
    let gate = RunningGate::start(config(rest)).expect("it starts");
    serve_until_told(gate.addr());
    let text = gate.engine().metrics_text();
    let sum = |name: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    println!(
        "  that gate, warm-up included: {} requests, {} with a score, {} event log lines dropped",
        count(sum("kidoban_requests_total")),
        count(sum("kidoban_score_count")),
        count(sum("kidoban_event_log_dropped_total")),
    );
    gate.stop();
}
