//! Rule `counting`: neighbouring numbers in one URL, faster than any hand.
//!
//! **Formula.** The rule is met by a client that took [`STEPS_MIN`] steps in a row from one page to
//! the next, each to a URL of the same form whose number differs by 1 to 3 (`/item/17`,
//! `/item/18`), and each within [`crate::window::COUNTING_PAUSE_US`] of the one before.
//!
//! **Reason.** A shop that numbers its products shows everybody how to list them. A person steps
//! through numbered pages too: the pages of a list, the pictures of an album. But nobody looks at a
//! hundred of them in a row without stopping once for two seconds. A front end that fetches the
//! numbered products of a list ahead stops at the end of the list, of which few have a hundred.
//!
//! **Bound on people.** The most steps of every simulated population of people and of all people in
//! the labelled logs are in `docs/design/policy.md`. Two people behind one address interrupt one
//! another.

use crate::window::Window;

/// Steps in a row from which on the rule is met.
const STEPS_MIN: u8 = 100;

/// Is the rule met?
pub(super) fn is_met(window: &Window) -> bool {
    window.means.counted >= STEPS_MIN
}
