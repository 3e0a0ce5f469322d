//! May a model refuse anybody? Its state, and the requirements that it was measured against.
//!
//! A model that fails a requirement is written, read and shown, and it scores in shadow mode. But
//! it is not **armed**: in enforce mode it is refused, until a better one is trained or it is
//! forced.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::ModelError;

/// Most requirements that are accepted. Our trainers have fewer.
const GATES_MAX: usize = 16;

/// How far a model is from refusing clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessState {
    /// All requirements are met, but too few people are known to prove a block threshold. The model
    /// limits and never blocks.
    Collecting,
    /// All requirements are met, and the block threshold is proven.
    #[default]
    Ready,
    /// A requirement is not met: the model is not armed.
    Failed,
}

/// What a model must reach before it may refuse anybody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// What was measured, in words.
    pub name: String,
    /// The measured value.
    pub value: f64,
    /// The least value that is needed.
    pub required: f64,
    /// What to do if it is not reached.
    pub remedy: String,
}

/// May a model refuse anybody, and what that depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readiness {
    /// The model's state.
    pub state: ReadinessState,
    /// Armed although a requirement is not met, because that was demanded when it was trained.
    pub forced: bool,
    /// People with enough pages to be judged.
    pub people_seen: u64,
    /// How many people are needed to prove a block threshold.
    pub people_needed: u64,
    /// The requirements that it was measured against. Empty for a model written by hand.
    pub gates: Vec<Requirement>,
}

impl Requirement {
    /// Is the requirement met?
    pub fn is_passed(&self) -> bool {
        self.value >= self.required
    }
}

impl Readiness {
    /// The state that follows from the people and the requirements. `blocks`: is there a block
    /// threshold?
    pub fn new(
        people_seen: u64,
        people_needed: u64,
        blocks: bool,
        gates: Vec<Requirement>,
    ) -> Self {
        let state = match () {
            () if !gates.iter().all(Requirement::is_passed) => ReadinessState::Failed,
            () if blocks => ReadinessState::Ready,
            () => ReadinessState::Collecting,
        };
        Self { state, forced: false, people_seen, people_needed, gates }
    }

    /// May the model refuse anybody?
    pub fn is_armed(&self) -> bool {
        self.forced || self.state != ReadinessState::Failed
    }

    pub(super) fn check(&self, blocks: bool) -> Result<(), ModelError> {
        let wrong = |what: &str| Err(ModelError::Content(what.to_owned()));
        let finite = |gate: &Requirement| gate.value.is_finite() && gate.required.is_finite();
        if self.gates.len() > GATES_MAX || !self.gates.iter().all(finite) {
            return wrong("its gates are too many, or not numbers");
        }
        if (self.state == ReadinessState::Failed) == self.gates.iter().all(Requirement::is_passed) {
            return wrong("its state is not what its gates say");
        }
        if self.state == ReadinessState::Collecting && blocks {
            return wrong("it has a block threshold and says that it is still collecting");
        }
        if self.forced && self.state != ReadinessState::Failed {
            return wrong("it is forced, and nothing failed");
        }
        Ok(())
    }
}

impl fmt::Display for Readiness {
    /// In words, with what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            ReadinessState::Ready => f.write_str("Ready"),
            ReadinessState::Collecting => write!(
                f,
                "Collecting: {} of {} people seen; it limits, and has no block threshold of its \
                    own until then",
                grouped(self.people_seen),
                grouped(self.people_needed)
            ),
            ReadinessState::Failed => {
                f.write_str("Failed")?;
                for (i, gate) in self.gates.iter().filter(|gate| !gate.is_passed()).enumerate() {
                    let Requirement { name, value, required, remedy } = gate;
                    let start = if i == 0 { ": " } else { "; " };
                    let (value, required) = (figure(*value), figure(*required));
                    write!(f, "{start}{name} is {value}, at least {required} is needed: {remedy}")?;
                }
                f.write_str(if self.forced { " (armed by force)" } else { "" })
            }
        }
    }
}

/// A number with three decimals, or none if it is whole.
fn figure(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    }
}

/// A whole number as people read it: `1,204`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(value: f64) -> Requirement {
        Requirement {
            name: "area".into(),
            value,
            required: 0.7,
            remedy: "label more clients".into(),
        }
    }

    #[test]
    fn the_state_follows_from_gates_and_people_and_says_what_to_do() {
        let check = |readiness: Readiness, state, armed, words: &str| {
            assert_eq!((readiness.state, readiness.is_armed()), (state, armed));
            assert_eq!(readiness.to_string(), words);
        };
        check(
            Readiness::new(9_000, 5_990, true, vec![gate(0.9)]),
            ReadinessState::Ready,
            true,
            "Ready",
        );
        let words = "Collecting: 1,204 of 5,990 people seen; it limits, and has no block threshold \
            of its own until then";
        check(
            Readiness::new(1_204, 5_990, false, vec![gate(0.7)]),
            ReadinessState::Collecting,
            true,
            words,
        );
        let failed = Readiness::new(1_204, 5_990, false, vec![gate(0.9), gate(0.61)]);
        let words = "Failed: area is 0.610, at least 0.700 is needed: label more clients";
        check(failed.clone(), ReadinessState::Failed, false, words);
        let forced = Readiness { forced: true, ..failed };
        check(forced, ReadinessState::Failed, true, &format!("{words} (armed by force)"));
    }

    #[test]
    fn a_state_that_its_gates_deny_is_refused() {
        let sound = Readiness::new(10, 20, false, vec![gate(0.9)]);
        assert!(sound.check(false).is_ok());
        assert!(sound.check(true).is_err());
        assert!(Readiness { state: ReadinessState::Failed, ..sound.clone() }.check(false).is_err());
        assert!(Readiness { gates: vec![gate(0.1)], ..sound.clone() }.check(false).is_err());
        assert!(Readiness { forced: true, ..sound.clone() }.check(false).is_err());
        assert!(Readiness { gates: vec![gate(f64::INFINITY)], ..sound }.check(false).is_err());
    }
}
