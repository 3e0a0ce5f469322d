//! The names of the rules, and the set of those that are in force.

use serde::{Deserialize, Serialize};

/// A rule of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Different pages, faster than any hand: [`super::pace`].
    Pace,
    /// Many different paths that only attack tools ask for: [`super::attack_paths`].
    AttackPaths,
    /// Log-ins that fail, one after the other: [`super::failed_logins`].
    FailedLogins,
    /// Neighbouring numbers in one URL, faster than any hand: [`super::counting`].
    Counting,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::Pace, Self::AttackPaths, Self::FailedLogins, Self::Counting];
}

/// A set of rules: those in force. One byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Rule>", into = "Vec<Rule>")]
pub struct Rules(u8);

impl Rules {
    /// No rule.
    pub const NONE: Self = Self(0);

    /// Every rule.
    pub const ALL: Self = Self((1 << Rule::ALL.len()) - 1);

    /// Is the rule in force?
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }
}

impl From<Vec<Rule>> for Rules {
    fn from(rules: Vec<Rule>) -> Self {
        Self(rules.into_iter().fold(0, |set, rule| set | 1 << rule as u8))
    }
}

impl From<Rules> for Vec<Rule> {
    fn from(rules: Rules) -> Self {
        Rule::ALL.into_iter().filter(|rule| rules.contains(*rule)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        assert_eq!(Rules::from(Rule::ALL.to_vec()), Rules::ALL);
        assert_eq!(Vec::from(Rules::ALL), Rule::ALL);
        assert_eq!(Rules::from(Vec::new()), Rules::NONE);
        let some = Rules::from(vec![Rule::Counting, Rule::Pace, Rule::Pace]);
        assert_eq!(Vec::from(some), [Rule::Pace, Rule::Counting]);
    }

    #[test]
    fn a_set_is_written_as_a_list_of_names() {
        let names = r#"["pace","attack_paths","failed_logins","counting"]"#;
        assert_eq!(serde_json::to_string(&Rules::ALL).unwrap(), names);
        assert_eq!(serde_json::from_str::<Rules>(names).unwrap(), Rules::ALL);
        assert!(serde_json::from_str::<Rules>(r#"["speed"]"#).is_err());
    }
}
