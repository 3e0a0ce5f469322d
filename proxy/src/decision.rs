//! The number a refused client can quote: unique, short, and not to be guessed from another one.
//!
//! A counter, so that no two are alike, put through a keyed permutation of 64 bits, so that one does not tell the
//! next. It is no secret and opens nothing: knowing one only finds a line in the event log. 13 letters of Crockford's
//! base 32, which has no I, L, O and U to mishear on the phone. About 4 ns.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

const LETTERS: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 13 × 5 bits hold 64.
const LENGTH: usize = 13;

/// Names one decision.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId(u64);

/// Hands out ids that differ within a process and, but for chance in 2⁶⁴, between processes.
#[derive(Debug)]
pub struct DecisionIds {
    next: AtomicU64,
    key: [u64; 2],
}

impl DecisionIds {
    /// With keys of its own, drawn from the system.
    pub fn new() -> Self {
        Self { next: AtomicU64::new(random()), key: [random(), random()] }
    }

    /// The next one.
    pub fn draw(&self) -> DecisionId {
        // Each step is a bijection of 64 bits (murmur3's finaliser, keyed), so distinct counts give distinct ids.
        let mut bits = self.next.fetch_add(1, Ordering::Relaxed) ^ self.key[0];
        bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        bits = (bits ^ self.key[1] ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        bits = (bits ^ (bits >> 33)).wrapping_mul(self.key[1] | 1);
        DecisionId(bits ^ (bits >> 32))
    }
}

impl Default for DecisionIds {
    fn default() -> Self {
        Self::new()
    }
}

/// 64 bits that an outsider does not know: the standard library seeds its hash maps from the system.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; LENGTH];
        let mut bits = self.0;
        for letter in text.iter_mut().rev() {
            *letter = LETTERS[(bits & 31) as usize];
            bits >>= 5;
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_thirteen_letters_and_never_the_same() {
        let ids = DecisionIds::new();
        let drawn: HashSet<String> = (0..10_000).map(|_| ids.draw().to_string()).collect();
        assert_eq!(drawn.len(), 10_000);
        assert!(drawn.iter().all(|id| id.len() == LENGTH && id.bytes().all(|letter| LETTERS.contains(&letter))));
    }

    #[test]
    fn one_id_does_not_tell_the_next() {
        let ids = DecisionIds::new();
        let flipped: u32 = (0..1000).map(|_| (ids.draw().0 ^ ids.draw().0).count_ones()).sum();
        assert!((30..34).contains(&(flipped / 1000)), "neighbours differ in {} bits of 64", flipped / 1000);
    }
}
