//! How many browsers come from one address.
//!
//! A linear counter (Whang et al. 1990) of 32 bits for the distinct user agents of this hour, and
//! the count of the hour before. 6 bytes, so that a client stays within 512.
//!
//! The result is the number of bits set and not the estimate, so it is never above the true number
//! of browsers.

use crate::event::AgentKey;
use crate::time::Timestamp;

/// An hour: the people of an office come within it, also around a lunch break.
const GENERATION_US: i64 = 3_600_000_000;

/// Counter of the distinct user agents that a client names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browsers {
    /// In halves, because a `u32` must be aligned to four bytes and the struct has six.
    bits: [u16; 2],
    /// Bits set in the hour before.
    before: u8,
    /// The hour of `bits`, since the epoch, modulo 256.
    hour: u8,
}

impl Browsers {
    /// No browser yet.
    pub const NONE: Self = Self { bits: [0; 2], before: 0, hour: 0 };

    /// Counts the browser that a request names.
    pub fn see(&mut self, agent: AgentKey, at: Timestamp) {
        let hour = at.as_micros().div_euclid(GENERATION_US) as u8;
        match hour.wrapping_sub(self.hour) {
            0 => {}
            1 => (self.bits, self.before) = ([0; 2], self.ones() as u8),
            _ => (self.bits, self.before) = ([0; 2], 0),
        }
        self.hour = hour;
        self.bits[usize::from(agent.0 / 16 % 2)] |= 1 << (agent.0 % 16);
    }

    /// A lower bound of the browsers in this hour or in the one before, whichever had more; 32 at
    /// most.
    pub fn count(&self) -> u32 {
        self.ones().max(u32::from(self.before))
    }

    fn ones(&self) -> u32 {
        self.bits[0].count_ones() + self.bits[1].count_ones()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn it_never_counts_more_than_there_are_and_not_many_fewer() {
        let mut state = 9_u64;
        for many in 1..=12 {
            let (mut counted, mut there) = (0, 0);
            for _ in 0..500 {
                let mut browsers = Browsers::default();
                let mut distinct = HashSet::new();
                for _ in 0..many {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let agent = AgentKey((state >> 40) as u16);
                    distinct.insert(agent);
                    browsers.see(agent, Timestamp::from_secs(7));
                    browsers.see(agent, Timestamp::from_secs(9));
                }
                assert!(browsers.count() as usize <= distinct.len());
                (counted, there) = (counted + browsers.count() as usize, there + distinct.len());
            }
            assert!(counted * 100 >= there * 82, "{counted} of {there}");
        }
    }

    #[test]
    fn an_hour_ago_counts_and_two_do_not() {
        let at = |minutes: i64| Timestamp::from_secs(1_795_219_200 + minutes * 60);
        let mut browsers = Browsers::default();
        (0..7).for_each(|agent| browsers.see(AgentKey(agent), at(0)));
        assert_eq!(browsers.count(), 7);
        browsers.see(AgentKey(1), at(60));
        assert_eq!(browsers.count(), 7);
        browsers.see(AgentKey(1), at(120));
        assert_eq!(browsers.count(), 1);
        (0..7).for_each(|agent| browsers.see(AgentKey(agent), at(121)));
        browsers.see(AgentKey(1), at(300));
        assert_eq!(browsers.count(), 1, "a silence forgets both");
    }
}
