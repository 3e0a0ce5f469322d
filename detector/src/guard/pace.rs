//! Rule `pace`: different pages, faster than any hand.
//!
//! **Formula.** The rule is met by a client whose page requests, counted with a fading of 60 s
//! ([`crate::window::TAU_S`]), are [`PAGES_MIN`] or more, and of whose last 48 pages at least
//! [`DISTINCT_MIN`] are different. That is as many pages at once, or a lasting pace of two and a
//! half a second. At an address that many browsers share, it is so many pages for each browser.
//!
//! **Reason.** `wget --mirror` takes 223 pages in 0.64 s and scores like a person, because its gaps
//! are as uneven as response times. Nobody reads that fast. A front end that fetches ahead is fast
//! for a moment only: a list of 20 to 60 products in view, then silence while somebody looks at it.
//! What somebody can do by holding a key, or a script by polling, is to repeat few URLs; so pages
//! must be different.
//!
//! **Bound on people.** `docs/design/policy.md` has the highest pace of every simulated population
//! of people and of all people in the labelled logs. People behind one address ask for the same
//! pages more often than a crawler does, and each browser among them has the allowance of one
//! client.

use crate::window::{ONE, URLS, Window};

/// Pages, fading with 60 s, from which on the rule is met.
const PAGES_MIN: u32 = 150;
/// How many of the last 48 pages must be different.
const DISTINCT_MIN: u8 = 46;

const _: () = assert!(DISTINCT_MIN as usize <= URLS);

/// Is the rule met? `browsers` is how many browsers share the address.
pub(super) fn is_met(window: &Window, browsers: impl Fn() -> u32) -> bool {
    let pages = window.fading.pages[0];
    pages >= PAGES_MIN * ONE
        && window.distinct() >= DISTINCT_MIN
        && pages / (PAGES_MIN * ONE) >= browsers()
}
