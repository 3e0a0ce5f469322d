//! Makes the pages, and finds what a form that comes back is worth.

use detector::Timestamp;

use super::page::{self, Contents};
use super::request::{Form, Language};
use super::token::{self, BadToken, Bound, Signer};
use crate::config::challenge::ChallengeConfig;
use crate::decision::secret;

/// Makes pages and checks what comes back.
pub(crate) struct Challenger {
    pub(super) config: ChallengeConfig,
    signer: Signer,
}

/// A page for the visitor, to be sent with status 429.
#[derive(Clone, Debug)]
pub struct ChallengePage {
    /// The document.
    pub html: String,
    /// For `Content-Security-Policy`.
    pub security_policy: String,
    /// For `Content-Language`.
    pub language: &'static str,
    /// For `Retry-After`.
    pub retry_after_s: u32,
}

impl Challenger {
    /// With the secret of the configuration, or one of its own.
    pub(crate) fn new(config: &ChallengeConfig) -> Self {
        let drawn = || (0..4).flat_map(|_| secret().to_be_bytes()).collect::<Vec<u8>>();
        let key = config.secret.as_ref().map_or_else(drawn, |secret| secret.bytes().to_vec());
        Self { signer: Signer::new(&key), config: config.clone() }
    }

    pub(super) fn page(
        &self,
        token: &str,
        target: &str,
        language: Language,
        wait_s: u64,
        has_failed: bool,
    ) -> ChallengePage {
        let nonce = format!("{:016x}", secret());
        let contents = Contents {
            language,
            path: &self.config.path,
            token,
            target,
            wait_s,
            bits: self.config.proof_bits,
            has_failed,
            nonce: &nonce,
        };
        ChallengePage {
            html: page::page(contents),
            security_policy: page::security_policy(&nonce),
            language: language.code(),
            retry_after_s: u32::try_from(wait_s.max(1)).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn new_page(
        &self,
        bound: Bound<'_>,
        at: Timestamp,
        language: Language,
        has_failed: bool,
    ) -> ChallengePage {
        let token = self.signer.sign(at, secret(), bound);
        self.page(&token, bound.target, language, self.config.wait_s, has_failed)
    }

    /// Whether a form passes at `now`; if it came too early, how many seconds are missing.
    pub(super) fn check(&self, form: &Form, bound: Bound<'_>, now: Timestamp) -> Checked {
        let issued_at = match self.signer.open(&form.token, now, bound) {
            Ok(issued_at) => issued_at,
            Err(BadToken::Forged | BadToken::Expired) => return Checked::Failed,
        };
        if let Some(proof) = &form.proof {
            let is_proven = proof.parse().is_ok_and(|counter| {
                token::is_proven(&form.token, counter, self.config.proof_bits)
            });
            return if is_proven { Checked::Passed } else { Checked::Failed };
        }
        let left_us = (self.config.wait_s * 1_000_000).saturating_sub(now.micros_since(issued_at));
        match left_us.div_ceil(1_000_000) {
            0 => Checked::Passed,
            left_s => Checked::Early(left_s),
        }
    }
}

/// What a form is worth.
pub(super) enum Checked {
    Passed,
    Failed,
    Early(u64),
}
