//! docs/tuning.md walked from its first command to its last, on a smaller shop.

use std::process::Command;

use crate::support::command::PROGRAM;
use crate::support::{Folder, root};

/// Fewer people than in the document, and budgets that so few can prove.
const SMALLER: [(&str, &str); 2] = [
    ("--people 4500", "--people 450"),
    ("--fp-budget 0.5% --block-budget 0.1%", "--fp-budget 3% --block-budget 2%"),
];

/// Needs a gate and its event log, or is the customer's.
fn is_left_out(command: &str) -> bool {
    command.starts_with("kidoban run ") || command.contains("events.log")
}

/// The document's fenced blocks of these languages, in order: language and text.
fn blocks(document: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = document.split("```").collect();
    let fenced = parts.iter().skip(1).step_by(2);
    fenced
        .filter_map(|block| block.split_once('\n'))
        .filter(|(language, _)| ["sh", "toml"].contains(language))
        .collect()
}

#[test]
fn every_command_of_the_document_works_in_its_order() {
    let document = std::fs::read_to_string(root().join("docs/tuning.md")).unwrap();
    let folder = Folder::new("walk");
    let program = std::path::Path::new(PROGRAM);
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut walked = Vec::new();
    for (language, text) in blocks(&document) {
        if language == "toml" {
            folder.write("kidoban.toml", text);
            continue;
        }
        for command in text.lines().map(|line| line.split("   #").next().unwrap().trim()) {
            if is_left_out(command) {
                continue;
            }
            let smaller =
                SMALLER.iter().fold(command.to_owned(), |text, (from, to)| text.replace(from, to));
            let smaller = smaller.replace("CLIENT", &busiest(&folder));
            let output = Command::new("bash")
                .args(["-c", &smaller])
                .env("PATH", &path)
                .current_dir(&folder.0)
                .output()
                .unwrap();
            let [said, complained] =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
            // diff and drift answer 1 where something changes.
            let is_no =
                command.starts_with("kidoban diff ") || command.starts_with("kidoban drift ");
            let ends = if is_no { &[0, 1][..] } else { &[0] };
            assert!(
                output.status.code().is_some_and(|code| ends.contains(&code)),
                "{smaller}\n{said}{complained}"
            );
            assert!(!said.contains("mean nothing to that one"), "{smaller}\n{said}");
            walked.extend(
                command
                    .split_whitespace()
                    .nth(1)
                    .filter(|_| command.starts_with("kidoban "))
                    .map(str::to_owned),
            );
            if command.starts_with("kidoban check ") {
                assert!(
                    said.contains("tuned for this model: ") && !said.contains("no evidence"),
                    "{said}"
                );
            }
        }
    }
    let expected = [
        "simulate", "inspect", "train", "evaluate", "replay", "tune", "diff", "explain", "check",
        "drift",
    ];
    for command in expected {
        assert!(
            walked.iter().any(|walked| walked == command),
            "the document has no {command}: {walked:?}"
        );
    }
    assert!(!std::fs::read_to_string(folder.path("before.toml")).unwrap().contains("limit_score"));
    assert!(std::fs::read_to_string(folder.path("kidoban.toml")).unwrap().contains("block_score"));
}

/// Whoever asked most, for a command about one client; nobody before there is a log.
fn busiest(folder: &Folder) -> String {
    let Ok(log) = std::fs::read_to_string(folder.path("tuesday.log")) else { return String::new() };
    let mut requests = std::collections::BTreeMap::<&str, u32>::new();
    for line in log.lines() {
        let client = line
            .split("\"remote_addr\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        *requests.entry(client).or_default() += 1;
    }
    requests.into_iter().max_by_key(|(_, requests)| *requests).unwrap().0.to_owned()
}
