//! The traffic of one site, kept so that it can be read many times in order of time.
//!
//! Training passes over a site's log lines about twenty times. They are not a `Vec`, because a long
//! log does not fit into memory: readers see only what a file on disk can do as well. They may walk
//! all steps, or those of some parts, and they never get hold of one by its number.
//!
//! Clients are dealt into [`PARTS`] parts by their network. All clients of a network are in one
//! part, so a client or a cohort can be followed within its part, and parts can be walked at the
//! same time on several threads.
//!
//! The trait knows nothing of what a step refers to (client, target and referer are indices into
//! lists of the site that learns). It needs each step's time and client only.

use std::ops::Range;

use detector::state::table::RINGS;
use detector::{ClientKey, Timestamp};

/// Parts that clients are dealt into: as many as the detector has groups of clients that never
/// evict one another.
pub const PARTS: usize = RINGS;

/// The part that a client is in: a hash of its network, the same in every run.
pub fn part_of(client: ClientKey) -> usize {
    let bits = client.network().to_bits();
    ((bits as u64 ^ (bits >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PARTS
}

/// A step of a site's traffic, as far as its order and its part are concerned.
pub trait TrafficStep: Copy + Send + Sync {
    /// When it happened, and its number among those of the same time.
    fn order(&self) -> (Timestamp, u32);
    /// Whose it is.
    fn client(&self) -> ClientKey;
}

/// All steps of a site in order of time. Steps of the same [`TrafficStep::order`] stay in the order
/// in which the logs had them.
pub trait Traffic: Sync {
    /// What a log line is reduced to.
    type Step: TrafficStep;
    /// Why a walk ended early.
    type Error;

    /// Steps in all parts together.
    fn len(&self) -> u64;

    /// Calls `visit` with each step of these parts (of [`PARTS`]) in order of time, and with its
    /// place among the steps of all parts, from 0.
    ///
    /// # Errors
    /// When the steps cannot be read.
    fn walk(
        &self,
        parts: Range<usize>,
        visit: impl FnMut(u64, &Self::Step),
    ) -> Result<(), Self::Error>;

    /// Has it no steps?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_in_one_part_and_networks_are_in_all() {
        let part = |text: &str| part_of(ClientKey::from_text(text));
        assert_eq!(part("192.0.2.1"), part("192.0.2.254"));
        assert_eq!(part("2001:db8:1:2::3"), part("2001:db8:1:ffff::4"));
        let mut clients = [0_u32; PARTS];
        for network in 0..6_400 {
            clients[part(&format!("10.{}.{}.1", network / 256, network % 256))] += 1;
        }
        assert!(clients.iter().all(|clients| (30..300).contains(clients)), "{clients:?}");
    }
}
