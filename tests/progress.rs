//! Progress bars, on a real pseudo-terminal (`script` of util-linux) and away from any.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use traffic::sim::{self, Mix};

use crate::support::command::{Ended, PROGRAM, command};
use crate::support::{Folder, model, skip};

/// What a terminal of 80 columns shows of a command, escapes and all; `None`, and the reason
/// printed, without `script`.
fn on_a_terminal(folder: &Path, arguments: &str, variables: &[(&str, &str)]) -> Option<String> {
    let version = Command::new("script")
        .arg("--version")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    if !String::from_utf8_lossy(&version).contains("util-linux") {
        skip("there is no util-linux `script` here");
        return None;
    }
    let command = format!("stty cols 80 rows 30; '{PROGRAM}' {arguments}");
    let mut script = Command::new("script");
    script
        .args(["-qec", &command, "/dev/null"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("NO_COLOR");
    let output = script.env("TERM", "xterm").envs(variables.iter().copied()).output().unwrap();
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{screen}");
    Some(screen)
}

fn in_a_pipe(folder: &Path, arguments: &str) -> Ended {
    command(folder).args(arguments.split(' ')).env("TERM", "xterm").output().unwrap().into()
}

/// Long enough that a bar is drawn more than once.
fn long_log(test: &str) -> Folder {
    let folder = Folder::new(test);
    let mut log = String::new();
    for number in 0..100_000 {
        let (client, second) = (number % 251, number % 60);
        let _ = writeln!(
            log,
            r#"192.0.2.{client} - - [20/Feb/2026:05:00:{second:02} +0000] "GET /p/{number}?x=1 HTTP/1.1" 200 5120 "-" "Mozilla/5.0""#
        );
    }
    folder.write("access.log", log);
    folder
}

/// Escapes that set a colour.
fn colours(screen: &str) -> usize {
    let is_colour = |escape: &str| {
        let end = escape
            .find(|char: char| !(char.is_ascii_digit() || char == ';'))
            .unwrap_or(escape.len());
        escape[end..].starts_with('m')
    };
    screen.split("\u{1b}[").skip(1).filter(|escape| is_colour(escape)).count()
}

#[test]
fn a_terminal_sees_how_fast_and_how_long() {
    let folder = long_log("progress-terminal");
    for (command, verb) in [("inspect access.log", "Reading"), ("replay access.log", "Replaying")] {
        let Some(screen) = on_a_terminal(&folder.0, command, &[]) else { return };
        let drawn = screen
            .split('\r')
            .find(|line| line.contains(verb) && line.contains("/s, ") && line.contains(" left"));
        assert!(drawn.is_some(), "{command} draws no bar with a rate and a time left: {screen:?}");
        let answer = screen.rsplit("\u{1b}[2K").next().unwrap();
        assert!(!answer.contains(verb), "the bar is still there beside the answer: {answer:?}");
        let plain = on_a_terminal(&folder.0, command, &[("NO_COLOR", "1")]).unwrap();
        assert!(plain.contains(" left") && colours(&plain) == 0, "{plain:?}");
    }
}

#[test]
fn nobody_but_a_terminal_and_a_person_sees_a_bar() {
    let folder = long_log("progress-nobody");
    for command in ["inspect access.log", "replay access.log"] {
        in_a_pipe(&folder.0, command).assert_quiet();
        let Some(screen) = on_a_terminal(&folder.0, &format!("{command} --json"), &[]) else {
            return;
        };
        assert!(!screen.contains('\u{1b}'), "{command} --json draws: {screen:?}");
        serde_json::from_str::<serde_json::Value>(&screen).unwrap();
        let beside =
            on_a_terminal(&folder.0, &format!("{command} --json > answer.json"), &[]).unwrap();
        assert!(beside.contains(" left"), "{command} with its answer in a file: {beside:?}");
        serde_json::from_str::<serde_json::Value>(
            &std::fs::read_to_string(folder.path("answer.json")).unwrap(),
        )
        .unwrap();
        let dumb = on_a_terminal(&folder.0, command, &[("TERM", "dumb")]).unwrap();
        assert!(!dumb.contains('\u{1b}'), "{dumb:?}");
    }
}

#[test]
fn training_and_evaluating_say_which_stage_and_how_far() {
    let folder = Folder::new("progress-train");
    let day =
        sim::simulate(&Arc::new(sim::Site::new(2)), 8, model::DAY, &Mix::of(60, 30), model::DAY_US);
    let (mut log, mut labels) = (Vec::new(), Vec::new());
    sim::write_json(&day, &mut log).unwrap();
    sim::write_labels(&sim::labels(&day), &mut labels).unwrap();
    folder.write("access.log", log);
    folder.write("labels.csv", labels);
    let train = "train access.log --labels labels.csv --no-compare -o shop.json";
    let Some(screen) = on_a_terminal(&folder.0, train, &[]) else { return };
    for stage in ["held out by time", "cross-fitting", "fitting", "calibrating"] {
        assert!(screen.contains(&format!("Training: {stage}")), "{stage}: {screen:?}");
    }
    let drawn = |line: &str| {
        line.contains("Training: cross-fitting")
            && line.contains(" trees, ")
            && line.contains(" left")
    };
    assert!(screen.split('\r').any(drawn), "{screen:?}");
    let evaluate = "evaluate access.log --labels labels.csv --model shop.json";
    let screen = on_a_terminal(&folder.0, evaluate, &[]).unwrap();
    let drawn = |line: &str| {
        line.contains("Evaluating: judging")
            && line.contains(" requests, ")
            && line.contains(" left")
    };
    assert!(screen.split('\r').any(drawn), "{screen:?}");
}
