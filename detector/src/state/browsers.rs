//! How many browsers come from one address.
//!
//! A linear counter (Whang et al. 1990) of 32 bits for the distinct user agents of this hour, and
//! the count of the hour before. 7 bytes, so that a client stays within 512.
//!
//! The result is the number of bits set and not the estimate, so it is never above the true number
//! of browsers.
//!
//! A browser counts from its second request in a row on. Behind an office's address each page load
//! is a row of requests by one browser, while a client that names another browser at every request
//! has no such row, however many names it knows.

use crate::event::AgentKey;
use crate::time::Timestamp;

/// An hour: the people of an office come within it, also around a lunch break.
const GENERATION_US: i64 = 3_600_000_000;

/// Counter of the distinct user agents that a client names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browsers {
    /// In bytes, because a `u32` must be aligned to four and the struct has seven.
    bits: [u8; 4],
    /// Bits set in the hour before.
    before: u8,
    /// The hour of `bits`, since the epoch, modulo 256.
    hour: u8,
    /// The browser of the last request: seven bits of its key, and a one. 0 before the first.
    last: u8,
}

impl Browsers {
    /// No browser yet.
    pub const NONE: Self = Self { bits: [0; 4], before: 0, hour: 0, last: 0 };

    /// Counts the browser that a request names.
    pub fn see(&mut self, agent: AgentKey, at: Timestamp) {
        let hour = at.as_micros().div_euclid(GENERATION_US) as u8;
        match hour.wrapping_sub(self.hour) {
            0 => {}
            1 => (self.bits, self.before) = ([0; 4], self.ones() as u8),
            _ => (self.bits, self.before) = ([0; 4], 0),
        }
        self.hour = hour;
        let this = (agent.0 >> 8) as u8 | 1;
        let is_in_a_row = self.last == this;
        self.last = this;
        if is_in_a_row {
            self.bits[usize::from(agent.0 / 8 % 4)] |= 1 << (agent.0 % 8);
        }
    }

    /// A lower bound of the browsers in this hour or in the one before, whichever had more; 32 at
    /// most.
    pub fn count(&self) -> u32 {
        self.ones().max(u32::from(self.before))
    }

    fn ones(&self) -> u32 {
        u32::from_ne_bytes(self.bits).count_ones()
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
    fn another_name_at_every_request_is_no_browser_more() {
        let mut browsers = Browsers::default();
        for request in 0..1_000 {
            let at = Timestamp::from_secs(7 + i64::from(request));
            browsers.see(AgentKey(request % 28 * 0x0901), at);
        }
        assert_eq!(browsers.count(), 0);
    }

    #[test]
    fn an_hour_ago_counts_and_two_do_not() {
        let at = |minutes: i64| Timestamp::from_secs(1_795_219_200 + minutes * 60);
        let mut browsers = Browsers::default();
        let twice = |browsers: &mut Browsers, agent, minutes| {
            browsers.see(AgentKey(agent), at(minutes));
            browsers.see(AgentKey(agent), at(minutes));
        };
        (0..7).for_each(|agent| twice(&mut browsers, agent, 0));
        assert_eq!(browsers.count(), 7);
        twice(&mut browsers, 1, 60);
        assert_eq!(browsers.count(), 7);
        twice(&mut browsers, 1, 120);
        assert_eq!(browsers.count(), 1);
        (0..7).for_each(|agent| twice(&mut browsers, agent, 121));
        twice(&mut browsers, 1, 300);
        assert_eq!(browsers.count(), 1, "a silence forgets both");
    }
}
