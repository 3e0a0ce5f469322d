//! What a passed challenge changes in a client's standing.
//!
//! The client comes to the first rung of the limit with a full bucket, and stays there until the
//! pass ends. One bit beside the client's bans says so ([`Standing::is_eased`]); the end of the
//! pass is the end of the limit. So it takes no memory, and the hot path looks at one bit of a
//! client that is limited anyway.

use super::{Policy, Standing, start_limit};
use crate::time::Timestamp;

impl Policy {
    /// Softens what a client may have after it passed a challenge: the first rung until `until`,
    /// with a full bucket. `false`, and nothing is changed, while an earlier pass counts or a ban
    /// is in force.
    pub fn ease(&self, standing: &mut Standing, at: Timestamp, until: Timestamp) -> bool {
        if standing.is_eased(at) || standing.banned_until > at || until <= at {
            return false;
        }
        start_limit(standing, at);
        standing.ease(at, until);
        true
    }
}
