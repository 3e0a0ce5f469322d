//! What the documents promise about the source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use detector::FEATURES;

use crate::support::root;

/// Cap on a source file, its tests included. A longer one says why in a line that begins with
/// [`REASON`].
const LINES_MAX: usize = 400;
/// Nobody reads more in one sitting, whatever the reason.
const LINES_MAX_WITH_REASON: usize = 650;
/// How a file says why it is longer.
const REASON: &str = "//! Longer than 400 lines because";
/// Columns of code and comments. Literals that cannot be broken may be longer: raw strings, tables
/// and diagrams in comments, links.
const COLUMNS_MAX: usize = 100;
/// Pingora's hooks hand over; logic lives elsewhere.
const HOOKS_LINES_MAX: usize = 220;

/// Files below the root with this extension, without what is generated or somebody else's.
fn files(extension: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() && !path.is_symlink() {
                let is_ours =
                    !name.starts_with('.') && !["target", "vendor", "data"].contains(&&*name);
                if is_ours {
                    walk(&path, extension, found);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), extension, &mut found);
    found.sort();
    assert!(!found.is_empty());
    found
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn no_source_file_is_longer_than_400_lines_without_a_reason() {
    let mut lengths = Vec::new();
    for path in files("rs") {
        let text = read(&path);
        let lines = text.lines().count();
        let has_reason = text.lines().any(|line| line.starts_with(REASON));
        let max = if has_reason { LINES_MAX_WITH_REASON } else { LINES_MAX };
        assert!(lines <= max, "{} has {lines} lines: it is more than one noun", path.display());
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 170, "half of the files have more than {median} lines");
    let lines = read("proxy/src/hooks.rs").lines().count();
    assert!(
        lines <= HOOKS_LINES_MAX,
        "proxy/src/hooks.rs has {lines} lines: logic belongs elsewhere"
    );
}

#[test]
fn no_line_of_code_or_comment_is_wider_than_100_columns() {
    let mut wide = Vec::new();
    for path in files("rs") {
        let text = read(&path);
        // Within a raw string a line is what it is.
        let mut raw_end: Option<String> = None;
        // Within a fence of a comment stands a sample, a picture or a line of a log.
        let mut is_sample = false;
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(end) = &raw_end {
                if line.contains(end.as_str()) {
                    raw_end = None;
                }
                continue;
            }
            let is_comment = line.trim_start().starts_with("//");
            is_sample = is_comment && (is_sample ^ line.contains("```"));
            if is_sample {
                continue;
            }
            if !is_comment && let Some((_, rest)) = line.split_once("r#\"") {
                if !rest.contains("\"#") {
                    raw_end = Some("\"#".to_owned());
                }
                continue;
            }
            let is_unbreakable = is_comment
                && ["|", "─", "│", "►", "http", "  "]
                    .iter()
                    .any(|part| line.trim_start().contains(part))
                || line.contains("proptest_config")
                // A literal without a space cannot be broken, and a macro's body is not formatted.
                || line.split('"').any(|part| part.len() > 60 && !part.trim().contains(' '));
            if line.chars().count() > COLUMNS_MAX && !is_unbreakable {
                wide.push(format!("{}:{number}: {line}", path.display()));
            }
        }
    }
    assert!(wide.is_empty(), "{} lines:\n{}", wide.len(), wide.join("\n"));
}

/// Whoever reads one sentence must understand it, without the item above.
#[test]
fn no_doc_comment_begins_with_the_same() {
    for path in files("rs") {
        let text = read(&path);
        let mut before = "";
        for line in text.lines().map(str::trim_start) {
            let begins = line.starts_with("/// The same") && !before.starts_with("///");
            assert!(!begins, "{}: say what it is: {line}", path.display());
            before = line;
        }
    }
}

/// A test that is skipped is counted, which a line of its own printing would not do.
#[test]
fn only_the_shared_helper_says_that_a_test_is_skipped() {
    let printed = concat!("(\"", "skipped:");
    let with_it: Vec<PathBuf> =
        files("rs").into_iter().filter(|path| read(path).contains(printed)).collect();
    assert_eq!(with_it, [root().join("tests/support/skip.rs")], "call `support::skip` instead");
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for path in files("rs") {
        let text = read(&path);
        let is_tests = path.components().any(|part| part.as_os_str() == "tests")
            || path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
        assert!(
            text.starts_with("//!") || is_tests,
            "{} does not begin with its purpose",
            path.display()
        );
    }
}

#[test]
fn every_feature_is_in_the_manual_and_nothing_else_is() {
    let manual = read("docs/features.md");
    // A heading or a table row that begins with a name in backticks is about that feature.
    let about = |line: &str| {
        let line = line.trim_start();
        let rest = line
            .strip_prefix('|')
            .or_else(|| line.starts_with('#').then(|| line.trim_start_matches('#')))?;
        let (name, _) = rest.trim_start().strip_prefix('`')?.split_once('`')?;
        Some(name.to_owned())
    };
    let described: BTreeSet<String> = manual.lines().filter_map(about).collect();
    let measured: BTreeSet<String> =
        FEATURES.iter().map(|feature| feature.name.to_owned()).collect();
    let missing: Vec<_> = measured.difference(&described).collect();
    assert!(missing.is_empty(), "docs/features.md has no heading or table row for {missing:?}");
    let unknown: Vec<_> = described.difference(&measured).collect();
    assert!(unknown.is_empty(), "docs/features.md describes {unknown:?}, which are not measured");
}

