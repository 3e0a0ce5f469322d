//! Public access logs, where they lie beside this repository: their format is detected, and nearly
//! every line of them is read.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use traffic::log::{Format, LogReader, decompress};

use crate::support::skip;

const LOGS: [(&str, Format, u64); 12] = [
    ("airisdata", Format::Combined, 206_860),
    ("almhuette", Format::Combined, 10_000),
    ("flood", Format::Combined, 858),
    ("honeypot", Format::Combined, 5_820),
    ("icm", Format::Combined, 10_000),
    ("iti_train", Format::Combined, 2_736),
    ("mtn", Format::Combined, 105_177),
    ("paytm_elb", Format::ElbClassic, 5_000),
    ("scanner_acunetix", Format::Combined, 6_539),
    ("scanner_netsparker", Format::Combined, 7_314),
    ("scanner_w3af", Format::Combined, 3_996),
    ("semicomplete", Format::Combined, 10_000),
];

#[test]
fn real_logs_are_detected_and_read() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"));
    for (name, format, lines) in LOGS {
        let file = match File::open(folder.join(name).join("access.log.gz")) {
            Ok(file) => file,
            Err(error) => {
                skip(&format!("the public log {name:?} is not in ../shared/data: {error}"));
                continue;
            }
        };
        let mut reader = LogReader::new(name, decompress(BufReader::new(file))).unwrap();
        assert_eq!(reader.format(), format, "{name}");
        while reader.next().unwrap().is_some() {}
        let tally = reader.tally();
        println!("{name}: resolution {} µs, {tally:?}", tally.resolution_us());
        assert_eq!(tally.lines, lines, "{name}");
        assert!(tally.parsed * 1_000 >= tally.lines * 999, "{name}: {tally:?}");
        assert_eq!(tally.repaired > lines / 2, name.starts_with("scanner_"), "{name}: {tally:?}");
        let resolution_us = if format == Format::ElbClassic { 1 } else { 1_000_000 };
        assert_eq!(tally.resolution_us(), resolution_us, "{name}");
    }
}
