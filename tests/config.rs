//! Every bad configuration is a file of its own in `tests/data/config/bad`. Its first line says
//! what the error must contain: `# expect: <text>`. Whoever finds a new way to get it wrong adds a
//! file.

use std::path::{Path, PathBuf};

use gate::ConfigError;
use proxy::{Config, Overrides};

use crate::support::command::kidoban;
use crate::support::{Folder, data, root};

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(data(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty(), "no file in {folder}");
    files
}

/// Reads it as the door does that it is meant for.
fn load(path: &Path) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path).unwrap();
    match decide::Config::is_meant_by(&text) {
        true => decide::Config::load(Some(path), &decide::Overrides::default()).map(drop),
        false => Config::load(Some(path), &Overrides::default()).map(drop),
    }
}

fn check(path: &Path) -> (Option<i32>, String) {
    let ended = kidoban(root(), &["check", "-c", path.to_str().unwrap()]);
    (ended.code, ended.text())
}

#[test]
fn every_bad_configuration_is_refused_with_file_line_and_a_way_out() {
    for path in files("config/bad") {
        let text = std::fs::read_to_string(&path).unwrap();
        let expect = text.lines().next().and_then(|line| line.strip_prefix("# expect: "));
        let expect = expect
            .unwrap_or_else(|| panic!("{} does not begin with `# expect: `", path.display()))
            .trim();
        let Err(error) = load(&path) else { panic!("{} was accepted", path.display()) };
        let said = error.to_string();
        assert!(said.contains(expect), "{}: expected {expect:?} in {said:?}", path.display());
        let ConfigError::Wrong { place, problem, remedy } = &error else {
            panic!("{} has no place: {said}", path.display());
        };
        let place = place.to_string();
        let numbers = place.strip_prefix(&format!("{}:", path.display()));
        let line = numbers.and_then(|numbers| numbers.split(':').next()?.parse::<usize>().ok());
        assert!(line.is_some_and(|line| (1..=text.lines().count() + 1).contains(&line)), "{place}");
        assert!(said.starts_with(&place), "{said}");
        assert!(!problem.is_empty() && remedy.len() >= 10, "no advice: {said}");
    }
}

#[test]
fn the_command_refuses_each_of_them_with_2() {
    for path in files("config/bad") {
        let (code, said) = check(&path);
        assert_eq!(code, Some(2), "{}: {said}", path.display());
        let first = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
        let expect = first.strip_prefix("# expect: ").unwrap().trim();
        assert!(said.contains(expect) && said.contains(&format!("{}:", path.display())), "{said}");
    }
}

#[test]
fn every_good_configuration_is_accepted() {
    for path in files("config/good") {
        load(&path).unwrap_or_else(|error| panic!("{error}"));
        let (code, said) = check(&path);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("{} is sound.", path.display())), "{said}");
    }
}

#[test]
fn every_key_of_the_table_in_the_module_is_in_a_good_file() {
    let table = concat!(
        include_str!("../gate/src/config/mod.rs"),
        include_str!("../proxy/src/config/mod.rs"),
        include_str!("../decide/src/config/mod.rs")
    );
    let keys = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split_once("` |"))
        .map(|(keys, _)| keys);
    let good: String =
        files("config/good").iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut seen = 0;
    for key in keys.flat_map(|keys| keys.split("`, `")).filter(|key| !key.ends_with(".*")) {
        let name = key.rsplit('.').next().unwrap();
        let is_there = good
            .lines()
            .any(|line| line.trim_start_matches("# ").starts_with(&format!("{name} =")));
        assert!(is_there, "`{key}` is in no good configuration");
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}

/// A gate serves a shop; whoever reads a log under its policy does not.
#[test]
fn commands_that_read_logs_want_no_upstream() {
    let folder = Folder::new("no-upstream");
    folder.write("a.toml", "[policy]\nlimit_score = 0.9\n");
    folder.write("b.toml", "[policy]\nlimit_score = 0.8\n");
    let log = data("logs/common.log").display().to_string();
    let run = |arguments: &[&str]| {
        let ended = kidoban(&folder.0, &[arguments, &[&log]].concat());
        (ended.code, ended.stderr)
    };
    let commands: [&[&str]; 5] = [
        &["tune", "-c", "a.toml"],
        &["diff", "a.toml", "b.toml"],
        &["replay", "-c", "a.toml"],
        &["explain", "-c", "a.toml", "198.51.100.7"],
        &["label", "--propose", "-c", "a.toml"],
    ];
    for command in commands {
        let (code, said) = run(command);
        assert!(
            code.is_some_and(|code| code < 2) && said.is_empty(),
            "{command:?}: {code:?} {said}"
        );
    }
    let (code, said) = check(&folder.path("a.toml"));
    assert!(code == Some(2) && said.contains("no upstream"), "{said}");
}

#[test]
fn check_against_a_log_says_when_a_proxy_hides_who_the_visitors_are() {
    let folder = Folder::new("check-log");
    let config = folder.write("kidoban.toml", "[proxy]\nupstream = \"http://shop.example\"\n");
    let line = |client: &str, second: usize| {
        format!(
            "{client} - - [20/Nov/2026:05:00:{:02} +0000] \"GET /p/{second} HTTP/1.1\" 200 5 \"-\" \
             \"Browser\"\n",
            second % 60
        )
    };
    let proxied: String = (0..200).map(|second| line("127.0.0.1", second)).collect();
    let direct: String =
        (0..200).map(|second| line(&format!("192.0.2.{second}"), second)).collect();
    let check = |name: &str, log: String| {
        let log = folder.write(name, log);
        let [config, log] = [&config, &log].map(|path| path.to_str().unwrap());
        kidoban(&folder.0, &["check", "-c", config, log]).assert(0).stdout
    };
    let said = check("proxied.log", proxied);
    assert!(said.contains("trusted_proxies = [\"127.0.0.1\"]"), "{said}");
    let said = check("direct.log", direct);
    assert!(!said.contains("trusted_proxies"), "{said}");
}

#[test]
fn keys_where_they_stood_before_are_read_and_a_warning_says_where_they_belong() {
    let (code, said) = check(&data("config/good/keys_where_they_stood.toml"));
    assert_eq!(code, Some(0), "{said}");
    let moved = "listen, upstream, threads, h2c, timeouts, limits now belong in section [proxy]";
    assert!(said.contains(moved), "{said}");
}
