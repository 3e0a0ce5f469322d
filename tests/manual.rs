//! Completions and manual pages, tried with the programs that read them.

use std::process::{Command, Output, Stdio};

use crate::support::{Folder, command, root, skip};

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(output) => Some(output),
        Err(_) => {
            skip(&format!("there is no {program} here"));
            None
        }
    }
}

fn kidoban(arguments: &[&str]) -> String {
    command::kidoban(root(), arguments).assert(0).stdout
}

fn subcommands() -> Vec<String> {
    let command = <kidoban::args::Args as clap::CommandFactory>::command();
    command.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let folder = Folder::new("completions");
    let script = folder.write("kidoban.bash", kidoban(&["completions", "bash"]));
    let check = |words: &[&str], expect: &[&str]| {
        let (last, before) = (words.len() - 1, words[words.len() - 2]);
        let asked = format!(
            "set -e; source '{}'; COMP_WORDS=({}); COMP_CWORD={last}; _kidoban kidoban '{}' \
                '{before}'; echo \"${{COMPREPLY[*]}}\"",
            script.display(),
            words.join(" "),
            words[last],
        );
        let Some(output) = run("bash", &["--norc", "--noprofile", "-c", &asked]) else { return };
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && stderr.is_empty(), "{words:?}: {stderr}");
        let offered = String::from_utf8(output.stdout).unwrap();
        let offered: Vec<&str> = offered.split_whitespace().collect();
        assert_eq!(offered, expect, "{words:?}");
    };
    check(&["kidoban", "insp"], &["inspect"]);
    check(&["kidoban", "replay", "--jo"], &["--jobs"]);
    check(&["kidoban", "train", "--algorithm", "bo"], &["boosted"]);
}

#[test]
fn every_shell_gets_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = kidoban(&["completions", shell]);
        for name in subcommands() {
            assert!(script.contains(&name), "{shell} does not know {name}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page_that_renders_with_its_example() {
    let folder = Folder::new("man");
    let told = kidoban(&["man", "-o", &folder.path("man1").display().to_string()]);
    let pages: Vec<String> = std::iter::once("kidoban".to_owned())
        .chain(subcommands().iter().map(|name| format!("kidoban-{name}")))
        .collect();
    assert!(told.starts_with(&format!("Wrote {} pages to ", pages.len())), "{told}");
    for page in pages {
        let path = folder.path("man1").join(format!("{page}.1")).display().to_string();
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(source.contains(".TH"), "{source}");
        // All warnings there are: an undefined macro or a line that cannot be adjusted is one.
        let Some(output) = run("groff", &["-man", "-Tutf8", "-ww", &path]) else { return };
        let [text, said] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(output.status.success() && said.is_empty(), "{page}: {said}");
        // As in --help: with the values, and with dots where there may be several.
        let usage: &[&str] = match page.as_str() {
            "kidoban-train" => &["kidoban train [OPTIONS] --output <MODEL> "],
            "kidoban-tune" => &["kidoban tune [OPTIONS] <LOG>..."],
            "kidoban-explain" => &[
                "kidoban explain [OPTIONS] <CLIENT> <LOG>...",
                "kidoban explain [OPTIONS] --id <ID> <EVENTLOG>...",
            ],
            _ => &[],
        };
        for usage in usage {
            assert!(text.contains(usage), "{page}: {usage} is not in {text}");
        }
        if page != "kidoban" {
            let command = page.replacen('-', " ", 1);
            assert!(source.contains(".SH EXAMPLES"), "{source}");
            assert!(
                text.contains(&format!("  {command} ")) || text.contains(&format!("  {command}\n")),
                "{text}"
            );
        }
    }
}

#[test]
fn pages_are_listed_for_machines() {
    let folder = Folder::new("man-json");
    let listed = kidoban(&["man", "--json", "-o", &folder.path("man1").display().to_string()]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["pages"].as_array().unwrap().len(), subcommands().len() + 1);
    // A file is no folder.
    let file = root().join("Cargo.toml").display().to_string();
    command::kidoban(root(), &["man", "-o", &file]).assert(2);
}
