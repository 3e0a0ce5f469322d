//! The section `[challenge]`: whether limited visitors get a page that lets them go on.
//!
//! | key | default | reload | meaning |
//! |---|---|---|---|
//! | `challenge.enabled` | false | no | limited visitors get the page in place of a plain 429 |
//! | `challenge.lifetime_s` | 1800 | no | seconds for which a passed challenge counts |
//! | `challenge.wait_s` | 5 | no | seconds to wait without JavaScript |
//! | `challenge.proof_bits` | 15 | no | proof of work: leading zero bits of a SHA-256 |
//! | `challenge.path` | `/.well-known/kidoban/challenge` | no | where the form goes |
//! | `challenge.secret_file` | none: drawn at start | no | file with the secret that signs tokens; else the variable `KIDOBAN_CHALLENGE_SECRET` |

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::Spanned;

use super::check::Checker;
use super::error::{ConfigError, Place};
use super::raw::ChallengeSection;

/// Half an hour: a visit to a shop.
const LIFETIME_S: u64 = 1_800;
/// Below a minute nobody reads a page; a day later it is another visit.
const LIFETIME_RANGE_S: RangeInclusive<u64> = 60..=86_400;
/// What a person takes to read the page; a bot with 100 addresses loses 5 s for each of them.
const WAIT_S: u64 = 5;
/// A token is good for 600 s, of which some must be left.
const WAIT_RANGE_S: RangeInclusive<u64> = 1..=300;
/// 33,000 hashes in the mean: a second for a phone's WebCrypto.
const PROOF_BITS: u64 = 15;
/// 24 bits are ten minutes for a phone.
const PROOF_BITS_RANGE: RangeInclusive<u64> = 1..=24;
const PATH: &str = "/.well-known/kidoban/challenge";
/// As long as the MAC's output (RFC 2104, section 3).
const SECRET_BYTES_MIN: usize = 32;
const SECRET_VARIABLE: &str = "KIDOBAN_CHALLENGE_SECRET";

/// How visitors are challenged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeConfig {
    /// Where the form goes: a path of the shop's that the gate answers.
    pub path: String,
    /// For how many seconds a passed challenge counts.
    pub lifetime_s: u64,
    /// After how many seconds the form may be sent without a proof.
    pub wait_s: u64,
    /// Leading zero bits of the proof of work.
    pub proof_bits: u32,
    pub(crate) secret: Option<Secret>,
}

/// A secret, which no log and no error shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Checker<'_> {
    /// The section; `None` where challenges are off. Its keys are checked either way.
    pub(super) fn challenge(
        &self,
        section: &ChallengeSection,
    ) -> Result<Option<ChallengeConfig>, ConfigError> {
        let ChallengeSection { enabled, lifetime_s, wait_s, proof_bits, path, secret_file } =
            section;
        let checked = ChallengeConfig {
            path: self.challenge_path(path.as_ref())?,
            lifetime_s: self.within(lifetime_s, LIFETIME_S, LIFETIME_RANGE_S, "seconds")?,
            wait_s: self.within(wait_s, WAIT_S, WAIT_RANGE_S, "seconds")?,
            proof_bits: self.within(proof_bits, PROOF_BITS, PROOF_BITS_RANGE, "bits")? as u32,
            secret: if *enabled { self.secret(secret_file.as_ref())? } else { None },
        };
        Ok(enabled.then_some(checked))
    }

    fn challenge_path(&self, written: Option<&Spanned<String>>) -> Result<String, ConfigError> {
        let Some(written) = written else { return Ok(PATH.to_owned()) };
        let path = written.get_ref();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        if path.len() > 1
            && path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(is_plain)
        {
            return Ok(path.clone());
        }
        let problem = format!("{path:?} is not a path of letters, digits and -._~ below the root");
        let remedy = "Write a path that the shop does not use, or leave it out for \
            \"/.well-known/kidoban/challenge\".";
        Err(self.wrong(self.place(written.span()), &problem, remedy))
    }

    /// The file's secret, else the environment's, else none.
    fn secret(&self, file: Option<&Spanned<PathBuf>>) -> Result<Option<Secret>, ConfigError> {
        let (bytes, place) = match file {
            Some(file) => {
                let (path, place) = (self.beside(file.get_ref()), self.place(file.span()));
                let read = std::fs::read(&path).map_err(|error| {
                    let problem = format!("cannot read {}: {error}", path.display());
                    let remedy = "The file must be there and readable for the gate's user; make \
                        one with `openssl rand -hex 32`.";
                    self.wrong(place.clone(), &problem, remedy)
                })?;
                (read, place)
            }
            None => match std::env::var_os(SECRET_VARIABLE) {
                Some(value) => (value.into_encoded_bytes(), Place::Flag(SECRET_VARIABLE)),
                None => return Ok(None),
            },
        };
        let secret = bytes.trim_ascii();
        if secret.len() < SECRET_BYTES_MIN {
            let problem = format!(
                "the secret has {} bytes, at least {SECRET_BYTES_MIN} are needed",
                secret.len()
            );
            let remedy = "Make one with `openssl rand -hex 32`.";
            return Err(self.wrong(place, &problem, remedy));
        }
        Ok(Some(Secret(secret.to_vec())))
    }
}
