//! Keyed hashes of URLs.
//!
//! Path and query go to 16 bits each, so that one [`UrlKey`] answers both "same URL?" and "same
//! path?" in 4 bytes. Whoever does not know the key can neither hide distinct URLs behind
//! collisions nor make a stranger look bad (ePrint 2021/1139, arXiv 2011.10355). Over the 48 URLs
//! of a window two different ones collide with probability 48²/2³³ as URLs and about 1.7 % as
//! paths.

use std::hash::{BuildHasher, Hasher};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use serde::{Deserialize, Serialize};

use super::normal::{is_tracking, normal};
use super::split::{split, without_trailing_slashes};

/// Keyed hash of a URL: path in the high 16 bits, query in the low 16.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UrlKey(pub u32);

impl UrlKey {
    /// The half that is the hash of the path.
    pub const fn path(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// Hashes URLs with a secret key. The key is an argument: a live gate draws one at start, a replay
/// passes any fixed one.
#[derive(Clone)]
pub struct UrlHasher {
    state: SeedableRandomState,
}

/// `SharedSeed` must be `'static`. Its value does not matter: the seed of each hasher carries the
/// key.
static SHARED: SharedSeed = SharedSeed::from_u64(0x6b69_646f_6261_6e21);

impl UrlHasher {
    /// A hasher for this key.
    pub fn new(key: u64) -> Self {
        Self { state: SeedableRandomState::with_seed(key, &SHARED) }
    }

    /// The key of a request target, absolute form (`https://shop/p/1`) or origin form
    /// (`/p/1?size=m`).
    pub fn key(&self, target: &str) -> UrlKey {
        let (path, query) = split(target);
        self.key_of(path, query)
    }

    /// The key of a target that [`split`](super::split()) has taken apart.
    pub(crate) fn key_of(&self, path: &str, query: &str) -> UrlKey {
        let (path, query) = self.hash(path, query);
        UrlKey(((path >> 48) as u32) << 16 | (query >> 48) as u32)
    }

    /// Hashes of the normalised path and of the normalised query. The order of parameters does not
    /// matter. A query hashes to 0 when none of its parameters counts.
    pub fn hash(&self, path: &str, query: &str) -> (u64, u64) {
        let path = match without_trailing_slashes(path) {
            "" => "/",
            trimmed => trimmed,
        };
        if query.is_empty() {
            return (self.text(path), 0);
        }
        let parameters = query
            .split('&')
            .filter(|parameter| !is_tracking(parameter.split('=').next().unwrap_or(parameter)));
        let sum = parameters.fold(0_u64, |sum, parameter| sum.wrapping_add(self.text(parameter)));
        // Odd multiplier: the sum's high bits must depend on all of its bits, and 0 stays 0.
        (self.text(path), (sum ^ (sum >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Hash of any bytes, without normalising them.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> u16 {
        let mut hasher = self.state.build_hasher();
        hasher.write(bytes);
        (hasher.finish() >> 48) as u16
    }

    /// Hash of a part of a URL in normal form. The hasher is fed [`PIECE`] bytes of the normal form
    /// at a time, so that a text has one hash whether or not it needs decoding.
    fn text(&self, text: &str) -> u64 {
        let mut hasher = self.state.build_hasher();
        if !text.as_bytes().contains(&b'%') {
            text.as_bytes().chunks(PIECE).for_each(|piece| hasher.write(piece));
            return hasher.finish();
        }
        let mut piece = [0; PIECE];
        let mut filled = 0;
        for byte in normal(text) {
            piece[filled] = byte;
            filled += 1;
            if filled == PIECE {
                hasher.write(&piece);
                filled = 0;
            }
        }
        if filled > 0 {
            hasher.write(&piece[..filled]);
        }
        hasher.finish()
    }
}

/// Bytes hashed at a time.
const PIECE: usize = 128;

impl std::fmt::Debug for UrlHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UrlHasher(secret)")
    }
}