/// Lines of fenced code blocks, with continued lines joined and prompts taken off.
fn code_lines(markdown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_code = false;
    let mut continued = String::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if !is_code {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(part) => continued.push_str(part),
            None => lines.push(std::mem::take(&mut continued) + line),
        }
    }
    lines
        .iter()
        .map(|line| {
            line.trim_start().trim_start_matches("$ ").trim_start_matches("sudo ").to_owned()
        })
        .collect()
}

#[test]
fn the_commands_of_the_readme_exist() {
    let command = <kidoban::args::Args as clap::CommandFactory>::command();
    let makefile = read("Makefile");
    let mut seen = 0;
    for line in code_lines(&read("README.md")) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("make") => {
                for target in words
                    .take_while(|word| !word.starts_with('#'))
                    .filter(|word| !word.contains('='))
                {
                    let is_there =
                        makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
                    assert!(is_there, "README: `{line}`: the Makefile has no target {target}");
                    seen += 1;
                }
            }
            Some("kidoban" | "target/release/kidoban") => {
                let name = words.next().unwrap_or("--help");
                // Output of a command may begin with the product's name as well.
                if name.starts_with('-') || name.ends_with(':') {
                    continue;
                }
                let subcommand = command.find_subcommand(name);
                let subcommand = subcommand
                    .unwrap_or_else(|| panic!("README: `{line}`: there is no `kidoban {name}`"));
                for flag in
                    words.take_while(|word| *word != "#").filter_map(|word| word.strip_prefix("--"))
                {
                    let flag = flag.split('=').next().unwrap();
                    let mut known = subcommand.get_arguments().filter_map(clap::Arg::get_long);
                    assert!(
                        known.any(|known| known == flag),
                        "README: `{line}`: there is no --{flag}"
                    );
                }
                seen += 1;
            }
            _ => {}
        }
    }
    assert!(
        seen >= 5,
        "README shows {seen} commands: two to begin with, and the way from a log to enforcing"
    );
}

#[test]
fn the_pure_crates_ask_nobody_what_time_it_is() {
    for path in files("rs") {
        let is_pure = ["detector/src", "traffic/src"]
            .iter()
            .any(|folder| path.starts_with(root().join(folder)));
        let text = if is_pure { read(&path) } else { continue };
        for forbidden in [
            "Instant::now",
            "SystemTime::now",
            "thread::sleep",
            "std::env::",
            "std::net::Tcp",
            "thread_rng",
        ] {
            assert!(
                !text.contains(forbidden),
                "{} holds {forbidden}: time and chance are arguments",
                path.display()
            );
        }
    }
}

/// The names of a crate's dependencies, without those for tests.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read(manifest).parse().unwrap();
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn dependencies_point_one_way() {
    const OURS: [&str; 8] =
        ["detector", "traffic", "gate", "trainer", "analysis", "lab", "proxy", "decide"];
    let check = |manifest: &str, allowed: &[&str]| {
        let dependencies = dependencies(manifest);
        assert!(!dependencies.is_empty(), "{manifest}");
        for ours in OURS.iter().filter(|ours| dependencies.contains(**ours)) {
            assert!(allowed.contains(ours), "{manifest} depends on {ours}");
        }
    };
    check("detector/Cargo.toml", &[]);
    check("traffic/Cargo.toml", &["detector"]);
    check("trainer/Cargo.toml", &["detector", "traffic"]);
    check("gate/Cargo.toml", &["detector", "traffic"]);
    check("analysis/Cargo.toml", &["detector", "traffic", "gate", "trainer"]);
    check("lab/Cargo.toml", &["detector", "traffic", "trainer", "analysis"]);
    check("proxy/Cargo.toml", &["gate"]);
    check("decide/Cargo.toml", &["gate"]);
    check("Cargo.toml", &OURS);
}

#[test]
fn pingora_is_the_proxys_and_linfa_the_trainers() {
    for (manifest, is_proxy, is_trainer) in [
        ("detector/Cargo.toml", false, false),
        ("traffic/Cargo.toml", false, false),
        ("trainer/Cargo.toml", false, true),
        ("analysis/Cargo.toml", false, false),
        ("lab/Cargo.toml", false, false),
        ("proxy/Cargo.toml", true, false),
        ("decide/Cargo.toml", false, false),
        ("Cargo.toml", false, false),
    ] {
        for name in dependencies(manifest) {
            assert!(is_proxy || !name.starts_with("pingora"), "{manifest} depends on {name}");
            assert!(
                is_trainer || !(name.starts_with("linfa") || name == "ndarray"),
                "{manifest} depends on {name}"
            );
        }
    }
}

#[test]
fn no_page_waits_for_something_to_be_filled_in() {
    for path in files("md") {
        assert!(!read(&path).contains("@@"), "{}", path.display());
    }
}

#[test]
fn the_shipped_models_page_shows_the_figures_of_its_card() {
    let model = detector::Model::parse(kidoban::input::SHIPPED_MODEL).unwrap();
    let table = kidoban::train::metrics(model.card());
    assert!(
        read(root().join("models/README.md")).contains(&table),
        "copy this into models/README.md:\n{table}"
    );
}
