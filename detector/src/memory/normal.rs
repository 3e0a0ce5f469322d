//! STAND-IN for the URL normaliser of `url.rs`: to be replaced by `UrlHasher::hash`, which has this signature.
//!
//! Normal form: percent-escapes of unreserved characters decoded and the others in upper case (RFC 3986, 6.2.2),
//! empty segments and the trailing slash dropped, tracking parameters dropped, order of parameters ignored.

use std::hash::{BuildHasher, Hasher};

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};

use super::{normal, parameters, segments};

static SHARED: SharedSeed = SharedSeed::from_u64(0x6b69_646f_6261_6e21);

/// Hashes normal forms with a secret.
#[derive(Clone)]
pub(super) struct Normaliser {
    state: SeedableRandomState,
}

impl Normaliser {
    pub fn new(key: u64) -> Self {
        Self { state: SeedableRandomState::with_seed(key, &SHARED) }
    }

    /// Hash of the path and, whatever the parameters' order, of the query; both of the normal form.
    pub fn hash(&self, path: &str, query: &str) -> (u64, u64) {
        let mut hasher = self.state.build_hasher();
        for segment in segments(path) {
            hasher.write_u8(b'/');
            write(&mut hasher, segment);
        }
        let mut sum = 0_u64;
        for (name, value) in parameters(query).filter(|(name, _)| !is_tracking(name)) {
            let mut hasher = self.state.build_hasher();
            write(&mut hasher, name);
            hasher.write_u8(b'=');
            write(&mut hasher, value);
            sum = sum.wrapping_add(hasher.finish());
        }
        (hasher.finish(), sum)
    }
}

/// In pieces of the same length whether or not the text was escaped, so that both hash the same.
fn write(hasher: &mut FoldHasher<'_>, text: &str) {
    if !text.as_bytes().contains(&b'%') {
        text.as_bytes().chunks(PIECE_BYTES).for_each(|piece| hasher.write(piece));
        return;
    }
    let mut piece = [0; PIECE_BYTES];
    let mut bytes = normal(text);
    loop {
        let length = piece.iter_mut().zip(&mut bytes).map(|(slot, byte)| *slot = byte).count();
        if length == 0 {
            return;
        }
        hasher.write(&piece[..length]);
    }
}

const PIECE_BYTES: usize = 64;

/// Parameters that advertisers add and no page reads.
const TRACKING: &[&str] =
    &["dclid", "fbclid", "gbraid", "gclid", "msclkid", "wbraid", "yclid", "_ga", "mc_cid", "mc_eid"];

/// Is this parameter there for an advertiser, and the page the same without it?
pub fn is_tracking(name: &str) -> bool {
    name.is_empty() || name.starts_with("utm_") || TRACKING.contains(&name)
}
