//! The signed token of a challenge, and the proof of work on it.
//!
//! A token is `TIME-NONCE-MAC` in hexadecimal. The MAC is HMAC-SHA256 (RFC 2104) over the time, the
//! nonce, the client as the detector counts it, its user agent, and the target that it wanted. So a
//! token is of use to one client, one browser and one target only, and the gate keeps no list of
//! those that it gave out. What two gates are to accept of one another needs a common secret.

use detector::{ClientKey, Timestamp};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// How long a token may be answered, in seconds: somebody who comes back to a tab after a break
/// gets a new one with the next page.
pub(super) const TOKEN_S: u64 = 600;

/// Who a token is for, and what for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<'a> {
    pub(super) client: ClientKey,
    pub(super) user_agent: &'a [u8],
    pub(super) target: &'a str,
}

/// The key that tokens are signed with.
pub(super) struct Signer(Hmac<Sha256>);

/// Why a token is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadToken {
    /// Nobody here signed it, or it was signed for somebody else.
    Forged,
    /// It is too old.
    Expired,
}

impl Signer {
    /// # Panics
    /// Never: HMAC takes keys of any length.
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))
    }

    /// A token that is issued at `at`.
    pub(super) fn sign(&self, at: Timestamp, nonce: u64, bound: Bound<'_>) -> String {
        let at_us = at.as_micros().cast_unsigned();
        let mac = self.mac(at_us, nonce, bound).finalize().into_bytes();
        let mut token = format!("{at_us:016x}-{nonce:016x}-");
        token.extend(mac.iter().map(|byte| format!("{byte:02x}")));
        token
    }

    /// When a token was issued that is of use at `now`. Compared in constant time.
    pub(super) fn open(
        &self,
        token: &str,
        now: Timestamp,
        bound: Bound<'_>,
    ) -> Result<Timestamp, BadToken> {
        let parts = || {
            let mut parts = token.split('-');
            let at_us = number(parts.next()?)?;
            let nonce = number(parts.next()?)?;
            let mac = bytes(parts.next()?)?;
            parts.next().is_none().then_some((at_us, nonce, mac))
        };
        let (at_us, nonce, mac) = parts().ok_or(BadToken::Forged)?;
        self.mac(at_us, nonce, bound).verify_slice(&mac).map_err(|_| BadToken::Forged)?;
        let at = Timestamp::from_micros(at_us.cast_signed());
        if now.micros_since(at) > TOKEN_S * 1_000_000 {
            return Err(BadToken::Expired);
        }
        Ok(at)
    }

    fn mac(&self, at_us: u64, nonce: u64, bound: Bound<'_>) -> Hmac<Sha256> {
        let client = bound.client.to_string();
        let mut mac = self.0.clone();
        mac.update(b"kidoban challenge 1");
        mac.update(&at_us.to_be_bytes());
        mac.update(&nonce.to_be_bytes());
        // Each with its length, so that no two lists of texts are the same bytes.
        for part in [client.as_bytes(), bound.user_agent, bound.target.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// Does SHA-256 of `TOKEN.COUNTER` begin with so many zero bits?
pub(super) fn is_proven(token: &str, counter: u64, bits: u32) -> bool {
    let hash = Sha256::digest(format!("{token}.{counter}"));
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    let more = hash.get(zeros).map_or(0, |byte| byte.leading_zeros());
    zeros as u32 * 8 + more >= bits
}

/// 64 bits, written as they are in a token and in no other way.
fn number(text: &str) -> Option<u64> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == 16 && text.bytes().all(is_hex)).then(|| u64::from_str_radix(text, 16).ok())?
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    (text.len() == 64).then_some(())?;
    let halves = (0..4).map(|part| number(text.get(part * 16..part * 16 + 16)?));
    let halves: Option<Vec<u64>> = halves.collect();
    Some(halves?.into_iter().flat_map(u64::to_be_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound<'a>(client: &str, user_agent: &'a [u8], target: &'a str) -> Bound<'a> {
        Bound { client: ClientKey::from_text(client), user_agent, target }
    }

    #[test]
    fn a_token_opens_for_its_own_client_browser_and_target_only() {
        let (signer, at) = (Signer::new(b"secret"), Timestamp::from_secs(1_000));
        let own = bound("192.0.2.1", b"Firefox", "/p/1");
        let token = signer.sign(at, 7, own);
        assert_eq!(signer.open(&token, at.plus_secs(TOKEN_S), own), Ok(at));
        let late = at.plus_secs(TOKEN_S + 1);
        assert_eq!(signer.open(&token, late, own), Err(BadToken::Expired));
        for other in [
            bound("192.0.2.2", b"Firefox", "/p/1"),
            bound("192.0.2.1", b"Firefo", "x/p/1"),
            bound("192.0.2.1", b"Firefox", "/p/2"),
        ] {
            assert_eq!(signer.open(&token, at, other), Err(BadToken::Forged), "{other:?}");
        }
        let stranger = Signer::new(b"another");
        assert_eq!(stranger.open(&token, at, own), Err(BadToken::Forged));
    }

    #[test]
    fn every_changed_letter_makes_a_token_a_forged_one() {
        let (signer, at) = (Signer::new(b"secret"), Timestamp::from_secs(1_000));
        let own = bound("192.0.2.1", b"", "/");
        let token = signer.sign(at, 7, own);
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(signer.open(&changed, at, own), Err(BadToken::Forged), "{changed}");
        }
        let upper = token.to_uppercase();
        for wrong in ["", "-", "--", "é-é-é", &token[1..], &format!("{token}-"), &upper] {
            assert_eq!(signer.open(wrong, at, own), Err(BadToken::Forged), "{wrong}");
        }
    }

    #[test]
    fn a_proof_takes_as_many_tries_as_its_bits_say() {
        let tries = |bits| (0..).find(|counter| is_proven("token", *counter, bits)).unwrap();
        let twelve = tries(12);
        assert!(is_proven("token", twelve, 12) && !is_proven("token", twelve, 40));
        assert_eq!(tries(0), 0);
        let found = (0..40_960).filter(|counter| is_proven("token", *counter, 8)).count();
        assert!((110..210).contains(&found), "{found} of 160 expected");
    }
}
