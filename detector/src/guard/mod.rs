//! The guard: what no person can do is limited from the first day, without training or labels.
//!
//! | rule | is met by a client that | a person reaches at most |
//! |---|---|---|
//! | [`pace`] | opens 150 different pages at the pace of a minute | 35 of 150 pages |
//! | [`attack_paths`] | asks for ten missing paths that only attack tools ask for | 0 of 10 |
//! | [`failed_logins`] | fails to log in 30 times without a longer pause | 0 of 30 |
//! | [`counting`] | takes 100 steps from number to number within two seconds each | 1 of 100 |
//!
//! The last column is from the public logs in which 843 people are labelled; no simulated person
//! meets a rule either (`docs/design/policy.md`).
//!
//! A rule that is met limits its client for `limit_s` seconds, whatever the model scores, and with
//! no model at all ([`crate::Policy::weigh_guard`]). It never blocks: there is no proof for that.
//! The verdict's reason names the rule. Each rule can be turned off (`guard` in `[policy]`).
//!
//! What the rules look at is not a label and not a score's input. Paths that attack tools ask for
//! make labels in training, so no feature may see them; this is the one place that does.
//!
//! **State**: 8 bytes a client beside its window, for what requests came to ([`Guard`]). The rules
//! about requests look at the window. So the outcome of a newcomer's first request, which comes
//! before it has a window, is not counted.
//!
//! Cost: two comparisons for a page; nothing for other requests, nor for outcomes that are neither
//! a log-in nor an attack path.

mod attack_paths;
mod counting;
mod failed_logins;
mod pace;
mod rules;

pub use rules::{Rule, Rules};

use crate::event::Outcome;
use crate::time::Timestamp;
use crate::window::Window;
use attack_paths::AttackPaths;
use failed_logins::FailedLogins;

/// What the guard remembers of a client: how its attack paths and its log-ins ended, and the rule
/// that limits it. 8 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    attacks: AttackPaths,
    log_ins: FailedLogins,
    /// When the counts last grew: seconds since the epoch, modulo 2¹⁶. After 18 hours the number
    /// comes again, and then a pause is taken to be shorter than it was.
    at_s: u16,
    /// The rule for which the client is limited, if it is limited for one.
    limited_by: Option<Rule>,
}

const _: () = assert!(size_of::<Guard>() <= 8);

/// The rule in force that a client meets with the page that was just pushed into its window.
///
/// `browsers` is how many browsers share the client's address; 1 if it is not a shared one.
pub fn rule_met_by_page(rules: Rules, window: &Window, browsers: impl Fn() -> u32) -> Option<Rule> {
    if pace::is_met(window, browsers) && rules.contains(Rule::Pace) {
        return Some(Rule::Pace);
    }
    (counting::is_met(window) && rules.contains(Rule::Counting)).then_some(Rule::Counting)
}

impl Guard {
    /// Nothing was counted yet.
    pub const NONE: Self =
        Self { attacks: AttackPaths::NONE, log_ins: FailedLogins::NONE, at_s: 0, limited_by: None };

    /// Counts how a request ended at `at`, and returns the rule in force that it meets.
    pub fn conclude(&mut self, rules: Rules, outcome: &Outcome, at: Timestamp) -> Option<Rule> {
        let (target, status) = (outcome.target, outcome.status);
        let is_attack = target.is_attack() && attack_paths::is_missing(status);
        let is_failure = target.is_log_in() && failed_logins::is_failure(status);
        if target.is_log_in() && failed_logins::is_success(status) {
            self.log_ins.succeed(target.path());
        }
        if !is_attack && !is_failure {
            return None;
        }
        self.pause_until(at);
        let is_scan = is_attack && self.attacks.note(target.path());
        let is_guessing = is_failure && self.log_ins.fail(target.path());
        if is_scan && rules.contains(Rule::AttackPaths) {
            return Some(Rule::AttackPaths);
        }
        (is_guessing && rules.contains(Rule::FailedLogins)).then_some(Rule::FailedLogins)
    }

    /// The rule for which the client is limited, as long as it is limited.
    pub const fn limited_by(&self) -> Option<Rule> {
        self.limited_by
    }

    /// Notes for which rule the client is limited from now on: `None` for another reason.
    pub(crate) const fn set_limited_by(&mut self, rule: Option<Rule>) {
        self.limited_by = rule;
    }

    /// Lets time pass until `at`.
    fn pause_until(&mut self, at: Timestamp) {
        let at_s = at.as_secs() as u16;
        let pause_s = at_s.wrapping_sub(self.at_s);
        self.at_s = at_s;
        self.log_ins.pause(pause_s);
        if pause_s >= attack_paths::FORGET_S {
            self.attacks = AttackPaths::NONE;
        }
    }
}

#[cfg(test)]
mod tests;
