//! Every parser on its corpus and on seeded mutations of it: what `make fuzz` runs for ten minutes
//! each, for a fraction of a second each and without a fuzzer.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fuzz_cases::mutate::Mutations;

use crate::support::root;

/// A second or less for each parser, also unoptimised.
const MUTATIONS: usize = 2_000;
/// A finding is shown up to here.
const SHOWN_BYTES_MAX: usize = 4_000;

/// The inputs of `fuzz/corpus/<name>/`, by their file names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join("fuzz/corpus").join(name);
    let files = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path());
    let files: BTreeSet<_> = files.collect();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Runs one parser's function; a failure shows the input that caused it.
fn smoke(name: &str) {
    let case = fuzz_cases::ALL.iter().find(|case| case.name == name).unwrap();
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "fuzz/corpus/{name} is empty");
    let seed = name.bytes().fold(0, |seed, byte| seed * 31 + u64::from(byte));
    let mutations = Mutations::new(&corpus, seed).take(MUTATIONS);
    for input in [Vec::new()].into_iter().chain(corpus.iter().cloned()).chain(mutations) {
        if catch_unwind(AssertUnwindSafe(|| (case.run)(&input))).is_err() {
            let shown = &input[..input.len().min(SHOWN_BYTES_MAX)];
            panic!("{name} failed on {} bytes: b\"{}\"", input.len(), shown.escape_ascii());
        }
    }
}

macro_rules! smoke {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })*

        const RUN_HERE: &[&str] = &[$(stringify!($name)),*];
    };
}

smoke![
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

#[test]
fn every_parser_has_a_smoke_test_a_fuzz_target_and_a_corpus() {
    let known: BTreeSet<_> = fuzz_cases::ALL.iter().map(|case| case.name.to_owned()).collect();
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root().join("fuzz").join(folder)).unwrap();
        let stem = |entry: std::fs::DirEntry| entry.path().file_stem().unwrap().to_owned();
        entries.map(|entry| stem(entry.unwrap()).into_string().unwrap()).collect()
    };
    assert_eq!(RUN_HERE.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), known);
    assert_eq!(names("fuzz_targets"), known);
    assert_eq!(names("corpus"), known);
}
