//! The `[policy]` section to paste.

use std::fmt::Write as _;

use super::{Rung, State, Tuned};

impl Tuned {
    /// TOML: the thresholds that are to be set, each with its evidence as a comment; those that are not, as comments only.
    pub fn snippet(&self) -> String {
        let digest: String = self.model_sha256.chars().take(12).collect();
        let mut text = String::new();
        let name: String = self.model.chars().filter(|char| !char.is_control()).take(60).collect();
        let _ = writeln!(text, "[policy]");
        let _ = writeln!(
            text,
            "# Thresholds of model {name} (sha256 {digest}…) and of no other, from {} pages on.",
            self.min_pages
        );
        for rung in &self.ladder {
            for line in wrapped(&rung.evidence) {
                let _ = writeln!(text, "# {line}");
            }
            let _ = writeln!(text, "{}", line(rung));
        }
        text
    }
}

fn line(rung: &Rung) -> String {
    let key = rung.step.key();
    match (rung.state, rung.score) {
        (State::Proven | State::Raised, Some(score)) => format!("{key} = {score:?}"),
        (_, Some(score)) => format!("# {key} stays at {score:.4}"),
        (_, None) => format!("# {key}: none"),
    }
}

/// Lines of at most a hundred characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 100 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
