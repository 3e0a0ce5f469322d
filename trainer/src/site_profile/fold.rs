//! Folds of a site's clients: each is measured with a profile that it did not teach.

use detector::ClientKey;
use sha2::{Digest, Sha256};

/// Folds of the clients. Each is measured with the site profile that the others taught.
pub const PROFILE_FOLDS: usize = 5;

/// Which fold a client belongs to: a hash of its key, the same in every run.
pub fn fold_of(key: ClientKey, folds: usize) -> usize {
    let digest = Sha256::new()
        .chain_update(b"kidoban memory fold")
        .chain_update(key.to_bits().to_le_bytes())
        .finalize();
    let number = digest.iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    (number % folds.max(1) as u64) as usize
}
