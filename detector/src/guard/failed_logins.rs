//! Rule `failed_logins`: log-ins that fail, one after the other.
//!
//! **Formula.** A write (`POST`, say) to a path that names a log-in ([`crate::url::Names`]) is a
//! failure if the shop answers 401 or 403. Each adds one, each ten seconds of pause take one off,
//! and each log-in that succeeds takes [`SUCCESS`] off. The rule is met from [`FAILURES_MIN`] on.
//! One path is counted at a time: a failure elsewhere takes one off until nothing is left, and then
//! that path is counted.
//!
//! **Reason.** Who types passwords needs some seconds for each, and gives up or asks for a new one
//! after a few. 30 wrong ones without a longer pause are a list. An address of many people
//! has ten log-ins that succeed for each one that fails.
//!
//! **What is no failure.** A status that says nothing of the password: 429 is a rate limit, 400 and
//! 404 are a broken form. Many shops answer a wrong password with 200; there this rule sees
//! nothing. Writes to other paths are left out, because a front end repeats them by itself: a
//! beacon for each product in view, a refused call for every page.
//!
//! **Bound on people.** The most that a person reaches is in `docs/design/policy.md`. An app that
//! repeats a log-in with an old password is slower than a limited client's rate, so it is refused
//! nothing.

/// Failures from which on the rule is met.
pub(super) const FAILURES_MIN: u8 = 30;
/// Failures are counted up to here, so that the end of a series is noticed.
const FAILURES_MAX: u8 = 40;
/// What a success takes off.
const SUCCESS: u8 = 4;
/// Seconds of pause that take one failure off: longer than it takes to type a password again.
const PAUSE_S: u16 = 10;

/// Log-ins that failed at one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedLogins {
    /// The hash of the path, as bytes, so that the struct takes three and no fourth for alignment.
    path: [u8; 2],
    failures: u8,
}

impl FailedLogins {
    /// None yet.
    pub(super) const NONE: Self = Self { path: [0; 2], failures: 0 };

    /// Lets time pass.
    pub(super) fn pause(&mut self, seconds: u16) {
        let off = u8::try_from(seconds / PAUSE_S).unwrap_or(u8::MAX);
        self.failures = self.failures.saturating_sub(off);
    }

    /// Counts a log-in that failed at this path, and tells whether the rule is met.
    pub(super) fn fail(&mut self, path: u16) -> bool {
        if self.failures == 0 {
            self.path = path.to_ne_bytes();
        }
        if self.path != path.to_ne_bytes() {
            self.failures -= 1;
            return false;
        }
        self.failures = (self.failures + 1).min(FAILURES_MAX);
        self.failures >= FAILURES_MIN
    }

    /// Counts a log-in that did not fail at this path.
    pub(super) fn succeed(&mut self, path: u16) {
        if self.path == path.to_ne_bytes() {
            self.failures = self.failures.saturating_sub(SUCCESS);
        }
    }
}

/// Does this status say that a log-in failed?
pub(super) const fn is_failure(status: u16) -> bool {
    matches!(status, 401 | 403)
}

/// Does this status say that a log-in succeeded, as far as it can be told?
pub(super) const fn is_success(status: u16) -> bool {
    matches!(status, 200..400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures_needed(gap_s: u16, path: impl Fn(usize) -> u16, tries: usize) -> Option<usize> {
        let mut logins = FailedLogins::NONE;
        (0..tries)
            .position(|number| {
                logins.pause(gap_s);
                logins.fail(path(number))
            })
            .map(|number| number + 1)
    }

    #[test]
    fn thirty_in_a_row_are_a_list_and_slower_ones_are_not() {
        assert_eq!(failures_needed(0, |_| 7, 40), Some(30));
        assert_eq!(failures_needed(9, |_| 7, 40), Some(30));
        assert_eq!(failures_needed(10, |_| 7, 10_000), None);
    }

    #[test]
    fn another_form_does_not_hide_the_list() {
        let one_in_five = |number| if number % 5 == 0 { 9 } else { 7 };
        assert!(failures_needed(0, one_in_five, 100).is_some());
    }

    #[test]
    fn successes_of_others_make_up_for_failures() {
        let mut logins = FailedLogins::NONE;
        for number in 0..10_000 {
            match number % 5 {
                0 => assert!(!logins.fail(7), "after {number}"),
                _ => logins.succeed(7),
            }
        }
        assert!((0..FAILURES_MIN).any(|_| logins.fail(7)));
    }
}
