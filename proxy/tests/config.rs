//! Each mistake in a configuration is a named file that says in its first line what its writer must
//! be told.
#![allow(clippy::unwrap_used)] // Tests, helpers included: a panic is the report.

use std::path::{Path, PathBuf};

use gate::{ConfigError, Mode};
use proxy::{Config, Overrides};

/// Configurations of a proxy: those of a decision service have no upstream and are read by
/// `tests/config.rs`.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/config").join(folder);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        !text.contains("[decide") || text.contains("upstream")
    });
    files.sort();
    files
}

#[test]
fn every_good_file_is_accepted() {
    for path in files("good") {
        let config = Config::load(Some(&path), &Overrides::default());
        assert!(config.is_ok(), "{}", config.unwrap_err());
    }
}

#[test]
fn every_bad_file_is_refused_with_its_place_and_a_way_out() {
    let mut failed = Vec::new();
    let bad = files("bad");
    assert!(bad.len() >= 12);
    for path in bad {
        let text = std::fs::read_to_string(&path).unwrap();
        let expect = text.lines().next().and_then(|line| line.strip_prefix("# expect: ")).unwrap();
        let error = match Config::load(Some(&path), &Overrides::default()) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        if !error.contains(expect)
            || !error.contains(&format!("{name}:"))
            || !error.ends_with(['.', '?'])
        {
            failed.push(format!("expected {expect}\n   found {error}"));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn a_flag_beats_the_file_and_a_bad_flag_is_named() {
    let text = "upstream = \"http://127.0.0.1:3000\"\nmode = \"shadow\"\n";
    let parse = |overrides: &Overrides| Config::parse(text, Path::new("x.toml"), overrides);
    let overrides = Overrides {
        listen: Some("127.0.0.1:1".into()),
        gate: gate::Overrides { mode: Some(Mode::Enforce), ..Default::default() },
        ..Overrides::default()
    };
    let config = parse(&overrides).unwrap();
    assert_eq!(
        (config.listen().to_string().as_str(), config.gate().mode()),
        ("127.0.0.1:1", Mode::Enforce)
    );

    let error =
        parse(&Overrides { upstream: Some("shop".into()), ..Overrides::default() }).unwrap_err();
    assert!(
        error.to_string().starts_with("--upstream: upstream \"shop\": expected http://"),
        "{error}"
    );
    let error = Config::from_flags(&Overrides::default()).unwrap_err();
    assert!(error.to_string().starts_with("--upstream: no upstream"), "{error}");
}

#[test]
fn paths_in_a_file_are_relative_to_it_and_paths_in_flags_are_not() {
    let text = "upstream = \"http://shop\"\nmodel = \"m.json\"\n[event_log]\npath = \
        \"logs/events.jsonl\"\n";
    let config =
        Config::parse(text, Path::new("/etc/kidoban/kidoban.toml"), &Overrides::default()).unwrap();
    assert_eq!(config.gate().model_path(), Some(Path::new("/etc/kidoban/m.json")));
    assert_eq!(config.gate().event_log_path(), Some(Path::new("/etc/kidoban/logs/events.jsonl")));
    let gate = gate::Overrides { model: Some("other.json".into()), ..Default::default() };
    let overrides = Overrides { gate, ..Overrides::default() };
    let config = Config::parse(text, Path::new("/etc/kidoban/kidoban.toml"), &overrides).unwrap();
    assert_eq!(config.gate().model_path(), Some(Path::new("other.json")));
}

#[test]
fn what_is_allowed_but_hardly_meant_is_warned_of() {
    let warnings = |rest: &str| {
        let text = format!("{rest}\n[proxy]\nupstream = \"http://shop\"\n");
        let config = Config::parse(&text, Path::new("x.toml"), &Overrides::default()).unwrap();
        [config.warnings(), config.gate().warnings()].concat().join(" ")
    };
    assert_eq!(warnings(""), "");
    assert!(
        warnings("admin = \"0.0.0.0:9145\"").contains("whoever reaches it can read the metrics")
    );
    assert!(
        warnings("[client]\ntrusted_proxies = [\"0.0.0.0/0\"]")
            .contains("every client can choose its own address")
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::load(Some(Path::new("/nonexistent/kidoban.toml")), &Overrides::default())
        .unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    assert!(
        error.to_string().starts_with("/nonexistent/kidoban.toml: cannot read the configuration"),
        "{error}"
    );
}
