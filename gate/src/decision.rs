//! The number a refused client can quote: unique, short, and not to be guessed from another one.
//!
//! A counter, so that no two are alike, put through a keyed permutation of 64 bits, so that one
//! does not tell the next. It is no secret and opens nothing: knowing one only finds a line in the
//! event log. 13 letters of Crockford's base 32, which has no I, L, O and U to mishear on the
//! phone. About 4 ns.

use std::fmt;
use std::str::FromStr;
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
        Self { next: AtomicU64::new(secret()), key: [secret(), secret()] }
    }

    /// The next one.
    pub fn draw(&self) -> DecisionId {
        // Each step is a bijection of 64 bits (murmur3's finaliser, keyed), so distinct counts give
        // distinct ids.
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

/// 64 bits that an outsider does not know, from the system.
///
/// # Panics
/// Where the system has no source of randomness: no gate may run there.
pub fn secret() -> u64 {
    getrandom::u64().expect("the system has no source of randomness")
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

/// A text that names no decision, whatever the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a decision's id is 13 letters and digits without I, L, O and U, such as 3K7Q0W2M5X8AB, as the \
        refusal quotes it"
)]
pub struct NoDecisionId;

impl FromStr for DecisionId {
    type Err = NoDecisionId;

    /// As somebody types what he was told: small letters and capitals are alike, O is read as 0, I
    /// and L as 1, and spaces and hyphens are passed over (Crockford's base 32).
    fn from_str(text: &str) -> Result<Self, NoDecisionId> {
        let (mut bits, mut letters) = (0_u128, 0);
        for letter in text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-') {
            let folded = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let digit = LETTERS
                .iter()
                .position(|&known| char::from(known) == folded)
                .ok_or(NoDecisionId)?;
            letters += 1;
            if letters > LENGTH {
                return Err(NoDecisionId);
            }
            bits = bits << 5 | digit as u128;
        }
        if letters == LENGTH {
            u64::try_from(bits).map(Self).map_err(|_| NoDecisionId)
        } else {
            Err(NoDecisionId)
        }
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
        assert!(
            drawn
                .iter()
                .all(|id| id.len() == LENGTH && id.bytes().all(|letter| LETTERS.contains(&letter)))
        );
    }

    #[test]
    fn an_id_is_read_as_people_type_it() {
        let ids = DecisionIds::new();
        for id in (0..1_000).map(|_| ids.draw()) {
            assert_eq!(id.to_string().parse::<DecisionId>(), Ok(id));
            assert_eq!(
                format!(" {} ", id.to_string().to_lowercase()).parse::<DecisionId>(),
                Ok(id)
            );
            assert_eq!(
                id.to_string().replace('0', "o").replace('1', "l").parse::<DecisionId>(),
                Ok(id)
            );
        }
        let read = |text: &str| text.parse::<DecisionId>().map(|id| id.to_string());
        assert_eq!(read("fyrpx-ebaf7 giy").as_deref(), Ok("FYRPXEBAF7G1Y"));
        for wrong in [
            "",
            "xx",
            "FYRPXEBAF7G1",
            "FYRPXEBAF7G1YY",
            "FYRPXEBAF7GUY",
            "ZZZZZZZZZZZZZ",
            "FYRPXEBAF7G1é",
        ] {
            assert_eq!(read(wrong), Err(NoDecisionId), "{wrong}");
        }
    }

    #[test]
    fn one_id_does_not_tell_the_next() {
        let ids = DecisionIds::new();
        let flipped: u32 = (0..1000).map(|_| (ids.draw().0 ^ ids.draw().0).count_ones()).sum();
        assert!(
            (30..34).contains(&(flipped / 1000)),
            "neighbours differ in {} bits of 64",
            flipped / 1000
        );
    }
}
