//! Writes the `[policy]` section to paste, and `[tuned]`, which binds its thresholds to their model
//! and states their proof.

use std::fmt::Write as _;

use super::ladder::{StepThreshold, ThresholdState};
use super::tuned::Tuned;
use crate::format::score;

impl Tuned {
    /// TOML: the thresholds to set, each with its evidence as a comment. Those that are not to be
    /// set are comments only.
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
        if !self.keys().is_empty() {
            let _ = write!(text, "\n{}", self.evidence());
        }
        text
    }

    /// TOML: the section `[tuned]`, with the proof of each threshold to set.
    pub fn evidence(&self) -> String {
        let mut text = String::from(
            "# What proves the thresholds of [policy]: for this model, from so many pages on, and \
                for these scores only.\n[tuned]\n",
        );
        let _ = writeln!(text, "model_sha256 = \"{}\"", self.model_sha256);
        for rung in self.ladder.iter().filter(|rung| rung.is_changed()) {
            if let (Some(score), Some(at_most)) = (rung.score, rung.at_most) {
                let _ = writeln!(
                    text,
                    "{} = {{ score = {score:?}, people = {}, above = {}, at_most = {}, confidence \
                        = {:?}, from_pages = {} }}",
                    rung.step.key(),
                    rung.n,
                    rung.k,
                    rounded_up(at_most),
                    self.confidence,
                    self.min_pages,
                );
            }
        }
        text
    }
}

/// A share with three significant digits, rounded up.
fn rounded_up(share: f64) -> String {
    let digits =
        if share > 0.0 { (2.0 - share.log10().floor()).clamp(3.0, 12.0) as usize } else { 1 };
    let scale = 10_f64.powi(digits as i32);
    format!("{:?}", ((share * scale).ceil() / scale).min(1.0))
}

fn line(rung: &StepThreshold) -> String {
    let key = rung.step.key();
    match (rung.state, rung.score) {
        (ThresholdState::Proven | ThresholdState::Raised, Some(value)) => {
            format!("{key} = {value:?}")
        }
        (_, Some(stays)) => format!("# {key} stays at {}", score(stays)),
        (_, None) => format!("# {key}: none"),
    }
}

/// Breaks a text into lines of at most a hundred characters.
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

#[cfg(test)]
mod tests {
    use super::rounded_up;

    #[test]
    fn a_bound_is_never_written_below_itself() {
        assert_eq!(
            [0.000_951_2, 0.004_861, 0.136_1, 1.0, 0.0].map(rounded_up),
            ["0.000952", "0.00487", "0.137", "1.0", "0.0"]
        );
        for share in (1..2_000).map(|i| f64::from(i) / 1_999.0 / 7.0) {
            let written: f64 = rounded_up(share).parse().unwrap();
            assert!(written >= share && written <= share * 1.011, "{share} {written}");
        }
    }
}
