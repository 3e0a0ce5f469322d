//! Which fold a client is in. A hash of its key decides, so that it is the same in every run.

use detector::ClientKey;

use crate::label::Label;
use crate::site::Client;

/// Folds that clients are cut into for cross-fitting.
pub(crate) const FOLDS: u64 = 5;

/// Does this client calibrate instead of training, where there are enough people? Half of the
/// people and a fifth of the others do.
pub(crate) fn is_apart(client: &Client) -> bool {
    match client.labelled.label {
        Label::Human => fold(client.key).is_multiple_of(2),
        _ => fold(client.key).is_multiple_of(FOLDS),
    }
}

/// A hash of a client's key (the finish of splitmix64, Steele et al. 2014). Its remainder says the
/// fold.
pub(crate) fn fold(key: ClientKey) -> u64 {
    let bits = key.to_bits();
    let mut x = (bits as u64) ^ ((bits >> 64) as u64).rotate_left(32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A client's number for early stopping, which must not depend on its fold.
pub(crate) fn early_stopping_number(key: ClientKey) -> u64 {
    fold(key) / FOLDS
}
